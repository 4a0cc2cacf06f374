import Glibc
import Quantities
import TestSupport
import Testing
import World

@testable import RunLog

@Suite struct JournalFaultTests {
    /// Appends all records one by one, syncing after each; a refusal is tried again. Returns how
    /// many refusals there were.
    private func write(_ records: [Record], to journal: Journal) throws -> Int {
        var refusals = 0
        for record in records {
            while true {
                do throws(JournalError) {
                    try journal.append([record])
                    break
                } catch { refusals += 1 }
            }
            while true {
                do throws(JournalError) {
                    try journal.sync()
                    break
                } catch { refusals += 1 }
            }
            #expect(!journal.hasUnsynced)
        }
        return refusals
    }

    @Test(arguments: [0, 3, 11, 10_000]) func refusalAtEachCallLosesNothing(torn: Int) throws {
        let records = Array(Samples.records.prefix(4))
        let whole = try Samples.log(records)
        // Calls 1 and 2 are the header and its sync; up to two refusals in a row, each place.
        for first in 3...12 {
            for second in first...(first + 2) {
                let file = FaultyFile()
                let (journal, _) = try Journal.open(
                    file: file, source: file, header: Samples.header)
                file.failures = [first, second]
                file.tornBytes = torn
                let refusals = try write(records, to: journal)
                #expect(file.bytes == whole && file.durable == whole)
                #expect(first > 10 || refusals > 0)
            }
        }
    }

    @Test func failedAppendLeavesAConsistentLog() throws {
        let file = FaultyFile()
        let (journal, _) = try Journal.open(file: file, source: file, header: Samples.header)
        try journal.append([Samples.records[0]])
        try journal.sync()
        let before = file.bytes
        // The append and the cut after it fail: bytes stay, and are cut before the next write.
        file.failures = [5, 6]
        file.tornBytes = 7
        let refusal = WorldError.failed(
            operation: "write", name: "log", errno: 28, reason: "no space")
        #expect(throws: JournalError.notWritten(refusal)) {
            try journal.append([Samples.records[1]])
        }
        #expect(file.bytes.count == before.count + 7 && journal.nextSequence == 2)
        try journal.append([Samples.records[2]])
        try journal.sync()
        #expect(try file.durable == Samples.log([Samples.records[0], Samples.records[2]]))
    }

    @Test func failedSyncWritesAgain() throws {
        let file = FaultyFile()
        let (journal, _) = try Journal.open(file: file, source: file, header: Samples.header)
        file.failures = [4]
        try journal.append([Samples.records[0]])
        #expect(throws: JournalError.self) { try journal.sync() }
        // The kernel drops the pages it could not write, as it may.
        let header = file.bytes.prefix(JournalFormat.headerSize)
        file.bytes = header + [UInt8](repeating: 0, count: file.bytes.count - header.count)
        try journal.append([Samples.records[1]])
        try journal.sync()
        #expect(try file.durable == Samples.log(Array(Samples.records.prefix(2))))
    }

    @Test func failureWhileOpeningIsTold() throws {
        let torn = try Samples.log(Array(Samples.records.prefix(2))).dropLast(3)
        for call in 1...2 {
            let file = FaultyFile(Array(torn))
            file.failures = [call]
            #expect(throws: JournalError.self) {
                try Journal.open(file: file, source: file, header: Samples.header)
            }
            let opened = try Journal.open(file: file, source: file, header: Samples.header)
            #expect(opened.recovery.records == 1)
        }
    }

    @Test func unsyncedBytesAreBounded() throws {
        let file = FaultyFile()
        let (journal, _) = try Journal.open(file: file, source: file, header: Samples.header)
        let large = Samples.record(.stop(reason: String(repeating: "x", count: 4_000_000)))
        for _ in 0..<4 { try journal.append([large]) }
        let limit = JournalError.tooMuchUnsynced(limit: Journal.unsyncedLimit)
        #expect(throws: limit) { try journal.append([large]) }
        try journal.sync()
        #expect(try journal.append([large]) == 5)
    }

    @Test func diskFileKeepsTheLog() throws {
        let folder = try TestFolder()
        let path = folder["run.argentlog"]
        do {
            let file = try AppendFile(path: path)
            #expect(throws: WorldError.self) { try AppendFile(path: path) }
            let (journal, _) = try Journal.open(file: file, source: file, header: Samples.header)
            try journal.append(Samples.records)
            try journal.sync()
            try file.append([1, 2, 3])
            journal.close()
            #expect(throws: WorldError.self) { try file.append([1]) }
        }
        let file = try AppendFile(path: path)
        let opened = try Journal.open(file: file, source: file, header: Samples.header)
        #expect(opened.recovery.droppedBytes == 3)
        file.close()
        let whole = try Samples.log(Samples.records)
        let source = try ReadFile(path: path)
        #expect(try source.read(at: 0, count: 100_000) == whole)
        #expect(try Digest.sha256(of: source) == Digest.sha256(whole))
        #expect(throws: WorldError.self) { try ReadFile(path: folder["none"]) }
    }

    @Test func fullDiskIsATypedError() throws {
        // Linux's own device whose every write fails with ENOSPC.
        let file = try AppendFile(path: "/dev/full")
        var code: Int32 = 0
        do throws(WorldError) { try file.append([1]) } catch {
            if case .failed(_, _, let found, _) = error { code = found }
        }
        #expect(code == ENOSPC)
    }

    // Check value of the catalogue entry CRC-32/ISCSI; digests from FIPS 180-4's examples.
    @Test func checksumAndDigestHaveTheirCheckValues() {
        #expect(Checksum.crc32c(Array("123456789".utf8)[...]) == 0xE306_9283)
        let head = Checksum.crc32c(Array("1234".utf8)[...])
        #expect(Checksum.crc32c(Array("56789".utf8)[...], after: head) == 0xE306_9283)
        #expect(
            Digest.sha256("abc")
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Digest.sha256([])
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }
}
