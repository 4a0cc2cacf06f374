#pragma once
// A serial line, exclusive, raw 8N1, no flow control, non-blocking. Every function returns a
// result >= 0, or a negative errno.

#include <stddef.h>
#include <sys/types.h>

struct cserial_port;

/// Opens `path`. -EBUSY when another process holds it, -ENOENT when there is no such device,
/// -ENOTTY when it is not a serial line, -EINVAL when it cannot run at `baud`.
int cserial_open(const char *path, int baud, struct cserial_port **port);
int cserial_descriptor(const struct cserial_port *port);
/// read(2): 0 means hung up, -EAGAIN nothing now.
ssize_t cserial_read(struct cserial_port *port, void *bytes, size_t count);
/// write(2): 0 when the buffer is full.
ssize_t cserial_write(struct cserial_port *port, const void *bytes, size_t count);
/// Waits until what was written has left (at most as long as that can take), then changes the
/// speed. -ETIMEDOUT when it did not leave.
int cserial_set_baud(struct cserial_port *port, int baud);
int cserial_discard_input(struct cserial_port *port);
void cserial_close(struct cserial_port *port);
/// Vendor and product number of a USB adapter; -ENODEV when it is none.
int cserial_usb_identity(const char *path, int *vendor, int *product, char *serial,
                         size_t capacity);
