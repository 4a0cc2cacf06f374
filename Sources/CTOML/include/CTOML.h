// TOML 1.0 text to a flat list of nodes, over toml++. No exception crosses this border, and what
// a text can make it do is bounded.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Bounds on what is accepted; a text beyond them gets an error like any other.
enum {
    CTOML_SIZE_LIMIT = 256 * 1024, // bytes of text
    CTOML_DEPTH_LIMIT = 16,        // tables and arrays within each other
    CTOML_DOTS_LIMIT = 64,         // dots in one line that is no comment: dotted keys nest
    CTOML_MESSAGE_LIMIT = 256      // bytes of an error message, with its final zero
};

typedef enum ctoml_kind {
    CTOML_TABLE = 0,
    CTOML_ARRAY = 1,
    CTOML_STRING = 2,
    CTOML_INTEGER = 3,
    CTOML_FLOAT = 4,
    CTOML_BOOLEAN = 5,
    CTOML_DATE = 6 // a date, a time, or both: no setting is one
} ctoml_kind;

// One node. Nodes come parents first; the children of a table or array follow it directly, each
// with all of its own descendants.
typedef struct ctoml_node {
    ctoml_kind kind;
    uint32_t children;     // of a table or array
    const char *key;       // in a table; NULL otherwise. Not zero-terminated.
    size_t key_length;
    uint32_t key_line, key_column; // from 1; columns count code points
    uint32_t line, column;         // of the value
    const char *string;    // of a string; not zero-terminated
    size_t string_length;
    int64_t integer;       // of an integer; 0 or 1 of a boolean
    double real;           // of a float
} ctoml_node;

typedef struct ctoml_error {
    uint32_t line, column; // from 1
    char message[CTOML_MESSAGE_LIMIT];
} ctoml_error;

typedef struct ctoml_document ctoml_document;

// Parses `length` bytes of UTF-8. Returns the document, or NULL with `error` filled in.
ctoml_document *ctoml_parse(const char *text, size_t length, ctoml_error *error);

// How many nodes there are, the first of them the root table.
size_t ctoml_count(const ctoml_document *document);

// The node at `index`, which must be below the count. Its texts live as long as the document.
ctoml_node ctoml_at(const ctoml_document *document, size_t index);

// Frees; NULL is fine.
void ctoml_free(ctoml_document *document);

#ifdef __cplusplus
}
#endif
