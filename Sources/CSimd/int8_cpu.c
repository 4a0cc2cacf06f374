#include "CSimdInt8.h"

// Which integer dot products the processor has and the kernel lets a program use.

#if defined(__x86_64__)
#include <cpuid.h>

bool argent_cpu_has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool argent_cpu_has_avxvnni(void) {
    // Bit 4 of EAX, leaf 7, subleaf 1. The registers are AVX's, whose use AVX2 has established.
    unsigned a = 0, b = 0, c = 0, d = 0;
    return argent_cpu_has_avx2() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && a >= 1
        && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

bool argent_cpu_has_avx512vnni(void) {
    return argent_cpu_has_avx2() && __builtin_cpu_supports("avx512vnni")
        && __builtin_cpu_supports("avx512vl");
}

bool argent_cpu_has_sdot(void) { return false; }

#else

bool argent_cpu_has_avx2(void) { return false; }
bool argent_cpu_has_avxvnni(void) { return false; }
bool argent_cpu_has_avx512vnni(void) { return false; }

#if defined(__aarch64__)
#include <sys/auxv.h>

bool argent_cpu_has_sdot(void) {
    // HWCAP_ASIMDDP of the Linux kernel's arm64 interface.
    return getauxval(AT_HWCAP) >> 20 & 1;
}
#else
bool argent_cpu_has_sdot(void) { return false; }
#endif

#endif
