import World

/// A rig whose key a person compared.
public struct KnownRig: Equatable, Sendable {
    /// `HOST:PORT`, as it is connected to.
    public var address: String
    /// Its key.
    public var fingerprint: Fingerprint
    /// Name of its folder.
    public var name: String
    /// Keys it had before: they signed the older segments.
    public var former: [Fingerprint] = []

    /// A rig.
    public init(
        address: String, fingerprint: Fingerprint, name: String, former: [Fingerprint] = []
    ) {
        self.address = address
        self.fingerprint = fingerprint
        self.name = name
        self.former = former
    }
}

/// The paired rigs of a workstation, in a file of one line each beside its identity:
/// `HOST:PORT sha256:FINGERPRINT NAME [former fingerprints]`.
public struct KnownRigs: Sendable {
    /// Name of the file.
    public static let fileName = "rigs"
    /// Rigs at most, and former keys of each.
    public static let limit = 256
    static let formerLimit = 16
    private static let sizeLimit = 1 << 20
    private let directory: String

    /// The rigs in the file of `directory`, which may not exist yet.
    public init(directory: String) { self.directory = directory }

    private var path: String { directory + "/" + Self.fileName }

    /// The rigs, in the order they were paired.
    public func rigs() throws(PullError) -> [KnownRig] {
        guard Files.exists(path) else { return [] }
        let bytes: [UInt8]
        do throws(WorldError) { bytes = try Files.read(path, limit: Self.sizeLimit) } catch {
            throw .file(error)
        }
        var rigs: [KnownRig] = []
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            let former = words.dropFirst(3).map { Fingerprint($0) }
            guard words.count >= 3, let print = Fingerprint(words[1]),
                PeerStore.isName(words[2]), former.count <= Self.formerLimit,
                !former.contains(nil), rigs.count < Self.limit
            else { throw .list(path: path, line: index + 1) }
            rigs.append(
                KnownRig(
                    address: first, fingerprint: print, name: words[2],
                    former: former.compactMap { $0 }))
        }
        return rigs
    }

    /// The rig at `address`; nil where it is not paired.
    public func rig(at address: NetworkAddress) throws(PullError) -> KnownRig? {
        try rigs().first { $0.address == address.description }
    }

    /// Remembers that the rig at `address` is the one with `fingerprint`; a key it had before
    /// stays good for what it signed.
    public func remember(
        _ address: NetworkAddress, fingerprint: Fingerprint, name: String
    ) throws(PullError) {
        let lock: InstanceLock
        do throws(WorldError) {
            try Files.makeDirectories(directory, mode: 0o700)
            lock = try InstanceLock(path: directory + "/rigs.lock")
        } catch { throw .file(error) }
        defer { withExtendedLifetime(lock) {} }
        var all = try rigs()
        let place = all.firstIndex { $0.address == address.description } ?? all.count
        if place == all.count {
            all.append(
                KnownRig(address: address.description, fingerprint: fingerprint, name: name))
        } else {
            let old = all[place].fingerprint
            all[place].former.removeAll { $0 == fingerprint }
            if old != fingerprint { all[place].former.append(old) }
            all[place].former = all[place].former.suffix(Self.formerLimit)
            all[place].fingerprint = fingerprint
            all[place].name = name
        }
        let text = all.map { rig in
            ([rig.address, rig.fingerprint.description, rig.name]
                + rig.former.map(\.description)).joined(separator: " ") + "\n"
        }
        do throws(WorldError) {
            try Files.replace(path, with: Array(text.joined().utf8), mode: 0o600)
            Files.giveToDirectoryOwner(path)
        } catch { throw .file(error) }
    }
}
