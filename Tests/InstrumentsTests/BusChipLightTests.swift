import Quantities
import Testing

@testable import Instruments

@Suite struct LightAndExpanderTests {
    /// The whole conversation with an AS7341 for one channel of each bank.
    @Test func lightIsMeasuredInTwoBanks() {
        var bus = PlayedBus(
            AS7341(
                channels: ["F2", "F8"], gain: 16, integration: .milliseconds(50),
                period: .milliseconds(200)))
        let exposure = bus.chip.exposure
        // Within one step of what was asked for, and never what the chip has after power-up.
        let units = (Int64(exposure.steps) + 1) * (Int64(exposure.step) + 1)
        #expect(abs(units * 2_780 - 50_000_000) < 256 * 2_780)
        #expect(exposure.steps > 0)
        bus.step { _ in [0x25] }  // the low bits are the revision's
        for _ in 0..<4 { bus.step { _ in [] } }
        #expect(
            bus.asked == [
                .readByte(register: 0x92), .writeByte(register: 0x80, value: 1),
                .writeByte(register: 0x81, value: exposure.steps),
                .writeBlock(
                    register: 0xCA,
                    bytes: [UInt8(exposure.step & 255), UInt8(exposure.step >> 8)]),
                // 16× is code 5 (0.5, 1, 2, 4, 8, 16).
                .writeByte(register: 0xAA, value: 5),
            ])
        var began: [Instant] = []
        for bank in 0..<2 {
            let first = bus.asked.count
            for _ in 0..<4 { bus.step { _ in [] } }
            bus.step { _ in [0x11] }
            bus.step { _ in [0x01] }
            bus.step { _ in [] }
            began.append(bus.now)
            bus.step { _ in [0x00] }
            #expect(bus.now - began[bank] >= .milliseconds(49))
            bus.step { _ in [0x40] }
            bus.step { _ in [exposure.steps] }
            bus.step { _ in [0x05, 1, 0, 2, 1, 3, 0, 4, 2, 5, 0, 6, 0] }
            #expect(
                Array(bus.asked[first...]) == [
                    .writeByte(register: 0x80, value: 0x01),
                    .writeByte(register: 0xAF, value: 0x10),
                    .writeBlock(register: 0x00, bytes: AS7341.banks[bank]),
                    .writeByte(register: 0x80, value: 0x11), .readByte(register: 0x80),
                    .readByte(register: 0x80), .writeByte(register: 0x80, value: 0x03),
                    .readByte(register: 0xA3), .readByte(register: 0xA3),
                    .readByte(register: 0x81), .readBlock(register: 0x94, count: 13),
                ])
        }
        // F2 is converter 1 of the first bank, F8 converter 3 of the second; low byte first.
        #expect(
            bus.take() == [
                SensorSample(channel: 0, value: 0x0102, at: began[0]),
                SensorSample(channel: 1, value: 0x0204, at: began[1]),
            ])
        #expect(began[1] > began[0])
    }

    @Test func lightThatIsNoMeasurementIsNone() {
        func sensor() -> PlayedBus<AS7341> {
            var bus = PlayedBus(
                AS7341(
                    channels: ["clear"], gain: 1, integration: .milliseconds(10),
                    period: .milliseconds(100)))
            bus.step { _ in [0x24] }
            for _ in 0..<8 { bus.step { _ in [] } }
            return bus
        }
        /// Goes on from the wiring to the result.
        func fault(_ status: UInt8, _ result: [UInt8], steps: UInt8? = nil) -> SensorFault? {
            var bus = sensor()
            let atime = steps ?? bus.chip.exposure.steps
            bus.step { _ in [0x01] }
            bus.step { _ in [] }
            bus.step { _ in [status] }
            bus.step { _ in [atime] }
            if bus.chip.samples.isEmpty { bus.step { _ in result } }
            return bus.take().first?.fault
        }
        let dim: [UInt8] = [0x01] + [UInt8](repeating: 1, count: 12)
        let full = [UInt8](repeating: 0xFF, count: 12)
        #expect(fault(0x40, dim) == nil)
        #expect(fault(0x48, dim) == .saturated)
        #expect(fault(0x50, dim) == .saturated)
        #expect(fault(0x40, [0x81] + dim.dropFirst()) == .saturated)
        #expect(fault(0x40, [0x01] + full) == .saturated)
        // It forgot its exposure.
        #expect(fault(0x40, dim, steps: 0) == .wrongDevice)

        var wired = sensor()
        for _ in 0..<AS7341.wiringPolls { wired.step { _ in [0x11] } }
        #expect(wired.take().map(\.fault) == [.late])
        #expect(wired.chip.operation == .readByte(register: 0x92))
        var exposed = sensor()
        exposed.step { _ in [0x01] }
        exposed.step { _ in [] }
        for _ in 0..<AS7341.resultPolls { exposed.step { _ in [0x00] } }
        #expect(exposed.take().map(\.fault) == [.late])
        var other = PlayedBus(
            AS7341(
                channels: ["F1"], gain: 1, integration: .milliseconds(10), period: .seconds(1)))
        other.step { _ in [0x90] }
        #expect(other.take().map(\.fault) == [.wrongDevice])
    }

    @Test func bankThatNobodyNeedsIsLeftOut() {
        var bus = PlayedBus(
            AS7341(
                channels: ["F5"], gain: 1, integration: .milliseconds(10), period: .seconds(1)))
        bus.step { _ in [0x24] }
        for _ in 0..<7 { bus.step { _ in [] } }
        #expect(bus.asked.last == .writeBlock(register: 0x00, bytes: AS7341.banks[1]))
    }

    @Test func expanderGetsItsLevelsBeforeItsDirections() {
        var bus = PlayedBus(
            MCP23017(outputs: 0x8003, safeLevels: 0x0001, period: .milliseconds(100)))
        for _ in 0..<4 { bus.step { _ in [] } }
        #expect(
            bus.asked == [
                .writeByte(register: 0x05, value: 0), .writeByte(register: 0x0A, value: 0),
                .writeBlock(register: 0x14, bytes: [0x01, 0x00]),
                .writeBlock(register: 0x00, bytes: [0xFC, 0x7F]),
            ])
        #expect(bus.chip.confirmed == nil)
        bus.step { _ in [0x01, 0x00] }
        bus.step { _ in [0xFC, 0x7F] }
        #expect(bus.chip.confirmed == 0x0001)
        // Only its own lines, and at once.
        bus.chip.setLevels(0xFFFE, at: bus.now)
        #expect(bus.chip.dueAt == bus.now)
        bus.step { _ in [] }
        #expect(bus.asked.last == .writeBlock(register: 0x14, bytes: [0x02, 0x80]))
        bus.step { _ in [0x02, 0x80] }
        bus.step { _ in [0xFC, 0x7F] }
        #expect(bus.chip.confirmed == 0x8002)
        #expect(bus.take().isEmpty)
        // A chip without power in between has inputs: not known, and from the safe levels on.
        bus.step { _ in [0x00, 0x00] }
        #expect(bus.take().map(\.fault) == [.wrongDevice])
        #expect(bus.chip.confirmed == nil)
        for _ in 0..<3 { bus.step { _ in [] } }
        #expect(bus.asked.last == .writeBlock(register: 0x14, bytes: [0x01, 0x00]))
    }
}
