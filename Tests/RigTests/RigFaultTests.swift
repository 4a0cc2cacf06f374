import Configuration
import Instruments
import Quantities
import Rig
import Testing

/// One thing breaks at a time; the rig goes safe, says why, and comes back only when it may.
@Suite struct RigFaultTests {
    /// A rig that is collecting droplets of condition 1.
    private func collecting(
        _ change: (inout Settings) -> Void = { _ in }
    ) throws -> BenchRig {
        var rig = try BenchRig(change)
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.mustReach(.collecting)
        #expect(rig.flowing > 0)
        return rig
    }

    private func expectSafe(_ rig: BenchRig, _ kind: String) {
        #expect(rig.controller.state == .safe)
        #expect(rig.flowing == 0)
        #expect(rig.controller.faults.all.contains { $0.kind == kind })
        #expect(
            rig.outcomes.contains { if case .abandoned = $0 { true } else { false } },
            "the condition must be tried again")
    }

    @Test func aLostPumpStopsTheOthersAndNeedsClearing() throws {
        var rig = try collecting()
        rig.tell("oil", .lost(.lineClosed))
        rig.set(pump: 2) {
            $0.link = .absent; $0.actual = nil
        }
        rig.silent = [2]
        rig.run(0.1)
        #expect(rig.controller.state == .safe)
        #expect(rig.controller.commanded.allSatisfy { $0 == .zero })
        // Not back: clearing says so and changes nothing.
        try rig.operate(.clear, says: "cannot clear yet")
        rig.run(1)
        #expect(rig.controller.state == .safe)
        // Back, but nobody looked: still safe.
        rig.silent = []
        rig.set(pump: 2) {
            $0.link = .ready; $0.actual = .stopped
        }
        rig.tell("oil", .ready)
        rig.run(5)
        #expect(rig.controller.state == .safe)
        try rig.operate(.clear, says: "cleared")
        try rig.mustReach(.ready)
    }

    @Test func anAlarmIsAcknowledgedOnlyByClearing() throws {
        var rig = try collecting()
        rig.tell("silver", .alarm(.stalled))
        rig.set(pump: 0) {
            $0.link = .alarmed(.stalled); $0.actual = .stopped
        }
        rig.run(1)
        expectSafe(rig, "pump-alarm")
        _ = rig.controller.operate(.clear, at: rig.now)
        try rig.mustReach(.ready)
    }

    @Test func aPumpThatIsNotHeardOfIsAFaultNotAZero() throws {
        var rig = try collecting()
        rig.silent = [0]
        try rig.must(10) { $0.controller.state == .safe }
        #expect(rig.controller.faults.all.contains { $0.kind == "stale-reading" })
    }

    /// States that follow one another quickly do not begin the wait anew.
    @Test(arguments: [RigState.priming, .darkening, .warming, .referencing])
    func silenceCountsWhateverTheState(_ state: RigState) throws {
        // What it is told meanwhile goes unheard as well: that shall not be noticed first.
        var rig = try BenchRig { $0.rig.obeyLimit = .seconds(60) }
        try rig.mustReach(state)
        let pump = try #require(rig.controller.commanded.firstIndex { $0 > .zero })
        let since = rig.now
        rig.silent = [pump]
        try rig.must(20) { $0.controller.state == .safe }
        #expect(rig.controller.faults.all.contains { $0.kind == "stale-reading" })
        #expect(rig.now - since <= BenchRig.settings().rig.staleAfter + .milliseconds(100))
    }

    @Test func aBlindDetectorIsAFault() throws {
        var rig = try collecting()
        rig.isBlind = true
        try rig.must(3) { $0.controller.state == .safe }
        rig.run(0.1)
        expectSafe(rig, "no-spectra")
    }

    @Test func aPumpThatDoesNotTakeItsSetpointIsAFault() throws {
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        rig.run(2)
        rig.disobedient = [1]
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.must(3) { $0.controller.state == .safe }
        let fault = rig.controller.faults.all.first
        #expect(fault?.kind == "pump-disobedient")
        #expect(fault?.text.contains("solvent") == true)
    }

    /// The same recipe again, long after the first time: a pump that starts anew for its new
    /// bound has as much time as any other.
    @Test func theSameRatesAgainGiveThePumpsTheirTimeAgain() throws {
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        rig.hasDroplets = false
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.must(120) { !$0.outcomes.isEmpty }
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.mustReach(.settling)
        rig.set(pump: 1) { $0.actual = nil }
        rig.disobedient = [1]
        rig.run(1)
        #expect(rig.controller.state == .settling)
        rig.run(2)
        #expect(rig.controller.state == .safe)
    }

    @Test func aPumpThatDoesNotStopIsAFault() throws {
        var rig = try collecting()
        rig.disobedient = [0]
        _ = rig.controller.operate(.hold(reason: "lunch"), at: rig.now)
        try rig.must(5) { $0.controller.state == .safe }
        #expect(rig.controller.faults.all.first?.kind == "pump-disobedient")
    }

    @Test func aLatchingInterlockStaysAfterItRecovers() throws {
        var rig = try collecting()
        rig.controller.interlock(0, danger: true, at: rig.now)
        rig.run(0.1)
        expectSafe(rig, "interlock")
        rig.controller.interlock(0, danger: false, at: rig.now)
        rig.run(5)
        #expect(rig.controller.state == .safe)
        try rig.operate(.clear, says: "cleared")
        try rig.mustReach(.ready)
    }

    @Test func anotherInterlockReleasesByItself() throws {
        var rig = try collecting()
        rig.controller.interlock(1, danger: true, at: rig.now)
        rig.run(1)
        expectSafe(rig, "interlock")
        rig.controller.interlock(1, danger: false, at: rig.now)
        try rig.mustReach(.ready)
    }

    @Test func anInterlockThatCannotBeReadIsDanger() throws {
        var rig = try collecting()
        rig.controller.interlock(0, danger: nil, at: rig.now)
        rig.run(0.1)
        expectSafe(rig, "interlock-unreadable")
        #expect(rig.controller.faults.all.first?.text.contains("cannot be read") == true)
    }

    @Test func withoutALogNothingRuns() throws {
        var rig = try collecting()
        rig.controller.log(failure: "no space left on device", at: rig.now)
        rig.run(0.1)
        expectSafe(rig, "log")
        try rig.operate(.clear, says: "no space left")
        rig.controller.log(failure: nil, at: rig.now)
        try rig.operate(.clear, says: "cleared")
        try rig.mustReach(.ready)
    }

    @Test func aHoldAsksForTheSameConditionAgain() throws {
        var rig = try collecting()
        try rig.operate(.hold(reason: "lunch"), says: "held")
        rig.run(1)
        #expect(rig.controller.state == .held)
        #expect(rig.flowing == 0)
        #expect(rig.outcomes == [.abandoned(reason: "lunch")])
        rig.run(600)
        #expect(rig.controller.state == .held)
        try rig.operate(.resume, says: "resumed")
        try rig.mustReach(.ready)
    }

    @Test func aHoldDuringAFaultStaysAfterClearing() throws {
        var rig = try collecting()
        rig.controller.interlock(0, danger: true, at: rig.now)
        _ = rig.controller.operate(.hold(reason: "wait for me"), at: rig.now)
        rig.controller.interlock(0, danger: false, at: rig.now)
        _ = rig.controller.operate(.clear, at: rig.now)
        rig.run(60)
        #expect(rig.controller.state == .held)
    }

    @Test func noReferenceWithoutDroplets() throws {
        var rig = try BenchRig()
        rig.hasDroplets = false
        try rig.mustReach(.safe)
        #expect(rig.controller.faults.all.first?.kind == "reference")
    }
}
