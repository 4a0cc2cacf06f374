import Foundation
import Quantities
import RunLog
import Sync
import TestSupport
import World

/// Segments in memory: made up bytes, with the chain they claim.
final class FakeSegments: SegmentSource, @unchecked Sendable {
    private let lock = NSLock()
    private var kept: [UInt64: (entry: SegmentEntry, bytes: [UInt8])] = [:]
    private var openings = 0
    let log: [UInt8]

    init(log: UInt8 = 7) { self.log = [UInt8](repeating: log, count: 16) }

    /// Adds segment `number` of `size` bytes that differ by number and `salt`.
    @discardableResult
    func add(_ number: UInt64, size: Int, salt: UInt64 = 0) -> SegmentEntry {
        var state = number &* 0x9E37_79B9_7F4A_7C15 &+ salt | 1
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            for place in 0..<size {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                buffer[place] = UInt8(truncatingIfNeeded: state)
            }
            count = size
        }
        let hash = Hexadecimal.bytes(Digest.sha256(bytes)) ?? []
        let previous = entry(number - 1)?.hash ?? [UInt8](repeating: 0, count: 32)
        let entry = SegmentEntry(
            number: number, size: UInt64(size), firstSequence: number * 100, records: 100,
            hash: hash, previousHash: previous, contentHash: hash)
        lock.withLock { kept[number] = (entry, bytes) }
        return entry
    }

    func replace(_ entry: SegmentEntry, bytes: [UInt8]) {
        lock.withLock { kept[entry.number] = (entry, bytes) }
    }

    func remove(_ number: UInt64) { lock.withLock { kept[number] = nil } }
    func entry(_ number: UInt64) -> SegmentEntry? { lock.withLock { kept[number]?.entry } }
    func bytes(_ number: UInt64) -> [UInt8] { lock.withLock { kept[number]?.bytes ?? [] } }
    var opened: Int { lock.withLock { openings } }

    func listing(
        after number: UInt64, limit: Int
    ) throws(RigSession.Refusal) -> SegmentListing {
        let all = lock.withLock { kept.values.map(\.entry) }
            .filter { $0.number > number }.sorted { $0.number < $1.number }
        return SegmentListing(
            log: log, entries: Array(all.prefix(limit)), hasMore: all.count > limit)
    }

    func open(log: [UInt8], number: UInt64) throws(RigSession.Refusal) -> any ByteSource {
        let found: [UInt8]? = lock.withLock {
            openings += 1
            return log == self.log ? kept[number]?.bytes : nil
        }
        guard let found else { throw RigSession.Refusal(.noSuchSegment, "no segment \(number)") }
        return MemorySource(found)
    }
}

/// Believes a file that has exactly the bytes of one of the segments.
struct FakeCheck: SegmentCheck {
    var segments: FakeSegments
    var keys: [[UInt8]] = []
    var fails: WorldError?

    func check(_ path: String) throws(WorldError) -> CheckedSegment {
        if let fails { throw fails }
        let bytes = try Files.read(path, limit: 1 << 30)
        var checked = CheckedSegment()
        let hash = Hexadecimal.bytes(Digest.sha256(bytes))
        let listing = try? segments.listing(after: 0, limit: 100_000)
        checked.entry = listing?.entries.first { $0.contentHash == hash }
        checked.log = segments.log
        checked.keys = keys
        // 2026-03-01 12:00:00 UTC, a day later for each segment.
        let number = Int64(checked.entry?.number ?? 0)
        checked.began = WallTime(unixNanoseconds: (1_772_366_400 + number * 86_400) * 1_000_000_000)
        if checked.entry == nil { checked.problems = ["its SHA-256 is no segment's"] }
        return checked
    }
}

/// A server on a free port of the loopback interface, with its stores in a folder.
final class ServedRig {
    let folder: TestFolder
    let segments: FakeSegments
    let identity: TLSIdentity
    let server: SyncServer
    let acknowledgements: Acknowledgements
    let store: PeerStore
    let address: NetworkAddress

    init(
        _ segments: FakeSegments = FakeSegments(), accepting peers: [Fingerprint] = [],
        limits: SyncLimits = SyncLimits(), identity: TLSIdentity? = nil
    ) throws {
        folder = try TestFolder()
        self.segments = segments
        self.identity = try identity ?? TLSIdentity()
        store = PeerStore(directory: folder.path)
        for (index, peer) in peers.enumerated() {
            _ = try store.accept(peer, name: "peer\(index)")
        }
        acknowledgements = try Acknowledgements(directory: folder.path)
        let settings = SyncServerSettings(
            address: NetworkAddress(host: "127.0.0.1", port: 0), directory: folder.path,
            name: "rig", limits: limits)
        server = try SyncServer(
            settings, identity: self.identity, acknowledgements: acknowledgements,
            source: segments)
        try server.start()
        let end = Clocks.now + .seconds(10)
        while server.status.listening.isEmpty, Clocks.now < end { Clocks.sleep(.milliseconds(2)) }
        address = try NetworkAddress(server.status.listening).orThrow("it does not listen")
    }

    deinit { server.stop() }

    /// Events so far.
    func events() -> [SyncEvent] {
        var events: [SyncEvent] = []
        while let event = server.events.pop() { events.append(event) }
        return events
    }

    /// The rig as `identity` would have paired it.
    var known: KnownRig {
        KnownRig(address: address.description, fingerprint: identity.fingerprint, name: "bench")
    }

    /// A pull as `identity`, or its pieces changed by `change`.
    func job(_ identity: TLSIdentity) -> Puller.Job {
        var job = Puller.Job(address: address, rig: known, identity: identity, name: "ws")
        job.pause = .milliseconds(1)
        job.patience.answer = .seconds(10)
        return job
    }

    func pull(_ identity: TLSIdentity, into folder: TestFolder) throws -> PullReport {
        let target = try PullFolder(directory: folder.path, rig: "bench")
        return try Puller(job(identity), into: target, check: FakeCheck(segments: segments)).run()
    }
}

struct Missing: Error {
    var what: String
}

extension Optional {
    func orThrow(_ what: String) throws -> Wrapped {
        guard let self else { throw Missing(what: what) }
        return self
    }
}

/// Waits until `condition`, for `seconds` at most; whether it came true.
func becomes(_ seconds: Double = 5, _ condition: () -> Bool) -> Bool {
    let end = Clocks.now + .seconds(seconds)
    while !condition() {
        guard Clocks.now < end else { return false }
        Clocks.sleep(.milliseconds(5))
    }
    return true
}
