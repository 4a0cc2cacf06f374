#include "CCBOR.h"

#include <cbor.h>
#include <math.h>

typedef struct reading {
    const uint8_t *bytes;
    ccbor_item item;
} reading;

static void set(void *context, ccbor_kind kind, uint64_t number) {
    reading *r = context;
    r->item.kind = kind;
    r->item.number = number;
}

static void on_uint8(void *c, uint8_t n) { set(c, CCBOR_UNSIGNED, n); }
static void on_uint16(void *c, uint16_t n) { set(c, CCBOR_UNSIGNED, n); }
static void on_uint32(void *c, uint32_t n) { set(c, CCBOR_UNSIGNED, n); }
static void on_uint64(void *c, uint64_t n) { set(c, CCBOR_UNSIGNED, n); }
static void on_negint8(void *c, uint8_t n) { set(c, CCBOR_NEGATIVE, n); }
static void on_negint16(void *c, uint16_t n) { set(c, CCBOR_NEGATIVE, n); }
static void on_negint32(void *c, uint32_t n) { set(c, CCBOR_NEGATIVE, n); }
static void on_negint64(void *c, uint64_t n) { set(c, CCBOR_NEGATIVE, n); }

static void on_bytes(void *context, cbor_data data, size_t length) {
    reading *r = context;
    set(context, CCBOR_BYTES, length);
    r->item.offset = (size_t)(data - r->bytes);
}

static void on_text(void *context, cbor_data data, size_t length) {
    reading *r = context;
    set(context, CCBOR_TEXT, length);
    r->item.offset = (size_t)(data - r->bytes);
}

static void on_array(void *c, size_t n) { set(c, CCBOR_ARRAY, n); }
static void on_map(void *c, size_t n) { set(c, CCBOR_MAP, n); }
static void on_tag(void *c, uint64_t n) { set(c, CCBOR_TAG, n); }
static void on_null(void *c) { set(c, CCBOR_NULL, 0); }
static void on_boolean(void *c, bool yes) { set(c, CCBOR_BOOLEAN, yes ? 1 : 0); }
static void on_indefinite(void *c) { set(c, CCBOR_INDEFINITE, 0); }

static void on_double(void *context, double value) {
    reading *r = context;
    set(context, CCBOR_FLOAT, 0);
    r->item.real = value;
}

static void on_single(void *context, float value) { on_double(context, value); }

ptrdiff_t ccbor_read(const uint8_t *bytes, size_t length, ccbor_item *item) {
    static const struct cbor_callbacks callbacks = {
        .uint8 = on_uint8,
        .uint16 = on_uint16,
        .uint32 = on_uint32,
        .uint64 = on_uint64,
        .negint8 = on_negint8,
        .negint16 = on_negint16,
        .negint32 = on_negint32,
        .negint64 = on_negint64,
        .byte_string_start = on_indefinite,
        .byte_string = on_bytes,
        .string = on_text,
        .string_start = on_indefinite,
        .indef_array_start = on_indefinite,
        .array_start = on_array,
        .indef_map_start = on_indefinite,
        .map_start = on_map,
        .tag = on_tag,
        .float2 = on_single,
        .float4 = on_single,
        .float8 = on_double,
        .undefined = on_null,
        .null = on_null,
        .boolean = on_boolean,
        .indef_break = on_indefinite,
    };
    if (length == 0) return 0;
    reading r = {.bytes = bytes, .item = {.kind = CCBOR_NULL}};
    struct cbor_decoder_result result = cbor_stream_decode(bytes, length, &callbacks, &r);
    switch (result.status) {
    case CBOR_DECODER_FINISHED:
        *item = r.item;
        return (ptrdiff_t)result.read;
    case CBOR_DECODER_NEDATA:
        return 0;
    default:
        return -1;
    }
}

size_t ccbor_write(ccbor_kind kind, uint64_t number, uint8_t out[CCBOR_HEAD_LIMIT]) {
    switch (kind) {
    case CCBOR_UNSIGNED: return cbor_encode_uint(number, out, CCBOR_HEAD_LIMIT);
    case CCBOR_NEGATIVE: return cbor_encode_negint(number, out, CCBOR_HEAD_LIMIT);
    case CCBOR_BYTES: return cbor_encode_bytestring_start(number, out, CCBOR_HEAD_LIMIT);
    case CCBOR_TEXT: return cbor_encode_string_start(number, out, CCBOR_HEAD_LIMIT);
    case CCBOR_ARRAY: return cbor_encode_array_start(number, out, CCBOR_HEAD_LIMIT);
    case CCBOR_MAP: return cbor_encode_map_start(number, out, CCBOR_HEAD_LIMIT);
    case CCBOR_TAG: return cbor_encode_tag(number, out, CCBOR_HEAD_LIMIT);
    case CCBOR_BOOLEAN: return cbor_encode_bool(number != 0, out, CCBOR_HEAD_LIMIT);
    case CCBOR_NULL: return cbor_encode_null(out, CCBOR_HEAD_LIMIT);
    default: return 0;
    }
}

size_t ccbor_write_float(double value, uint8_t out[CCBOR_HEAD_LIMIT]) {
    // Later versions of libcbor canonicalise NaN, earlier ones keep its payload: same bytes
    // from both only when the one quiet NaN goes in.
    return cbor_encode_double(isnan(value) ? (double)NAN : value, out, CCBOR_HEAD_LIMIT);
}
