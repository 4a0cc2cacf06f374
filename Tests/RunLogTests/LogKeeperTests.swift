import Foundation
import Quantities
import Testing
import World

@testable import RunLog

@Suite("Keeping a log within its room")
struct LogKeeperTests {
    /// A log of sealed segments with frames in them, in a folder of its own.
    private final class Sample {
        let path = NSTemporaryDirectory() + "argent-keeper-" + UUID().uuidString
        var sizes: [Int64] = []
        let blocks = 6

        init(segments: Int) throws {
            try Files.makeDirectories(path)
            let options = SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: [1]))
            let log = try SegmentedLog(DirectoryStorage(path), options: options)
            var noise: UInt64 = 88_172_645_463_325_252
            for number in 0..<segments {
                for block in 0..<blocks {
                    let builder = try SpectraBlockBuilder(
                        kind: "scan", integration: .milliseconds(10), firstPixel: 0, pixelStep: 1,
                        pixels: 500, frames: 8)
                    for frame in 0..<8 {
                        let counts = (0..<500).map { _ -> UInt16 in
                            noise ^= noise << 13
                            noise ^= noise >> 7
                            noise ^= noise << 17
                            return UInt16(truncatingIfNeeded: noise)
                        }
                        try builder.append(counts, at: Instant(nanoseconds: Int64(frame)))
                    }
                    let at = Instant(nanoseconds: Int64(number * 100 + block) * 1_000_000)
                    try log.append([
                        record(.spectraBlock(try builder.takeRecord()), at),
                        record(.event(kind: "mark", text: "\(number).\(block)"), at),
                    ])
                }
                try log.sealAll()
            }
            sizes = log.takeSealed().map(\.size)
            log.close()
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        private func record(_ body: Record.Body, _ at: Instant) -> Record {
            Record(at: at, wall: WallTime(unixNanoseconds: at.nanoseconds), body: body)
        }

        /// The marks and the blocks there are.
        func read() throws -> (marks: [String], blocks: Int) {
            var reader = try LogReader(directory: path)
            var marks: [String] = []
            var blocks = 0
            while let entry = try reader.next() {
                guard case .record(_, let record) = entry else {
                    Issue.record("\(entry)")
                    continue
                }
                if case .event(_, let text) = record.body { marks.append(text) }
                if case .spectraBlock = record.body { blocks += 1 }
            }
            return (marks, blocks)
        }

        func keep(
            budget: Int64, isReplayed: Bool, pulled: @escaping (UInt64) -> Bool
        ) -> (events: [KeepingEvent], keeper: LogKeeper) {
            let keeper = LogKeeper(
                DirectoryStorage(path), Retention(budget: budget, reserve: 0),
                isReplayed: isReplayed, freeBytes: { 1 << 40 })
            var events: [KeepingEvent] = []
            var now = Instant.zero
            for _ in 0..<200 {
                events += keeper.turn(at: now, active: 0, acknowledged: { pulled })
                now = now + .seconds(11)
            }
            return (events, keeper)
        }
    }

    @Test("pulled segments give up their frames, the oldest first, and keep all else and the chain")
    func thinning() throws {
        let sample = try Sample(segments: 4)
        let before = try sample.read()
        #expect(before.marks.count == 24 && before.blocks == 24)
        let chain = try LogDirectory.sealedSegments(in: DirectoryStorage(sample.path)).segments
        let all = sample.sizes.reduce(0, +)
        // Room for all but some more than one segment's frames.
        let (events, keeper) = sample.keep(
            budget: (all - sample.sizes[0]) * 100 / 85, isReplayed: true, pulled: { $0 != 1 })
        let thinned = events.compactMap { event -> UInt64? in
            if case .thinned(let number, let freed) = event, freed > 0 { number } else { nil }
        }
        #expect(thinned == [2] || thinned == [2, 3], "\(events)")
        let after = try sample.read()
        #expect(after.marks == before.marks)
        #expect(after.blocks == before.blocks - thinned.count * sample.blocks)
        #expect(keeper.used < all)
        var previous: SealedSegment?
        for segment in try LogDirectory.sealedSegments(in: DirectoryStorage(sample.path)).segments {
            let report = try SegmentVerifier.verify(
                ReadFile(path: segment.path), after: previous)
            #expect(report.isSound, "\(segment.number): \(report.problems)")
            #expect(segment.isThinned == thinned.contains(segment.number))
            #expect(segment.hash == chain[Int(segment.number) - 1].hash)
            previous = segment
        }
    }

    @Test("what nobody pulled stays, and people hear of it before it hurts")
    func unpulled() throws {
        let sample = try Sample(segments: 3)
        let before = try sample.read()
        let all = sample.sizes.reduce(0, +)
        let (events, keeper) = sample.keep(
            budget: all * 100 / 98, isReplayed: false, pulled: { _ in false })
        #expect(keeper.filling == .scarce)
        #expect(events.count == 1)
        guard case .level(.scarce, used: all, _, unacknowledged: all)? = events.first else {
            Issue.record("\(events)")
            return
        }
        #expect(events[0].text.contains("pull the log now"))
        let after = try sample.read()
        #expect(after.marks == before.marks && after.blocks == before.blocks)
    }

    @Test("of a campaign that is over whole segments go, but the newest")
    func removal() throws {
        let sample = try Sample(segments: 3)
        let (events, _) = sample.keep(budget: 1_000, isReplayed: false, pulled: { _ in true })
        let left = try LogListing(DirectoryStorage(sample.path)).sealed
        #expect(left == [3])
        let removed = events.compactMap { event -> UInt64? in
            if case .removed(let number, let hash) = event, hash.count == 64 { number } else { nil }
        }
        #expect(removed == [1, 2])
    }
}

