import Configuration
import Instruments
import Quantities
import Testing

@testable import Rig

/// Whether what was commanded really happens, on the bench: stalls that a pump does not feel,
/// sensors that go away, counters that stand still; and how pumps are brought to rest.
@Suite struct RigEffectTests {
    /// A rig that collects droplets, with a flow sensor behind all pumps.
    private func collecting(
        _ change: (inout Settings) -> Void = { _ in }
    ) throws -> BenchRig {
        var rig = try BenchRig { settings in
            settings.sensors = [BenchRig.sensor("meter", .flow)]
            settings.reactions = [
                ReactionSettings(.flowDeviation, of: "meter"),
                ReactionSettings(.noFlow, of: "meter"),
            ]
            settings.rig.collectLimit = .seconds(100)
            settings.rig.droplets = 1_000
            change(&settings)
        }
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.mustReach(.collecting)
        // Until flow is judged.
        rig.run(6)
        #expect(rig.controller.state == .collecting && rig.flowing > 599)
        return rig
    }

    /// Seconds until the rig leaves its state, at most `limit`.
    private func time(_ rig: inout BenchRig, _ limit: Double) -> Double {
        let start = rig.now
        let state = rig.controller.state
        rig.run(limit) { $0.controller.state != state }
        return (rig.now - start).seconds
    }

    @Test func aStallThatThePumpDoesNotFeelIsFound() throws {
        var rig = try collecting()
        // The pump says that it runs, and nothing flows.
        rig.sensorSays[0] = 0
        let took = time(&rig, 60)
        // Below a tenth after 2.3 s of the filter, then for 3 s; below three quarters sooner.
        #expect(took > 3 && took < 6, "\(took)")
        rig.run(3)
        let faults = rig.controller.faults.all
        #expect(rig.flowing == 0)
        let deviation = try #require(faults.first { $0.hazard == .flowDeviation })
        #expect(deviation.text.contains("meter measures"))
        #expect(deviation.text.contains("where 600 uL/min is commanded"))
        #expect(deviation.text.contains("hold"))
        #expect(deviation.text.contains("argent clear"))
    }

    @Test func noFlowAtAllNeedsAPerson() throws {
        var rig = try collecting { settings in
            settings.reactions[0].delay = .seconds(60)
        }
        rig.sensorSays[0] = 0
        let took = time(&rig, 60)
        #expect(took > 5 && took < 6.5, "\(took)")
        #expect(rig.controller.state == .safe)
        let fault = try #require(rig.controller.faults.all.first)
        #expect(fault.hazard == .noFlow && fault.latching)
        #expect(fault.text.contains("the pumps say that they run, and nothing flows"))
        rig.sensorSays[0] = nil
        rig.run(60)
        #expect(rig.controller.state == .safe)
        #expect(rig.controller.operate(.clear, at: rig.now) == "cleared")
        try rig.mustReach(.ready)
    }

    @Test func aSensorThatGoesAwayNeverMakesThePumpsRunHarder() throws {
        var rig = try collecting()
        let before = rig.controller.commanded
        rig.sensorSays[0] = .some(nil)
        let start = rig.now
        rig.run(30) { rig in
            let now = rig.controller.commanded
            for index in now.indices { #expect(now[index] <= before[index]) }
            return rig.controller.state == .held
        }
        // Stale after 1 s.
        let took = (rig.now - start).seconds
        #expect(took > 0.9 && took < 1.3, "\(took)")
        #expect(rig.controller.state == .held)
        rig.run(0.2)
        #expect(rig.flowing == 0)
        let texts = rig.controller.faults.all.map(\.text)
        #expect(texts.contains { $0.hasPrefix("meter was last heard") }, "\(texts)")
        // It comes back after a while: flow that was unknown for longer than 3 s needs a person.
        rig.run(5)
        rig.sensorSays[0] = nil
        rig.run(10)
        #expect(rig.controller.state == .safe)
        #expect(rig.controller.operate(.clear, at: rig.now) == "cleared")
        try rig.mustReach(.ready)
    }

    @Test func aStaleSensorForTheLogAloneStopsNothing() throws {
        var rig = try collecting { settings in
            settings.reactions = [ReactionSettings(.staleReading, of: "meter", do: .report)]
        }
        rig.sensorSays[0] = .some(nil)
        rig.run(10)
        #expect(rig.controller.state == .collecting)
        #expect(
            rig.reports.contains {
                if case .event(let kind, let text) = $0 {
                    return kind == "stale-reading"
                        && text.description.contains("nothing was stopped")
                }
                return false
            })
    }

    @Test func aCounterThatStandsStillIsFound() throws {
        var rig = try collecting { $0.reactions = [ReactionSettings(.staleReading, do: nil)] }
        rig.frozenCounters = [2]
        // 300 µL/min of oil: 25 % of all since it began to flow, and 50 + 25 µL are permitted.
        let took = time(&rig, 90)
        #expect(took > 10 && took < 60, "\(took)")
        #expect(rig.controller.state == .held)
        let fault = try #require(rig.controller.faults.all.first)
        #expect(fault.hazard == .volumeDeviation && fault.subject == "oil")
        #expect(fault.text.contains("uL counted by the pump where"))
    }

