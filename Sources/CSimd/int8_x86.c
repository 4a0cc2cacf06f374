#include "CSimdInt8.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Every kernel holds a few rows times a few blocks in registers and walks the listed quads once.
// One row: four blocks, so that enough sums are under way to hide the latency of an addition.
// Four rows: one block (two where a sum takes one register), whose weights then serve four times.

#define INLINE static inline __attribute__((always_inline))

// ---- 16-bit multiplications ------------------------------------------------------------------

/// Sums of outputs 0–3 and 4–7 still hold two parts each, side by side.
#define AVX2 __attribute__((target("avx2")))

INLINE AVX2 void words_tile(const argent_int8_task *task, int32_t first, int rows, int blocks) {
    __m256i sums[4][4][2];
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < blocks; b++)
            sums[r][b][0] = sums[r][b][1] = _mm256_setzero_si256();
    const int64_t stride = (int64_t)task->quads * 32;
    const int8_t *weights = task->weights + first * stride;
    const uint64_t *codes = task->codes;
    for (int32_t k = 0; k < task->listed; k++, codes += rows) {
        const int8_t *quad = weights + task->offsets[k];
        for (int b = 0; b < blocks; b++) {
            const __m128i *at = (const __m128i *)(quad + b * stride);
            __m256i front = _mm256_cvtepi8_epi16(_mm_loadu_si128(at));
            __m256i back = _mm256_cvtepi8_epi16(_mm_loadu_si128(at + 1));
            for (int r = 0; r < rows; r++) {
                __m256i code = _mm256_set1_epi64x((long long)codes[r]);
                sums[r][b][0] = _mm256_add_epi32(sums[r][b][0], _mm256_madd_epi16(front, code));
                sums[r][b][1] = _mm256_add_epi32(sums[r][b][1], _mm256_madd_epi16(back, code));
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < blocks; b++) {
            __m256i both = _mm256_hadd_epi32(sums[r][b][0], sums[r][b][1]);
            int64_t at = ((int64_t)r * task->blocks + first + b) * 8;
            _mm256_storeu_si256(
                (__m256i *)(task->sums + at), _mm256_permute4x64_epi64(both, 0xd8));
        }
}

AVX2 void argent_int8_avx2_words(const argent_int8_task *task) {
    int32_t block = 0;
    if (task->rows == 1) {
        for (; block + 4 <= task->blocks; block += 4) words_tile(task, block, 1, 4);
        for (; block < task->blocks; block++) words_tile(task, block, 1, 1);
    } else {
        for (; block < task->blocks; block++) words_tile(task, block, 4, 1);
    }
}

// ---- 8-bit multiplications -------------------------------------------------------------------

/// Defines the two kernels of one processor. `DOT(sum, codes, weights)` adds to each of eight
/// sums four products of an unsigned and a signed byte.
#define BYTE_KERNELS(NAME, TARGET, DOT)                                                          \
    INLINE TARGET void NAME##_tile(                                                              \
        const argent_int8_task *task, int32_t first, int rows, int blocks, bool high) {          \
        __m256i sums[4][4], highs[4][4];                                                         \
        for (int r = 0; r < rows; r++)                                                           \
            for (int b = 0; b < blocks; b++)                                                     \
                sums[r][b] = highs[r][b] = _mm256_setzero_si256();                               \
        const int64_t stride = (int64_t)task->quads * 32;                                        \
        const int8_t *weights = task->weights + first * stride;                                  \
        const uint64_t *codes = task->codes;                                                     \
        for (int32_t k = 0; k < task->listed; k++, codes += rows) {                              \
            const int8_t *quad = weights + task->offsets[k];                                     \
            for (int b = 0; b < blocks; b++) {                                                   \
                __m256i w = _mm256_loadu_si256((const __m256i *)(quad + b * stride));            \
                for (int r = 0; r < rows; r++) {                                                 \
                    const int32_t *halves = (const int32_t *)(codes + r);                        \
                    sums[r][b] = DOT(sums[r][b], _mm256_set1_epi32(halves[0]), w);               \
                    if (high)                                                                    \
                        highs[r][b] = DOT(highs[r][b], _mm256_set1_epi32(halves[1]), w);         \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
        for (int r = 0; r < rows; r++)                                                           \
            for (int b = 0; b < blocks; b++) {                                                   \
                __m256i sum = sums[r][b];                                                        \
                if (high) sum = _mm256_add_epi32(sum, _mm256_slli_epi32(highs[r][b], 7));        \
                int64_t at = ((int64_t)r * task->blocks + first + b) * 8;                        \
                _mm256_storeu_si256((__m256i *)(task->sums + at), sum);                          \
            }                                                                                    \
    }                                                                                            \
    INLINE TARGET void NAME##_product(const argent_int8_task *task, bool high) {                 \
        int32_t block = 0;                                                                       \
        if (task->rows == 1) {                                                                   \
            for (; block + 4 <= task->blocks; block += 4) NAME##_tile(task, block, 1, 4, high);  \
            for (; block < task->blocks; block++) NAME##_tile(task, block, 1, 1, high);          \
        } else {                                                                                 \
            for (; !high && block + 2 <= task->blocks; block += 2)                               \
                NAME##_tile(task, block, 4, 2, false);                                           \
            for (; block < task->blocks; block++) NAME##_tile(task, block, 4, 1, high);          \
        }                                                                                        \
    }                                                                                            \
    TARGET void NAME##_planes(const argent_int8_task *task) { NAME##_product(task, true); }      \
    TARGET void NAME##_low(const argent_int8_task *task) { NAME##_product(task, false); }

/// AVX2 has no such instruction: pairs of products in 16 bits (at most 2 × 127 × 127 = 32258,
/// which fits), then pairs of those in 32.
INLINE AVX2 __m256i dot_avx2(__m256i sum, __m256i codes, __m256i weights) {
    __m256i pairs = _mm256_maddubs_epi16(codes, weights);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

#define AVXVNNI __attribute__((target("avx2,avxvnni")))
#define AVX512VNNI __attribute__((target("avx2,avx512vnni,avx512vl")))

BYTE_KERNELS(argent_int8_avx2, AVX2, dot_avx2)
BYTE_KERNELS(argent_int8_avxvnni, AVXVNNI, _mm256_dpbusd_avx_epi32)
BYTE_KERNELS(argent_int8_avx512vnni, AVX512VNNI, _mm256_dpbusd_epi32)

#endif
