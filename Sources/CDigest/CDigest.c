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
