#include "private.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <string.h>

// The certificate only carries the key: nobody looks at its names and times. It begins before any
// board's clock and never ends (RFC 5280, 4.1.2.5), so that a board without a clock can make one.
static X509 *self_signed(EVP_PKEY *key) {
    X509 *certificate = X509_new();
    if (certificate == NULL) return NULL;
    uint8_t serial[8];
    if (RAND_bytes(serial, sizeof serial) != 1) goto failed;
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof serial; i++) number = number << 8 | serial[i];
    X509_NAME *name = X509_get_subject_name(certificate);
    if (name == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number >> 1 | 1) != 1 ||
        ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20000101000000Z") != 1 ||
        ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99991231235959Z") != 1 ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"argent", -1, -1,
                                   0) != 1 ||
        X509_set_issuer_name(certificate, name) != 1 || X509_set_pubkey(certificate, key) != 1 ||
        X509_sign(certificate, key, NULL) == 0)
        goto failed;
    return certificate;
failed:
    X509_free(certificate);
    return NULL;
}

static ctls_identity *identity_of(EVP_PKEY *key, X509 *certificate) {
    ctls_identity *identity = NULL;
    if (key != NULL && certificate != NULL && EVP_PKEY_is_a(key, "ED25519") &&
        X509_check_private_key(certificate, key) == 1)
        identity = OPENSSL_zalloc(sizeof *identity);
    if (identity == NULL) {
        EVP_PKEY_free(key);
        X509_free(certificate);
        ERR_clear_error();
        return NULL;
    }
    identity->key = key;
    identity->certificate = certificate;
    return identity;
}

ctls_identity *ctls_identity_make(void) {
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return identity_of(key, key == NULL ? NULL : self_signed(key));
}

// A key under a pass phrase is no use to a program nobody sits at: never ask for one.
static int no_phrase(char *buffer, int size, int writing, void *context) {
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

ctls_identity *ctls_identity_read(const uint8_t *pem, size_t length) {
    if (length > CTLS_PEM_LIMIT) return NULL;
    BIO *file = BIO_new_mem_buf(pem, (int)length);
    if (file == NULL) return NULL;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, no_phrase, NULL);
    X509 *certificate = key == NULL ? NULL : PEM_read_bio_X509(file, NULL, no_phrase, NULL);
    BIO_free(file);
    return identity_of(key, certificate);
}

size_t ctls_identity_write(const ctls_identity *identity, uint8_t pem[CTLS_PEM_LIMIT]) {
    BIO *file = BIO_new(BIO_s_secmem());
    if (file == NULL) return 0;
    size_t size = 0;
    if (PEM_write_bio_PKCS8PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_X509(file, identity->certificate) == 1) {
        char *bytes = NULL;
        long count = BIO_get_mem_data(file, &bytes);
        if (count > 0 && count <= CTLS_PEM_LIMIT) {
            memcpy(pem, bytes, (size_t)count);
            size = (size_t)count;
        }
    }
    BIO_free(file);
    ERR_clear_error();
    return size;
}

int ctls_raw_key(EVP_PKEY *key, uint8_t out[CTLS_KEY_SIZE]) {
    size_t size = CTLS_KEY_SIZE;
    return key != NULL && EVP_PKEY_is_a(key, "ED25519") &&
           EVP_PKEY_get_raw_public_key(key, out, &size) == 1 && size == CTLS_KEY_SIZE;
}

int ctls_fingerprint(X509 *certificate, uint8_t out[CTLS_FINGERPRINT_SIZE]) {
    uint8_t *encoded = NULL;
    int length = certificate == NULL ? -1
                                     : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
    if (length <= 0) return 0;
    unsigned int size = 0;
    int done = EVP_Digest(encoded, (size_t)length, out, &size, EVP_sha256(), NULL);
    OPENSSL_free(encoded);
    return done == 1 && size == CTLS_FINGERPRINT_SIZE;
}

int ctls_identity_key(const ctls_identity *identity, uint8_t key[CTLS_KEY_SIZE]) {
    return ctls_raw_key(identity->key, key);
}

int ctls_identity_fingerprint(const ctls_identity *identity, uint8_t out[CTLS_FINGERPRINT_SIZE]) {
    return ctls_fingerprint(identity->certificate, out);
}

int ctls_identity_sign(const ctls_identity *identity, const void *bytes, size_t length,
                       uint8_t signature[CTLS_SIGNATURE_SIZE]) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL) return 0;
    size_t size = CTLS_SIGNATURE_SIZE;
    int done = EVP_DigestSignInit(context, NULL, NULL, NULL, identity->key) == 1 &&
               EVP_DigestSign(context, signature, &size, bytes, length) == 1 &&
               size == CTLS_SIGNATURE_SIZE;
    EVP_MD_CTX_free(context);
    return done;
}

void ctls_identity_free(ctls_identity *identity) {
    if (identity == NULL) return;
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
    OPENSSL_free(identity);
}
