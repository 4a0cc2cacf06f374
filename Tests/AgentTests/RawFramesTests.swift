import Configuration
import Export
import Quantities
import RigSimulator
import RunLog
import Synchronization
import TestSupport
import Testing
import World

@testable import Agent

/// Remembers what a simulated spectrometer puts on its line, byte for byte, and when it was set.
private final class RecordingPeer: VirtualPeer {
    private let peer: any VirtualPeer
    private(set) var sent: [UInt8] = []
    /// Bytes sent by then, and when, for each time it was told something: to scan (`S`), or other.
    private var told: [(at: Instant, sent: Int, isScan: Bool)] = []
    /// Bytes sent by then, for each time it sent some.
    private var leaving: [(at: Instant, sent: Int)] = []
    /// A host that goes on scanning asks sooner than this.
    private let pause = TimeSpan.milliseconds(50)

    init(_ peer: any VirtualPeer) { self.peer = peer }

    var baud: Int { peer.baud }
    var deadline: Instant { peer.deadline }
    func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) {
        told.append((now, sent.count, bytes.allSatisfy { $0 == UInt8(ascii: "S") }))
        peer.receive(bytes, at: now)
    }
    func advance(to now: Instant) { peer.advance(to: now) }
    func takeOutput(into bytes: inout [UInt8], at now: Instant) {
        let before = bytes.count
        peer.takeOutput(into: &bytes, at: now)
        sent += bytes[before...]
        if bytes.count > before { leaving.append((now, sent.count)) }
    }

    /// The frames in what was sent, by the manual alone: STX, then words, most significant byte
    /// first: 0xFFFF, 0 (single words), scans, exposure, two of the baseline, pixel mode 3 with
    /// first, last and step; the counts; 0xFFFD.
    /// At an edge of a series of scans, next to a setting or a pause, the host may have wanted
    /// something else meanwhile, and leaves the frame out.
    var frames: [(counts: [UInt16], isEdge: Bool)] {
        func word(_ place: Int) -> Int {
            place + 1 < sent.count ? Int(sent[place]) << 8 | Int(sent[place + 1]) : -1
        }
        var frames: [(counts: [UInt16], isEdge: Bool)] = []
        var place = 0
        while place < sent.count {
            let start = place + 21
            let (first, last, step) = (word(place + 15), word(place + 17), word(place + 19))
            guard sent[place] == 0x02, word(place + 1) == 0xFFFF, word(place + 3) == 0,
                word(place + 5) == 1, word(place + 13) == 3, step > 0, last >= first,
                word(start + 2 * ((last - first) / step + 1)) == 0xFFFD
            else {
                place += 1
                continue
            }
            let pixels = (last - first) / step + 1
            let counts = (0..<pixels).map { UInt16(word(start + 2 * $0)) }
            frames.append((counts, isEdge(from: place, to: start + 2 * pixels + 2)))
            place = start + 2 * pixels + 2
        }
        return frames
    }

    /// Whether the frame in these bytes is the first after a setting or a pause, or the last
    /// before one.
    private func isEdge(from start: Int, to end: Int) -> Bool {
        let asked = told.filter { $0.sent <= start }.suffix(2)
        guard asked.count == 2, asked.allSatisfy(\.isScan),
            let next = told.first(where: { $0.sent >= end }), next.isScan,
            let left = leaving.first(where: { $0.sent >= end }),
            let before = leaving.last(where: { $0.sent <= start })
        else { return true }
        return next.at - left.at > pause || asked[asked.endIndex - 1].at - before.at > pause
    }
}