@Suite("Raw frames on their way to the log")
struct FrameRingTests {
    private func facts(_ at: Int64, pixels: Int = 4) -> FrameFacts {
        FrameFacts(
            at: Instant(nanoseconds: at), integration: .milliseconds(1), firstPixel: 0,
            pixelStep: 1, pixels: pixels)
    }

    private func push(_ ring: FrameRing, _ counts: [UInt16], _ facts: FrameFacts) -> Bool {
        counts.withUnsafeBufferPointer { ring.push($0, facts) }
    }

    @Test("frames come out as they went in; what finds no room is counted")
    func ring() {
        let ring = FrameRing(capacity: 3, pixelLimit: 4)
        for frame in 0..<5 {
            let taken = push(ring, [UInt16(frame), 1, 2, 3], facts(Int64(frame)))
            #expect(taken == (frame < 3))
        }
        #expect(!push(ring, [1, 2, 3, 4, 5], facts(9)))
        #expect(ring.dropped == 3 && ring.highWater == 3)
        var seen: [UInt16] = []
        while ring.pop({ seen.append($1[0]) }) {}
        #expect(seen == [0, 1, 2])
    }

    @Test("records hold every frame in order, none mixed with frames of another kind")
    func recorder() throws {
        let ring = FrameRing(capacity: 200, pixelLimit: 16)
        let recorder = FrameRecorder(ring, kind: "scan")
        var records: [Record] = []
        for frame in 0..<150 {
            let pixels = frame < 100 ? 16 : 8
            let counts = (0..<pixels).map { UInt16(1_000 + frame * 3 + $0) }
            #expect(push(ring, counts, facts(Int64(frame) * 1_000_000, pixels: pixels)))
        }
        let wall = WallTime(unixNanoseconds: 5)
        recorder.collect(at: Instant(nanoseconds: 150_000_000), wall: wall, into: &records)
        #expect(recorder.deadline == Instant(nanoseconds: 100_000_000) + FrameRecorder.patience)
        recorder.collect(
            at: Instant(nanoseconds: 151_000_000), wall: wall, isLast: true, into: &records)
        var found = 0
        for record in records {
            guard case .spectraBlock(let block) = record.body else { continue }
            let frames = try block.decoded(by: SpectralDecoder())
            for frame in 0..<frames.frames {
                let first = frames.counts[frame * frames.pixels]
                #expect(first == UInt16(1_000 + found * 3))
                #expect(block.times[frame] == Instant(nanoseconds: Int64(found) * 1_000_000))
                #expect(frames.pixels == (found < 100 ? 16 : 8))
                found += 1
            }
        }
        #expect(found == 150 && records.count == 3)
    }
}
