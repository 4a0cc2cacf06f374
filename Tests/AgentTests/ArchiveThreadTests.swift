import Glibc
import Quantities
import RunLog
import Synchronization
import TestSupport
import Testing
import World

@testable import Agent

/// Somebody who holds the archive's thread up on demand, as a disk does that hangs.
private final class HangingObserver: RecordObserver, @unchecked Sendable {
    let hangs = Atomic<Bool>(true)
    let seen = Atomic<Int>(0)

    func observe(_ record: Record) {
        seen.add(1, ordering: .relaxed)
        while hangs.load(ordering: .acquiring) { usleep(200) }
    }
}

@Suite struct ArchiveThreadTests {
    /// Waits until `holds`, for ten seconds at most.
    private func wait(until holds: () -> Bool) -> Bool {
        for _ in 0..<10_000 {
            if holds() { return true }
            usleep(1_000)
        }
        return false
    }

    /// A disk that says neither yes nor no is told as a failure, and no more once it answers.
    @Test func threadThatHangsIsAFailure() throws {
        let folder = try TestFolder()
        let storage = DirectoryStorage(folder.path)
        let log = try SegmentedLog(
            storage, options: SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: [])))
        let observer = HangingObserver()
        let archive = try ThreadedArchive(
            log: log, observer: observer, control: nil, answerLimit: .milliseconds(200))

        let before = Clocks.now
        archive.append(
            Record(
                at: before, wall: .init(unixNanoseconds: 0),
                body: .event(kind: "ready", text: "oil")))
        archive.flush()
        #expect(wait { observer.seen.load(ordering: .relaxed) == 1 })
        #expect(wait { archive.failure != nil })
        #expect(archive.failure == "the disk has not answered for 0.2 s")
        #expect(Clocks.now - before >= .milliseconds(200))

        observer.hangs.store(false, ordering: .releasing)
        #expect(wait { archive.failure == nil })
        archive.close()
    }
}
