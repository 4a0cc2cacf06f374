import CTLS
import Glibc
import World

/// Why there is no identity, or no connection.
public enum IdentityError: Error, Equatable, CustomStringConvertible {
    /// OpenSSL does not do what it must.
    case library(String)
    /// The file holds no identity.
    case damaged(path: String)
    /// Others can read the private key.
    case exposed(path: String, mode: UInt32)
    /// The file cannot be read or written.
    case file(WorldError)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .library(let what): "OpenSSL cannot \(what): libssl 3 is broken or out of memory"
        case .damaged(let path):
            "\(path) holds no Ed25519 key with its certificate; restore it from a backup, or move "
                + "it away: a new one is then made and must be paired again"
        case .exposed(let path, let mode):
            "\(path) can be read by others (mode \(String(mode, radix: 8))), so the key may be "
                + "known; move it away to get a new one, or `chmod 600` it if nobody looked"
        case .file(let error): "\(error)"
        }
    }
}

/// Who this machine is: an Ed25519 key and a certificate it signed itself. The rig's also signs
/// the sealed segments of its log.
public final class TLSIdentity: @unchecked Sendable {
    /// Name of the file in the identity directory: the private key, then the certificate, as PEM.
    public static let fileName = "identity.pem"

    // OpenSSL's objects are reference counted atomically and never changed here once made.
    let handle: OpaquePointer
    /// The raw public key (32 bytes, RFC 8032).
    public let publicKey: [UInt8]
    /// What others know it by.
    public let fingerprint: Fingerprint

    private init(_ handle: OpaquePointer) throws(IdentityError) {
        self.handle = handle
        var key = [UInt8](repeating: 0, count: Int(CTLS_KEY_SIZE))
        var print = [UInt8](repeating: 0, count: Int(CTLS_FINGERPRINT_SIZE))
        let done =
            ctls_identity_key(handle, &key) == 1
            && ctls_identity_fingerprint(handle, &print) == 1
        publicKey = key
        fingerprint = Fingerprint(digest: print)
        guard done else { throw .library("read a key") }
    }

    deinit { ctls_identity_free(handle) }

    /// A new one, in memory only.
    public convenience init() throws(IdentityError) {
        guard let fresh = ctls_identity_make() else { throw .library("make a key") }
        try self.init(fresh)
    }

    /// The identity in `directory`; where there is none yet, a new one is made there. Two
    /// processes that start at once get the same one, and a power cut leaves all of it or none.
    public static func take(directory: String) throws(IdentityError) -> TLSIdentity {
        let path = directory + "/" + fileName
        if !Files.exists(path) {
            let fresh = try TLSIdentity()
            var pem = [UInt8](repeating: 0, count: Int(CTLS_PEM_LIMIT))
            let size = ctls_identity_write(fresh.handle, &pem)
            guard size > 0 else { throw .library("write a key") }
            do throws(WorldError) {
                try Files.makeDirectories(directory, mode: 0o700)
                try Files.create(path, with: Array(pem[..<size]), mode: 0o600)
            } catch { throw .file(error) }
        }
        return try read(path)
    }

    /// The identity in `directory`, nil where there is none.
    public static func find(directory: String) throws(IdentityError) -> TLSIdentity? {
        let path = directory + "/" + fileName
        return Files.exists(path) ? try read(path) : nil
    }

    private static func read(_ path: String) throws(IdentityError) -> TLSIdentity {
        let pem: [UInt8]
        let mode: UInt32
        do throws(WorldError) {
            mode = try Files.mode(of: path)
            pem = try Files.read(path, limit: Int(CTLS_PEM_LIMIT))
        } catch { throw .file(error) }
        guard mode & 0o077 == 0 else { throw .exposed(path: path, mode: mode) }
        guard let handle = ctls_identity_read(pem, pem.count) else { throw .damaged(path: path) }
        return try TLSIdentity(handle)
    }

    /// The Ed25519 signature of `bytes` (64 bytes); empty when OpenSSL refuses.
    public func sign(_ bytes: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Int(CTLS_SIGNATURE_SIZE))
        return ctls_identity_sign(handle, bytes, bytes.count, &signature) == 1 ? signature : []
    }
}
