#define _GNU_SOURCE
#include "CSerial.h"

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct cserial_port {
    struct sp_port *library;  // NULL for a pseudo-terminal
    int descriptor;
    int guard;  // holds the advisory lock for as long as the port is open
    int baud;
};

static int failure_of(enum sp_return result) {
    switch (result) {
        case SP_ERR_ARG: return -EINVAL;
        case SP_ERR_MEM: return -ENOMEM;
        case SP_ERR_SUPP: return -EOPNOTSUPP;
        case SP_ERR_FAIL: {
            int code = sp_last_error_code();
            return code > 0 ? -code : -EIO;
        }
        default: return result;
    }
}

// Unix98 pseudo-terminal slaves: Documentation/admin-guide/devices.txt, majors 136 to 143.
static int is_pseudo_terminal(int fd) {
    struct stat info;
    return fstat(fd, &info) == 0 && major(info.st_rdev) >= 136 && major(info.st_rdev) <= 143;
}

// An empty line shall answer EAGAIN, so that a read of 0 bytes can only mean hang-up; the
// library asks for VMIN 0, with which both read 0.
static int raw(int fd, int from_scratch) {
    struct termios settings;
    if (tcgetattr(fd, &settings) < 0) return -errno;
    if (from_scratch) {
        cfmakeraw(&settings);
        settings.c_cflag &= ~(CSTOPB | CRTSCTS | PARENB | CSIZE);
        settings.c_cflag |= CLOCAL | CREAD | CS8;
    }
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    return tcsetattr(fd, TCSANOW, &settings) < 0 ? -errno : 0;
}

static int configure(struct cserial_port *port, int baud) {
    enum sp_return result;
    if ((result = sp_set_baudrate(port->library, baud)) != SP_OK) return failure_of(result);
    if ((result = sp_set_bits(port->library, 8)) != SP_OK) return failure_of(result);
    if ((result = sp_set_parity(port->library, SP_PARITY_NONE)) != SP_OK)
        return failure_of(result);
    if ((result = sp_set_stopbits(port->library, 1)) != SP_OK) return failure_of(result);
    result = sp_set_flowcontrol(port->library, SP_FLOWCONTROL_NONE);
    if (result != SP_OK) return failure_of(result);
    return raw(port->descriptor, 0);
}

static int open_library(struct cserial_port *port, const char *path, int baud) {
    // From 0.1.2 on the library locks the line itself, through a descriptor of its own, for which
    // ours would be another owner's; an older one does not lock. So ours goes before, and the
    // library's descriptor has to take the lock after: that succeeds where it already has it.
    flock(port->guard, LOCK_UN);
    // The library looks the device up in sysfs by its kernel name, so links are resolved first.
    char device[PATH_MAX];
    if (!realpath(path, device)) return -errno;
    enum sp_return result = sp_get_port_by_name(device, &port->library);
    if (result != SP_OK) return failure_of(result);
    result = sp_open(port->library, SP_MODE_READ_WRITE);
    if (result != SP_OK) {
        int failure = failure_of(result);
        // A failed sp_open may leave its descriptor open, which would lock us out for ever.
        sp_close(port->library);
        sp_free_port(port->library);
        port->library = NULL;
        return failure == -EWOULDBLOCK ? -EBUSY : failure;
    }
    sp_get_port_handle(port->library, &port->descriptor);
    if (flock(port->descriptor, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return configure(port, baud);
}

int cserial_open(const char *path, int baud, struct cserial_port **out) {
    if (baud <= 0) return -EINVAL;
    struct cserial_port *port = calloc(1, sizeof *port);
    if (!port) return -ENOMEM;
    port->descriptor = -1;
    port->baud = baud;
    int result = 0;
    // The lock comes before anything that could disturb the line of another owner: TIOCEXCL
    // alone does not stop a second opener that is root.
    port->guard = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (port->guard < 0) {
        result = -errno;
    } else if (!isatty(port->guard)) {
        result = -ENOTTY;
    } else if (flock(port->guard, LOCK_EX | LOCK_NB) < 0) {
        result = errno == EWOULDBLOCK ? -EBUSY : -errno;
    } else if (is_pseudo_terminal(port->guard)) {
        port->descriptor = port->guard;
        result = raw(port->guard, 1);
    } else {
        result = open_library(port, path, baud);
    }
    if (result >= 0 && ioctl(port->descriptor, TIOCEXCL) < 0) result = -errno;
    if (result < 0) {
        cserial_close(port);
        return result;
    }
    tcflush(port->descriptor, TCIFLUSH);
    *out = port;
    return 0;
}

int cserial_descriptor(const struct cserial_port *port) { return port->descriptor; }

ssize_t cserial_read(struct cserial_port *port, void *bytes, size_t count) {
    ssize_t result;
    do {
        result = read(port->descriptor, bytes, count);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

ssize_t cserial_write(struct cserial_port *port, const void *bytes, size_t count) {
    ssize_t result;
    do {
        result = write(port->descriptor, bytes, count);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return errno == EAGAIN ? 0 : -errno;
    return result;
}

static int drain(struct cserial_port *port) {
    int queued = 0;
    if (ioctl(port->descriptor, TIOCOUTQ, &queued) < 0) return -errno;
    // 10 bits a byte, and 100 ms for adapters that answer late.
    long long patience_ms = queued * 10000LL / port->baud + 100;
    const struct timespec millisecond = {0, 1000000};
    while (queued > 0) {
        if (patience_ms-- <= 0) return -ETIMEDOUT;
        nanosleep(&millisecond, NULL);
        if (ioctl(port->descriptor, TIOCOUTQ, &queued) < 0) return -errno;
    }
    // The driver's queue is empty; this waits for the shift register only.
    return tcdrain(port->descriptor) < 0 ? -errno : 0;
}

int cserial_set_baud(struct cserial_port *port, int baud) {
    if (baud <= 0) return -EINVAL;
    int result = drain(port);
    if (result < 0) return result;
    if (port->library) {
        enum sp_return set = sp_set_baudrate(port->library, baud);
        if (set != SP_OK) return failure_of(set);
    }
    port->baud = baud;
    return 0;
}

int cserial_discard_input(struct cserial_port *port) {
    return tcflush(port->descriptor, TCIFLUSH) < 0 ? -errno : 0;
}

void cserial_close(struct cserial_port *port) {
    if (!port) return;
    // The next process must not find the line locked while a forked child still holds it.
    if (port->descriptor >= 0) ioctl(port->descriptor, TIOCNXCL);
    if (port->library) {
        if (port->descriptor >= 0) sp_close(port->library);
        sp_free_port(port->library);
    }
    if (port->guard >= 0) close(port->guard);
    free(port);
}

int cserial_usb_identity(const char *path, int *vendor, int *product, char *serial,
                         size_t capacity) {
    char device[PATH_MAX];
    struct sp_port *port = NULL;
    if (capacity == 0) return -EINVAL;
    if (!realpath(path, device)) return -errno;
    enum sp_return result = sp_get_port_by_name(device, &port);
    if (result != SP_OK) return -ENODEV;
    int found = sp_get_port_transport(port) == SP_TRANSPORT_USB
                && sp_get_port_usb_vid_pid(port, vendor, product) == SP_OK;
    const char *number = found ? sp_get_port_usb_serial(port) : NULL;
    strncpy(serial, number ? number : "", capacity - 1);
    serial[capacity - 1] = 0;
    sp_free_port(port);
    return found ? 0 : -ENODEV;
}
