#include "CSimdInt8.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))

// ---- NEON without dot products ---------------------------------------------------------------

/// One output per register, its four inputs side by side: eight registers a row.
INLINE void words_tile(const argent_int8_task *task, int32_t block, int from, int rows) {
    int32x4_t sums[2][8];
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < 8; o++) sums[r][o] = vdupq_n_s32(0);
    const int8_t *weights = task->weights + (int64_t)block * task->quads * 32;
    const uint64_t *codes = task->codes + from;
    for (int32_t k = 0; k < task->listed; k++, codes += task->rows) {
        const int8_t *quad = weights + task->offsets[k];
        for (int pair = 0; pair < 4; pair++) {
            int16x8_t two = vmovl_s8(vld1_s8(quad + 8 * pair));
            for (int r = 0; r < rows; r++) {
                int16x4_t code = vcreate_s16(codes[r]);
                int o = 2 * pair;
                sums[r][o] = vmlal_s16(sums[r][o], vget_low_s16(two), code);
                sums[r][o + 1] = vmlal_s16(sums[r][o + 1], vget_high_s16(two), code);
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        int32_t *out = task->sums + ((int64_t)(from + r) * task->blocks + block) * 8;
        for (int half = 0; half < 2; half++) {
            int32x4_t *s = sums[r] + 4 * half;
            int32x4_t four = vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3]));
            vst1q_s32(out + 4 * half, four);
        }
    }
}

void argent_int8_neon_words(const argent_int8_task *task) {
    for (int32_t block = 0; block < task->blocks; block++) {
        if (task->rows == 1) {
            words_tile(task, block, 0, 1);
        } else {
            words_tile(task, block, 0, 2);
            words_tile(task, block, 2, 2);
        }
    }
}

/// Two outputs per register, two parts each: four registers a row.
INLINE void low_tile(const argent_int8_task *task, int32_t block, int rows) {
    int32x4_t sums[4][4];
    for (int r = 0; r < rows; r++)
        for (int p = 0; p < 4; p++) sums[r][p] = vdupq_n_s32(0);
    const int8_t *weights = task->weights + (int64_t)block * task->quads * 32;
    const uint64_t *codes = task->codes;
    for (int32_t k = 0; k < task->listed; k++, codes += rows) {
        const int8_t *quad = weights + task->offsets[k];
        for (int p = 0; p < 4; p++) {
            int8x8_t two = vld1_s8(quad + 8 * p);
            for (int r = 0; r < rows; r++) {
                int8x8_t code = vreinterpret_s8_u32(vdup_n_u32((uint32_t)codes[r]));
                sums[r][p] = vpadalq_s16(sums[r][p], vmull_s8(two, code));
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        int32_t *out = task->sums + ((int64_t)r * task->blocks + block) * 8;
        vst1q_s32(out, vpaddq_s32(sums[r][0], sums[r][1]));
        vst1q_s32(out + 4, vpaddq_s32(sums[r][2], sums[r][3]));
    }
}

void argent_int8_neon_low(const argent_int8_task *task) {
    for (int32_t block = 0; block < task->blocks; block++) {
        if (task->rows == 1) {
            low_tile(task, block, 1);
        } else {
            low_tile(task, block, 4);
        }
    }
}

// ---- NEON with dot products ------------------------------------------------------------------

#if defined(__clang__)
#define SDOT __attribute__((target("dotprod")))
#else
#define SDOT __attribute__((target("arch=armv8.2-a+dotprod")))
#endif

INLINE SDOT void dot_tile(
    const argent_int8_task *task, int32_t first, int rows, int blocks, bool high) {
    int32x4_t sums[4][4][2], highs[4][4][2];
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < blocks; b++)
            for (int h = 0; h < 2; h++) sums[r][b][h] = highs[r][b][h] = vdupq_n_s32(0);
    const int64_t stride = (int64_t)task->quads * 32;
    const int8_t *weights = task->weights + first * stride;
    const uint64_t *codes = task->codes;
    for (int32_t k = 0; k < task->listed; k++, codes += rows) {
        const int8_t *quad = weights + task->offsets[k];
        for (int b = 0; b < blocks; b++)
            for (int h = 0; h < 2; h++) {
                int8x16_t w = vld1q_s8(quad + b * stride + 16 * h);
                for (int r = 0; r < rows; r++) {
                    uint32x4_t low = vdupq_n_u32((uint32_t)codes[r]);
                    sums[r][b][h] = vdotq_s32(sums[r][b][h], w, vreinterpretq_s8_u32(low));
                    if (!high) continue;
                    uint32x4_t top = vdupq_n_u32((uint32_t)(codes[r] >> 32));
                    highs[r][b][h] = vdotq_s32(highs[r][b][h], w, vreinterpretq_s8_u32(top));
                }
            }
    }
    for (int r = 0; r < rows; r++)
        for (int b = 0; b < blocks; b++)
            for (int h = 0; h < 2; h++) {
                int32x4_t sum = sums[r][b][h];
                if (high) sum = vaddq_s32(sum, vshlq_n_s32(highs[r][b][h], 7));
                vst1q_s32(
                    task->sums + ((int64_t)r * task->blocks + first + b) * 8 + 4 * h, sum);
            }
}

INLINE SDOT void dot_product(const argent_int8_task *task, bool high) {
    int32_t block = 0;
    if (task->rows == 1) {
        for (; block + 4 <= task->blocks; block += 4) dot_tile(task, block, 1, 4, high);
        for (; block < task->blocks; block++) dot_tile(task, block, 1, 1, high);
    } else {
        for (; block < task->blocks; block++) dot_tile(task, block, 4, 1, high);
    }
}

SDOT void argent_int8_sdot_planes(const argent_int8_task *task) { dot_product(task, true); }
SDOT void argent_int8_sdot_low(const argent_int8_task *task) { dot_product(task, false); }

#endif
