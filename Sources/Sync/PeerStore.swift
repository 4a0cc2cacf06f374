import World

/// A machine whose key is accepted.
public struct AcceptedPeer: Equatable, Sendable {
    /// Its key.
    public var fingerprint: Fingerprint
    /// What people call it.
    public var name: String

    /// A peer.
    public init(fingerprint: Fingerprint, name: String) {
        self.fingerprint = fingerprint
        self.name = name
    }
}

/// Why the list of peers cannot be used.
public enum PeerError: Error, Equatable, CustomStringConvertible {
    /// A line is not as it must be.
    case line(path: String, number: Int)
    /// There are too many.
    case tooMany(limit: Int)
    /// A name that cannot be one.
    case name(String)
    /// The file cannot be read or written.
    case file(WorldError)

    /// What is wrong and what to do.
    public var description: String {
        switch self {
        case .line(let path, let number):
            "\(path):\(number): expected `sha256:FINGERPRINT NAME`; mend or remove that line"
        case .tooMany(let limit): "there are \(limit) peers, more are not kept; remove one first"
        case .name(let name):
            "\"\(name)\" is no name: use 1 to \(PeerStore.nameLimit) letters, digits, dots, "
                + "dashes and underscores, the first one no dot or dash"
        case .file(let error): "\(error)"
        }
    }
}

/// The accepted peers, in a file of one line each beside the identity. It is read anew whenever
/// somebody connects: accepting a peer needs no restart.
public struct PeerStore: Sendable {
    /// Name of the file.
    public static let fileName = "peers"
    /// Peers at most.
    public static let limit = 64
    /// Longest name, in bytes.
    public static let nameLimit = 64
    private static let sizeLimit = 16 * 1_024
    private let directory: String

    /// The peers in the file of `directory`, which may not exist yet.
    public init(directory: String) { self.directory = directory }

    /// Path of the file.
    public var path: String { directory + "/" + Self.fileName }

    /// The accepted peers, in the order they were accepted.
    public func peers() throws(PeerError) -> [AcceptedPeer] {
        guard Files.exists(path) else { return [] }
        let bytes: [UInt8]
        do throws(WorldError) { bytes = try Files.read(path, limit: Self.sizeLimit) } catch {
            throw .file(error)
        }
        var peers: [AcceptedPeer] = []
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            guard let fingerprint = Fingerprint(String(first)), words.count <= 2 else {
                throw .line(path: path, number: index + 1)
            }
            let name = words.count == 2 ? String(words[1]) : fingerprint.short
            peers.append(AcceptedPeer(fingerprint: fingerprint, name: name))
        }
        guard peers.count <= Self.limit else { throw .tooMany(limit: Self.limit) }
        return peers
    }

    /// Accepts `fingerprint`, or renames it.
    ///
    /// - Returns: whether it is new.
    public func accept(_ fingerprint: Fingerprint, name: String) throws(PeerError) -> Bool {
        guard Self.isName(name) else { throw .name(name) }
        return try change { peers throws(PeerError) in
            if let place = peers.firstIndex(where: { $0.fingerprint == fingerprint }) {
                peers[place].name = name
                return false
            }
            guard peers.count < Self.limit else { throw .tooMany(limit: Self.limit) }
            peers.append(AcceptedPeer(fingerprint: fingerprint, name: name))
            return true
        }
    }

    /// Removes the peers with this fingerprint or name; returns them.
    public func remove(_ text: String) throws(PeerError) -> [AcceptedPeer] {
        let fingerprint = Fingerprint(text)
        return try change { peers throws(PeerError) in
            let gone = peers.filter { $0.name == text || $0.fingerprint == fingerprint }
            peers.removeAll { gone.contains($0) }
            return gone
        }
    }

    private func change<Value>(
        _ body: (inout [AcceptedPeer]) throws(PeerError) -> Value
    ) throws(PeerError) -> Value {
        let lock: InstanceLock
        do throws(WorldError) {
            try Files.makeDirectories(directory, mode: 0o700)
            lock = try InstanceLock(path: directory + "/" + "peers.lock")
        } catch { throw .file(error) }
        defer { withExtendedLifetime(lock) {} }
        var all = try peers()
        let value = try body(&all)
        let text = all.map { "\($0.fingerprint) \($0.name)\n" }.joined()
        do throws(WorldError) {
            try Files.replace(path, with: Array(text.utf8), mode: 0o600)
            Files.giveToDirectoryOwner(path)
        } catch { throw .file(error) }
        return value
    }

    /// Whether `name` may name a machine, and a folder.
    public static func isName(_ name: String) -> Bool {
        let letters = Array(name.utf8)
        guard let first = letters.first, letters.count <= nameLimit else { return false }
        func isPlain(_ c: UInt8) -> Bool {
            (0x30...0x39).contains(c) || (0x41...0x5A).contains(c) || (0x61...0x7A).contains(c)
                || c == UInt8(ascii: "_")
        }
        return isPlain(first)
            && letters.allSatisfy {
                isPlain($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
            }
    }
}