/// `[log] raw_frames` through a whole campaign: bytes on the spectrometer's line, the rig's loop,
/// the ring, the archive's thread, segments on a real disk, and back.
@Suite struct RawFramesTests {
    @Test func everyFrameOfACampaignIsInTheLog() throws {
        let rig = try VirtualRig { settings in
            settings.campaign.runs = 1
            settings.log.rawFrames = true
            settings.log.segmentSize = 30_000
        }
        let spectrometer = try #require(rig.simulated.lines.last)
        let recording = RecordingPeer(spectrometer.peer)
        rig.world.attach(path: spectrometer.path, peer: recording)
        let directory = try TestFolder()
        let ring = rig.frameRing
        let (session, archive) = try rig.threadedSession(directory.path, ring: ring)
        session.run(
            shouldStop: { false },
            between: {
                // The virtual clock runs ahead of the thread that writes; a real one does not.
                archive.waitForFrames(of: ring)
            })
        #expect(session.logFailure == nil)
        #expect(session.summary().runs.map(\.complete) == [3])

        let sent = recording.frames
        try #require(sent.count > 200, "\(sent.count) frames, \(recording.sent.count) bytes")
        let kept = try frames(in: directory.path)
        #expect(ring.dropped == 0)
        var next = 0
        for frame in sent {
            if next < kept.counts.count, (kept.counts[next] == frame.counts) as Bool {
                next += 1
            } else if !frame.isEdge {
                Issue.record("a frame is missing after \(next) of \(kept.counts.count)")
                break
            }
        }
        #expect(next == kept.counts.count, "a frame nobody sent")
        #expect(sent.count { !$0.isEdge } > 200)
        #expect(kept.times.count == next)
        #expect(zip(kept.times, kept.times.dropFirst()).allSatisfy { $0 < $1 })

        let verification = try LogVerification(path: directory.path)
        #expect(verification.isWhole, "\(verification.text)")
        #expect(verification.segments > 2)
        print(
            "raw frames: \(next) of \(sent.count) sent, in \(verification.segments) segments")
    }

    /// The raw frames of a log, in order.
    private func frames(in directory: String) throws -> (counts: [[UInt16]], times: [Instant]) {
        let decoder = SpectralDecoder()
        var counts: [[UInt16]] = []
        var times: [Instant] = []
        for record in try records(in: directory) {
            guard case .spectraBlock(let block) = record.body else { continue }
            #expect(block.kind == "scan")
            let found = try block.decoded(by: decoder)
            for frame in 0..<found.frames {
                let range = (frame * found.pixels)..<((frame + 1) * found.pixels)
                counts.append(Array(found.counts[range]))
            }
            times += block.times
        }
        return (counts, times)
    }
}

/// The end of the disk, in one process: the log's room, its shortage, the reaction, and back.
@Suite struct LogShortageTests {
    /// Whether the workstation has everything.
    private final class Pulled: Sendable {
        let all = Atomic<Bool>(false)
    }

    @Test func aFullLogHoldsTheRigAndAPullLetsItGoOn() throws {
        let rig = try VirtualRig { settings in
            settings.campaign.runs = 1
            settings.log.rawFrames = true
            settings.log.segmentSize = 20_000
            settings.log.diskBudget = 100_000
            settings.log.diskReserve = 0
            var reaction = ReactionSettings(.logBudget, do: .hold)
            reaction.release = .automatic
            settings.reactions = [reaction]
        }
        let directory = try TestFolder()
        let ring = rig.frameRing
        let pulled = Pulled()
        let (session, archive) = try rig.threadedSession(
            directory.path, ring: ring,
            acknowledged: { _ in pulled.all.load(ordering: .acquiring) })
        func run(_ seconds: Double, until isReached: () -> Bool) -> Bool {
            let end = rig.world.now + .seconds(seconds)
            while rig.world.now < end {
                session.turn()
                if isReached() { return true }
                archive.waitForFrames(of: ring)
                rig.world.wait(until: min(session.rig.deadline, end))
            }
            return false
        }
        try #require(run(2_000) { session.rig.controller.state == .held })
        #expect(run(5) { session.rig.pumpStates.allSatisfy { $0.actual == .stopped } })
        #expect(!session.director.isFinished)
        let heldAt = session.director.campaign.history.count
        pulled.all.store(true, ordering: .releasing)
        // The log's thread lives in real time: it looks once a second.
        for _ in 0..<500 where session.rig.controller.state == .held {
            Clocks.sleep(.milliseconds(10))
            _ = run(1) { session.rig.controller.state != .held }
        }
        #expect(session.rig.controller.state != .held)
        let isOver = run(4_000) { session.director.isFinished }
        #expect(isOver)
        session.finish(atRest: true, reason: "the test is over")
        #expect(session.director.campaign.history.count > heldAt)

        let texts = try records(in: directory.path).compactMap { record -> String? in
            switch record.body {
            case .event(_, let text): text
            case .fault(let kind, _, _): "fault " + kind
            default: nil
            }
        }
        let order = ["pull the log (`", "not kept any more", "fault log-budget", "held"].map {
            words in texts.firstIndex { $0.contains(words) } ?? -1
        }
        #expect(order == order.sorted() && !order.contains(-1), "\(order): \(texts)")
        #expect(texts.contains { $0.contains("gave up its spectra blocks") })
        #expect(!texts.contains("fault log"))
        let verification = try LogVerification(path: directory.path)
        #expect(verification.isWhole, "\(verification.text)")
    }
}
