import LogTrials
import Numerics
import RunLog
import World

/// Everything that reads sealed segments, and a whole log directory.
var segmentFuzzers: [Fuzzer] {
    [
        Fuzzer(name: "segment/reader", make: SegmentFuzz.reader),
        Fuzzer(name: "segment/log", make: SegmentFuzz.log),
    ]
}

private enum SegmentFuzz {
    /// The files of a small log with sealed segments and an active one.
    static func files() throws -> [String: [UInt8]] {
        let disk = SimulatedDisk()
        let workload = LogWorkload(count: 60, segmentSize: 1_500, seed: 9)
        _ = try workload.write(to: 40, on: disk)
        _ = try workload.write(from: 40, on: disk, ends: false)
        return disk.files
    }

    /// A segment changed anywhere; in half of the inputs the checksums of the three blocks are put
    /// right, so that what lies behind them is reached.
    @Sendable static func reader() throws -> Fuzzer.Trial {
        let originals = try files().filter { SegmentName.sealedNumber($0.key) != nil }
            .sorted { $0.key < $1.key }.map(\.value)
        return Fuzzer.Trial(
            input: { random in
                var bytes = Mutation.mutated(originals, &random)
                if random.below(2) == 0 { mend(&bytes) }
                return bytes
            },
            run: { bytes, _ in
                let source = MemorySource(bytes)
                let report = try SegmentVerifier.verify(source)
                if report.isSound, !originals.contains(bytes) {
                    throw FuzzFailure("a changed segment passes for sound")
                }
                var last: UInt64 = 0
                var reader: SegmentReader
                do { reader = try SegmentReader(source) } catch is SegmentError { return .refused }
                while let entry = try reader.next() {
                    switch entry {
                    case .record(let sequence, _), .unknown(let sequence, _),
                        .unreadable(let sequence, _):
                        guard sequence > last else {
                            throw FuzzFailure("\(sequence) after \(last)")
                        }
                        last = sequence
                    case .gap(let gap):
                        guard gap.bytes.lowerBound >= 0, gap.bytes.upperBound <= source.size else {
                            throw FuzzFailure("a gap at \(gap.bytes) in \(source.size) bytes")
                        }
                    }
                }
                return .accepted
            })
    }

    /// Puts the checksum right of the head, and of the blocks the last bytes point to.
    static func mend(_ bytes: inout [UInt8]) {
        func number(_ place: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        }
        func mend(_ start: Int, _ length: Int) {
            guard length >= 12, start >= 0, length <= bytes.count - start else { return }
            let place = start + length - 4
            let checksum = Checksum.crc32c(bytes[start..<place])
            for index in 0..<4 {
                bytes[place + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index))
            }
        }
        guard bytes.count >= 24 else { return }
        mend(0, number(4) + 8)
        let seal = number(bytes.count - 8)
        let index = number(bytes.count - 12)
        mend(bytes.count - seal, seal)
        mend(bytes.count - seal - index, index)
    }

    /// A log directory with one file changed: opening gives a typed error or records in order,
    /// and opening again changes nothing.
    @Sendable static func log() throws -> Fuzzer.Trial {
        let files = try files()
        let names = files.keys.sorted()
        let options = LogWorkload(count: 1, segmentSize: 1_500, seed: 9).options
        return Fuzzer.Trial(
            input: { random in
                // The first byte says which file the rest replaces.
                let place = random.below(names.count)
                var bytes = Mutation.mutated([files[names[place]] ?? []], &random)
                if random.below(2) == 0 { mend(&bytes) }
                return [UInt8(place)] + bytes
            },
            run: { bytes, _ in
                var files = files
                let place = Int(bytes.first ?? 0)
                guard names.indices.contains(place) else { return .refused }
                files[names[place]] = Array(bytes.dropFirst())
                let disk = SimulatedDisk(files)
                var last: UInt64 = 0
                var isOrdered = true
                do {
                    let log = try SegmentedLog(disk, options: options) { entry in
                        guard case .record(let sequence, _) = entry else { return }
                        isOrdered = isOrdered && sequence > last
                        last = sequence
                    }
                    log.close()
                    let once = disk.files
                    try SegmentedLog(disk, options: options).close()
                    guard disk.files == once else {
                        throw FuzzFailure("opening again changed the log")
                    }
                } catch is JournalError { return .refused }
                guard isOrdered else { throw FuzzFailure("records out of order") }
                return .accepted
            })
    }
}
