#include "CZstd.h"

#include <zstd.h>

// The public names stand for libzstd's own contexts, so that Swift sees no header of it.
static ZSTD_CCtx *compressor(czstd_writer *writer) { return (ZSTD_CCtx *)writer; }
static ZSTD_DCtx *decompressor(czstd_reader *reader) { return (ZSTD_DCtx *)reader; }

czstd_writer *czstd_writer_new(int level) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (context == NULL) return NULL;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 1))) {
        ZSTD_freeCCtx(context);
        return NULL;
    }
    return (czstd_writer *)context;
}

void czstd_writer_free(czstd_writer *writer) { ZSTD_freeCCtx(compressor(writer)); }

size_t czstd_bound(size_t length) { return ZSTD_compressBound(length); }

size_t czstd_compress(czstd_writer *writer, void *out, size_t capacity, const void *bytes,
                      size_t length) {
    size_t size = ZSTD_compress2(compressor(writer), out, capacity, bytes, length);
    return ZSTD_isError(size) ? 0 : size;
}

czstd_reader *czstd_reader_new(void) { return (czstd_reader *)ZSTD_createDCtx(); }

void czstd_reader_free(czstd_reader *reader) { ZSTD_freeDCtx(decompressor(reader)); }

size_t czstd_frame_length(const void *bytes, size_t length) {
    size_t size = ZSTD_findFrameCompressedSize(bytes, length);
    return ZSTD_isError(size) ? 0 : size;
}

int64_t czstd_content_length(const void *bytes, size_t length) {
    static const unsigned char magic[4] = {0x28, 0xB5, 0x2F, 0xFD};
    const unsigned char *start = bytes;
    for (size_t i = 0; i < 4; i++)
        if (length < 4 || start[i] != magic[i]) return -1;
    unsigned long long size = ZSTD_getFrameContentSize(bytes, length);
    if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR) return -1;
    return size > INT64_MAX ? -1 : (int64_t)size;
}

int64_t czstd_decompress(czstd_reader *reader, void *out, size_t capacity, const void *bytes,
                         size_t length) {
    // More than one frame would be decompressed too: the caller asked for this one alone.
    if (czstd_frame_length(bytes, length) != length) return -1;
    size_t size = ZSTD_decompressDCtx(decompressor(reader), out, capacity, bytes, length);
    return ZSTD_isError(size) ? -1 : (int64_t)size;
}
