// SHA-256 (FIPS 180-4), a piece at a time, and Ed25519 (RFC 8032), from libcrypto.
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

// Ed25519 (RFC 8032). Each returns 1, or 0 when libcrypto refuses.
enum { CDIGEST_ED25519_KEY_SIZE = 32, CDIGEST_ED25519_SIGNATURE_SIZE = 64 };

// The public key of a private one.
int cdigest_ed25519_public(const uint8_t key[CDIGEST_ED25519_KEY_SIZE],
                           uint8_t out[CDIGEST_ED25519_KEY_SIZE]);

// Signs with a private key.
int cdigest_ed25519_sign(const uint8_t key[CDIGEST_ED25519_KEY_SIZE], const void *bytes,
                         size_t length, uint8_t out[CDIGEST_ED25519_SIGNATURE_SIZE]);

// Whether `signature` was made of these bytes with the private key of the public one.
int cdigest_ed25519_verify(const uint8_t public_key[CDIGEST_ED25519_KEY_SIZE], const void *bytes,
                           size_t length,
                           const uint8_t signature[CDIGEST_ED25519_SIGNATURE_SIZE]);
