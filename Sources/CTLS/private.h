#pragma once
#include "CTLS.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct ctls_identity {
    EVP_PKEY *key;
    X509 *certificate;
};

int ctls_raw_key(EVP_PKEY *key, uint8_t out[CTLS_KEY_SIZE]);
int ctls_fingerprint(X509 *certificate, uint8_t out[CTLS_FINGERPRINT_SIZE]);
