import Foundation
import Quantities
import RunLog
import Sync
import TestSupport
import Testing
import World

/// A log of real sealed segments, served as `argent run` does.
final class RealLog {
    let folder: TestFolder
    let signer: TLSIdentity?

    init(segments: Int, records: Int, signer: TLSIdentity?) throws {
        folder = try TestFolder()
        self.signer = signer
        try write(segments: segments, records: records)
    }

    /// Goes on with the log: so many more segments.
    func write(segments: Int, records: Int) throws {
        let identifier = try #require(LogIdentifier((0..<16).map { UInt8($0 * 3) }))
        var options = SegmentOptions(newIdentifier: identifier)
        options.signer = signer
        for segment in 0..<segments {
            let log = try SegmentedLog(DirectoryStorage(folder.path), options: options) { _ in }
            _ = try log.append(
                (0..<records).map { number in
                    let text = "\(segment) \(number) \(UInt64(number) &* 0x9E37_79B9_7F4A_7C15)"
                    return Record(
                        at: Instant(nanoseconds: Int64(number)),
                        // 2026-03-01 12:00 UTC.
                        wall: WallTime(unixNanoseconds: 1_772_366_400_000_000_000),
                        body: .event(kind: "test", text: text))
                })
            try log.sync()
            try log.sealAll()
            log.close()
        }
    }
}

@Suite struct SegmentPullTests {
    private func serve(
        _ log: RealLog, _ rig: TLSIdentity, _ friend: TLSIdentity, stores: TestFolder
    ) throws -> (SyncServer, Puller.Job) {
        _ = try PeerStore(directory: stores.path).accept(friend.fingerprint, name: "ws")
        let settings = SyncServerSettings(
            address: NetworkAddress(host: "127.0.0.1", port: 0), directory: stores.path,
            name: "rig", limits: PullTests.generous)
        let server = try SyncServer(
            settings, identity: rig, acknowledgements: Acknowledgements(directory: stores.path),
            source: DirectorySegments(path: log.folder.path))
        try server.start()
        #expect(becomes { !server.status.listening.isEmpty })
        let address = try #require(NetworkAddress(server.status.listening))
        let known = KnownRig(
            address: address.description, fingerprint: rig.fingerprint, name: "bench")
        return (server, Puller.Job(address: address, rig: known, identity: friend, name: "ws"))
    }

    @Test func sealedSegmentsArriveAsTheyAre() throws {
        let (rig, friend, stores, here) = (
            try TLSIdentity(), try TLSIdentity(), try TestFolder(), try TestFolder()
        )
        let log = try RealLog(segments: 5, records: 300, signer: rig)
        let (server, job) = try serve(log, rig, friend, stores: stores)
        defer { server.stop() }
        let target = try PullFolder(directory: here.path, rig: "bench")
        let report = try Puller(job, into: target, check: SealedSegmentCheck()).run()
        #expect(report.findings.isEmpty && report.unsigned == 0)
        #expect(report.kept == 5 && report.records == 1_500 && report.acknowledged == 5)
        for number in 1...5 {
            let name = "0000000\(number).argentseg"
            #expect(
                try Files.read(log.folder[name], limit: 1 << 24)
                    == Files.read(here["bench/2026-03-01/00030609-" + name], limit: 1 << 24))
        }
        // The next night: what came since, chained to what came before.
        try log.write(segments: 2, records: 10)
        let more = try Puller(job, into: target, check: SealedSegmentCheck()).run()
        #expect(more.kept == 2 && more.findings.isEmpty)
    }

    @Test func unsignedSegmentsAreToldAndForeignOnesRefused() throws {
        for (signer, kept) in [(nil, 2), (try TLSIdentity(), 0)] as [(TLSIdentity?, Int)] {
            let (rig, friend, stores, here) = (
                try TLSIdentity(), try TLSIdentity(), try TestFolder(), try TestFolder()
            )
            let log = try RealLog(segments: 2, records: 20, signer: signer)
            let (server, job) = try serve(log, rig, friend, stores: stores)
            defer { server.stop() }
            let target = try PullFolder(directory: here.path, rig: "bench")
            let report = try Puller(job, into: target, check: SealedSegmentCheck()).run()
            #expect(report.kept == kept && report.unsigned == kept)
            #expect(report.acknowledged == kept)
            #expect(report.findings.count == 2 - kept)
        }
    }

    @Test func damagedFilesAreFoundAndNotAcknowledged() throws {
        let (rig, friend, stores, here) = (
            try TLSIdentity(), try TLSIdentity(), try TestFolder(), try TestFolder()
        )
        let log = try RealLog(segments: 3, records: 200, signer: rig)
        let path = log.folder["00000002.argentseg"]
        var bytes = try Files.read(path, limit: 1 << 24)
        // Within the first zstd frame: head, index and seal are sound, the content is not.
        bytes[bytes.count / 4] ^= 0x10
        try Files.replace(path, with: bytes)
        let (server, job) = try serve(log, rig, friend, stores: stores)
        defer { server.stop() }
        let target = try PullFolder(directory: here.path, rig: "bench")
        let report = try Puller(job, into: target, check: SealedSegmentCheck()).run()
        #expect(report.kept == 2 && report.acknowledged == 2)
        guard case .damaged(2, _)? = report.findings.first, report.findings.count == 1 else {
            Issue.record("\(report.findings)")
            return
        }
    }
}
