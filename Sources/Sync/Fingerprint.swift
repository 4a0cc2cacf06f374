import RunLog

/// What a machine is known by: the SHA-256 of its public key (the DER of its
/// SubjectPublicKeyInfo, as RFC 7469 pins it).
public struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    /// Bytes of a digest.
    public static let size = 32
    private static let prefix = "sha256:"

    /// The digest.
    public let digest: [UInt8]

    /// A fingerprint of `digest`, which must have 32 bytes.
    public init(digest: [UInt8]) {
        precondition(digest.count == Self.size, "a SHA-256 has 32 bytes")
        self.digest = digest
    }

    /// What the holder of a raw Ed25519 public key (32 bytes) is known by.
    public init?(publicKey: [UInt8]) {
        guard publicKey.count == 32 else { return nil }
        // SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING } (RFC 8410, 4).
        let head: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0]
        self.init(Digest.sha256(head + publicKey))
    }

    /// Reads 64 hexadecimal digits, with or without `sha256:`, colons, dashes and spaces; nil
    /// when they are not 64.
    public init?(_ text: String) {
        guard text.utf8.count <= 256 else { return nil }
        var digits = text.lowercased()
        if digits.hasPrefix(Self.prefix) { digits.removeFirst(Self.prefix.count) }
        digits.removeAll { ":- ".contains($0) }
        guard let digest = Hexadecimal.bytes(digits), digest.count == Self.size else { return nil }
        self.digest = digest
    }

    /// `sha256:` and 64 hexadecimal digits.
    public var description: String { Self.prefix + Hexadecimal.text(digest) }

    /// Enough of it to tell a few machines apart, for logs.
    public var short: String { String(description.prefix(Self.prefix.count + 12)) }
}
