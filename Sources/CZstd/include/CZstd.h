// Whole zstd frames (RFC 8878) through Debian's libzstd: one buffer in, one frame out.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct czstd_writer czstd_writer;
typedef struct czstd_reader czstd_reader;

// A writer of frames at `level`, each with its content's length and checksum (XXH64), or NULL
// when there is no memory.
czstd_writer *czstd_writer_new(int level);
void czstd_writer_free(czstd_writer *writer); // NULL is fine

// Largest frame that `length` bytes may become.
size_t czstd_bound(size_t length);

// Writes one frame; returns its length, or 0 when libzstd refuses (no memory).
size_t czstd_compress(czstd_writer *writer, void *out, size_t capacity, const void *bytes,
                      size_t length);

// A reader of frames, or NULL when there is no memory.
czstd_reader *czstd_reader_new(void);
void czstd_reader_free(czstd_reader *reader); // NULL is fine

// Length of the frame that starts at `bytes`; 0 when there is none, or not all of it.
size_t czstd_frame_length(const void *bytes, size_t length);

// Length of the content of the frame that starts at `bytes`; -1 when it does not say, or is no
// frame with a content.
int64_t czstd_content_length(const void *bytes, size_t length);

// Decompresses exactly one frame of `length` bytes. Returns the length of the content, or -1
// when the frame is damaged or its content does not fit.
int64_t czstd_decompress(czstd_reader *reader, void *out, size_t capacity, const void *bytes,
                         size_t length);
