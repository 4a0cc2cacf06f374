import LogTrials
import Quantities
import Testing
import World

@testable import RunLog

@Suite struct SegmentedLogTests {
    /// Segments of so many bytes; never by age unless asked.
    private func options(size: Int64 = 1_000, age: TimeSpan? = nil) -> SegmentOptions {
        var options = SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: "new".utf8))
        options.size = size
        options.age = age
        return options
    }

    private func event(_ text: String, at seconds: Int64 = 0) -> Record {
        Samples.record(.event(kind: "test", text: text), at: seconds * 1_000_000_000)
    }

    private func entries(_ disk: SimulatedDisk) throws -> [JournalEntry] {
        var reader = try LogReader(disk)
        var entries: [JournalEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    private func expected(_ records: [Record]) -> [JournalEntry] {
        records.enumerated().map { .record(sequence: UInt64($0 + 1), $1) }
    }

    @Test func aSegmentEndsBySizeAndIsSealedInSteps() throws {
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: options())
        let records = (0..<42).map { event(String(repeating: "x", count: 100) + "\($0)") }
        for record in records {
            try log.append([record])
            try log.sync()
            while log.maintain(at: .zero) {}
        }
        #expect(log.nextSequence == 43 && log.sealingProblem == nil)
        let names = disk.files.keys.sorted()
        // 132 to 134 bytes a frame: eight of them and the head are more than 1,000.
        #expect(names.first == "00000001.argentseg" && names.last == "00000006.argentlog")
        #expect(log.takeSealed().map(\.number) == [1, 2, 3, 4, 5] && log.takeSealed().isEmpty)
        #expect(try entries(disk) == expected(records))
        try log.sealAll()
        log.close()
        let (segments, unreadable) = try LogDirectory.sealedSegments(in: disk)
        #expect(segments.map(\.number) == [1, 2, 3, 4, 5, 6] && unreadable.isEmpty)
        #expect(disk.files.count == 6 && segments.last == log.lastSealed)
        #expect(segments.map(\.records) == [8, 8, 8, 8, 8, 2])
        #expect(segments[0].previousHash == [UInt8](repeating: 0, count: 32))
        for (one, next) in zip(segments, segments.dropFirst()) {
            #expect(next.previousHash == one.hash && next.firstSequence == one.lastSequence + 1)
            #expect(next.logIdentifier == log.logIdentifier)
        }
        #expect(try entries(disk) == expected(records))
    }

    @Test func aSegmentEndsByAgeAndClocksMayJump() throws {
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: options(size: .max, age: .seconds(60)))
        func ends(_ seconds: Int64) -> Bool {
            let before = log.activeNumber
            _ = log.maintain(at: Instant(nanoseconds: seconds * 1_000_000_000))
            return log.activeNumber > before
        }
        try log.append([event("one", at: 1_000)])
        #expect(!ends(1_059) && !ends(500) && !ends(559))
        #expect(ends(560), "60 s after the clock jumped back")
        #expect(!ends(10_000), "nothing was written since")
        try log.append([event("two", at: 10_000)])
        #expect(ends(10_060))
    }

    @Test func theNextProcessSealsWhatTheLastOneLeft() throws {
        let disk = SimulatedDisk()
        let first = try SegmentedLog(disk, options: options(size: .max))
        #expect(!first.recovery.existed && disk.files.isEmpty)
        try first.append([event("one"), event("two")])
        try first.sync()
        first.close()
        let second = try SegmentedLog(disk, options: options(size: .max))
        #expect(second.recovery.existed && second.recovery.records == 2)
        #expect(second.recovery.unsealed == 1 && second.nextSequence == 3)
        #expect(second.logIdentifier == first.logIdentifier)
        try second.append([event("three")])
        try second.sync()
        #expect(disk.files.keys.sorted() == ["00000001.argentlog", "00000002.argentlog"])
        while second.maintain(at: .zero) {}
        #expect(disk.files.keys.sorted() == ["00000001.argentseg", "00000002.argentlog"])
        #expect(try entries(disk) == expected([event("one"), event("two"), event("three")]))
    }

    @Test func theFileOfVersionOneIsTakenOver() throws {
        let records = Array(Samples.records.prefix(5))
        var old = JournalFormat.magic
        old.append(littleEndian: 1)
        old.append(littleEndian: Checksum.crc32c(old[...]))
        let header = old
        for (index, record) in records.enumerated() {
            old += JournalFormat.frame(
                try RecordCodec.encode(record, sequence: UInt64(index + 1)))
        }
        let disk = SimulatedDisk([SegmentName.legacy: old + [1, 2, 3]])
        let log = try SegmentedLog(disk, options: options())
        #expect(log.recovery.records == 5 && log.recovery.droppedBytes == 3)
        #expect(disk.files == ["00000001.argentlog": old])
        try log.append([Samples.records[5]])
        try log.sealAll()
        #expect(try entries(disk) == expected(Array(Samples.records.prefix(6))))
        let name = try SealedSegment(try disk.openForReading("00000001.argentseg"), path: "")
        let again = try SegmentedLog(disk, options: options())
        #expect(again.logIdentifier == name.logIdentifier)
        #expect(again.logIdentifier == log.logIdentifier && again.recovery.gapCount == 0)
        // An empty one is a log that begins; one beside segments is somebody's mistake.
        let empty = SimulatedDisk([SegmentName.legacy: header])
        #expect(try SegmentedLog(empty, options: options()).append([records[0]]) == 1)
        let both = SimulatedDisk(disk.files.merging([SegmentName.legacy: old]) { $1 })
        #expect(throws: JournalError.twoLogs(directory: disk.path)) {
            try SegmentedLog(both, options: options())
        }
        let other = SimulatedDisk([SegmentName.legacy: Array("somebody's".utf8)])
        #expect(throws: JournalError.notAJournal) { try SegmentedLog(other, options: options()) }
        #expect(other.files == [SegmentName.legacy: Array("somebody's".utf8)])
    }

    @Test func whatASealingThatWasCutLeftIsPutInOrder() throws {
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: options(size: .max))
        try log.append([event("one"), event("two")])
        try log.sync()
        let active = disk.files
        try log.sealAll()
        let sealed = disk.files
        let both = active.merging(sealed) { $1 }.merging(["00000002.argentseg.new": [1]]) { $1 }
        // Sealed and safe, the active one not removed yet.
        let twin = SimulatedDisk(both)
        let found = try SegmentedLog(twin, options: options())
        #expect(twin.files == sealed && found.recovery.removedFiles == 2)
        #expect(found.recovery.records == 2 && found.nextSequence == 3)
        // Not what was sealed: the active one counts, and is sealed again to the same bytes.
        var damaged = both
        damaged["00000001.argentseg"]?[100] ^= 1
        let mended = SimulatedDisk(damaged)
        let again = try SegmentedLog(mended, options: options())
        #expect(mended.files == active && again.recovery.records == 2)
        try again.sealAll()
        #expect(mended.files == sealed)
    }

    @Test func aSegmentOfAnotherLogIsRefused() throws {
        func disk(_ name: String) throws -> [String: [UInt8]] {
            var options = options(size: .max)
            options = SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: name.utf8))
            let disk = SimulatedDisk()
            let log = try SegmentedLog(disk, options: options)
            try log.append([event(name)])
            try log.sealAll()
            try log.append([event(name)])
            try log.sync()
            return disk.files
        }
        var mixed = try disk("one")
        let other = try disk("other")
        mixed["00000002.argentlog"] = other["00000002.argentlog"]
        #expect(throws: JournalError.foreignSegment(name: "00000002.argentlog")) {
            try SegmentedLog(SimulatedDisk(mixed), options: options())
        }
        mixed = try disk("one")
        mixed["00000003.argentlog"] = mixed["00000002.argentlog"]
        #expect(throws: JournalError.foreignSegment(name: "00000003.argentlog")) {
            try SegmentedLog(SimulatedDisk(mixed), options: options())
        }
    }

    @Test func appendingGoesOnWhereSealingIsRefused() throws {
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: options(size: 60))
        try log.append([event("one")])
        try log.sync()
        disk.faults.first = disk.calls + 2
        disk.faults.code = 28
        #expect(!log.maintain(at: .zero))
        let problem = try #require(log.sealingProblem)
        #expect(problem.contains("segment 1") && problem.contains("28"))
        disk.faults.first = 0
        try log.append([event("two")])
        try log.sync()
        // Not at once again, and not before its time where the clock jumped back.
        #expect(!log.maintain(at: .zero + .seconds(9)) && log.lastSealed == nil)
        while log.maintain(at: .zero + .seconds(10)) {}
        #expect(log.sealingProblem == nil && log.lastSealed?.number == 2)
        #expect(try entries(disk) == expected([event("one"), event("two")]))
    }

    @Test func aStepOfSealingIsSmall() throws {
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: options(size: .max))
        var random = SplitMix(state: 5)
        let counts = (0..<60_000).map { _ in Float(bitPattern: random.next()) }
        let large = Samples.record(
            .spectra(
                SpectraRecord(
                    kind: "dark", scans: 1, integration: .zero, firstPixel: 0, pixelStep: 1,
                    maximumCount: 1, counts: counts)))
        for _ in 0..<20 { try log.append([large]) }
        try log.sync()
        log.close()
        // 20 records of 240 kB: two of them fill a frame.
        let sealing = try SegmentedLog(disk, options: options(size: .max))
        disk.records = true
        var steps = 0
        var largest = 0
        var unsynced = 0
        var mostUnsynced = 0
        while sealing.hasUnsealed {
            let before = disk.events.count
            sealing.maintain(at: .zero)
            steps += 1
            for event in disk.events[before...] {
                if case .write(_, _, let bytes) = event {
                    largest = max(largest, bytes.count)
                    unsynced += bytes.count
                }
                if case .sync = event { unsynced = 0 }
                mostUnsynced = max(mostUnsynced, unsynced)
            }
        }
        #expect(steps == 14, "ten frames, the end of them, index and seal, two names")
        #expect(largest <= SegmentFormat.frameTarget + 240_100)
        #expect(mostUnsynced <= Sealer.unsyncedLimit + largest)
        #expect(try entries(disk).count == 20)
    }

    @Test func aLiveReaderFollowsFromSegmentToSegment() throws {
        let disk = SimulatedDisk()
        let log = try SegmentedLog(disk, options: options(size: 300))
        var reader: LogReader?
        var found: [JournalEntry] = []
        let records = (0..<30).map { event("record \($0)") }
        for record in records {
            try log.append([record])
            try log.sync()
            if reader == nil { reader = try LogReader(disk, isLive: true) }
            while let entry = try reader?.next() { found.append(entry) }
            while log.maintain(at: .zero) {}
        }
        #expect(found == expected(records) && log.activeNumber > 3)
        for from in [1, 2, 17, 30, 31] as [UInt64] {
            var late = try LogReader(disk, from: from)
            var rest: [JournalEntry] = []
            while let entry = try late.next() { rest.append(entry) }
            #expect(rest == Array(expected(records).dropFirst(Int(from) - 1)))
        }
    }
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt32 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return UInt32(truncatingIfNeeded: (z ^ z >> 31) >> 32) & 0x7F7F_FFFF
    }
}
