import RunLog
import World

/// Flips every single bit of a log's files.
public struct FlipTrial: Sendable {
    /// Only every so many-th bit (1: all of them).
    public var stride = 1
    private let workload: LogWorkload

    /// A trial of `workload`, which should be a short one.
    public init(_ workload: LogWorkload) { self.workload = workload }

    /// How much was tried.
    public struct Counts: Sendable {
        /// Bits flipped in sealed segments; each was noticed by verifying.
        public var sealedBits = 0
        /// Of these, bits noticed already by reading the log.
        public var noticedByReading = 0
        /// Bits flipped in an active segment; each was noticed by reading.
        public var activeBits = 0
        /// Most records one flipped bit cost a reader of the log.
        public var worstLoss = 0
    }

    /// Tries it all.
    ///
    /// - Throws: `TrialFailure` with the bit and what was wrong then.
    public func run(progress: (Counts) -> Void = { _ in }) throws -> Counts {
        var counts = Counts()
        let sealed = SimulatedDisk()
        _ = try workload.write(on: sealed)
        let open = SimulatedDisk()
        var active = workload.options
        active.size = .max
        active.age = nil
        let log = try SegmentedLog(open, options: active)
        try log.append(workload.records)
        try log.sync()
        log.close()
        for (name, bytes) in open.files.sorted(by: { $0.key < $1.key }) {
            for bit in Swift.stride(from: 0, to: bytes.count * 8, by: stride) {
                try flipActive(name, bytes, bit, &counts)
                if bit % 4_096 == 0 { progress(counts) }
            }
        }
        var previous: SealedSegment?
        for (name, bytes) in sealed.files.sorted(by: { $0.key < $1.key }) {
            for bit in Swift.stride(from: 0, to: bytes.count * 8, by: stride) {
                try flipSealed(name, sealed.files, bit, after: previous, &counts)
                if bit % 4_096 == 0 { progress(counts) }
            }
            previous = try SealedSegment(try sealed.openForReading(name), path: name)
        }
        return counts
    }

    private func flipSealed(
        _ name: String, _ files: [String: [UInt8]], _ bit: Int, after previous: SealedSegment?,
        _ counts: inout Counts
    ) throws {
        var files = files
        files[name]?[bit / 8] ^= 1 << UInt8(bit % 8)
        let report = try SegmentVerifier.verify(
            MemorySource(files[name] ?? []), after: previous,
            key: workload.options.signer?.publicKey)
        guard !report.isSound else { throw TrialFailure("bit \(bit) of \(name) is not noticed") }
        counts.sealedBits += 1
        let (lost, noticed) = try read(files, "bit \(bit) of \(name)")
        if noticed { counts.noticedByReading += 1 }
        guard lost == 0 || noticed else {
            throw TrialFailure("bit \(bit) of \(name) costs \(lost) records in silence")
        }
        counts.worstLoss = max(counts.worstLoss, lost)
    }

    private func flipActive(
        _ name: String, _ bytes: [UInt8], _ bit: Int, _ counts: inout Counts
    ) throws {
        var bytes = bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        let (lost, noticed) = try read([name: bytes], "bit \(bit) of \(name)")
        guard noticed, lost <= 1 else {
            throw TrialFailure("bit \(bit) of \(name): noticed \(noticed), \(lost) records lost")
        }
        counts.activeBits += 1
    }

    /// Opens the log in `files`: how many records are lost, and whether anything was said of it.
    private func read(
        _ files: [String: [UInt8]], _ what: String
    ) throws -> (lost: Int, noticed: Bool) {
        var found: [UInt64] = []
        var isStrange = false
        let log: SegmentedLog
        do {
            log = try SegmentedLog(SimulatedDisk(files), options: workload.options) { entry in
                guard case .record(let sequence, let record) = entry else { return }
                found.append(sequence)
                let index = Int(sequence) - 1
                isStrange =
                    isStrange || !workload.records.indices.contains(index)
                    || workload.records[index] != record
            }
        } catch { throw TrialFailure("\(what): the log cannot be opened: \(error)") }
        guard !isStrange else { throw TrialFailure("\(what): a record came back changed") }
        let recovery = log.recovery
        let noticed =
            recovery.gapCount > 0 || recovery.droppedBytes > 0 || !recovery.damaged.isEmpty
        return (workload.records.count - found.count, noticed)
    }
}
