import CDigest

/// Somebody whose private key signs sealed segments.
public protocol SegmentSigner: AnyObject, Sendable {
    /// The public key, 32 bytes (Ed25519).
    var publicKey: [UInt8] { get }
    /// The signature of `bytes`, 64 bytes; empty when the key cannot be used.
    func sign(_ bytes: [UInt8]) -> [UInt8]
}

/// Ed25519 (RFC 8032).
public enum Ed25519 {
    /// Bytes of a key, public or private.
    public static let keySize = Int(CDIGEST_ED25519_KEY_SIZE)
    /// Bytes of a signature.
    public static let signatureSize = Int(CDIGEST_ED25519_SIGNATURE_SIZE)

    /// The public key of a private one; nil unless that has 32 bytes.
    public static func publicKey(of privateKey: [UInt8]) -> [UInt8]? {
        guard privateKey.count == keySize else { return nil }
        var out = [UInt8](repeating: 0, count: keySize)
        return cdigest_ed25519_public(privateKey, &out) == 1 ? out : nil
    }

    /// The signature of `bytes`; nil unless the private key has 32 bytes.
    public static func sign(_ bytes: [UInt8], privateKey: [UInt8]) -> [UInt8]? {
        guard privateKey.count == keySize else { return nil }
        var out = [UInt8](repeating: 0, count: signatureSize)
        return cdigest_ed25519_sign(privateKey, bytes, bytes.count, &out) == 1 ? out : nil
    }

    /// Whether `signature` was made of `bytes` with the private key of `publicKey`.
    public static func verify(_ signature: [UInt8], of bytes: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureSize, publicKey.count == keySize else { return false }
        return cdigest_ed25519_verify(publicKey, bytes, bytes.count, signature) == 1
    }
}

/// A private key held in memory.
public final class Ed25519Signer: SegmentSigner {
    private let privateKey: [UInt8]
    /// The public key.
    public let publicKey: [UInt8]

    /// A signer with a private key of 32 bytes; nil for any other length.
    public init?(privateKey: [UInt8]) {
        guard let publicKey = Ed25519.publicKey(of: privateKey) else { return nil }
        self.privateKey = privateKey
        self.publicKey = publicKey
    }

    /// The signature of `bytes`.
    public func sign(_ bytes: [UInt8]) -> [UInt8] {
        Ed25519.sign(bytes, privateKey: privateKey) ?? []
    }
}