    @Test func readingsThatAreNoneDoNotCount() throws {
        var rig = try collecting()
        func tell(_ reading: SensorReading) { rig.controller.take(reading, at: rig.now) }
        let good = SensorReading(sensor: 0, value: 600, measure: .flow, at: rig.now)
        rig.sensorSays[0] = .some(nil)
        rig.run(0.8)
        // Another sensor, another quantity, no number, from the future, from the past.
        var bad = good
        bad.sensor = 1
        tell(bad)
        bad = good
        bad.measure = .pressure
        tell(bad)
        bad = good
        bad.value = .infinity
        tell(bad)
        bad = good
        bad.at = rig.now + .seconds(5)
        tell(bad)
        bad = good
        bad.sensor = -1
        tell(bad)
        rig.run(0.5)
        #expect(rig.controller.state == .held, "one of them counted")
    }

    @Test func aRampFallsStepByStepAndEndsAtRest() throws {
        var rig = try collecting { settings in
            settings.reactions = [
                ReactionSettings(.interlock, of: "door", do: [.rampDown, .lampOff]),
                ReactionSettings(.staleReading, of: "meter", do: .report),
            ]
            settings.reactions[0].rampTime = .seconds(5)
        }
        rig.controller.interlock(0, danger: true, at: rig.now)
        #expect(rig.controller.state == .ramping)
        let start = rig.now
        var last = rig.flowing
        var steps = 0
        rig.run(4.9) { rig in
            #expect(rig.flowing <= last + 1e-9)
            if rig.flowing < last { steps += 1 }
            last = rig.flowing
            // Below the straight line from 600 to 0 in 5 s.
            let line = 600 * (1 - (rig.now - start).seconds / 5)
            #expect(rig.flowing <= line + 1e-6)
            return false
        }
        #expect(steps == 10, "\(steps)")
        rig.run(0.3)
        #expect(rig.flowing == 0 && rig.controller.state == .safe)
        #expect(rig.controller.demanded == [.rampDown, .lampOff])
    }

    @Test func everyRateOfARampIsBounded() throws {
        var rig = try collecting { settings in
            settings.reactions = [
                ReactionSettings(.interlock, of: "door", do: .rampDown),
                ReactionSettings(.staleReading, of: "meter", do: .report),
            ]
            settings.reactions[0].rampTime = .seconds(10)
        }
        rig.controller.interlock(0, danger: true, at: rig.now)
        var seen = 0
        for case .pump(_, .infusing(let rate, let bound)) in rig.controller.commands {
            seen += 1
            // A process that dies now leaves a pump that ends by itself after 10 s and a quarter.
            let longest = rate.microlitersPerMinute * 10 / 60 * 1.25
            #expect(bound.microliters <= longest + 1e-9)
        }
        #expect(seen == 3)
    }

    @Test func aStrongerReactionOvertakesARamp() throws {
        var rig = try collecting { settings in
            settings.reactions = [
                ReactionSettings(.interlock, of: "door", do: .rampDown),
                ReactionSettings(.staleReading, of: "meter", do: .report),
            ]
        }
        rig.controller.interlock(0, danger: true, at: rig.now)
        rig.run(1)
        #expect(rig.controller.state == .ramping && rig.flowing > 0)
        rig.controller.interlock(1, danger: true, at: rig.now)
        rig.run(0.1)
        #expect(rig.controller.state == .safe && rig.flowing == 0)
    }

    @Test func aHoldKeepsLampAndReference() throws {
        var rig = try collecting { settings in
            settings.reactions[0].reactions = .hold
            settings.reactions[0].release = .automatic
        }
        rig.sensorSays[0] = 0
        try rig.must(10) { $0.controller.state == .held }
        rig.sensorSays[0] = nil
        try rig.must(20) { $0.controller.state == .ready }
        // Ready again without another dark and reference.
        #expect(rig.states.count { $0 == .darkening } == 1)
    }

    @Test func aFaultSaysWhatAndWhyAndWhatToDo() throws {
        var rig = try BenchRig { settings in
            settings.sensors = [BenchRig.sensor("oven", .temperature)]
            var row = ReactionSettings(.temperature, of: "oven", do: [.rampDown, .lampOff])
            row.above = ReactionSettings.Limit(60, .temperature)
            row.delay = .seconds(2)
            row.rampTime = .seconds(10)
            settings.reactions = [row]
        }
        try rig.mustReach(.ready)
        rig.sensorSays[0] = 63.14
        try rig.must(5) { $0.controller.state != .ready }
        #expect(
            rig.controller.faults.all.first?.text
                == "temperature of oven is 63.14 C, above 60 C for 2 s; ramp-down in 10 s, "
                + "lamp-off; let it come back within its limits, then `argent clear`")
    }
}
