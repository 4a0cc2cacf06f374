import Numerics
import Quantities
import RunLog
import World

/// A promise of the log that a trial found broken.
public struct TrialFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was expected and what came instead.
    public var description: String

    /// A finding.
    public init(_ description: String) { self.description = description }
}

/// Records to write, and how: batches, syncs, clocks that jump, steps of sealing in between.
public struct LogWorkload: Sendable {
    /// The records, in order: number 1 first.
    public let records: [Record]
    /// How the log is cut into segments.
    public let options: SegmentOptions
    private let seed: UInt64

    /// Tries of one refused call at most, before a trial gives up.
    static let retryLimit = 10_000

    /// A workload of `count` records that differ with `seed`, in segments of about `segmentSize`
    /// bytes, signed.
    public init(count: Int, segmentSize: Int64, seed: UInt64) {
        var options = SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: "trial".utf8))
        options.size = segmentSize
        options.age = .seconds(40)
        options.signer = Ed25519Signer(privateKey: [UInt8](repeating: 7, count: 32))
        self.options = options
        self.seed = seed
        var random = SeededGenerator(seed: seed).split("records")
        var at = Instant(nanoseconds: 1_000_000_000)
        var wall = WallTime(unixNanoseconds: 1_700_000_000_000_000_000)
        records = (0..<count).map { number in
            let step = TimeSpan.milliseconds(Int64(random.below(1_000)))
            at = at + step
            wall = WallTime(unixNanoseconds: wall.unixNanoseconds + step.nanoseconds)
            // Both clocks jump at times, far and either way.
            if random.below(100) == 0 {
                at = Instant(nanoseconds: Int64(random.below(1 << 40)))
            }
            if random.below(100) == 0 {
                wall = WallTime(unixNanoseconds: Int64(random.below(1 << 60)) - (1 << 59))
            }
            return Record(at: at, wall: wall, body: Self.body(number, &random))
        }
    }

    private static func body(_ number: Int, _ random: inout SeededGenerator) -> Record.Body {
        switch random.below(40) {
        case 0:
            return .droplet(
                DropletRecord(
                    condition: number, attempt: 1, index: 0, enteredAt: .zero, leftAt: .zero,
                    plateau: 5, loss: random.uniform(), maximumAbsorbance: 1,
                    absorbance: (0..<200).map { _ in Float(random.uniform()) }))
        case 1: return .configuration(text: text(3_000, &random), sha256: "")
        case 2: return .readings([NamedReading(name: "flow", value: nil)])
        case 3: return .clockStep(nanoseconds: Int64(number))
        default: return .event(kind: "trial", text: text(random.below(90), &random))
        }
    }

    private static func text(_ count: Int, _ random: inout SeededGenerator) -> String {
        String(decoding: (0..<count).map { _ in UInt8(97 + random.below(26)) }, as: UTF8.self)
    }

    /// What one process did with its log.
    public struct Outcome: Sendable {
        /// Calls that were refused.
        public var refusals = 0
        /// Every record up to this number was acknowledged.
        public var acknowledged: UInt64 = 0
    }

    /// Opens the log on `disk` and writes the records from `first` (counted from 0) on, as an
    /// archive does: what is refused is tried again. Seals all at the end where `ends` says so.
    public func write(
        from first: Int = 0, to last: Int? = nil, on disk: SimulatedDisk, ends: Bool = true
    ) throws -> Outcome {
        var outcome = Outcome()
        var random = SeededGenerator(seed: seed).split("pace", first)
        let log = try retry(&outcome) { try SegmentedLog(disk, options: options) }
        var next = first
        let last = last ?? records.count
        while next < last {
            let size = random.below(5) > 0 ? 1 : 2 + random.below(3)
            let batch = Array(records[next..<min(last, next + size)])
            let number = try retry(&outcome) { try log.append(batch) }
            guard number == UInt64(next + 1) else {
                throw TrialFailure("record \(next + 1) was written as number \(number)")
            }
            next += batch.count
            if random.below(3) > 0 || next == last {
                try retry(&outcome) { try log.sync() }
                outcome.acknowledged = UInt64(next)
                disk.acknowledge(outcome.acknowledged)
            }
            for _ in 0..<random.below(3) {
                log.maintain(at: batch[0].at)
                if log.sealingProblem != nil { outcome.refusals += 1 }
            }
        }
        if ends { try retry(&outcome) { try log.sealAll() } }
        log.close()
        return outcome
    }

    @discardableResult
    private func retry<Value>(
        _ outcome: inout Outcome, _ work: () throws -> Value
    ) throws -> Value {
        for _ in 0..<Self.retryLimit {
            do { return try work() } catch let error as JournalError {
                // What no retry mends is a finding.
                if case .notEncoded = error { throw error }
                outcome.refusals += 1
            }
        }
        throw TrialFailure("the log never got over a refusal")
    }
}
