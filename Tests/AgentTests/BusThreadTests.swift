import Configuration
import Glibc
import Quantities
import Rig
import Synchronization
import Testing
import World

@testable import Agent

/// A chip whose bus hangs on demand, as i2c-dev does when a chip holds the clock down.
private final class HangingThermometer: I2CDevice, @unchecked Sendable {
    let hangs = Atomic<Bool>(false)
    let reads = Atomic<Int>(0)

    func readWord(from register: UInt8) throws(WorldError) -> UInt16 {
        while hangs.load(ordering: .acquiring) { usleep(200) }
        reads.add(1, ordering: .relaxed)
        return register == 0x0F ? 0x0117 : 0x0C80
    }
    func writeByte(_ value: UInt8, to register: UInt8) throws(WorldError) {}
    func readByte(from register: UInt8) throws(WorldError) -> UInt8 { 0 }
    func readBlock(from register: UInt8, count: Int) throws(WorldError) -> [UInt8] { [] }
    func writeWord(_ value: UInt16, to register: UInt8) throws(WorldError) {}
    func writeBlock(_ bytes: [UInt8], to register: UInt8) throws(WorldError) {}
    func transfer(_ bytes: [UInt8], reading count: Int) throws(WorldError) -> [UInt8] { [] }
    func write(_ bytes: [UInt8]) throws(WorldError) {}
    func read(count: Int) throws(WorldError) -> [UInt8] { [] }
    func close() {}
}

@Suite(.serialized) struct BusThreadTests {
    private var settings: Settings {
        var settings = Settings()
        for (index, name) in ["left", "right"].enumerated() {
            var sensor = SensorSettings(name: name)
            sensor.bus = "/bus/\(index)"
            sensor.period = .milliseconds(5)
            settings.sensors.append(sensor)
        }
        return settings
    }

    /// Takes readings until `enough` holds or ten seconds have passed.
    private func take(
        _ sensors: ThreadedSensors, until enough: ([SensorReading]) -> Bool
    ) -> [SensorReading] {
        var readings: [SensorReading] = []
        for _ in 0..<10_000 {
            sensors.take(into: &readings, at: Clocks.now)
            if enough(readings) { break }
            usleep(1_000)
        }
        return readings
    }

    @Test func busThatHangsHoldsUpNobodyElse() throws {
        let chips = [HangingThermometer(), HangingThermometer()]
        let sensors = try ThreadedSensors(settings) { (bus, _) throws(WorldError) in
            chips[bus.hasSuffix("1") ? 1 : 0]
        }
        let first = take(sensors) { readings in
            readings.contains { $0.sensor == 0 } && readings.contains { $0.sensor == 1 }
        }
        #expect(first.allSatisfy { $0.value == 25 && $0.measure == .temperature })
        chips[0].hangs.store(true, ordering: .releasing)
        usleep(20_000)
        var rest: [SensorReading] = []
        sensors.take(into: &rest, at: Clocks.now)
        // From here on nothing of the hanging bus arrives; the other goes on.
        let later = take(sensors) { $0.filter { $0.sensor == 1 }.count >= 20 }
        #expect(later.filter { $0.sensor == 1 }.count >= 20)
        #expect(!later.contains { $0.sensor == 0 })
        // Neither taking nor closing waits for the bus for long.
        let start = Clocks.now
        sensors.close()
        #expect(Clocks.now - start < .seconds(5))
        chips[0].hangs.store(false, ordering: .releasing)
    }
}
