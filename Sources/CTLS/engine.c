#include "private.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

struct ctls_context {
    SSL_CTX *rules;
};

struct ctls_engine {
    SSL *connection;
    BIO *in;   // from the network; belongs to the connection
    BIO *out;  // for the network; belongs to the connection
    int failed;
    char reason[CTLS_REASON_LIMIT];
};

// Largest certificate message taken: ours have some 300 bytes.
enum { certificate_limit = 4096 };

// Any Ed25519 certificate will do: its holder proves the key in the handshake, and whether that
// key is a friend's is for the caller to say, by its fingerprint. Nothing else in it counts.
static int any_ed25519(X509_STORE_CTX *store, void *context) {
    (void)context;
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    EVP_PKEY *key = certificate == NULL ? NULL : X509_get0_pubkey(certificate);
    if (key != NULL && EVP_PKEY_is_a(key, "ED25519")) return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

// A Raspberry Pi 4 has no AES instructions: there ChaCha20 is several times as fast.
static int has_aes(void) {
#if defined(__aarch64__)
    return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
    return 1;
#endif
}

ctls_context *ctls_context_make(const ctls_identity *identity, int is_server) {
    ctls_context *context = OPENSSL_zalloc(sizeof *context);
    SSL_CTX *rules = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    if (context == NULL || rules == NULL) goto failed;
    context->rules = rules;
    const char *ciphers = has_aes()
                              ? "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
                              : "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
    if (SSL_CTX_set_min_proto_version(rules, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(rules, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(rules, ciphers) != 1 ||
        SSL_CTX_set1_groups_list(rules, "X25519") != 1 ||
        SSL_CTX_set1_sigalgs_list(rules, "ed25519") != 1 ||
        SSL_CTX_set1_client_sigalgs_list(rules, "ed25519") != 1 ||
        SSL_CTX_use_certificate(rules, identity->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(rules, identity->key) != 1 ||
        SSL_CTX_set_num_tickets(rules, 0) != 1)
        goto failed;
    // Who has no AES instructions says so by its order: on either end that is honoured.
    SSL_CTX_set_options(rules, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                   (has_aes() ? 0 : SSL_OP_CIPHER_SERVER_PREFERENCE));
    SSL_CTX_set_session_cache_mode(rules, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(rules, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_max_cert_list(rules, certificate_limit);
    SSL_CTX_set_verify(rules, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(rules, any_ed25519, NULL);
    return context;
failed:
    SSL_CTX_free(rules);
    OPENSSL_free(context);
    ERR_clear_error();
    return NULL;
}

void ctls_context_free(ctls_context *context) {
    if (context == NULL) return;
    SSL_CTX_free(context->rules);
    OPENSSL_free(context);
}

ctls_engine *ctls_engine_make(ctls_context *context) {
    ctls_engine *engine = OPENSSL_zalloc(sizeof *engine);
    if (engine == NULL) return NULL;
    engine->connection = SSL_new(context->rules);
    engine->in = BIO_new(BIO_s_mem());
    engine->out = BIO_new(BIO_s_mem());
    if (engine->connection == NULL || engine->in == NULL || engine->out == NULL) {
        SSL_free(engine->connection);
        BIO_free(engine->in);
        BIO_free(engine->out);
        OPENSSL_free(engine);
        ERR_clear_error();
        return NULL;
    }
    // An empty queue means "later", not the end of everything.
    BIO_set_mem_eof_return(engine->in, -1);
    BIO_set_mem_eof_return(engine->out, -1);
    SSL_set_bio(engine->connection, engine->in, engine->out);
    if (SSL_is_server(engine->connection))
        SSL_set_accept_state(engine->connection);
    else
        SSL_set_connect_state(engine->connection);
    return engine;
}

void ctls_engine_free(ctls_engine *engine) {
    if (engine == NULL) return;
    SSL_free(engine->connection);
    OPENSSL_free(engine);
}

// What `result` of the last call means; remembers why when it means the end.
static int meaning(ctls_engine *engine, int result) {
    int kind = SSL_get_error(engine->connection, result);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return CTLS_WAITS;
    if (kind == SSL_ERROR_ZERO_RETURN) return CTLS_ENDED;
    engine->failed = 1;
    const char *text = ERR_reason_error_string(ERR_peek_error());
    snprintf(engine->reason, sizeof engine->reason, "%s", text ? text : "the connection broke");
    ERR_clear_error();
    return CTLS_FAILED;
}

int ctls_handshake(ctls_engine *engine) {
    if (engine->failed) return CTLS_FAILED;
    ERR_clear_error();
    int result = SSL_do_handshake(engine->connection);
    return result == 1 ? 1 : meaning(engine, result) == CTLS_WAITS ? CTLS_WAITS : CTLS_FAILED;
}

int ctls_receive(ctls_engine *engine, const void *bytes, size_t length) {
    if (engine->failed) return CTLS_FAILED;
    size_t taken = 0;
    if (length == 0) return 1;
    if (BIO_write_ex(engine->in, bytes, length, &taken) == 1 && taken == length) return 1;
    engine->failed = 1;
    snprintf(engine->reason, sizeof engine->reason, "out of memory");
    return CTLS_FAILED;
}

size_t ctls_waiting(const ctls_engine *engine) { return BIO_ctrl_pending(engine->out); }

size_t ctls_send(ctls_engine *engine, void *out, size_t capacity) {
    size_t count = 0;
    if (capacity == 0 || ctls_waiting(engine) == 0) return 0;
    return BIO_read_ex(engine->out, out, capacity, &count) == 1 ? count : 0;
}

ptrdiff_t ctls_read(ctls_engine *engine, void *out, size_t capacity) {
    if (engine->failed) return CTLS_FAILED;
    if (capacity == 0) return CTLS_WAITS;
    ERR_clear_error();
    size_t count = 0;
    int result = SSL_read_ex(engine->connection, out, capacity, &count);
    return result == 1 ? (ptrdiff_t)count : meaning(engine, result);
}

ptrdiff_t ctls_write(ctls_engine *engine, const void *bytes, size_t length) {
    if (engine->failed) return CTLS_FAILED;
    if (length == 0) return CTLS_WAITS;
    ERR_clear_error();
    size_t count = 0;
    int result = SSL_write_ex(engine->connection, bytes, length, &count);
    return result == 1 ? (ptrdiff_t)count : meaning(engine, result);
}

void ctls_end(ctls_engine *engine) {
    if (engine->failed || !SSL_is_init_finished(engine->connection)) return;
    ERR_clear_error();
    (void)SSL_shutdown(engine->connection);
    ERR_clear_error();
}

int ctls_peer_fingerprint(const ctls_engine *engine, uint8_t out[CTLS_FINGERPRINT_SIZE]) {
    if (!SSL_is_init_finished(engine->connection)) return 0;
    return ctls_fingerprint(SSL_get0_peer_certificate(engine->connection), out);
}

int ctls_peer_key(const ctls_engine *engine, uint8_t key[CTLS_KEY_SIZE]) {
    if (!SSL_is_init_finished(engine->connection)) return 0;
    X509 *certificate = SSL_get0_peer_certificate(engine->connection);
    return certificate != NULL && ctls_raw_key(X509_get0_pubkey(certificate), key);
}

const char *ctls_reason(const ctls_engine *engine) { return engine->reason; }
