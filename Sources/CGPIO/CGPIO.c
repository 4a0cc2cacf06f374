#define _GNU_SOURCE
#include "CGPIO.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Only 1.x defines this.
#ifdef GPIOD_LINE_BULK_MAX_LINES
#define CGPIO_VERSION_1 1
#else
#define CGPIO_VERSION_1 0
#endif

static int negative_errno(void) { return errno > 0 ? -errno : -EIO; }

// What differs between the versions, below.
static int chip_has_label(struct gpiod_chip *chip, const char *label);
static int find_by_name(struct gpiod_chip *chip, const char *name);
static unsigned int line_count(struct gpiod_chip *chip);

struct cgpio_chip {
    struct gpiod_chip *chip;
};

static int hold(struct gpiod_chip *chip, struct cgpio_chip **out) {
    *out = malloc(sizeof **out);
    if (!*out) {
        gpiod_chip_close(chip);
        return -ENOMEM;
    }
    (*out)->chip = chip;
    return 0;
}

/// Opens chip by chip: the library's own search gives up at the first chip it may not open.
int cgpio_chip_open(const char *label, struct cgpio_chip **out) {
    DIR *directory = opendir("/dev");
    if (!directory) return -errno;
    int result = -ENODEV;
    struct gpiod_chip *found = NULL;
    struct dirent *entry;
    while (!found && (entry = readdir(directory))) {
        if (strncmp(entry->d_name, "gpiochip", 8) != 0) continue;
        char path[sizeof entry->d_name + 8];
        snprintf(path, sizeof path, "/dev/%s", entry->d_name);
        errno = 0;
        struct gpiod_chip *chip = gpiod_chip_open(path);
        if (!chip) {
            if (errno == EACCES || errno == EPERM) result = -EACCES;
        } else if (chip_has_label(chip, label)) {
            found = chip;
        } else {
            gpiod_chip_close(chip);
            if (result == -ENODEV) result = -ENOENT;
        }
    }
    closedir(directory);
    return found ? hold(found, out) : result;
}

int cgpio_chip_open_device(const char *path, struct cgpio_chip **out) {
    errno = 0;
    struct gpiod_chip *chip = gpiod_chip_open(path);
    return chip ? hold(chip, out) : negative_errno();
}

void cgpio_chip_close(struct cgpio_chip *chip) {
    if (!chip) return;
    gpiod_chip_close(chip->chip);
    free(chip);
}

int cgpio_find_line(struct cgpio_chip *chip, const char *name) {
    int named = find_by_name(chip->chip, name);
    if (named != -ENOENT) return named;
    if (!isdigit((unsigned char)name[0]) || strlen(name) > 4) return -ENOENT;
    char *end;
    unsigned long offset = strtoul(name, &end, 10);
    return *end || offset >= line_count(chip->chip) ? -ENOENT : (int)offset;
}

#if CGPIO_VERSION_1

// libgpiod 1.6 -----------------------------------------------------------------------------
// Every line is a request of its own, because here active-low and bias hold for a whole request.

struct cgpio_lines {
    size_t count;
    struct gpiod_line *lines[cgpio_lines_limit];
};

unsigned int cgpio_capabilities(void) { return 0; }

static int chip_has_label(struct gpiod_chip *chip, const char *label) {
    const char *own = gpiod_chip_label(chip);
    return own && strcmp(own, label) == 0;
}

static int find_by_name(struct gpiod_chip *chip, const char *name) {
    struct gpiod_line *line = gpiod_chip_find_line(chip, name);
    return line ? (int)gpiod_line_offset(line) : -ENOENT;
}

static unsigned int line_count(struct gpiod_chip *chip) { return gpiod_chip_num_lines(chip); }

int cgpio_chip_describe(struct cgpio_chip *chip, char *label, size_t capacity) {
    snprintf(label, capacity, "%s", gpiod_chip_label(chip->chip));
    return (int)line_count(chip->chip);
}

int cgpio_line_name(struct cgpio_chip *chip, unsigned int offset, char *name, size_t capacity) {
    struct gpiod_line *line = gpiod_chip_get_line(chip->chip, offset);
    if (!line) return negative_errno();
    const char *own = gpiod_line_name(line);
    snprintf(name, capacity, "%s", own ? own : "");
    return 0;
}

