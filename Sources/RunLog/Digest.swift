import CDigest
import World

/// SHA-256 (FIPS 180-4), as lower-case hexadecimal.
public enum Digest {
    /// Bytes of a file read at once.
    private static let chunk = 64 * 1024

    /// The digest of `bytes`.
    public static func sha256(_ bytes: [UInt8]) -> String {
        let digest = RunningDigest()
        digest.add(bytes)
        return digest.finish()
    }

    /// The digest of the UTF-8 of `text`.
    public static func sha256(_ text: String) -> String { sha256(Array(text.utf8)) }

    /// The digest of everything in `source`, read a piece at a time.
    public static func sha256(of source: any ByteSource) throws(WorldError) -> String {
        let digest = RunningDigest()
        var offset: Int64 = 0
        while offset < source.size {
            let piece = try source.read(at: offset, count: chunk)
            if piece.isEmpty { break }
            digest.add(piece)
            offset += Int64(piece.count)
        }
        return digest.finish()
    }
}

/// A digest being computed; owns libcrypto's context.
private final class RunningDigest {
    private let context: OpaquePointer

    /// Like memory itself, SHA-256 cannot be absent from a libcrypto that loaded.
    init() {
        guard let context = cdigest_sha256_begin() else {
            preconditionFailure("libcrypto offers no SHA-256: out of memory or a broken library")
        }
        self.context = context
    }

    deinit { cdigest_end(context) }

    func add(_ bytes: [UInt8]) {
        let added = bytes.withUnsafeBytes { cdigest_add(context, $0.baseAddress, $0.count) }
        precondition(added == 1, "libcrypto failed within SHA-256")
    }

    func finish() -> String {
        var out = [UInt8](repeating: 0, count: Int(CDIGEST_SHA256_SIZE))
        precondition(cdigest_finish(context, &out) == 1, "libcrypto failed at the end of SHA-256")
        let digits = Array("0123456789abcdef".utf8)
        let hex = out.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: hex, as: UTF8.self)
    }
}
