import Numerics
import Quantities
import World

@testable import RunLog

/// Records to test with.
enum Samples {
    static func record(_ body: Record.Body, at: Int64 = 1_500_000_000) -> Record {
        Record(
            at: Instant(nanoseconds: at),
            wall: WallTime(unixNanoseconds: 1_700_000_000_000_000_000), body: body)
    }

    /// One of each type, with the awkward values each can hold.
    static let bodies: [Record.Body] = [
        .start(version: "0.1.0", bootIdentifier: "4f1c", seed: .max, continues: true),
        .configuration(text: "# µL/min\n\"\u{0}\"", sha256: String(repeating: "a", count: 64)),
        .decision(
            DecisionRecord(
                run: 2, method: "gaussian-process", lows: [4, -0.0], highs: [20, .infinity],
                recipes: [[], [1, 2.5], [-.infinity]], basedOn: [1, 2, 300],
                model: [NamedValue(name: "noise", value: .leastNonzeroMagnitude)],
                proposers: ["network", ""],
                comparison: [
                    ProposerRecord(
                        run: 6, proposer: "network", conditions: 7, bestLoss: 0.125,
                        medianLoss: .greatestFiniteMagnitude)
                ], expected: [0.5, -0.0, .leastNonzeroMagnitude], expectedSpread: 0.125)),
        .recipe(run: 0, condition: .max, attempt: .min, values: []),
        .setpoints([NamedValue(name: "AgNO3", value: 26.25), NamedValue(name: "", value: 0)]),
        .readings([NamedReading(name: "flow", value: nil), NamedReading(name: "T", value: -1)]),
        .droplet(
            DropletRecord(
                condition: 1, attempt: 2, index: 0, enteredAt: Instant(nanoseconds: -1),
                leftAt: .distantFuture, plateau: 9, loss: 0.25, maximumAbsorbance: 1.5,
                absorbance: [0.5, -0.0, .infinity, .greatestFiniteMagnitude])),
        .spectra(
            SpectraRecord(
                kind: "dark", scans: 16, integration: .milliseconds(20), firstPixel: 5,
                pixelStep: 3, maximumCount: 65_535, counts: [])),
        .conditionEnd(
            ConditionRecord(
                run: 1, condition: 3, attempt: 1, outcome: "complete", droplets: 15,
                medianLoss: 0.5, reason: "")),
        .conditionEnd(
            ConditionRecord(
                run: 1, condition: 4, attempt: 1, outcome: "failed", droplets: 0,
                medianLoss: nil, reason: "no droplets 🫧")),
        .event(kind: "", text: "e\u{301}"), .fault(kind: "stall", text: "oil", latched: false),
        .operatorAction(kind: "hold", text: "by hand"), .clockStep(nanoseconds: .min),
        .stop(reason: "signal"),
    ]

    static let records = bodies.enumerated().map { record($1, at: Int64($0) * 1_000_003) }

    /// The head of a first segment.
    static let header = JournalHeader(
        logIdentifier: LogIdentifier(derivedFrom: "test".utf8), number: 1, firstSequence: 1)

    /// The head in FORMAT.md's examples.
    static let documented = JournalHeader(
        logIdentifier: LogIdentifier(0..<16), number: 1, firstSequence: 1)

    /// The bytes of an active segment of `records`, written by hand from frames.
    static func log(
        _ records: [Record], header: JournalHeader = header
    ) throws -> [UInt8] {
        try records.enumerated().reduce(into: header.bytes) { bytes, next in
            bytes += JournalFormat.frame(
                try RecordCodec.encode(next.element, sequence: UInt64(next.offset + 1)))
        }
    }

    /// Everything a reader finds in `bytes`.
    static func entries(_ bytes: [UInt8]) throws(JournalError) -> [JournalEntry] {
        var reader = JournalReader(MemorySource(bytes))
        var entries: [JournalEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }
}

/// A file in memory that can refuse: the `failAt`-th call (counted over append, sync, truncate)
/// fails; an append that fails leaves `tornBytes` of its bytes behind.
final class FaultyFile: LogFile, ByteSource {
    var bytes: [UInt8]
    var failures: Set<Int> = []
    var tornBytes = 0
    private(set) var calls = 0
    /// What a power cut would leave: the content at the last good sync.
    private(set) var durable: [UInt8] = []

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    var size: Int64 { Int64(bytes.count) }

    private func step(_ operation: String) throws(WorldError) {
        calls += 1
        if failures.contains(calls) {
            throw .failed(operation: operation, name: "log", errno: 28, reason: "no space")
        }
    }

    func append(_ more: [UInt8]) throws(WorldError) {
        do throws(WorldError) { try step("write") } catch {
            bytes += more.prefix(tornBytes)
            throw error
        }
        bytes += more
    }

    func sync() throws(WorldError) {
        try step("sync")
        durable = bytes
    }

    func truncate(to size: Int64) throws(WorldError) {
        try step("cut")
        bytes = Array(bytes.prefix(Int(size)))
    }

    func close() {}

    func read(at offset: Int64, count: Int) -> [UInt8] {
        MemorySource(bytes).read(at: offset, count: count)
    }
}
