#include "CAllocations.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

// The C library's own, under the names it keeps for those who replace the usual ones.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static __thread int is_counting, is_trapping;
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

void callocations_trap(int on) { is_trapping = on; }

static void note(size_t size) {
    if (!is_counting) return;
    counts.allocations++;
    counts.bytes += (int64_t)size;
    if (is_trapping) __builtin_trap();
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
