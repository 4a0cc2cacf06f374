import Configuration
import Quantities
import Rig
import RigSimulator
import Testing
import World

@testable import Agent

/// Outputs on an MCP23017, through the wire.
@Suite struct ExpanderTests {
    private final class Bench {
        let world = VirtualWorld()
        let chip = SimulatedExpander()
        let tap: FaultyChip
        let sensors: DirectSensors

        init() {
            tap = FaultyChip(chip)
            world.attachI2C(bus: "/dev/i2c-1", address: 0x20, peer: tap)
            var settings = Settings()
            settings.expanders = [ExpanderSettings(name: "extra")]
            for (line, isPowered) in [("A0", false), ("B7", true)] {
                var output = OutputSettings(name: line)
                output.kind = .lamp
                output.expander = "extra"
                output.line = line
                output.safePowered = isPowered
                settings.outputs.append(output)
            }
            sensors = DirectSensors(settings, world: world)
        }

        func run(_ seconds: Double) {
            var readings: [SensorReading] = []
            let end = world.now + .seconds(seconds)
            while world.now < end {
                sensors.take(into: &readings, at: world.now)
                world.wait(until: min(end, max(sensors.deadline, world.now)))
            }
            sensors.take(into: &readings, at: world.now)
            #expect(readings.isEmpty)
        }

        var isConfirmed: Bool { sensors.isConfirmed(expander: 0, at: world.now) }
    }

    @Test func linesTakeTheirSafeLevelFirst() {
        let bench = Bench()
        #expect(bench.chip.levels.allSatisfy { $0 == nil })
        bench.run(0.1)
        // From input straight to the safe level, and nothing else in between; the rest stay inputs.
        var expected = [Bool?](repeating: nil, count: 16)
        expected[0] = false
        expected[15] = true
        #expect(bench.chip.history.map(\.levels) == [Array(repeating: nil, count: 16), expected])
        #expect(bench.isConfirmed)
        bench.sensors.setLevels(0xFFFF, expander: 0)
        bench.run(0.1)
        expected[0] = true
        #expect(bench.chip.levels == expected && bench.isConfirmed)
    }

    @Test func expanderFreezesAndIsNotConfirmedAnyMore() {
        let bench = Bench()
        bench.sensors.setLevels(0x0001, expander: 0)
        bench.run(0.2)
        bench.tap.isGone = true
        bench.sensors.setLevels(0x0000, expander: 0)
        bench.run(3)
        // The hazard itself: what it was told last stays, whatever the host wants.
        #expect(bench.chip.levels[0] == true)
        #expect(!bench.isConfirmed)
        bench.tap.isGone = false
        bench.run(2)
        #expect(bench.chip.levels[0] == false && bench.isConfirmed)
    }

    @Test func expanderThatLostItsPowerIsSetUpAgain() {
        let bench = Bench()
        bench.sensors.setLevels(0x0001, expander: 0)
        bench.run(0.5)
        bench.chip.powerCycle(at: bench.world.now)
        #expect(bench.chip.levels.allSatisfy { $0 == nil })
        bench.run(2)
        #expect(bench.chip.levels[0] == true && bench.chip.levels[15] == false)
        #expect(bench.isConfirmed)
        // The safe levels came before the wanted ones.
        let after = bench.chip.history.suffix(2).map { [$0.levels[0], $0.levels[15]] }
        #expect(after == [[false, true], [true, false]])
    }

    @Test func closingMakesItSafe() {
        let bench = Bench()
        bench.sensors.setLevels(0x0001, expander: 0)
        bench.run(0.5)
        bench.sensors.close()
        #expect(bench.chip.levels[0] == false && bench.chip.levels[15] == true)
    }
}
