#include "CSimdInt8.h"

// The scalar twins: what every other kernel must give, bit by bit.

static inline int32_t word(uint64_t codes, int input) {
    return (int32_t)(codes >> (16 * input) & 0xffff);
}

static inline int32_t low(uint64_t codes, int input) {
    return (int32_t)(codes >> (8 * input) & 0x7f);
}

static inline int32_t planes(uint64_t codes, int input) {
    return low(codes, input) + 128 * low(codes >> 32, input);
}

static inline void product(
    const argent_int8_task *task, int32_t (*code)(uint64_t codes, int input)) {
    for (int32_t row = 0; row < task->rows; row++) {
        for (int32_t block = 0; block < task->blocks; block++) {
            const int8_t *weights = task->weights + (int64_t)block * task->quads * 32;
            int32_t *sums = task->sums + ((int64_t)row * task->blocks + block) * 8;
            for (int output = 0; output < 8; output++) {
                int32_t sum = 0;
                for (int32_t k = 0; k < task->listed; k++) {
                    uint64_t codes = task->codes[(int64_t)k * task->rows + row];
                    const int8_t *quad = weights + task->offsets[k] + 4 * output;
                    for (int input = 0; input < 4; input++)
                        sum += quad[input] * code(codes, input);
                }
                sums[output] = sum;
            }
        }
    }
}

void argent_int8_plain_words(const argent_int8_task *task) { product(task, word); }
void argent_int8_plain_planes(const argent_int8_task *task) { product(task, planes); }
void argent_int8_plain_low(const argent_int8_task *task) { product(task, low); }
