import Numerics
import Quantities
import TestSupport
import Testing
import World

@testable import RunLog

@Suite struct JournalTests {
    private func open(_ file: FaultyFile) throws -> (journal: Journal, recovery: JournalRecovery) {
        try Journal.open(file: file, source: file, header: Samples.header)
    }

    private func expected(_ records: ArraySlice<Record>) -> [JournalEntry] {
        records.enumerated().map { .record(sequence: UInt64($0 + 1), $1) }
    }

    @Test func freshLogTakesRecords() throws {
        let file = FaultyFile()
        let (journal, recovery) = try open(file)
        #expect(!recovery.existed && recovery.droppedBytes == 0)
        #expect(try journal.append(Samples.records) == 1)
        try journal.sync()
        #expect(file.durable == file.bytes)
        #expect(try file.bytes == Samples.log(Samples.records))
        #expect(try Samples.entries(file.bytes) == expected(Samples.records[...]))
        let again = try open(file)
        #expect(again.recovery.existed && again.recovery.records == Samples.records.count)
        #expect(try again.journal.append([Samples.records[0]]) == 16)
        #expect(try journal.size == Int64(Samples.log(Samples.records).count))
    }

    @Test func exampleOfTheFormatDocument() throws {
        let body = Record.Body.event(kind: "reference", text: "8 droplets, µ")
        let bytes = try Samples.log([Samples.record(body)], header: Samples.documented)
        let document = try ReadFile(
            path: SharedData.projectRoot + "/Sources/RunLog/FORMAT.md")
        let text = String(
            decoding: try document.read(at: 0, count: Int(document.size)), as: UTF8.self)
        let parts = text.split(separator: "```\n", omittingEmptySubsequences: false)
        let example = parts[1].split(whereSeparator: \.isWhitespace)
        #expect(example.compactMap { UInt8($0, radix: 16) } == bytes)
        #expect(bytes.count == 105)

        var builder = SegmentBuilder(
            head: SegmentHead(
                logIdentifier: try #require(Samples.documented.logIdentifier), number: 1,
                firstSequence: 1, previousHash: SegmentFormat.noHash),
            level: 6)
        var segment = builder.begin()
        builder.add(sequence: 1, try RecordCodec.encode(Samples.record(body), sequence: 1))
        segment += try builder.frame()
        segment += try builder.finish(signer: nil)
        let sealed = parts[3].split(whereSeparator: \.isWhitespace)
        #expect(sealed.compactMap { UInt8($0, radix: 16) } == segment)
    }

    @Test func cutAtEveryByteKeepsWhatWasWritten() throws {
        let records = Samples.records
        let whole = try Samples.log(records)
        var ends = [JournalFormat.headerSize]
        for (index, record) in records.enumerated() {
            let size = try RecordCodec.encode(record, sequence: UInt64(index + 1)).count
            ends.append(ends[index] + JournalFormat.frameHeadSize + size)
        }
        #expect(ends.last == whole.count)
        for length in 0...whole.count {
            let file = FaultyFile(Array(whole.prefix(length)))
            let recovery = try open(file).recovery
            let kept = ends.lastIndex { $0 <= length }
            let end = kept.map { ends[$0] } ?? 0
            #expect(recovery.records == kept ?? 0 && recovery.gapCount == 0)
            #expect(recovery.droppedBytes == Int64(length - end))
            #expect(file.bytes == Array(whole.prefix(max(end, JournalFormat.headerSize))))
            #expect(file.durable == file.bytes)
            let bytes = file.bytes
            let second = try open(file).recovery
            #expect(file.bytes == bytes && second.droppedBytes == 0)
            #expect(try Samples.entries(bytes) == expected(records[..<(kept ?? 0)]))
        }
    }