static int add_line(struct cgpio_lines *lines, struct gpiod_chip *chip, unsigned int offset) {
    struct gpiod_line *line = gpiod_chip_get_line(chip, offset);
    if (!line) return negative_errno();
    lines->lines[lines->count] = line;
    return 0;
}

int cgpio_request_outputs(struct cgpio_chip *chip, const char *consumer,
                          const struct cgpio_output *outputs, size_t count,
                          struct cgpio_lines **out) {
    if (count > cgpio_lines_limit) return -E2BIG;
    struct cgpio_lines *lines = calloc(1, sizeof *lines);
    if (!lines) return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int flags = outputs[i].active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0;
        int result = add_line(lines, chip->chip, outputs[i].offset);
        if (result == 0
            && gpiod_line_request_output_flags(lines->lines[i], consumer, flags,
                                               outputs[i].level != 0) < 0)
            result = negative_errno();
        if (result < 0) {
            cgpio_release(lines);
            return result;
        }
        lines->count++;
    }
    *out = lines;
    return 0;
}

static int bias_flag(enum cgpio_bias bias) {
    switch (bias) {
        case cgpio_bias_up: return GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP;
        case cgpio_bias_down: return GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN;
        case cgpio_bias_none: return GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE;
        default: return 0;
    }
}

int cgpio_request_inputs(struct cgpio_chip *chip, const char *consumer,
                         const struct cgpio_input *inputs, size_t count,
                         struct cgpio_lines **out) {
    if (count > cgpio_lines_limit) return -E2BIG;
    struct cgpio_lines *lines = calloc(1, sizeof *lines);
    if (!lines) return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int flags = bias_flag(inputs[i].bias);
        if (inputs[i].active_low) flags |= GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW;
        int result = add_line(lines, chip->chip, inputs[i].offset);
        if (result == 0
            && gpiod_line_request_both_edges_events_flags(lines->lines[i], consumer, flags) < 0)
            result = negative_errno();
        if (result < 0) {
            cgpio_release(lines);
            return result;
        }
        lines->count++;
    }
    *out = lines;
    return 0;
}

int cgpio_set(struct cgpio_lines *lines, unsigned int index, int level) {
    if (index >= lines->count) return -EINVAL;
    return gpiod_line_set_value(lines->lines[index], level != 0) < 0 ? negative_errno() : 0;
}

int cgpio_get(struct cgpio_lines *lines, unsigned int index) {
    if (index >= lines->count) return -EINVAL;
    int level = gpiod_line_get_value(lines->lines[index]);
    return level < 0 ? negative_errno() : level;
}

int cgpio_descriptors(struct cgpio_lines *lines, int *descriptors, size_t capacity) {
    if (capacity < lines->count) return -E2BIG;
    for (size_t i = 0; i < lines->count; i++) {
        descriptors[i] = gpiod_line_event_get_fd(lines->lines[i]);
        if (descriptors[i] < 0) return negative_errno();
    }
    return (int)lines->count;
}

int cgpio_read_events(struct cgpio_lines *lines, struct cgpio_event *events, size_t capacity) {
    const struct timespec at_once = {0, 0};
    size_t taken = 0;
    for (size_t i = 0; i < lines->count; i++) {
        while (taken < capacity) {
            struct gpiod_line_event event;
            int ready = gpiod_line_event_wait(lines->lines[i], &at_once);
            if (ready < 0) return negative_errno();
            if (ready == 0) break;
            if (gpiod_line_event_read(lines->lines[i], &event) < 0) return negative_errno();
            events[taken].index = (unsigned int)i;
            events[taken].level = event.event_type == GPIOD_LINE_EVENT_RISING_EDGE;
            events[taken].monotonic_ns = event.ts.tv_sec * 1000000000LL + event.ts.tv_nsec;
            events[taken].sequence = 0;
            taken++;
        }
    }
    return (int)taken;
}

void cgpio_release(struct cgpio_lines *lines) {
    if (!lines) return;
    for (size_t i = 0; i < lines->count; i++) gpiod_line_release(lines->lines[i]);
    free(lines);
}

#else

// libgpiod 2.x -----------------------------------------------------------------------------

struct cgpio_lines {
    size_t count;
    unsigned int offsets[cgpio_lines_limit];
    struct gpiod_line_request *request;
    struct gpiod_edge_event_buffer *buffer;
};

enum { events_per_read = 64, events_kept_by_kernel = 1024 };

unsigned int cgpio_capabilities(void) { return cgpio_can_debounce | cgpio_has_sequence; }

