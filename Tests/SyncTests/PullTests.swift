import Foundation
import Quantities
import Sync
import TestSupport
import Testing
import World

import class World.Thread

@Suite struct PullTests {
    let own: TLSIdentity
    let rig: ServedRig
    let here: TestFolder

    init() throws {
        own = try TLSIdentity()
        rig = try ServedRig(accepting: [own.fingerprint], limits: Self.generous)
        here = try TestFolder()
    }

    /// No test shall wait for a bucket to fill.
    static var generous: SyncLimits {
        var limits = SyncLimits()
        limits.connectionsPerMinute = 100_000
        limits.connectionsPerAddress = 100_000
        return limits
    }

    private func sameBytes(_ number: UInt64, _ path: String) -> Bool {
        (try? Files.read(here["bench/" + path], limit: 1 << 30)) == rig.segments.bytes(number)
    }

    @Test func fetchesEverythingOnceAndAcknowledges() throws {
        for number in 1...20 { rig.segments.add(UInt64(number), size: number * 7_919) }
        let report = try rig.pull(own, into: here)
        #expect(report.rigName == "rig" && report.listed == 20 && report.kept == 20)
        #expect(report.findings.isEmpty && report.acknowledged == 20 && report.records == 2_000)
        #expect(report.fetchedBytes == (1...20).reduce(0) { $0 + UInt64($1) * 7_919 })
        // 2026-03-01 was a Sunday; segment n began n days later.
        #expect(sameBytes(1, "2026-03-02/07070707-00000001.argentseg"))
        #expect(sameBytes(20, "2026-03-21/07070707-00000020.argentseg"))
        #expect(here.files("bench").count == 22)
        for number in 1...20 {
            #expect(
                rig.acknowledgements.has(
                    own.fingerprint, segment: UInt64(number), of: rig.segments.log))
        }
        #expect(becomes { rig.server.status.unacknowledgedBytes == 0 })
        #expect(rig.server.status.lastPeer == "peer0")
        let again = try rig.pull(own, into: here)
        #expect(again.kept == 0 && again.fetchedBytes == 0 && again.acknowledged == 0)
        rig.segments.add(21, size: 1)
        let more = try rig.pull(own, into: here)
        #expect(more.kept == 1 && more.fetchedBytes == 1 && more.acknowledged == 1)
        // Moved away by hand: not fetched again.
        try Files.remove(here["bench/2026-03-02/07070707-00000001.argentseg"])
        #expect(try rig.pull(own, into: here).fetchedBytes == 0)
    }

    @Test func manySegmentsTakeManyListings() throws {
        let entries = (1...600).map { rig.segments.add(UInt64($0), size: 30) }
        let (connection, _) = try Puller.connect(rig.job(own))
        var listed: [SegmentEntry] = []
        for (count, hasMore) in [(256, true), (256, true), (88, false)] {
            let listing = try connection.list(after: listed.last?.number ?? 0)
            #expect(listing.entries.count == count && listing.hasMore == hasMore)
            listed += listing.entries
        }
        #expect(listed == entries)
    }

    @Test func resumesAtAnyByte() throws {
        let entry = rig.segments.add(1, size: 50_000)
        let bytes = rig.segments.bytes(1)
        for length in [0, 1, 4_095, 4_096, 49_999, 50_000] {
            let fresh = try TestFolder()
            let target = try PullFolder(directory: fresh.path, rig: "bench")
            let partial = target.partialPath(entry, of: rig.segments.log)
            try Files.replace(partial, with: Array(bytes[..<length]))
            let check = FakeCheck(segments: rig.segments)
            let report = try Puller(rig.job(own), into: target, check: check).run()
            #expect(report.kept == 1 && report.resumedBytes == UInt64(length))
            #expect(report.fetchedBytes == UInt64(50_000 - length))
            #expect(!Files.exists(partial))
        }
    }

    @Test func wrongHalvesAreFetchedAnew() throws {
        let entry = rig.segments.add(1, size: 50_000)
        let target = try PullFolder(directory: here.path, rig: "bench")
        for length in [1, 30_000, 50_000, 60_000] {
            let fresh = try TestFolder()
            let target = try PullFolder(directory: fresh.path, rig: "bench")
            let partial = target.partialPath(entry, of: rig.segments.log)
            try Files.replace(partial, with: [UInt8](repeating: 0xEE, count: length))
            let check = FakeCheck(segments: rig.segments)
            let report = try Puller(rig.job(own), into: target, check: check).run()
            #expect(report.kept == 1 && report.findings.isEmpty)
        }
        // Leftovers of other segments go.
        try Files.replace(target.path + "/.partial/07070707-00000009-00", with: [1])
        let check = FakeCheck(segments: rig.segments)
        _ = try Puller(rig.job(own), into: target, check: check).run()
        #expect(here.files("bench/.partial").isEmpty)
    }

    @Test func damageOnTheRigIsNotAcknowledged() throws {
        rig.segments.add(1, size: 1_000)
        let entry = rig.segments.add(2, size: 2_000)
        rig.segments.add(3, size: 3_000)
        var bytes = rig.segments.bytes(2)
        bytes[77] ^= 4
        rig.segments.replace(entry, bytes: bytes)
        let report = try rig.pull(own, into: here)
        #expect(report.kept == 2 && report.fetchedBytes == 8_000)
        #expect(
            report.findings == [.damaged(number: 2, why: "its SHA-256 is no segment's")])
        #expect(
            !rig.acknowledgements.has(own.fingerprint, segment: 2, of: rig.segments.log))
        #expect(rig.acknowledgements.has(own.fingerprint, segment: 3, of: rig.segments.log))
    }

    @Test func segmentsMustChain() throws {
        rig.segments.add(1, size: 1_000)
        var entry = rig.segments.add(2, size: 2_000)
        entry.previousHash[0] ^= 1
        rig.segments.replace(entry, bytes: rig.segments.bytes(2))
        let report = try rig.pull(own, into: here)
        #expect(report.findings == [.doesNotChain(number: 2)] && report.kept == 1)
        #expect(
            !rig.acknowledgements.has(own.fingerprint, segment: 2, of: rig.segments.log))
    }

    @Test func signersMustBeTheRig() throws {
        rig.segments.add(1, size: 1_000)
        let (former, stranger) = (try TLSIdentity(), try TLSIdentity())
        for (key, isGood) in [
            (rig.identity.publicKey, true), (former.publicKey, true), (stranger.publicKey, false),
        ] {
            let fresh = try TestFolder()
            let target = try PullFolder(directory: fresh.path, rig: "bench")
            var job = rig.job(own)
            job.rig.former = [former.fingerprint]
            let check = FakeCheck(segments: rig.segments, keys: [key])
            let report = try Puller(job, into: target, check: check).run()
            #expect(report.kept == (isGood ? 1 : 0))
            #expect(
                report.findings
                    == (isGood
                        ? [] : [.otherSigner(number: 1, signer: stranger.fingerprint)]))
        }
    }

    @Test func anotherKeyIsNotTalkedTo() throws {
        rig.segments.add(1, size: 1_000)
        var job = rig.job(own)
        let known = try TLSIdentity().fingerprint
        job.rig.fingerprint = known
        let target = try PullFolder(directory: here.path, rig: "bench")
        #expect(
            throws: PullError.otherIdentity(
                rig: rig.address.description, shown: rig.identity.fingerprint, known: known)
        ) { try Puller(job, into: target, check: FakeCheck(segments: rig.segments)).run() }
        #expect(rig.segments.opened == 0)
    }

    @Test func notAcceptedSaysWhatToDo() throws {
        let stranger = try TLSIdentity()
        let error = thrown(PullError.self) { _ = try rig.pull(stranger, into: here) }
        #expect(error?.description.contains("argent pair accept \(stranger.fingerprint)") == true)
    }

    @Test func removedSegmentsAreMissedOnce() throws {
        for number in 1...9 { rig.segments.add(UInt64(number), size: 100) }
        for number in [1, 2, 5] as [UInt64] { rig.segments.remove(number) }
        let report = try rig.pull(own, into: here)
        #expect(report.kept == 6)
        #expect(report.findings == [.missing(first: 1, last: 2), .missing(first: 5, last: 5)])
        #expect(try rig.pull(own, into: here).findings.isEmpty)
    }

    @Test func aRigSetBackIsNotGoneOnWith() throws {
        for number in 1...3 { rig.segments.add(UInt64(number), size: 100) }
        _ = try rig.pull(own, into: here)
        rig.segments.remove(3)
        #expect(try rig.pull(own, into: here).findings == [.wentBack(here: 3, there: 2)])
        rig.segments.add(3, size: 100, salt: 1)
        rig.segments.add(4, size: 100, salt: 1)
        let report = try rig.pull(own, into: here)
        #expect(report.findings == [.replaced(number: 3)] && report.fetchedBytes == 0)
    }

    @Test func twoAtOnceDoNotMeet() throws {
        let target = try PullFolder(directory: here.path, rig: "bench")
        #expect(throws: PullError.running(folder: here["bench"])) {
            try PullFolder(directory: here.path, rig: "bench")
        }
        _ = try PullFolder(directory: here.path, rig: "other")
        withExtendedLifetime(target) {}
    }

    @Test func fullDisksAreSaid() throws {
        var entry = rig.segments.add(1, size: 1_000)
        entry.size = 1 << 40
        rig.segments.replace(entry, bytes: rig.segments.bytes(1))
        let error = thrown(PullError.self) { _ = try rig.pull(own, into: here) }
        guard case .noRoom(here["bench"], 1 << 40, let free) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(free > 0 && free < 1 << 40)
        // And where it fills up between the look and the write.
        let full = WorldError.failed(
            operation: "append", name: "x", errno: ENOSPC, reason: "No space left on device")
        rig.segments.add(1, size: 1_000)
        let target = try PullFolder(directory: here.path, rig: "bench")
        let check = FakeCheck(segments: rig.segments, fails: full)
        let late = thrown(PullError.self) {
            _ = try Puller(rig.job(own), into: target, check: check).run()
        }
        guard case .noRoom = late else {
            Issue.record("\(String(describing: late))")
            return
        }
    }

    @Test func tornListsAreCutAndDamagedOnesSaid() throws {
        rig.segments.add(1, size: 100)
        _ = try rig.pull(own, into: here)
        let path = here["bench/pulled"]
        let whole = try Files.read(path, limit: 10_000)
        try Files.replace(path, with: whole + Array("have 0707".utf8))
        #expect(try rig.pull(own, into: here).fetchedBytes == 0)
        #expect(try Files.read(path, limit: 10_000) == whole)
        try Files.replace(path, with: Array("nonsense 1 2\n".utf8) + whole)
        #expect(throws: PullError.list(path: path, line: 1)) { try rig.pull(own, into: here) }
    }

    /// The acknowledgement got lost after the segment was kept: it is told again.
    @Test func lostAcknowledgementsAreToldAgain() throws {
        rig.segments.add(1, size: 100)
        _ = try rig.pull(own, into: here)
        let path = here["bench/pulled"]
        let lines = String(decoding: try Files.read(path, limit: 10_000), as: UTF8.self)
            .split(separator: "\n")
        #expect(lines.count == 2 && lines[1].hasPrefix("told "))
        try Files.replace(path, with: Array((lines[0] + "\n").utf8))
        let report = try rig.pull(own, into: here)
        #expect(report.kept == 0 && report.acknowledged == 1)
    }
}
