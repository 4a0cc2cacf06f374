#pragma once
// GPIO lines of a chip known by its label, over libgpiod: one surface for 1.6 (Debian 12) and
// 2.x (Debian 13), chosen when this is compiled. The two share almost no call, so what one of
// them cannot do is told by `cgpio_capabilities` instead of being faked.
// Every function returns a result >= 0, or a negative errno.

#include <stddef.h>
#include <stdint.h>

struct cgpio_chip;
struct cgpio_lines;

enum {
    cgpio_lines_limit = 64,      // what the kernel allows in one request
    cgpio_name_limit = 31,       // bytes of a line's name
};

enum cgpio_capability {
    cgpio_can_debounce = 1,
    cgpio_has_sequence = 2,      // lost edges are visible
};

enum cgpio_bias { cgpio_bias_as_is, cgpio_bias_up, cgpio_bias_down, cgpio_bias_none };

struct cgpio_output {
    unsigned int offset;
    int active_low;
    int level;                   // logical, from the first moment
};

struct cgpio_input {
    unsigned int offset;
    int active_low;
    enum cgpio_bias bias;
    unsigned long debounce_us;
};

struct cgpio_event {
    unsigned int index;          // in the order of the request
    int level;                   // logical, after the edge
    int64_t monotonic_ns;
    uint64_t sequence;           // of the line, from 1; 0 where unknown
};

unsigned int cgpio_capabilities(void);

/// Opens the first chip with `label`. -ENODEV: this machine has no GPIO chip at all; -ENOENT: it
/// has, but none of that label; -EACCES: a chip that might be it may not be opened.
int cgpio_chip_open(const char *label, struct cgpio_chip **chip);
void cgpio_chip_close(struct cgpio_chip *chip);

/// Opens the chip of the device at `path` ("/dev/gpiochip0"), whatever its label.
int cgpio_chip_open_device(const char *path, struct cgpio_chip **chip);
/// The chip's label, cut to `capacity` with its ending zero; returns how many lines it has.
int cgpio_chip_describe(struct cgpio_chip *chip, char *label, size_t capacity);
/// The name of the line at `offset`, cut likewise; empty where it has none.
int cgpio_line_name(struct cgpio_chip *chip, unsigned int offset, char *name, size_t capacity);

/// The offset of the line called `name`, or given by digits. -ENOENT when there is none.
int cgpio_find_line(struct cgpio_chip *chip, const char *name);

/// The chip may be closed afterwards only when the lines have been released.
int cgpio_request_outputs(struct cgpio_chip *chip, const char *consumer,
                          const struct cgpio_output *outputs, size_t count,
                          struct cgpio_lines **lines);
int cgpio_request_inputs(struct cgpio_chip *chip, const char *consumer,
                         const struct cgpio_input *inputs, size_t count,
                         struct cgpio_lines **lines);
int cgpio_set(struct cgpio_lines *lines, unsigned int index, int level);
int cgpio_get(struct cgpio_lines *lines, unsigned int index);

/// The descriptors to poll for edges; returns how many (one per line with 1.6, one with 2.x).
int cgpio_descriptors(struct cgpio_lines *lines, int *descriptors, size_t capacity);

/// Takes at most `capacity` edges without waiting; returns how many.
int cgpio_read_events(struct cgpio_lines *lines, struct cgpio_event *events, size_t capacity);
void cgpio_release(struct cgpio_lines *lines);
