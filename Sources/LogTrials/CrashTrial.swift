import Numerics
import RunLog

/// Cuts the power at every moment of a recorded workload.
public struct CrashTrial: Sendable {
    /// Places tried within a stretch that is no header.
    public var payloadCuts = 4
    /// Chance outcomes tried at every moment at which something was not synced.
    public var chances = 2
    /// Only every so many-th write is cut (1: all of them).
    public var stride = 1
    /// Every so many-th outcome is written on, sealed and verified.
    public var goesOnEvery = 64
    private let workload: LogWorkload
    private let seed: UInt64

    /// A trial of `workload`.
    public init(_ workload: LogWorkload, seed: UInt64 = 1) {
        self.workload = workload
        self.seed = seed
    }

    /// How much was tried.
    public struct Counts: Sendable {
        /// Records of the workload, and segments it ends with.
        public var records = 0
        /// Segments it ends with.
        public var segments = 0
        /// Writes of the workload, sealing included.
        public var writes = 0
        /// Everything else it asked of the disk: syncs, names made, changed and removed.
        public var otherCalls = 0
        /// Moments at which the power was cut.
        public var cuts = 0
        /// Outcomes looked at: files after a cut.
        public var outcomes = 0
        /// Of these, outcomes without anything that was not synced.
        public var syncedOnly = 0
        /// Of these, outcomes with some of what was not synced, by chance.
        public var byChance = 0
        /// Of these, written on, sealed and verified.
        public var wentOn = 0
    }

    /// Tries it all. `progress` is called at times.
    ///
    /// - Throws: `TrialFailure` with the moment and what was wrong there.
    public func run(progress: (Counts) -> Void = { _ in }) throws -> Counts {
        let disk = SimulatedDisk()
        disk.records = true
        // Three processes in a row: the second and third take up what the one before left.
        let third = workload.records.count / 3
        _ = try workload.write(to: third, on: disk, ends: false)
        _ = try workload.write(from: third, to: 2 * third, on: disk)
        _ = try workload.write(from: 2 * third, on: disk)
        let check = LogCheck(workload: workload)
        try check.verify(disk)

        var counts = Counts()
        counts.records = workload.records.count
        counts.segments = disk.files.count
        var model = DiskModel()
        var acknowledged: UInt64 = 0
        var random = SeededGenerator(seed: seed).split("cuts")
        var lastSynced: [String: [UInt8]]?
        var settled = Settled(check: check)
        for (number, event) in disk.events.enumerated() {
            func look(_ model: DiskModel) throws {
                counts.cuts += 1
                do {
                    try self.look(
                        at: model, acknowledged, &settled, &counts, &lastSynced, &random)
                } catch let failure as TrialFailure {
                    throw TrialFailure("cut at event \(number), \(event.name): \(failure)")
                }
            }
            if case .write(let node, let offset, let bytes) = event {
                counts.writes += 1
                if counts.writes % stride == 0 {
                    for cut in cuts(in: bytes, &random) {
                        var torn = model
                        torn.apply(
                            .write(node: node, offset: offset, bytes: Array(bytes[..<cut])))
                        try look(torn)
                    }
                }
            }
            model.apply(event)
            if case .acknowledged(let sequence) = event {
                acknowledged = sequence
                // From now on it counts: what was well before may not be any more.
                lastSynced = nil
            } else if case .write = event {
            } else {
                counts.otherCalls += 1
            }
            guard counts.writes % stride == 0 else { continue }
            try look(model)
            if number % 64 == 0 { progress(counts) }
        }
        return counts
    }

    private func look(
        at model: DiskModel, _ acknowledged: UInt64, _ settled: inout Settled,
        _ counts: inout Counts,
        _ lastSynced: inout [String: [UInt8]]?, _ random: inout SeededGenerator
    ) throws {
        func one(_ files: [String: [UInt8]]) throws {
            counts.outcomes += 1
            let goesOn = counts.outcomes % goesOnEvery == 0
            if goesOn {
                counts.wentOn += 1
                return try settled.check.check(files, acknowledged: acknowledged, goesOn: true)
            }
            let (rest, first) = try settled.remove(from: files)
            try settled.check.check(rest, from: first, acknowledged: acknowledged, goesOn: false)
        }
        try one(model.everything)
        let synced = model.syncedOnly
        if synced != lastSynced {
            try one(synced)
            counts.syncedOnly += 1
            lastSynced = synced
        }
        guard model.hasPending else { return }
        for _ in 0..<chances {
            try one(model.someOfIt(&random))
            counts.byChance += 1
        }
    }

    /// Bytes of a write in front of which it is cut: each one of what is a header, and some of
    /// the rest.
    private func cuts(in bytes: [UInt8], _ random: inout SeededGenerator) -> [Int] {
        var cuts: Set<Int> = []
        if let heads = frameHeads(bytes) {
            for head in heads { cuts.formUnion(head...(head + 8)) }
        } else if bytes.count <= 1_024 {
            // A header of a file, or a block of a segment.
            cuts.formUnion(0..<bytes.count)
        } else {
            cuts.formUnion(0...32)
            cuts.formUnion((bytes.count - 32)..<bytes.count)
        }
        for _ in 0..<payloadCuts { cuts.insert(random.below(bytes.count)) }
        return cuts.filter { $0 > 0 && $0 < bytes.count }.sorted()
    }

    /// Where the frames of an append start; nil when the write is something else.
    private func frameHeads(_ bytes: [UInt8]) -> [Int]? {
        var heads: [Int] = []
        var place = 0
        while place < bytes.count {
            guard bytes.count - place >= 8 else { return nil }
            let length = (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
            guard length <= bytes.count - place - 8 else { return nil }
            heads.append(place)
            place += 8 + length
        }
        return heads
    }
}

/// Sealed segments that were looked at once. All but the last two of a log are then only
/// compared, byte by byte: reading them again after each of a hundred thousand cuts would tell
/// nothing new.
struct Settled {
    let check: LogCheck
    private var known: [(bytes: [UInt8], segment: SealedSegment)] = []

    init(check: LogCheck) { self.check = check }

    /// `files` without the settled segments, and the number of the first record behind them.
    mutating func remove(
        from files: [String: [UInt8]]
    ) throws -> (rest: [String: [UInt8]], first: UInt64) {
        var rest = files
        var first: UInt64 = 1
        let sealed = files.keys.compactMap(SegmentName.sealedNumber).sorted()
        for (place, number) in sealed.dropLast(2).enumerated() {
            let name = SegmentName.sealed(number)
            guard number == UInt64(place + 1), let bytes = files[name] else {
                throw TrialFailure("segment \(place + 1) is gone")
            }
            if place == known.count {
                known.append((bytes, try check.settle(bytes, after: known.last?.segment)))
            }
            guard known[place].bytes == bytes else {
                throw TrialFailure("\(name) was changed after it was sealed")
            }
            rest[name] = nil
            first = known[place].segment.lastSequence + 1
        }
        return (rest, first)
    }
}

extension DiskEvent {
    /// What it is, for messages.
    var name: String {
        switch self {
        case .create(let name, _): "create \(name)"
        case .write(let node, let offset, let bytes):
            "write \(bytes.count) bytes at \(offset) of file \(node)"
        case .truncate(let node, let size): "truncate file \(node) to \(size)"
        case .sync(let node): "sync file \(node)"
        case .rename(let old, let new): "rename \(old) to \(new)"
        case .remove(let name): "remove \(name)"
        case .syncNames: "sync directory"
        case .acknowledged(let sequence): "acknowledge \(sequence)"
        }
    }
}
