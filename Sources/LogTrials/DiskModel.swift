import Numerics

/// Something a disk was asked to do, as a power cut sees it.
public enum DiskEvent: Equatable, Sendable {
    /// A file was made under this name.
    case create(name: String, node: Int)
    /// Bytes were written at an offset.
    case write(node: Int, offset: Int, bytes: [UInt8])
    /// The file was cut.
    case truncate(node: Int, size: Int)
    /// Everything written to the file is safe now.
    case sync(node: Int)
    /// A file got another name.
    case rename(from: String, to: String)
    /// A name went.
    case remove(name: String)
    /// All names are safe now.
    case syncNames
    /// Every record up to this number was acknowledged.
    case acknowledged(sequence: UInt64)
}

/// What is on a disk, and what is only on its way there. A power cut keeps what was synced; of
/// the rest it keeps whatever it likes, sector by sector and name by name.
public struct DiskModel: Sendable {
    /// Bytes a disk writes whole or not at all.
    public static let sectorSize = 512

    private struct Node {
        /// What the processes see.
        var bytes: [UInt8] = []
        /// What was synced.
        var safe: [UInt8] = []
        /// What was done since.
        var pending: [Change] = []
    }
    private enum Change {
        case write(offset: Int, bytes: [UInt8])
        case truncate(size: Int)
    }

    private var nodes: [Int: Node] = [:]
    private var names: [String: Int] = [:]
    private var safeNames: [String: Int] = [:]
    private var pendingNames: [DiskEvent] = []
    private var nextNode = 0

    /// A disk with these files, all of them safe.
    public init(_ files: [String: [UInt8]] = [:]) {
        for (name, bytes) in files.sorted(by: { $0.key < $1.key }) {
            nodes[nextNode] = Node(bytes: bytes, safe: bytes)
            names[name] = nextNode
            nextNode += 1
        }
        safeNames = names
    }

    /// The number the next new file has.
    public var newNode: Int { nextNode }
    /// The file that has this name; nil for none.
    public func node(_ name: String) -> Int? { names[name] }
    /// All names, sorted.
    public var allNames: [String] { names.keys.sorted() }
    /// What a process reads from a file.
    public func bytes(_ node: Int) -> [UInt8] { nodes[node]?.bytes ?? [] }
    /// Every file as the processes see it.
    public var files: [String: [UInt8]] { names.mapValues { bytes($0) } }

    /// Carries `event` out.
    public mutating func apply(_ event: DiskEvent) {
        switch event {
        case .create(_, let node):
            nodes[node] = Node()
            nextNode = max(nextNode, node + 1)
            Self.change(&names, event)
            pendingNames.append(event)
        case .write(let node, let offset, let bytes):
            let change = Change.write(offset: offset, bytes: bytes)
            Self.change(&nodes[node, default: Node()].bytes, change)
            nodes[node]?.pending.append(change)
        case .truncate(let node, let size):
            let change = Change.truncate(size: size)
            Self.change(&nodes[node, default: Node()].bytes, change)
            nodes[node]?.pending.append(change)
        case .sync(let node):
            let bytes = bytes(node)
            nodes[node]?.safe = bytes
            nodes[node]?.pending = []
        case .rename, .remove:
            Self.change(&names, event)
            pendingNames.append(event)
        case .syncNames:
            safeNames = names
            pendingNames = []
        case .acknowledged: break
        }
    }

    /// The kernel could not write a file's pages and forgot them: what was not synced reads as
    /// zeroes from now on, and no later sync of it is to be believed.
    public mutating func losePages(_ node: Int) {
        guard var lost = nodes[node] else { return }
        let size = lost.bytes.count
        lost.bytes = Array(lost.safe.prefix(size))
        lost.bytes += [UInt8](repeating: 0, count: size - lost.bytes.count)
        nodes[node] = lost
    }

    private static func change(_ bytes: inout [UInt8], _ change: Change) {
        switch change {
        case .write(let offset, let more):
            let end = offset + more.count
            if bytes.count < end { bytes += [UInt8](repeating: 0, count: end - bytes.count) }
            bytes.replaceSubrange(offset..<end, with: more)
        case .truncate(let size):
            if size <= bytes.count {
                bytes.removeSubrange(size...)
            } else {
                bytes += [UInt8](repeating: 0, count: size - bytes.count)
            }
        }
    }

    private static func change(_ names: inout [String: Int], _ event: DiskEvent) {
        switch event {
        case .create(let name, let node): names[name] = node
        case .remove(let name): names[name] = nil
        case .rename(let old, let new):
            if let node = names.removeValue(forKey: old) { names[new] = node }
        default: break
        }
    }

    // MARK: - Power cuts

    /// The files after a power cut that kept everything.
    public var everything: [String: [UInt8]] { files }

    /// The files after a power cut that kept only what was synced.
    public var syncedOnly: [String: [UInt8]] { safeNames.mapValues { nodes[$0]?.safe ?? [] } }

    /// Whether anything waits for a sync.
    public var hasPending: Bool {
        !pendingNames.isEmpty || names.values.contains { !(nodes[$0]?.pending.isEmpty ?? true) }
    }

    /// The files after a power cut that kept some of what was not synced: any sectors of any
    /// writes, any changes of names; what was promised to be longer may be zeroes or noise.
    public func someOfIt(_ random: inout SeededGenerator) -> [String: [UInt8]] {
        var kept = safeNames
        for event in pendingNames where random.below(2) == 0 { Self.change(&kept, event) }
        var contents: [Int: [UInt8]] = [:]
        // In the order of the nodes, or the same seed would not give the same files.
        for node in Set(kept.values).sorted() {
            contents[node] = nodes[node].map { Self.someOf($0, &random) } ?? []
        }
        return kept.mapValues { contents[$0] ?? [] }
    }

    private static func someOf(_ node: Node, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = node.safe
        let isNoisy = random.below(4) == 0
        for pending in node.pending {
            guard case .write(let offset, let more) = pending else {
                if random.below(2) == 0 { change(&bytes, pending) }
                continue
            }
            var start = 0
            while start < more.count {
                let rest = sectorSize - (offset + start) % sectorSize
                let end = min(more.count, start + rest)
                if random.below(2) == 0 {
                    change(&bytes, .write(offset: offset + start, bytes: Array(more[start..<end])))
                }
                start = end
            }
        }
        // The length may be safe where the content is not.
        while bytes.count < node.bytes.count, random.below(2) == 0 {
            let count = 1 + random.below(node.bytes.count - bytes.count)
            bytes += (0..<count).map { _ in isNoisy ? UInt8(truncatingIfNeeded: random.next()) : 0 }
        }
        return bytes
    }
}
