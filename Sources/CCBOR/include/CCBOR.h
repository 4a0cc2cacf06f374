// One CBOR data item head at a time (RFC 8949, section 3), over libcbor's streaming functions.
// No item trees, no reference counts, no allocation: the shape of a record lives in Swift.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum ccbor_kind {
    CCBOR_UNSIGNED = 0,   // number
    CCBOR_NEGATIVE = 1,   // -1 - number
    CCBOR_BYTES = 2,      // offset, number bytes long
    CCBOR_TEXT = 3,       // offset, number bytes long; not checked for UTF-8
    CCBOR_ARRAY = 4,      // number items follow
    CCBOR_MAP = 5,        // number pairs follow
    CCBOR_TAG = 6,        // number is the tag; its item follows
    CCBOR_FLOAT = 7,      // real
    CCBOR_BOOLEAN = 8,    // number is 0 or 1
    CCBOR_NULL = 9,       // null or undefined
    CCBOR_INDEFINITE = 10 // indefinite length or a break: Argent neither writes nor reads it
} ccbor_kind;

typedef struct ccbor_item {
    ccbor_kind kind;
    uint64_t number;
    double real;
    size_t offset; // of string contents, from `bytes`
} ccbor_item;

// Reads one head (and a string's contents) from `bytes`. Returns how many bytes it took,
// 0 when there are too few, -1 when they are not CBOR.
ptrdiff_t ccbor_read(const uint8_t *bytes, size_t length, ccbor_item *item);

// Largest number of bytes ccbor_write puts out.
enum { CCBOR_HEAD_LIMIT = 9 };

// Writes the head of `kind` (everything but CCBOR_FLOAT and CCBOR_INDEFINITE) in its shortest
// form; returns its size, 0 for a kind it does not write.
size_t ccbor_write(ccbor_kind kind, uint64_t number, uint8_t out[CCBOR_HEAD_LIMIT]);

// Writes a float64 (never shortened); returns its size. NaN becomes the one quiet NaN.
size_t ccbor_write_float(double value, uint8_t out[CCBOR_HEAD_LIMIT]);
