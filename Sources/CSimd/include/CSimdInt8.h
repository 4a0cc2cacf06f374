#ifndef ARGENT_CSIMD_INT8_H
#define ARGENT_CSIMD_INT8_H

// Products of 8-bit weights with the non-negative activations of a few rows, exact in 32 bits.
//
// Weights lie in the order in which they are read: blocks of eight outputs; in a block quads of
// four inputs; in a quad the four weights of output 0, then of output 1 … output 7. A quad of one
// block is 32 bytes: one AVX register, two NEON registers.
//
// Only quads in which some row is not zero are listed; a rectifier silences many.

#include <stdbool.h>
#include <stdint.h>

/// Outputs in a block of weights.
enum { ARGENT_INT8_BLOCK = 8 };
/// Inputs in a quad.
enum { ARGENT_INT8_QUAD = 4 };
/// Rows that are worked on together; a task has one row or this many.
enum { ARGENT_INT8_ROWS = 4 };

/// One product. Codes take eight bytes for each listed quad and row, in one of two forms:
///
/// * words: four 16-bit integers, 0…16383;
/// * planes: four bytes with the low seven bits of the codes, then four with the high seven.
typedef struct {
    /// `[blocks][quads][8 outputs][4 inputs]`, −127…127.
    const int8_t *_Nonnull weights;
    /// Where each listed quad begins in a block: 32 times its index, ascending.
    const uint32_t *_Nonnull offsets;
    /// `[listed][rows]` times eight bytes.
    const uint64_t *_Nonnull codes;
    /// `[rows][8 × blocks]`; overwritten.
    int32_t *_Nonnull sums;
    int32_t listed;
    int32_t rows;
    int32_t quads;
    int32_t blocks;
} argent_int8_task;

/// A product of one kind on one kind of processor.
typedef void (*argent_int8_product)(const argent_int8_task *_Nonnull task);

// The scalar twins, which every processor runs.

/// Codes as words.
void argent_int8_plain_words(const argent_int8_task *_Nonnull task);
/// Codes as planes, both of them: low + 128 × high.
void argent_int8_plain_planes(const argent_int8_task *_Nonnull task);
/// Codes as planes of which only the low one is used: codes 0…127.
void argent_int8_plain_low(const argent_int8_task *_Nonnull task);

#if defined(__x86_64__)
/// AVX2, 16-bit multiplications.
void argent_int8_avx2_words(const argent_int8_task *_Nonnull task);
/// AVX2, 8-bit multiplications, which for codes of seven bits cannot saturate.
void argent_int8_avx2_planes(const argent_int8_task *_Nonnull task);
/// AVX2, 8-bit multiplications, low plane only.
void argent_int8_avx2_low(const argent_int8_task *_Nonnull task);
/// AVX-VNNI (256-bit vectors, without AVX-512).
void argent_int8_avxvnni_planes(const argent_int8_task *_Nonnull task);
/// AVX-VNNI, low plane only.
void argent_int8_avxvnni_low(const argent_int8_task *_Nonnull task);
/// AVX-512 VNNI on 256-bit vectors.
void argent_int8_avx512vnni_planes(const argent_int8_task *_Nonnull task);
/// AVX-512 VNNI, low plane only.
void argent_int8_avx512vnni_low(const argent_int8_task *_Nonnull task);
#elif defined(__aarch64__)
/// NEON without dot products, 16-bit multiplications.
void argent_int8_neon_words(const argent_int8_task *_Nonnull task);
/// NEON without dot products, 8-bit multiplications, low plane only.
void argent_int8_neon_low(const argent_int8_task *_Nonnull task);
/// NEON with dot products (SDOT).
void argent_int8_sdot_planes(const argent_int8_task *_Nonnull task);
/// NEON with dot products, low plane only.
void argent_int8_sdot_low(const argent_int8_task *_Nonnull task);
#endif

/// Whether processor and kernel can run AVX2 (always false elsewhere than on x86-64).
bool argent_cpu_has_avx2(void);
/// Whether processor and kernel can run AVX-VNNI.
bool argent_cpu_has_avxvnni(void);
/// Whether processor and kernel can run AVX-512 VNNI on 256-bit vectors.
bool argent_cpu_has_avx512vnni(void);
/// Whether processor and kernel can run SDOT (always false elsewhere than on aarch64).
bool argent_cpu_has_sdot(void);

#endif
