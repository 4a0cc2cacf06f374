// SHA-256 (FIPS 180-4) from libcrypto, a piece at a time.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { CDIGEST_SHA256_SIZE = 32 };

typedef struct cdigest cdigest;

// A digest of nothing yet, or NULL when libcrypto refuses (no memory, no SHA-256).
cdigest *cdigest_sha256_begin(void);

// Adds bytes. Returns 1, or 0 when libcrypto failed.
int cdigest_add(cdigest *digest, const void *bytes, size_t length);

// Writes the digest of everything added. Returns 1, or 0 when libcrypto failed.
int cdigest_finish(cdigest *digest, uint8_t out[CDIGEST_SHA256_SIZE]);

// Frees; NULL is fine.
void cdigest_end(cdigest *digest);
