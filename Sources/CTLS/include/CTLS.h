// TLS 1.3 between two self-signed Ed25519 certificates, over OpenSSL 3, as a machine without I/O:
// bytes from the network go in, bytes for the network come out. Who the other end is, is left to
// the caller: it asks for the SHA-256 of the peer's public key and compares.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
    CTLS_KEY_SIZE = 32,          // raw Ed25519 public key (RFC 8032)
    CTLS_SIGNATURE_SIZE = 64,    // Ed25519 signature
    CTLS_FINGERPRINT_SIZE = 32,  // SHA-256 of a SubjectPublicKeyInfo (RFC 7469's pin)
    CTLS_PEM_LIMIT = 4096,       // of a key with its certificate
    CTLS_REASON_LIMIT = 160      // of the text of a failure
};

// A private Ed25519 key with its self-signed certificate.
typedef struct ctls_identity ctls_identity;

// A new one, or NULL when OpenSSL refuses.
ctls_identity *ctls_identity_make(void);
// The one in `length` bytes of PEM (PKCS #8 key, then certificate); NULL when it is none.
ctls_identity *ctls_identity_read(const uint8_t *pem, size_t length);
// Writes it as PEM; returns its size, 0 for a failure. It holds the private key.
size_t ctls_identity_write(const ctls_identity *identity, uint8_t pem[CTLS_PEM_LIMIT]);
// Each returns 1, or 0 for a failure.
int ctls_identity_key(const ctls_identity *identity, uint8_t key[CTLS_KEY_SIZE]);
int ctls_identity_fingerprint(const ctls_identity *identity, uint8_t out[CTLS_FINGERPRINT_SIZE]);
int ctls_identity_sign(const ctls_identity *identity, const void *bytes, size_t length,
                       uint8_t signature[CTLS_SIGNATURE_SIZE]);
void ctls_identity_free(ctls_identity *identity);

// What the connections of one end share: the identity and the rules. NULL for a failure. Keeps
// what it needs of `identity`.
typedef struct ctls_context ctls_context;
ctls_context *ctls_context_make(const ctls_identity *identity, int is_server);
void ctls_context_free(ctls_context *context);

// One connection. Not for use by two threads at once.
typedef struct ctls_engine ctls_engine;
ctls_engine *ctls_engine_make(ctls_context *context);
void ctls_engine_free(ctls_engine *engine);

enum {
    CTLS_WAITS = 0,    // more bytes from the network are needed
    CTLS_FAILED = -1,  // broken for good: ctls_reason says why
    CTLS_ENDED = -2    // the peer said that it is done (close_notify)
};

// Goes on with the handshake: 1 when it is complete, or CTLS_WAITS or CTLS_FAILED.
int ctls_handshake(ctls_engine *engine);
// Takes bytes that came from the network. Returns 1, or CTLS_FAILED without memory.
int ctls_receive(ctls_engine *engine, const void *bytes, size_t length);
// Bytes for the network: how many wait, and at most `capacity` of them.
size_t ctls_waiting(const ctls_engine *engine);
size_t ctls_send(ctls_engine *engine, void *out, size_t capacity);
// Content: how much was read or taken (> 0), or CTLS_WAITS, CTLS_FAILED, CTLS_ENDED.
ptrdiff_t ctls_read(ctls_engine *engine, void *out, size_t capacity);
ptrdiff_t ctls_write(ctls_engine *engine, const void *bytes, size_t length);
// Says to the peer that nothing more will come; the bytes that say so then wait to be sent.
void ctls_end(ctls_engine *engine);
// Who the peer is, once the handshake is complete. Each returns 1, or 0 for a failure.
int ctls_peer_fingerprint(const ctls_engine *engine, uint8_t out[CTLS_FINGERPRINT_SIZE]);
int ctls_peer_key(const ctls_engine *engine, uint8_t key[CTLS_KEY_SIZE]);
// Why it failed, for people; empty when it did not.
const char *ctls_reason(const ctls_engine *engine);
