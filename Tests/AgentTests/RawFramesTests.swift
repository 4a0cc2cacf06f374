import Configuration
import Export
import Quantities
import RigSimulator
import RunLog
import Synchronization
import Testing
import World

@testable import Agent

/// Remembers what a simulated instrument puts on its line, byte for byte.
private final class RecordingPeer: VirtualPeer {
    private let peer: any VirtualPeer
    private(set) var sent: [UInt8] = []

    init(_ peer: any VirtualPeer) { self.peer = peer }

    var baud: Int { peer.baud }
    var deadline: Instant { peer.deadline }
    func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) { peer.receive(bytes, at: now) }
    func advance(to now: Instant) { peer.advance(to: now) }
    func takeOutput(into bytes: inout [UInt8], at now: Instant) {
        let before = bytes.count
        peer.takeOutput(into: &bytes, at: now)
        sent += bytes[before...]
    }

    /// The frames in what was sent, by the manual alone: STX, 0xFFFF, then words, most
    /// significant byte first: 0 (single words), scans, exposure, two of the baseline, pixel
    /// mode 1 and its step; the counts; 0xFFFD.
    func frames(pixels: Int, step: Int) -> [[UInt16]] {
        func word(_ place: Int) -> Int {
            place + 1 < sent.count ? Int(sent[place]) << 8 | Int(sent[place + 1]) : -1
        }
        var frames: [[UInt16]] = []
        var place = 0
        while place < sent.count {
            let start = place + 15
            let end = start + 2 * pixels
            guard sent[place] == 0x02, word(place + 1) == 0xFFFF, word(place + 3) == 0,
                word(place + 5) == 1, word(place + 11) == 1, word(place + 13) == step,
                word(end) == 0xFFFD
            else {
                place += 1
                continue
            }
            frames.append((0..<pixels).map { UInt16(word(start + 2 * $0)) })
            place = end + 2
        }
        return frames
    }
}

/// `[log] raw_frames` through a whole campaign: bytes on the spectrometer's line, the rig's loop,
/// the ring, the archive's thread, segments on a real disk, and back.
@Suite struct RawFramesTests {
    @Test func everyFrameOfACampaignIsInTheLog() throws {
        let rig = try VirtualRig { settings in
            settings.campaign.runs = 1
            settings.log.rawFrames = true
            settings.log.segmentSize = 200_000
        }
        let spectrometer = try #require(rig.simulated.lines.last)
        let recording = RecordingPeer(spectrometer.peer)
        rig.world.attach(path: spectrometer.path, peer: recording)
        let directory = ScratchDirectory()
        let ring = rig.frameRing
        let session = try rig.threadedSession(directory.path, ring: ring)
        session.run(
            shouldStop: { false },
            between: {
                // The virtual clock runs ahead of the thread that writes; a real one does not.
                ring.waitForRoom()
            })
        #expect(session.logFailure == nil)
        #expect(session.summary().runs.map(\.complete) == [3])

        let step = rig.settings.spectrometer.pixelStep
        let pixels = (rig.settings.spectrometer.pixelCount + step - 1) / step
        let sent = recording.frames(pixels: pixels, step: step)
        try #require(sent.count > 500, "\(sent.count) frames, \(recording.sent.count) bytes")
        let kept = try frames(in: directory.path)
        #expect(ring.dropped == 0)
        #expect(kept.counts.count == sent.count)
        #expect(kept.counts == sent)
        #expect(zip(kept.times, kept.times.dropFirst()).allSatisfy { $0 < $1 })

        let verification = try LogVerification(path: directory.path)
        #expect(verification.isWhole, "\(verification.text)")
        #expect(verification.segments > 2)
        print("raw frames: \(sent.count) of \(pixels) pixels in \(verification.segments) segments")
    }

    /// The raw frames of a log, in order.
    private func frames(in directory: String) throws -> (counts: [[UInt16]], times: [Instant]) {
        let decoder = SpectralDecoder()
        var counts: [[UInt16]] = []
        var times: [Instant] = []
        for record in try records(in: directory) {
            guard case .spectraBlock(let block) = record.body else { continue }
            #expect(block.kind == "scan" && block.firstPixel == 0)
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
            settings.log.segmentSize = 100_000
            settings.log.diskBudget = 1_000_000
            settings.log.diskReserve = 0
            var reaction = ReactionSettings(.logBudget, do: .hold)
            reaction.release = .automatic
            settings.reactions = [reaction]
        }
        let directory = ScratchDirectory()
        let ring = rig.frameRing
        let pulled = Pulled()
        let session = try rig.threadedSession(
            directory.path, ring: ring,
            acknowledged: { _ in pulled.all.load(ordering: .acquiring) })
        func run(_ seconds: Double, until isReached: () -> Bool) -> Bool {
            let end = rig.world.now + .seconds(seconds)
            while rig.world.now < end {
                session.turn()
                if isReached() { return true }
                ring.waitForRoom()
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
