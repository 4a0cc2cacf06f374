#pragma once
// Counts what a thread asks of the heap. Linked into tests and measuring programs only, whose
// malloc(3) and relatives it takes the place of.

#include <stdint.h>

struct callocations_counts {
    int64_t allocations;  // malloc, calloc, realloc, aligned_alloc and relatives
    int64_t frees;
    int64_t bytes;        // asked for
};

// The calling thread counts from here on, from zero.
void callocations_begin(void);
// It counts no more; what it counted.
struct callocations_counts callocations_end(void);
// What it has counted so far.
struct callocations_counts callocations_now(void);

// Notes from where each allocation of a counting thread comes (one thread at a time), and prints
// the places to standard error: how often, then addresses in the program's file, innermost first,
// for llvm-symbolizer or addr2line.
void callocations_trace(int on);
void callocations_print_places(void);
