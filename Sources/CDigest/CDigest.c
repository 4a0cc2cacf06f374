#include "CDigest.h"

#include <openssl/evp.h>

// The public name stands for libcrypto's own context, so that Swift sees no OpenSSL header.
static EVP_MD_CTX *context(cdigest *digest) { return (EVP_MD_CTX *)digest; }

cdigest *cdigest_sha256_begin(void) {
    EVP_MD_CTX *fresh = EVP_MD_CTX_new();
    if (fresh == NULL) return NULL;
    if (EVP_DigestInit_ex(fresh, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(fresh);
        return NULL;
    }
    return (cdigest *)fresh;
}

int cdigest_add(cdigest *digest, const void *bytes, size_t length) {
    return EVP_DigestUpdate(context(digest), bytes, length) == 1;
}

int cdigest_finish(cdigest *digest, uint8_t out[CDIGEST_SHA256_SIZE]) {
    unsigned int size = 0;
    return EVP_DigestFinal_ex(context(digest), out, &size) == 1 && size == CDIGEST_SHA256_SIZE;
}

void cdigest_end(cdigest *digest) { EVP_MD_CTX_free(context(digest)); }

int cdigest_ed25519_public(const uint8_t key[CDIGEST_ED25519_KEY_SIZE],
                           uint8_t out[CDIGEST_ED25519_KEY_SIZE]) {
    EVP_PKEY *pair =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key, CDIGEST_ED25519_KEY_SIZE);
    if (pair == NULL) return 0;
    size_t size = CDIGEST_ED25519_KEY_SIZE;
    int done = EVP_PKEY_get_raw_public_key(pair, out, &size) == 1;
    EVP_PKEY_free(pair);
    return done && size == CDIGEST_ED25519_KEY_SIZE;
}

int cdigest_ed25519_sign(const uint8_t key[CDIGEST_ED25519_KEY_SIZE], const void *bytes,
                         size_t length, uint8_t out[CDIGEST_ED25519_SIGNATURE_SIZE]) {
    EVP_PKEY *pair =
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key, CDIGEST_ED25519_KEY_SIZE);
    EVP_MD_CTX *fresh = EVP_MD_CTX_new();
    size_t size = CDIGEST_ED25519_SIGNATURE_SIZE;
    int done = pair != NULL && fresh != NULL &&
               EVP_DigestSignInit(fresh, NULL, NULL, NULL, pair) == 1 &&
               EVP_DigestSign(fresh, out, &size, bytes, length) == 1;
    EVP_MD_CTX_free(fresh);
    EVP_PKEY_free(pair);
    return done && size == CDIGEST_ED25519_SIGNATURE_SIZE;
}

int cdigest_ed25519_verify(const uint8_t public_key[CDIGEST_ED25519_KEY_SIZE], const void *bytes,
                           size_t length,
                           const uint8_t signature[CDIGEST_ED25519_SIGNATURE_SIZE]) {
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key,
                                                CDIGEST_ED25519_KEY_SIZE);
    EVP_MD_CTX *fresh = EVP_MD_CTX_new();
    int good = key != NULL && fresh != NULL &&
               EVP_DigestVerifyInit(fresh, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestVerify(fresh, signature, CDIGEST_ED25519_SIGNATURE_SIZE, bytes,
                                length) == 1;
    EVP_MD_CTX_free(fresh);
    EVP_PKEY_free(key);
    return good;
}
