import Configuration
import Quantities
import Rig
import RigSimulator
import Testing
import World

@testable import Agent

/// Sensors from the wire to a reading, through simulated chips with faults.
@Suite struct SensorPollingTests {
    /// All four chips on one bus and the world they are in.
    final class Bench {
        let world = VirtualWorld()
        let pressure: SimulatedConverter
        let flow: SimulatedFlowSensor
        let bath: SimulatedThermometer
        let light: SimulatedLightSensor
        let taps: [FaultyChip]
        let sensors: DirectSensors
        var readings: [SensorReading] = []

        static var settings: Settings {
            var settings = Settings()
            func sensor(
                _ name: String, _ chip: SensorSettings.Chip, _ channel: String = "",
                _ change: (inout SensorSettings) -> Void = { _ in }
            ) {
                var sensor = SensorSettings(name: name)
                sensor.chip = chip
                sensor.channel = channel
                sensor.period = .milliseconds(50)
                sensor.staleAfter = .milliseconds(250)
                change(&sensor)
                settings.sensors.append(sensor)
            }
            sensor("pressure", .ads1115, "AIN1") {
                $0.fullScale = 6.144
                $0.quantity = .pressure
                $0.scale = 250
                $0.offset = -125
                $0.lowest = -50
                $0.highest = 1_050
                $0.stuckAfter = .milliseconds(500)
            }
            sensor("flow", .slf3s)
            sensor("liquid", .slf3s, "temperature")
            sensor("bath", .tmp117) {
                $0.address = 0x49
                $0.period = .seconds(1)
                $0.staleAfter = .seconds(3)
            }
            sensor("green", .as7341, "F4") { $0.integration = .milliseconds(10) }
            sensor("red", .as7341, "F8") { $0.integration = .milliseconds(10) }
            return settings
        }

        init() {
            // A live transducer: noise of a few converter steps (0.1875 mV).
            pressure = SimulatedConverter(inputs: [
                { _ in 0 },
                { 2.5 + 0.001 * Double($0.nanoseconds / 1_000_000 % 7) },
            ])
            flow = SimulatedFlowSensor(flow: { 300 + ($0 - .zero).seconds })
            bath = SimulatedThermometer(temperature: { _ in 36.5 })
            // Band n gives n + 1 counts per millisecond at gain 1.
            light = SimulatedLightSensor { band, _ in Double(band + 1) }
            let chips: [(UInt8, any VirtualI2CPeer)] = [
                (0x48, pressure), (0x08, flow), (0x49, bath), (0x39, light),
            ]
            var taps: [FaultyChip] = []
            for (address, chip) in chips {
                let tap = FaultyChip(chip)
                world.attachI2C(bus: "/dev/i2c-1", address: address, peer: tap)
                taps.append(tap)
            }
            self.taps = taps
            sensors = DirectSensors(Self.settings, world: world)
        }

        /// Lets `seconds` pass; what was read in it is in `readings`.
        func run(_ seconds: Double) {
            readings.removeAll()
            let end = world.now + .seconds(seconds)
            while world.now < end {
                sensors.take(into: &readings, at: world.now)
                world.wait(until: min(end, max(sensors.deadline, world.now)))
            }
        }

        func of(_ sensor: Int) -> [SensorReading] { readings.filter { $0.sensor == sensor } }
        func values(_ sensor: Int) -> [Double] { of(sensor).compactMap(\.value) }
        var notices: [String] {
            var all: [String] = []
            while let notice = sensors.takeNotice() { all.append(notice) }
            return all
        }
    }

    @Test func allChipsAreReadInTheirUnits() {
        let bench = Bench()
        bench.run(3)
        // (2.5 … 2.506 V) × 250 − 125 = 500 … 501.5 kPa, in steps of 0.1875 mV × 250.
        let pressures = bench.values(0)
        #expect(pressures.count > 50)
        #expect(pressures.allSatisfy { abs($0 - 500.75) < 0.75 + 0.047 })
        #expect(Set(pressures).count > 3)
        // 300 µL/min and one more every second, in steps of 2.
        let flows = bench.of(1)
        #expect(flows.count > 50 && flows.allSatisfy { $0.measure == .flow })
        for reading in flows {
            #expect(abs((reading.value ?? 0) - 300 - (reading.at - .zero).seconds) <= 1.1)
        }
        #expect(bench.values(2).allSatisfy { $0 == 22 })
        // Before its first conversion there is no number, whatever the register says.
        #expect(bench.of(3).first?.value == nil && bench.of(3).first?.flags == .late)
        #expect(bench.values(3).count >= 2 && bench.values(3).allSatisfy { $0 == 36.5 })
        // F4 is band 3, F8 band 7; gain 16, 10 ms: 4 × 160 and 8 × 160, to a count of rounding
        // and the exposure's own rounding (half of 256 steps of 2.78 µs: 3.6 %).
        #expect(bench.values(4).allSatisfy { abs($0 - 640) < 0.036 * 640 + 1 })
        #expect(bench.values(5).allSatisfy { abs($0 - 1_280) < 0.036 * 1_280 + 1 })
        #expect(bench.values(4).count > 50)
        #expect(bench.readings.allSatisfy { $0.at <= bench.world.now })
        #expect(bench.notices.count <= 2)
    }

