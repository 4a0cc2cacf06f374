#ifndef ARGENT_CSIMD_H
#define ARGENT_CSIMD_H

// What the processor can do, asked once at start. Instructions that Swift cannot name (integer
// dot products) live behind this shim; everything else is Swift.

#include "CSimdInt8.h"

#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

/// Whether the processor and the kernel can run what the compiler made of the Swift code in this
/// program: AVX2, FMA and F16C on x86-64 (the flag is x86-64-v3), always on other processors.
static inline bool argent_cpu_runs_this_build(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return true;
#endif
}

#endif
