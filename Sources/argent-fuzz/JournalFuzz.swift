import Numerics
import Quantities
import RunLog
import World

/// The reader of the run log and the decoder of its records.
var journalFuzzers: [Fuzzer] {
    [
        Fuzzer(name: "journal/reader", make: JournalFuzz.reader),
        Fuzzer(name: "journal/record", make: JournalFuzz.record),
    ]
}

private enum JournalFuzz {
    /// Records of several kinds and lengths.
    static let records: [Record] = [
        .start(version: "0.1.0", bootIdentifier: "4f1c", seed: 7, continues: false),
        .configuration(text: "[rig]\n", sha256: String(repeating: "0", count: 64)),
        .decision(
            DecisionRecord(
                run: 1, method: "latin-hypercube", lows: [4, 10], highs: [20, 40],
                recipes: [[5, 20], [7.5, 30]], basedOn: [1, 2],
                model: [NamedValue(name: "noise", value: 0.1)], proposers: ["a", "b"],
                comparison: [
                    ProposerRecord(
                        run: 1, proposer: "a", conditions: 2, bestLoss: 0.1, medianLoss: 0.2)
                ], expected: [1, 2], expectedSpread: 0.5)),
        .recipe(run: 1, condition: 1, attempt: 1, values: [5, 20]),
        .readings([NamedReading(name: "flow", value: nil)]),
        .droplet(
            DropletRecord(
                condition: 1, attempt: 1, index: 0, enteredAt: Instant(nanoseconds: 1),
                leftAt: Instant(nanoseconds: 2), plateau: 3, loss: 0.5, maximumAbsorbance: 1,
                absorbance: [0.25, 0.5])),
        .spectra(
            SpectraRecord(
                kind: "dark", scans: 4, integration: .milliseconds(10), firstPixel: 0,
                pixelStep: 1, maximumCount: 9, counts: [1, 2, 3])),
        .clockStep(nanoseconds: -5), .stop(reason: "signal"),
    ].enumerated().map { place, body in
        Record(
            at: Instant(nanoseconds: Int64(place) << 40),
            wall: WallTime(unixNanoseconds: 1_700_000_000_000_000_000), body: body)
    }

    /// The head of the segment that is read, and its length.
    static let head = JournalHeader(
        logIdentifier: LogIdentifier(derivedFrom: []), number: 1, firstSequence: 1)
    static let headSize = 52

    /// Whole logs, and pieces of logs, changed anywhere; in half of the inputs the checksums of
    /// some changed frames are put right, so that what lies behind them is reached.
    @Sendable static func reader() throws -> Fuzzer.Trial {
        let file = MemoryLog()
        let (journal, _) = try Journal.open(file: file, source: file, header: head)
        try journal.append(records)
        let whole = file.bytes
        let header = Array(whole.prefix(headSize))
        let originals = [whole, header, Array(whole.prefix(whole.count * 2 / 3))]
        return Fuzzer.Trial(
            input: { random in
                var bytes = Mutation.mutated(originals, &random)
                if random.below(2) == 0 { mend(&bytes) }
                // The header is a fixed text: most inputs keep it.
                if random.below(8) != 0 {
                    bytes.replaceSubrange(0..<min(bytes.count, header.count), with: header)
                }
                return bytes
            },
            run: { bytes, _ in try read(bytes) })
    }

    /// Puts the checksums right of the frames that follow each other from the header on.
    static func mend(_ bytes: inout [UInt8]) {
        var place = headSize
        while place + 8 <= bytes.count {
            let length = (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
            guard length <= bytes.count - place - 8 else { return }
            let checksum = Checksum.crc32c(
                bytes[(place + 8)..<(place + 8 + length)],
                after: Checksum.crc32c(bytes[place..<(place + 4)]))
            for index in 0..<4 {
                bytes[place + 4 + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index))
            }
            place += 8 + length
        }
    }

    /// Reads all of it: entries in ascending order, none outside the file; what opening the log
    /// leaves reads the same a second time.
    static func read(_ bytes: [UInt8]) throws -> FuzzOutcome {
        let file = MemoryLog(bytes)
        do {
            var reader = JournalReader(file)
            var last: UInt64 = 0
            var found = 0
            while let entry = try reader.next() {
                switch entry {
                case .record(let sequence, _), .unknown(let sequence, _),
                    .unreadable(let sequence, _):
                    guard sequence > last else { throw FuzzFailure("\(sequence) after \(last)") }
                    last = sequence
                    found += 1
                case .gap(let gap):
                    guard gap.bytes.lowerBound >= 0, gap.bytes.upperBound <= file.size else {
                        throw FuzzFailure("a gap at \(gap.bytes) in \(file.size) bytes")
                    }
                }
            }
            let (_, recovery) = try Journal.open(file: file, source: file, header: head)
            guard recovery.records + recovery.notUnderstood == found else {
                throw FuzzFailure("\(found) records read, opened with \(recovery)")
            }
            let once = file.bytes
            _ = try Journal.open(file: file, source: file, header: head)
            guard file.bytes == once else { throw FuzzFailure("opening again changed the log") }
            return found > 0 ? .accepted : .refused
        } catch is JournalError {
            return .refused
        }
    }

    /// The payload of one frame, with no checksum in front of it. What is understood has one
    /// encoding.
    @Sendable static func record() throws -> Fuzzer.Trial {
        let originals = try records.map { try RecordCodec.encode($0, sequence: 5) }
        return Fuzzer.Trial(
            input: { Mutation.mutated(originals, &$0) },
            run: { bytes, _ in
                do {
                    guard case .record(let number, let record) = try RecordCodec.decode(bytes)
                    else { return .accepted }
                    let once = try RecordCodec.encode(record, sequence: number)
                    guard case .record(_, let back) = try RecordCodec.decode(once),
                        try RecordCodec.encode(back, sequence: number) == once
                    else { throw FuzzFailure("the record has two encodings") }
                    return .accepted
                } catch is RecordError {
                    return .refused
                }
            })
    }
}

/// A log in memory, to be read and written.
final class MemoryLog: LogFile, ByteSource {
    /// What is in it.
    private(set) var bytes: [UInt8]

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    var size: Int64 { Int64(bytes.count) }

    func append(_ more: [UInt8]) { bytes += more }

    func sync() {}

    func truncate(to size: Int64) { bytes.removeSubrange(Int(size)...) }

    func close() {}

    func read(at offset: Int64, count: Int) -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        let start = Int(offset)
        return Array(bytes[start..<(start + min(count, bytes.count - start))])
    }
}