static int chip_has_label(struct gpiod_chip *chip, const char *label) {
    struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
    if (!info) return 0;
    int same = strcmp(gpiod_chip_info_get_label(info), label) == 0;
    gpiod_chip_info_free(info);
    return same;
}

static int find_by_name(struct gpiod_chip *chip, const char *name) {
    int offset = gpiod_chip_get_line_offset_from_name(chip, name);
    return offset < 0 ? negative_errno() : offset;
}

static unsigned int line_count(struct gpiod_chip *chip) {
    struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
    if (!info) return 0;
    unsigned int count = (unsigned int)gpiod_chip_info_get_num_lines(info);
    gpiod_chip_info_free(info);
    return count;
}

int cgpio_chip_describe(struct cgpio_chip *chip, char *label, size_t capacity) {
    struct gpiod_chip_info *info = gpiod_chip_get_info(chip->chip);
    if (!info) return negative_errno();
    snprintf(label, capacity, "%s", gpiod_chip_info_get_label(info));
    gpiod_chip_info_free(info);
    return (int)line_count(chip->chip);
}

int cgpio_line_name(struct cgpio_chip *chip, unsigned int offset, char *name, size_t capacity) {
    struct gpiod_line_info *info = gpiod_chip_get_line_info(chip->chip, offset);
    if (!info) return negative_errno();
    const char *own = gpiod_line_info_get_name(info);
    snprintf(name, capacity, "%s", own ? own : "");
    gpiod_line_info_free(info);
    return 0;
}

// The three objects every request is made of.
struct request_parts {
    struct gpiod_line_settings *settings;
    struct gpiod_line_config *lines;
    struct gpiod_request_config *request;
};

static int make_parts(struct request_parts *parts, const char *consumer) {
    parts->settings = gpiod_line_settings_new();
    parts->lines = gpiod_line_config_new();
    parts->request = gpiod_request_config_new();
    if (!parts->settings || !parts->lines || !parts->request) return -ENOMEM;
    gpiod_request_config_set_consumer(parts->request, consumer);
    gpiod_request_config_set_event_buffer_size(parts->request, events_kept_by_kernel);
    return 0;
}

static void free_parts(struct request_parts *parts) {
    if (parts->settings) gpiod_line_settings_free(parts->settings);
    if (parts->lines) gpiod_line_config_free(parts->lines);
    if (parts->request) gpiod_request_config_free(parts->request);
}

static int add_line(struct request_parts *parts, struct cgpio_lines *lines, unsigned int offset) {
    if (gpiod_line_config_add_line_settings(parts->lines, &offset, 1, parts->settings) < 0)
        return negative_errno();
    lines->offsets[lines->count++] = offset;
    return 0;
}

// Ends a request begun with make_parts: the lines, or what went wrong on the way.
static int finish(struct cgpio_chip *chip, struct request_parts *parts, int result,
                  struct cgpio_lines *lines, struct cgpio_lines **out) {
    if (result == 0) {
        lines->request = gpiod_chip_request_lines(chip->chip, parts->request, parts->lines);
        if (!lines->request) result = negative_errno();
    }
    free_parts(parts);
    if (result < 0) {
        cgpio_release(lines);
        return result;
    }
    *out = lines;
    return 0;
}

int cgpio_request_outputs(struct cgpio_chip *chip, const char *consumer,
                          const struct cgpio_output *outputs, size_t count,
                          struct cgpio_lines **out) {
    if (count > cgpio_lines_limit) return -E2BIG;
    struct cgpio_lines *lines = calloc(1, sizeof *lines);
    if (!lines) return -ENOMEM;
    struct request_parts parts;
    int result = make_parts(&parts, consumer);
    for (size_t i = 0; result == 0 && i < count; i++) {
        gpiod_line_settings_reset(parts.settings);
        if (gpiod_line_settings_set_direction(parts.settings, GPIOD_LINE_DIRECTION_OUTPUT) < 0
            || gpiod_line_settings_set_output_value(
                   parts.settings,
                   outputs[i].level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE) < 0) {
            result = negative_errno();
            break;
        }
        gpiod_line_settings_set_active_low(parts.settings, outputs[i].active_low != 0);
        result = add_line(&parts, lines, outputs[i].offset);
    }
    return finish(chip, &parts, result, lines, out);
}