    @Test func everyFlippedBitIsNoticed() throws {
        let records = [Samples.records[0], Samples.records[4], Samples.records[6]]
        let whole = try Samples.log(records)
        let all = expected(records[...])
        for bit in 0..<(whole.count * 8) {
            var bytes = whole
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            guard bit >= JournalFormat.headerSize * 8 else {
                #expect(throws: JournalError.self) { try Samples.entries(bytes) }
                continue
            }
            let file = FaultyFile(bytes)
            var found: [JournalEntry] = []
            let recovery = try Journal.open(
                file: file, source: file, header: Samples.header
            ) { found.append($0) }.recovery
            let intact = found.filter { if case .gap = $0 { false } else { true } }
            // Exactly one record is lost, and the loss is told.
            #expect(intact.count == 2 && intact.allSatisfy(all.contains))
            #expect(recovery.gapCount == 1 || recovery.droppedBytes > 0)
            let once = file.bytes
            _ = try open(file)
            #expect(file.bytes == once)
        }
    }

    @Test func damageInTheMiddleStaysAndIsReported() throws {
        let records = Samples.records
        var bytes = try Samples.log(records)
        let second = try Samples.log(Array(records[..<1])).count
        let fourth = try Samples.log(Array(records[..<3])).count
        for place in second..<fourth { bytes[place] = 0 }
        let file = FaultyFile(bytes)
        let (journal, recovery) = try open(file)
        let gap = JournalGap(bytes: Int64(second)..<Int64(fourth), missingRecords: 2)
        #expect(recovery.gaps == [gap] && recovery.droppedBytes == 0)
        #expect(file.bytes == bytes)
        #expect(journal.nextSequence == UInt64(records.count + 1))
        #expect(
            try Samples.entries(bytes)
                == [.record(sequence: 1, records[0]), .gap(gap)]
                + expected(records[...]).dropFirst(3))
    }

    @Test func removedBytesAreMissed() throws {
        let records = Samples.records
        var bytes = try Samples.log(records)
        let second = try Samples.log(Array(records[..<1])).count
        let third = try Samples.log(Array(records[..<2])).count
        bytes.removeSubrange(second..<third)
        let gap = JournalGap(bytes: Int64(second)..<Int64(second), missingRecords: 1)
        #expect(try Samples.entries(bytes)[1] == .gap(gap))
    }

    @Test func zeroesAndNoiseAtTheEndAreCut() throws {
        let whole = try Samples.log(Samples.records)
        var random = SeededGenerator(seed: 4)
        for tail in [
            [UInt8](repeating: 0, count: 5_000),
            (0..<5_000).map { _ in UInt8(truncatingIfNeeded: random.next()) },
        ] {
            let file = FaultyFile(whole + tail)
            #expect(try open(file).recovery.droppedBytes == 5_000)
            #expect(file.bytes == whole)
        }
    }

    @Test func otherFilesAreLeftAlone() throws {
        var newer = JournalFormat.magic
        newer.append(littleEndian: 3)
        newer.append(littleEndian: Checksum.crc32c(newer[...]))
        for (bytes, error) in [
            (Array("[campaign]\nname = \"x\"\n".utf8), JournalError.notAJournal),
            (newer, .newerFormat(version: 3)),
        ] {
            let file = FaultyFile(bytes)
            #expect(throws: error) {
                try Journal.open(file: file, source: file, header: Samples.header)
            }
            #expect(file.bytes == bytes && file.calls == 0)
        }
    }

    @Test func liveReaderWaitsForTheRest() throws {
        let whole = try Samples.log(Samples.records)
        let file = FaultyFile()
        var reader = JournalReader(file, isLive: true)
        var found: [JournalEntry] = []
        for byte in whole {
            file.bytes.append(byte)
            while let entry = try reader.next() { found.append(entry) }
        }
        #expect(found == expected(Samples.records[...]))
        // A torn append that the writer takes back leaves no trace in the reader.
        file.bytes += whole[52..<62]
        #expect(try reader.next() == nil)
        file.bytes.removeLast(10)
        file.bytes += JournalFormat.frame(
            try RecordCodec.encode(Samples.records[3], sequence: 16))
        #expect(try reader.next() == .record(sequence: 16, Samples.records[3]))
    }

    @Test func tailGivesTheLast() throws {
        let source = MemorySource(try Samples.log(Samples.records))
        for count in [0, 1, 4, 15, 99] {
            let (entries, total) = try JournalReader.tail(count, of: source)
            #expect(total == 15)
            #expect(entries == expected(Samples.records[...]).suffix(count))
        }
    }
}
