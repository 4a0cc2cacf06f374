#include "CAllocations.h"

#include <errno.h>
#include <execinfo.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The C library's own, under the names it keeps for those who replace the usual ones.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

enum { depth_limit = 24, place_limit = 512 };

struct place {
    void *frames[depth_limit];
    int depth;
    int64_t count;
};

extern char __executable_start[];
static struct place places[place_limit];
static int place_count, is_tracing;
static __thread int is_counting, is_inside;
static __thread struct callocations_counts counts;

void callocations_begin(void) {
    counts = (struct callocations_counts){0, 0, 0};
    is_counting = 1;
}

struct callocations_counts callocations_end(void) {
    is_counting = 0;
    return counts;
}

struct callocations_counts callocations_now(void) { return counts; }

void callocations_trace(int on) {
    // The first call loads a library, which must not happen while counting.
    void *frames[2];
    backtrace(frames, 2);
    is_tracing = on;
}

static void note_place(void) {
    struct place here = {.count = 1};
    here.depth = backtrace(here.frames, depth_limit);
    for (int i = 0; i < place_count; i++) {
        if (places[i].depth != here.depth) continue;
        size_t size = (size_t)here.depth * sizeof *here.frames;
        if (memcmp(places[i].frames, here.frames, size) != 0) continue;
        places[i].count++;
        return;
    }
    if (place_count < place_limit) places[place_count++] = here;
}

void callocations_print_places(void) {
    for (int i = 0; i < place_count; i++) {
        fprintf(stderr, "%lld", (long long)places[i].count);
        // Without this file's own frames.
        for (int j = 3; j < places[i].depth; j++)
            fprintf(stderr, " 0x%llx",
                    (unsigned long long)((char *)places[i].frames[j] - __executable_start));
        fputc('\n', stderr);
    }
}

static void note(size_t size) {
    if (!is_counting || is_inside) return;
    counts.allocations++;
    counts.bytes += (int64_t)size;
    if (!is_tracing) return;
    is_inside = 1;
    note_place();
    is_inside = 0;
}

void *malloc(size_t size) {
    note(size);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    note(count * size);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    note(size);
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    note(size);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    note(size);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
    note(size);
    void *made = __libc_memalign(alignment, size);
    if (!made) return ENOMEM;
    *block = made;
    return 0;
}

void free(void *block) {
    if (is_counting && block) counts.frees++;
    __libc_free(block);
}