static enum gpiod_line_bias bias_value(enum cgpio_bias bias) {
    switch (bias) {
        case cgpio_bias_up: return GPIOD_LINE_BIAS_PULL_UP;
        case cgpio_bias_down: return GPIOD_LINE_BIAS_PULL_DOWN;
        case cgpio_bias_none: return GPIOD_LINE_BIAS_DISABLED;
        default: return GPIOD_LINE_BIAS_AS_IS;
    }
}

int cgpio_request_inputs(struct cgpio_chip *chip, const char *consumer,
                         const struct cgpio_input *inputs, size_t count,
                         struct cgpio_lines **out) {
    if (count > cgpio_lines_limit) return -E2BIG;
    struct cgpio_lines *lines = calloc(1, sizeof *lines);
    if (!lines) return -ENOMEM;
    struct request_parts parts;
    int result = make_parts(&parts, consumer);
    for (size_t i = 0; result == 0 && i < count; i++) {
        gpiod_line_settings_reset(parts.settings);
        if (gpiod_line_settings_set_direction(parts.settings, GPIOD_LINE_DIRECTION_INPUT) < 0
            || gpiod_line_settings_set_edge_detection(parts.settings, GPIOD_LINE_EDGE_BOTH) < 0
            || gpiod_line_settings_set_bias(parts.settings, bias_value(inputs[i].bias)) < 0
            || gpiod_line_settings_set_event_clock(parts.settings,
                                                   GPIOD_LINE_CLOCK_MONOTONIC) < 0) {
            result = negative_errno();
            break;
        }
        gpiod_line_settings_set_active_low(parts.settings, inputs[i].active_low != 0);
        gpiod_line_settings_set_debounce_period_us(parts.settings, inputs[i].debounce_us);
        result = add_line(&parts, lines, inputs[i].offset);
    }
    if (result == 0) {
        lines->buffer = gpiod_edge_event_buffer_new(events_per_read);
        if (!lines->buffer) result = -ENOMEM;
    }
    return finish(chip, &parts, result, lines, out);
}

int cgpio_set(struct cgpio_lines *lines, unsigned int index, int level) {
    if (index >= lines->count) return -EINVAL;
    int result = gpiod_line_request_set_value(
        lines->request, lines->offsets[index],
        level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE);
    return result < 0 ? negative_errno() : 0;
}

int cgpio_get(struct cgpio_lines *lines, unsigned int index) {
    if (index >= lines->count) return -EINVAL;
    enum gpiod_line_value value =
        gpiod_line_request_get_value(lines->request, lines->offsets[index]);
    return value == GPIOD_LINE_VALUE_ERROR ? negative_errno() : value == GPIOD_LINE_VALUE_ACTIVE;
}

int cgpio_descriptors(struct cgpio_lines *lines, int *descriptors, size_t capacity) {
    if (capacity < 1) return -E2BIG;
    descriptors[0] = gpiod_line_request_get_fd(lines->request);
    return 1;
}

static unsigned int index_of(const struct cgpio_lines *lines, unsigned int offset) {
    unsigned int index = 0;
    while (index + 1 < lines->count && lines->offsets[index] != offset) index++;
    return index;
}

int cgpio_read_events(struct cgpio_lines *lines, struct cgpio_event *events, size_t capacity) {
    if (!lines->buffer) return -EINVAL;
    int ready = gpiod_line_request_wait_edge_events(lines->request, 0);
    if (ready < 0) return negative_errno();
    if (ready == 0 || capacity == 0) return 0;
    size_t limit = capacity < events_per_read ? capacity : events_per_read;
    int taken = gpiod_line_request_read_edge_events(lines->request, lines->buffer, limit);
    if (taken < 0) return negative_errno();
    for (int i = 0; i < taken; i++) {
        struct gpiod_edge_event *event =
            gpiod_edge_event_buffer_get_event(lines->buffer, (unsigned long)i);
        events[i].index = index_of(lines, gpiod_edge_event_get_line_offset(event));
        events[i].level = gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE;
        events[i].monotonic_ns = (int64_t)gpiod_edge_event_get_timestamp_ns(event);
        events[i].sequence = gpiod_edge_event_get_line_seqno(event);
    }
    return taken;
}

void cgpio_release(struct cgpio_lines *lines) {
    if (!lines) return;
    if (lines->request) gpiod_line_request_release(lines->request);
    if (lines->buffer) gpiod_edge_event_buffer_free(lines->buffer);
    free(lines);
}

#endif