    @Test func chipThatVanishesHasNoValueAndComesBack() {
        let bench = Bench()
        bench.run(2)
        for tap in bench.taps { tap.isGone = true }
        bench.run(2)
        #expect(bench.readings.allSatisfy { $0.value == nil && $0.flags.contains(.silent) })
        for sensor in 0..<6 { #expect(!bench.of(sensor).isEmpty) }
        #expect(bench.notices.contains { $0.hasPrefix("pressure: ") })
        for tap in bench.taps { tap.isGone = false }
        bench.run(3)
        for sensor in 0..<6 { #expect(bench.of(sensor).last?.value != nil, "sensor \(sensor)") }
        #expect(bench.notices.contains { $0 == "pressure: reads again" })
    }

    @Test func singleFailuresCostOneReading() {
        let bench = Bench()
        bench.run(1)
        bench.taps[1].refusals = 1
        bench.taps[0].refusals = 1
        bench.run(1)
        #expect(bench.of(1).filter { $0.value == nil }.map(\.flags) == [.silent])
        #expect(bench.of(0).filter { $0.value == nil }.map(\.flags) == [.silent])
        #expect(bench.flow.starts == 1)
        #expect(bench.values(0).count > 15 && bench.values(1).count > 15)
    }

    @Test func wrongChecksumsAreNoNumbers() {
        let bench = Bench()
        bench.run(1)
        bench.taps[1].corruptions = 2
        bench.taps[1].corruptBit = 13
        bench.run(1)
        #expect(bench.of(1).filter { $0.value == nil }.map(\.flags) == [.checksum, .checksum])
        #expect(bench.of(2).filter { $0.value == nil }.count == 2)
    }

    @Test func chipsThatLostTheirPowerAreSetUpAgain() {
        let bench = Bench()
        bench.run(2)
        bench.pressure.powerCycle()
        bench.flow.powerCycle()
        bench.light.powerCycle()
        bench.bath.powerCycle(at: bench.world.now)
        bench.run(3)
        // Never a number on the wrong scale or of the wrong input in between.
        #expect(bench.values(0).allSatisfy { abs($0 - 500.75) < 0.8 })
        #expect(bench.values(4).allSatisfy { abs($0 - 640) < 0.036 * 640 + 1 })
        #expect(bench.of(1).contains { $0.value == nil } && bench.flow.starts == 2)
        for sensor in 0..<6 { #expect(bench.of(sensor).last?.value != nil, "sensor \(sensor)") }
    }

    @Test func whatNeverEndsIsLate() {
        let bench = Bench()
        bench.run(1)
        bench.pressure.neverEnds = true
        bench.light.neverEnds = true
        bench.run(2)
        #expect(bench.of(0).suffix(3).allSatisfy { $0.flags == .late })
        #expect(bench.of(4).suffix(3).allSatisfy { $0.flags == .late })
        // A bus that only remembers registers never ends the wiring either.
        bench.light.neverEnds = false
        bench.light.neverWires = true
        bench.run(2)
        #expect(bench.of(5).suffix(3).allSatisfy { $0.flags == .late })
    }

    @Test func whatNoLongerMovesIsStuck() {
        let bench = Bench()
        bench.run(1)
        bench.taps[0].isFrozen = true
        bench.run(2)
        #expect(bench.of(0).last?.value == nil)
        #expect(bench.of(0).last?.flags == .stuck)
        // The temperature of the bath does not move either, and may not have to.
        #expect(bench.of(3).last?.value == 36.5)
    }

    @Test func whatTheSensorSaysOfItselfIsPassedOn() {
        let bench = Bench()
        bench.run(1)
        bench.flow.hasAir = true
        bench.run(0.5)
        #expect(bench.of(1).last?.value == nil && bench.of(1).last?.flags == .airInLine)
        #expect(bench.of(2).last?.value == 22)
    }

    @Test func cutWireIsNoPressure() {
        var settings = Bench.settings
        settings.sensors = [settings.sensors[0]]
        settings.sensors[0].stuckAfter = .zero
        let world = VirtualWorld()
        let chip = SimulatedConverter(inputs: [{ _ in 0 }, { _ in 0.01 }])
        world.attachI2C(bus: "/dev/i2c-1", address: 0x48, peer: chip)
        let sensors = DirectSensors(settings, world: world)
        var readings: [SensorReading] = []
        while world.now < .zero + .seconds(1) {
            sensors.take(into: &readings, at: world.now)
            world.wait(until: sensors.deadline)
        }
        #expect(readings.count > 10)
        #expect(readings.allSatisfy { $0.value == nil && $0.flags == .implausible })
    }
}
