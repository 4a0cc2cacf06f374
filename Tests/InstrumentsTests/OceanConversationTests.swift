import Quantities
import Testing

@testable import Instruments

/// Whole conversations with a twin written from the manual.
@Suite struct OceanConversationTests {
    static func scanningBench(
        _ options: OceanSpectrometer.Options = benchOptions(), plan: AcquisitionPlan = shortPlan()
    ) -> OceanBench {
        var bench = OceanBench(options)
        bench.machine.setPlan(plan, at: bench.now)
        bench.open()
        bench.run(for: .seconds(10)) { $0.frame != nil }
        return bench
    }

    /// The exact bytes of a connection without change of speed.
    @Test func goldenConnection() {
        var options = benchOptions()
        options.wavelengthCoefficients = [350, 0.4, 0, 0]
        var bench = OceanBench(options)
        bench.machine.setPlan(shortPlan(), at: bench.now)
        bench.open()
        let events = bench.run(for: .seconds(10)) { $0.isReady }
        #expect(bench.written.starts(with: [UInt8(ascii: "v")]))
        let orders: [[UInt8]] = [
            [0x76], [0x47, 0, 1], [0x6B, 0, 1], [0x41, 0, 1], [0x42, 0, 0], [0x54, 0, 0],
            [0x3F, 0x41], [0x3F, 0x42], [0x4A, 0, 1], [0x49, 0, 20], [0x3F, 0x49],
            [0x50, 0, 3, 0, 100, 0, 124, 0, 3], [0x53],
        ]
        #expect(bench.written == orders.flatMap { $0 })
        #expect(
            events.map(\.kind).suffix(2).first
                == .identified(
                    "Ocean spectrometer, firmware 1.02.0, 9600 baud"))
        #expect(events.count == 2)
        #expect(bench.machine.isReady)
        #expect(bench.machine.wavelengths.count == 256)
    }

    @Test(arguments: [true, false])
    func readsCalibration(padded: Bool) throws {
        var bench = OceanBench(benchOptions())
        bench.twin.padsConstants = padded
        bench.open()
        let events = bench.run(for: .seconds(10)) { $0.isReady }
        #expect(events.last?.isReady == true)
        #expect(events.allSatisfy { $0.trouble == nil })
        // λ(10) = 340.5 + 3.75 - 0.0012 - 2.5e-7 by hand.
        let tenth = try #require(bench.machine.wavelengths.dropFirst(10).first)
        #expect(abs(tenth.nanometers - 344.248_799_75) < 1e-9)
    }

    /// The first scan after a change is not delivered, the second is, with the right pixels.
    @Test(arguments: OceanSpectrometer.Header.allCases, [true, false])
    func acquires(header: OceanSpectrometer.Header, compression: Bool) throws {
        var options = benchOptions()
        options.header = header
        options.compression = compression
        options.checksum = compression
        var bench = OceanBench(options)
        bench.twin.sadHeader = header == .sad500
        bench.machine.setPlan(shortPlan(), at: bench.now)
        bench.open()
        let first = bench.run(for: .seconds(10)) { $0.frame != nil }
        let frame = try #require(first.last?.frame)
        let pixels = [100, 103, 106, 109, 112, 115, 118, 121, 124]
        #expect(frame.counts == pixels.map { UInt16(1_000 + $0 * 7 + 3) })
        #expect(frame.maximumCount == UInt16(1_000 + 124 * 7 + 3))
        #expect(!frame.isSaturated)
        #expect(frame.receivedAt - frame.requestedAt >= .milliseconds(20))
        let more = bench.run(for: .seconds(2))
        #expect(more.allSatisfy { $0.frame != nil })
        for (index, event) in more.enumerated() {
            #expect(event.frame?.counts.first == UInt16(1_700 + (index + 2) * 3))
        }
    }

    /// S goes out with the last byte of the scan before it.
    @Test func asksAtOnce() {
        var bench = Self.scanningBench()
        let frames = bench.run(for: .seconds(2)).compactMap(\.frame)
        #expect(frames.count > 10)
        for (a, b) in zip(frames, frames.dropFirst()) { #expect(a.receivedAt == b.requestedAt) }
    }

    @Test func saturation() {
        var bench = OceanBench(benchOptions())
        bench.twin.light = { pixel, _ in pixel == 112 ? 0xFFFF : pixel == 115 ? 0xFFFD : 900 }
        bench.machine.setPlan(shortPlan(), at: bench.now)
        bench.open()
        let frame = bench.run(for: .seconds(10)) { $0.frame != nil }.last?.frame
        #expect(frame?.counts == [900, 900, 900, 900, 0xFFFF, 0xFFFD, 900, 900, 900])
        #expect(frame?.isSaturated == true)
        #expect(frame?.maximumCount == 0xFFFF)
    }

    @Test func leavesASCIIMode() {
        var bench = OceanBench(benchOptions())
        bench.twin.speaksASCII = true
        bench.open()
        let events = bench.run(for: .seconds(10)) { $0.isReady }
        #expect(events.last?.isReady == true)
        #expect(!bench.twin.speaksASCII)
    }

    @Test func changesSpeed() {
        var bench = OceanBench(benchOptions(workingBaud: 115_200))
        bench.open()
        let events = bench.run(for: .seconds(10)) { $0.isReady }
        #expect(events.last?.isReady == true)
        #expect(events.allSatisfy { $0.trouble == nil })
        #expect(bench.machine.baud == 115_200)
        #expect(bench.twin.baud == 115_200)
        // v, K at the old speed, K at the new, v again.
        #expect(bench.written.starts(with: [0x76, 0x4B, 0, 6, 0x4B, 0, 6, 0x76]))
    }

    /// NAK to either K: the instrument stays at its old speed and so do we, with a word about it.
    @Test(arguments: [true, false])
    func speedRefused(atOnce: Bool) {
        var bench = OceanBench(benchOptions(workingBaud: 115_200))
        bench.twin.rejectsSpeed = atOnce
        bench.twin.losesSecondSpeedAck = !atOnce
        bench.machine.setPlan(shortPlan(), at: bench.now)
        bench.open()
        let events = bench.run(for: .seconds(20)) { $0.frame != nil }
        #expect(events.last?.frame != nil)
        #expect(bench.machine.baud == 9_600)
        #expect(events.compactMap(\.trouble).count == 1)
        #expect(!events.contains { $0.isLost })
    }

    /// The pause between the two K is more than 50 ms.
    @Test func handshakePause() {
        var machine = OceanSpectrometer(benchOptions(workingBaud: 115_200))
        machine.lineOpened(at: .zero)
        machine.advance(to: machine.deadline)
        #expect(machine.output == [0x76])
        machine.output = []
        let found = Instant(nanoseconds: 200_000_000)
        machine.receive([0x06, 0x03, 0xFC], at: found)
        #expect(machine.output == [0x4B, 0, 6])
        #expect(machine.baud == 9_600)
        machine.output = []
        machine.receive([0x06], at: found)
        #expect(machine.baud == 115_200)
        #expect(machine.output.isEmpty)
        #expect(machine.deadline - found > .milliseconds(50))
        machine.advance(to: machine.deadline)
        #expect(machine.output == [0x4B, 0, 6])
    }

    /// The instrument is still at the working speed, or fell back while we were away.
    @Test func findsEitherSpeed() {
        var bench = OceanBench(benchOptions(workingBaud: 115_200))
        bench.twin.baud = 115_200
        bench.twin.parameters[UInt8(ascii: "K")] = 6
        bench.open()
        #expect(bench.run(for: .seconds(20)) { $0.isReady }.last?.isReady == true)
        bench.machine.lineClosed(at: bench.now)
        #expect(!bench.machine.isReady)
        #expect(bench.machine.wavelengths.isEmpty)
        bench.twin.powerCycle()
        bench.open()
        #expect(bench.run(for: .seconds(20)) { $0.isReady }.last?.isReady == true)
        #expect(bench.machine.baud == 115_200)
    }

    /// Power cut while scanning: misses, one `lost`, then ready and frames again.
    @Test func survivesPowerCut() {
        var bench = Self.scanningBench(benchOptions(workingBaud: 115_200))
        bench.twin.powerCycle()
        bench.losePending()
        let events = bench.run(for: .seconds(30)) { $0.frame != nil }
        #expect(events.last?.frame != nil)
        #expect(events.filter(\.isLost).count == 1)
        #expect(events.contains { $0.isReady })
    }

    /// Reset to defaults at the same speed: the header gives it away, everything is set again.
    @Test func noticesReset() {
        var bench = Self.scanningBench()
        bench.run(for: .milliseconds(100))
        bench.twin.powerCycle()
        let missed = bench.run(for: .seconds(30)) { $0.missed != nil }
        guard case .disobeyed(_, let expected, _) = missed.last?.missed else {
            Issue.record("other settings went unnoticed")
            return
        }
        #expect(expected.hasSuffix("ms 20"))
        let events = bench.run(for: .seconds(30)) { $0.frame != nil }
        #expect(events.last?.frame?.counts.count == 9)
        #expect(events.count == 1)
        #expect(bench.twin.parameters[UInt8(ascii: "J")] == 1)
    }

    @Test func absentInstrument() {
        var bench = OceanBench(benchOptions(workingBaud: 115_200))
        bench.twin.mute = true
        bench.open()
        let events = bench.run(for: .seconds(60))
        #expect(events.count == 1 && events[0].isLost)
        bench.twin.mute = false
        #expect(bench.run(for: .seconds(30)) { $0.isReady }.last?.isReady == true)
    }

    /// Changes between scans: applied in order, one scan thrown away, frames carry their plan.
    @Test func changesPlan() {
        var bench = Self.scanningBench()
        var plan = shortPlan(integration: 35)
        plan.lampOn = false
        plan.firstPixel = 40
        bench.machine.setPlan(plan, at: bench.now)
        let events = bench.run(for: .seconds(5)) { $0.frame != nil }
        #expect(events.count == 1)
        #expect(events.last?.frame?.plan == plan)
        #expect(events.last?.frame?.counts.count == plan.pixels.count)
        #expect(bench.twin.parameters[UInt8(ascii: "I")] == 35)
        #expect(bench.twin.parameters[UInt8(ascii: "J")] == 0)
        // The second scan of the new plan was delivered and a third is out.
        let last = bench.twin.light(40, bench.twin.scans - 2)
        #expect(events.last?.frame?.counts.first == last)
        plan.isAcquiring = false
        bench.machine.setPlan(plan, at: bench.now)
        let before = bench.twin.scans
        #expect(bench.run(for: .seconds(10)).isEmpty)
        #expect(bench.twin.scans <= before + 1)
    }

    @Test(arguments: [
        (0, 10, 1, 0), (5, 4, 1, 20), (-1, 4, 1, 20), (0, 256, 1, 20), (0, 10, 0, 20),
        (0, 10, 70_000, 20), (0, 10, 1, 65_536),
    ])
    func unsoundPlans(first: Int, last: Int, step: Int, milliseconds: Int) {
        var bench = Self.scanningBench()
        let plan = AcquisitionPlan(
            isAcquiring: true, lampOn: true, integration: .milliseconds(Int64(milliseconds)),
            firstPixel: first, lastPixel: last, pixelStep: step)
        bench.machine.setPlan(plan, at: bench.now)
        let events = bench.run(for: .seconds(5))
        #expect(events.count == 1 && events[0].trouble != nil)
        bench.machine.setPlan(shortPlan(), at: bench.now)
        #expect(bench.run(for: .seconds(5)) { $0.frame != nil }.last?.frame != nil)
    }

    /// A letter that must be obeyed is refused: reported, tried again, and in the end lost.
    @Test func refusedParameter() {
        var bench = OceanBench(benchOptions())
        bench.twin.refuses = [UInt8(ascii: "I")]
        bench.machine.setPlan(shortPlan(), at: bench.now)
        bench.open()
        let events = bench.run(for: .seconds(30)) { $0.isLost }
        #expect(events.last?.isLost == true)
        #expect(events.compactMap(\.trouble).count == OceanLimits.failures)
        bench.twin.refuses = []
        #expect(bench.run(for: .seconds(30)) { $0.frame != nil }.last?.frame != nil)
    }

    /// Models without T or without `?I` work all the same.
    @Test func missingLetters() {
        var bench = OceanBench(benchOptions())
        bench.twin.refuses = [UInt8(ascii: "T")]
        bench.twin.parameters[UInt8(ascii: "T")] = nil
        bench.machine.setPlan(shortPlan(), at: bench.now)
        bench.open()
        let events = bench.run(for: .seconds(10)) { $0.frame != nil }
        #expect(events.last?.frame != nil)
    }

    /// A unit that exposes all the time answers early: one miss, then it is known.
    @Test(arguments: [true, false])
    func freeRunning(toldBefore: Bool) {
        var options = benchOptions(workingBaud: 115_200)
        options.exposesOnRequest = !toldBefore
        var bench = OceanBench(options)
        bench.twin.isFreeRunning = true
        bench.machine.setPlan(shortPlan(integration: 100), at: bench.now)
        bench.open()
        let events = bench.run(for: .seconds(10))
        #expect(events.filter { $0.missed != nil }.count == (toldBefore ? 0 : 1))
        #expect(events.filter { $0.frame != nil }.count > 100)
        #expect(!events.contains { $0.isLost })
    }

    @Test func slowSender() {
        var options = benchOptions()
        options.byteGap = .milliseconds(1)
        var bench = Self.scanningBench(options)
        #expect(bench.run(for: .seconds(2)).contains { $0.frame != nil })
    }
}
