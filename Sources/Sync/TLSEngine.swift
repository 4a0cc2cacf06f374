import CTLS

/// Why a connection cannot go on, in OpenSSL's words.
public struct TLSFailure: Error, Equatable, CustomStringConvertible {
    /// What OpenSSL says.
    public var reason: String

    /// What failed.
    public var description: String { "TLS: \(reason)" }
}

/// The identity and the rules that all connections of one end share: TLS 1.3 only, Ed25519 on
/// both sides, X25519, no resumption, no early data.
public final class TLSContext: @unchecked Sendable {
    let handle: OpaquePointer
    /// Whether connections wait for the other end to begin.
    public let isServer: Bool

    /// Rules for connections as `identity`.
    public init(identity: TLSIdentity, isServer: Bool) throws(TLSFailure) {
        guard let handle = ctls_context_make(identity.handle, isServer ? 1 : 0) else {
            throw TLSFailure(reason: "OpenSSL refuses TLS 1.3 with Ed25519")
        }
        self.handle = handle
        self.isServer = isServer
    }

    deinit { ctls_context_free(handle) }
}

/// One end of a TLS connection as a machine without I/O: bytes from the network go in, content
/// comes out, and the other way round. It holds as many bytes as it was given and no more: who
/// drives it bounds both ways.
public final class TLSEngine {
    /// What reading gave.
    public enum Reading: Equatable, Sendable {
        /// So many bytes of content.
        case content(Int)
        /// Nothing yet.
        case waits
        /// The peer said that it is done.
        case ended
    }

    private let handle: OpaquePointer
    private var portion: [UInt8]
    /// Whether both ends proved their keys.
    public private(set) var isOpen = false

    /// A TLS record holds at most this much (RFC 8446, 5.1).
    public static let recordSize = 16_384

    /// A new connection.
    public init(_ context: TLSContext) throws(TLSFailure) {
        guard let handle = ctls_engine_make(context.handle) else {
            throw TLSFailure(reason: "out of memory")
        }
        self.handle = handle
        portion = [UInt8](repeating: 0, count: Self.recordSize)
    }

    deinit { ctls_engine_free(handle) }

    private var failure: TLSFailure { TLSFailure(reason: String(cString: ctls_reason(handle))) }

    /// Takes bytes that came from the network.
    public func receive(_ bytes: UnsafeRawBufferPointer) throws(TLSFailure) {
        guard ctls_receive(handle, bytes.baseAddress, bytes.count) == 1 else { throw failure }
    }

    /// Goes on with the handshake; true once the connection is open. Whatever it throws, bytes
    /// may wait to be sent: they tell the peer why.
    @discardableResult
    public func shakeHands() throws(TLSFailure) -> Bool {
        if isOpen { return true }
        switch ctls_handshake(handle) {
        case 1: isOpen = true
        case Int32(CTLS_WAITS): break
        default: throw failure
        }
        return isOpen
    }

    /// Appends content that has come, at most one record of it.
    public func read(into content: inout [UInt8]) throws(TLSFailure) -> Reading {
        let count = ctls_read(handle, &portion, portion.count)
        switch count {
        case 1...:
            content.append(contentsOf: portion[..<count])
            return .content(count)
        case Int(CTLS_WAITS): return .waits
        case Int(CTLS_ENDED): return .ended
        default: throw failure
        }
    }

    /// Takes content to send; returns how much of it.
    public func write(_ content: ArraySlice<UInt8>) throws(TLSFailure) -> Int {
        var done = 0
        while done < content.count {
            let count = content.withUnsafeBytes {
                ctls_write(handle, $0.baseAddress.map { $0 + done }, $0.count - done)
            }
            if count == Int(CTLS_WAITS) { break }
            guard count > 0 else { throw failure }
            done += count
        }
        return done
    }

    /// Bytes that wait to be sent.
    public var waiting: Int { ctls_waiting(handle) }

    /// Moves bytes that wait to be sent to the end of `output`.
    public func send(into output: inout [UInt8]) {
        while true {
            let count = ctls_send(handle, &portion, portion.count)
            guard count > 0 else { return }
            output.append(contentsOf: portion[..<count])
        }
    }

    /// Says to the peer that nothing more will come.
    public func end() { ctls_end(handle) }

    /// Who the peer is; nil before the connection is open.
    public var peer: Fingerprint? {
        var digest = [UInt8](repeating: 0, count: Fingerprint.size)
        guard isOpen, ctls_peer_fingerprint(handle, &digest) == 1 else { return nil }
        return Fingerprint(digest: digest)
    }

    /// The peer's raw Ed25519 public key; nil before the connection is open.
    public var peerKey: [UInt8]? {
        var key = [UInt8](repeating: 0, count: Int(CTLS_KEY_SIZE))
        guard isOpen, ctls_peer_key(handle, &key) == 1 else { return nil }
        return key
    }
}
