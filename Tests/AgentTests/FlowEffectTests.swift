import Configuration
import Instruments
import Quantities
import Rig
import RigSimulator
import Testing
import World

@testable import Agent

/// What really flows against what was commanded, through the real protocols: simulated pumps and
/// syringes, and a flow sensor that sees only the liquid.
@Suite struct FlowEffectTests {
    /// A simulated rig with a flow sensor behind one New Era pump, read ten times a second.
    private final class Bench {
        let rig: VirtualRig
        let loop: RigLoop
        let probe: FlowProbe
        private var order = 0
        private var readAt = Instant.zero
        /// Highest rates that were commanded since `mark`.
        var highest: [FlowRate] = []

        init(_ change: (inout Settings) -> Void = { _ in }) throws {
            rig = try VirtualRig { settings in
                var sensor = SensorSettings(name: "AgNO3 flow")
                sensor.chip = .slf3s
                settings.sensors = [sensor]
                for hazard in [Hazard.flowDeviation, .noFlow, .volumeDeviation] {
                    var row = ReactionSettings(hazard, of: sensor.name)
                    row.pumps = ["AgNO3"]
                    settings.reactions.append(row)
                }
                settings.rig.collectLimit = .seconds(120)
                settings.rig.droplets = 60
                change(&settings)
            }
            loop = try RigLoop(
                world: rig.world, settings: rig.settings, loss: try rig.job("/nowhere").loss,
                remaining: [])
            let syringe = try #require(rig.simulated.syringe("AgNO3"))
            probe = FlowProbe([syringe], at: rig.world.now)
        }

        var state: RigState { loop.controller.state }

        /// Lets `seconds` pass, or less when `until` holds, with a recipe whenever one is wanted.
        @discardableResult
        func run(_ seconds: Double, until: (Bench) -> Bool = { _ in false }) -> Bool {
            let world = rig.world
            let end = world.now + .seconds(seconds)
            while world.now < end {
                if world.now >= readAt {
                    readAt = world.now + .milliseconds(100)
                    loop.controller.take(
                        SensorReading(
                            sensor: 0, value: probe.read(at: world.now), measure: .flow,
                            at: world.now), at: world.now)
                }
                loop.turn()
                if loop.controller.wantsOrder {
                    order += 1
                    loop.controller.run(
                        ConditionOrder(
                            run: 1, number: order, attempt: 1, recipe: [20, 10, 800]),
                        at: world.now)
                    loop.carryOut(at: world.now)
                }
                for index in highest.indices {
                    highest[index] = max(highest[index], loop.controller.commanded[index])
                }
                if until(self) { return true }
                world.wait(until: min(loop.deadline, min(readAt, end)))
            }
            return false
        }

        /// What leaves the syringes, µL/min.
        func flows() -> [Double] {
            rig.simulated.syringes.map { $0.flow(at: rig.world.now).microlitersPerMinute }
        }

        func faults() -> [Fault] { loop.controller.faults.all }
    }

    @Test func nothingTripsWhereEverythingIsInOrder() throws {
        let bench = try Bench { $0.rig.droplets = 4 }
        let conditions = { (bench: Bench) in bench.loop.controller.order?.number ?? 0 }
        #expect(bench.run(900) { conditions($0) == 4 || $0.state == .safe || $0.state == .held })
        #expect(conditions(bench) == 4, "\(bench.state) \(bench.faults().map(\.text))")
    }

    @Test func aStallThePumpDoesNotFeelStopsEverything() throws {
        let bench = try Bench()
        #expect(bench.run(300) { $0.state == .collecting })
        bench.run(8)
        #expect(bench.state == .collecting)
        bench.highest = bench.loop.controller.commanded
        let before = bench.highest
        let world = bench.rig.world
        // The motor turns, the pusher slips: the pump reports I and counts on.
        let syringe = try #require(bench.rig.simulated.syringe("AgNO3"))
        syringe.setFault(.silent, at: world.now)
        let stalledAt = world.now
        #expect(bench.run(20) { $0.state != .collecting })
        let took = (world.now - stalledAt).seconds
        #expect(took > 3 && took < 8, "\(took)")
        if case .infusing = bench.loop.pumpStates[0].actual {
        } else {
            Issue.record("the pump was to report that it runs")
        }
        bench.run(6)
        #expect(bench.flows().allSatisfy { abs($0) < 0.5 }, "\(bench.flows())")
        #expect(bench.highest == before, "something was driven harder")
        let fault = try #require(bench.faults().first)
        #expect([.flowDeviation, .noFlow].contains(fault.hazard) && fault.latching)
        #expect(fault.text.contains("AgNO3 flow measures"))
    }

    @Test func aLeakBeforeTheSensorIsADeviation() throws {
        let bench = try Bench()
        #expect(bench.run(300) { $0.state == .collecting })
        bench.run(8)
        // 80 µL/min: 25 % and 10 µL/min are permitted, 40 % are missing.
        bench.probe.fault = .leak(share: 0.4)
        #expect(bench.run(20) { $0.state == .held })
        #expect(bench.faults().first?.hazard == .flowDeviation)
        // 20 % are within what is permitted.
        let other = try Bench()
        #expect(other.run(300) { $0.state == .collecting })
        other.probe.fault = .leak(share: 0.2)
        other.run(20)
        #expect(other.state == .collecting, "\(other.faults().map(\.text))")
    }

    @Test func aSensorThatIsUnpluggedForAMomentHoldsTheRigForAMoment() throws {
        let bench = try Bench()
        #expect(bench.run(300) { $0.state == .collecting })
        bench.run(8)
        bench.highest = bench.loop.controller.commanded
        let before = bench.highest
        bench.probe.fault = .silent
        #expect(bench.run(1.5) { $0.state == .held })
        bench.run(1)
        bench.probe.fault = .none
        // Stale readings are released by themselves, 5 s after the first good one.
        #expect(!bench.run(4) { $0.state != .held })
        #expect(bench.highest == before, "a silent sensor made a pump run harder")
        bench.highest = []
        #expect(bench.run(60) { $0.state == .collecting })
    }
}
