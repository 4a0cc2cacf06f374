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

    /// The 32 bytes of the digest of `bytes`.
    public static func sha256Bytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let digest = RunningDigest()
        digest.add(bytes)
        return digest.finishBytes()
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

/// Bytes as hexadecimal text.
public enum Hexadecimal {
    /// Two lower-case digits a byte.
    public static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes `text` stands for; nil when it has an odd number of digits or something else.
    public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        func value(_ digit: UInt8) -> UInt8? {
            switch digit {
            case 0x30...0x39: digit - 0x30
            case 0x41...0x46: digit - 0x41 + 10
            case 0x61...0x66: digit - 0x61 + 10
            default: nil
            }
        }
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[place]), let low = value(digits[place + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}

/// A SHA-256 being computed; owns libcrypto's context.
public final class RunningDigest {
    private let context: OpaquePointer

    /// A digest of nothing yet. Like memory itself, SHA-256 cannot be absent from a libcrypto
    /// that loaded.
    public init() {
        guard let context = cdigest_sha256_begin() else {
            preconditionFailure("libcrypto offers no SHA-256: out of memory or a broken library")
        }
        self.context = context
    }

    deinit { cdigest_end(context) }

    /// Adds `bytes` after what was added before.
    public func add(_ bytes: some Collection<UInt8>) {
        if bytes.withContiguousStorageIfAvailable(add) == nil { add(Array(bytes)) }
    }

    private func add(_ bytes: UnsafeBufferPointer<UInt8>) {
        let bytes = UnsafeRawBufferPointer(bytes)
        let added = cdigest_add(context, bytes.baseAddress, bytes.count)
        precondition(added == 1, "libcrypto failed within SHA-256")
    }

    func finish() -> String { Hexadecimal.text(finishBytes()) }

    /// The 32 bytes of the digest of everything added. Call once, last.
    public func finishBytes() -> [UInt8] {
        var out = [UInt8](repeating: 0, count: Int(CDIGEST_SHA256_SIZE))
        precondition(cdigest_finish(context, &out) == 1, "libcrypto failed at the end of SHA-256")
        return out
    }
}
