import Configuration
import Glibc
import Quantities
import Testing

@testable import Rig

/// Commanded against measured flow, by itself: numbers in, verdicts out.
@Suite struct FlowCheckTests {
    private func check(
        _ hazard: Hazard, of subject: String = "meter",
        _ change: (inout ReactionSettings) -> Void = { _ in }
    ) throws -> FlowCheck {
        var settings = BenchRig.settings()
        settings.sensors = [BenchRig.sensor("meter", .flow)]
        var reaction = ReactionSettings(hazard, of: subject)
        reaction.tolerance = 0.1
        reaction.slackFlow = FlowRate(microlitersPerMinute: 5)
        reaction.slackVolume = Volume(microliters: 20)
        reaction.settle = .seconds(4)
        reaction.filter = .seconds(1)
        change(&reaction)
        settings.reactions = [reaction]
        let rows = ReactionTable(settings).rows
        let row = try #require(
            rows.firstIndex { $0.hazard == hazard && $0.subject == subject })
        return FlowCheck(row: row, rows[row])
    }

    private func at(_ seconds: Double) -> Instant { .zero + .seconds(seconds) }

    /// Runs `check` with a constant measured flow every 100 ms; when it was first wrong.
    private func firstWrong(
        _ check: inout FlowCheck, commanded: Double, measured: (Double) -> Double,
        for seconds: Double
    ) -> Double? {
        var time = 0.0
        while time <= seconds {
            let flow = measured(time)
            if flow.isFinite { check.take(flow, at: at(time)) }
            let verdict = check.judge(
                commanded: commanded, obeyed: true, flow: flow, counter: .nan, at: at(time))
            if case .wrong = verdict { return time }
            time += 0.1
        }
        return nil
    }

    @Test func whatIsWithinToleranceIsFine() throws {
        // 10 % of 300 and 5: 265 … 335 is permitted.
        for (flow, isFine) in [(300.0, true), (266, true), (334, true), (264, false), (336, false)]
        {
            var check = try check(.flowDeviation)
            let wrong = firstWrong(
                &check, commanded: 300, measured: { _ in flow }, for: 20)
            #expect((wrong == nil) == isFine, "\(flow)")
            // Never before flow had its time to follow.
            if let wrong { #expect(wrong >= 4 - 1e-9) }
        }
    }

    @Test func flowThoughNothingIsCommandedIsADeviation() throws {
        var check = try check(.flowDeviation)
        #expect(firstWrong(&check, commanded: 0, measured: { _ in 4 }, for: 10) == nil)
        var other = try self.check(.flowDeviation)
        #expect(firstWrong(&other, commanded: 0, measured: { _ in 6 }, for: 10) != nil)
    }

    @Test func aMomentaryBubbleIsSmoothedAway() throws {
        var check = try check(.flowDeviation)
        // One reading of zero: the filter of 1 s moves by 1 - exp(-0.1) = 9.5 %, within 11.7 %.
        let wrong = firstWrong(
            &check, commanded: 300, measured: { abs($0 - 10) < 0.04 ? 0 : 300 }, for: 20)
        #expect(wrong == nil)
        // A step is followed like a first-order lag: −11.67 % after −ln(1 − 0.1167) = 0.124 s.
        var step = try self.check(.flowDeviation)
        let late = firstWrong(
            &step, commanded: 300, measured: { $0 > 9.95 ? 0 : 300 }, for: 20)
        #expect(abs((late ?? 0) - 10.1) < 0.06, "\(late ?? -1)")
    }

    @Test func changesAndDisobedienceStartTheTimeAnew() throws {
        var check = try check(.flowDeviation)
        check.take(300, at: at(0))
        _ = check.judge(commanded: 300, obeyed: true, flow: 300, counter: .nan, at: at(0))
        check.take(300, at: at(9))
        var verdict = check.judge(
            commanded: 600, obeyed: true, flow: 300, counter: .nan, at: at(9))
        #expect(verdict == .undecided)
        verdict = check.judge(commanded: 600, obeyed: false, flow: 300, counter: .nan, at: at(12))
        #expect(verdict == .undecided)
        verdict = check.judge(commanded: 600, obeyed: true, flow: 300, counter: .nan, at: at(15.9))
        #expect(verdict == .undecided)
        verdict = check.judge(commanded: 600, obeyed: true, flow: 300, counter: .nan, at: at(16))
        #expect(verdict == .wrong(measured: 300, expected: 600))
    }

    @Test func silenceIsMissingAndNeverZero() throws {
        for hazard in [Hazard.flowDeviation, .noFlow, .volumeDeviation] {
            var check = try check(hazard)
            #expect(
                check.judge(commanded: 300, obeyed: true, flow: .nan, counter: 0, at: at(30))
                    == .missing)
        }
    }

    @Test func noFlowIsATenthOfWhatShouldFlow() throws {
        for (flow, isFine) in [(300.0, true), (100, true), (31, true), (29, false), (0, false)] {
            var check = try check(.noFlow) { $0.tolerance = 0.9 }
            let wrong = firstWrong(&check, commanded: 300, measured: { _ in flow }, for: 20)
            #expect((wrong == nil) == isFine, "\(flow)")
        }
        // A flow the sensor cannot tell from nothing is no reason to stop.
        var small = try check(.noFlow) { $0.tolerance = 0.9 }
        #expect(firstWrong(&small, commanded: 5, measured: { _ in 0 }, for: 20) == nil)
    }

    /// Volumes against a counter that counts `ratio` of what was commanded.
    private func volumeTrip(
        _ check: inout FlowCheck, ratio: Double, flow: Double = .nan
    ) -> Double? {
        var time = 0.0
        while time < 400 {
            if flow.isFinite { check.take(flow, at: at(time)) }
            let verdict = check.judge(
                commanded: 300, obeyed: true, flow: flow, counter: 5 * time * ratio, at: at(time))
            if case .wrong = verdict { return time }
            time += 0.5
        }
        return nil
    }

    @Test func aCounterThatLagsBehindTheCommandsIsNoticed() throws {
        var check = try check(.volumeDeviation, of: "silver")
        #expect(volumeTrip(&check, ratio: 1) == nil)
        var within = try self.check(.volumeDeviation, of: "silver")
        #expect(volumeTrip(&within, ratio: 0.92) == nil)
        // Nothing counted: 5 µL/s against 20 µL + 10 % + 25 µL (5 s): 45/4.5 = 10 s after the
        // first 4 s.
        var stuck = try self.check(.volumeDeviation, of: "silver")
        let trip = volumeTrip(&stuck, ratio: 0)
        #expect(abs((trip ?? 0) - 14.5) <= 0.5, "\(trip ?? -1)")
        // Half of it: (0.5 − 0.1)·5·t > 45 at t = 22.5 s.
        var half = try self.check(.volumeDeviation, of: "silver")
        #expect(abs((volumeTrip(&half, ratio: 0.5) ?? 0) - 27) <= 1)
    }

    @Test func measuredVolumeIsComparedWithTheCounters() throws {
        var right = try check(.volumeDeviation)
        #expect(volumeTrip(&right, ratio: 1, flow: 300) == nil)
        var leak = try self.check(.volumeDeviation)
        #expect(volumeTrip(&leak, ratio: 1, flow: 150) != nil)
    }
}
