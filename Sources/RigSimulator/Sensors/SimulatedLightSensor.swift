import Quantities
import World

/// An AS7341 (datasheet DS000504), as far as one measures spectra with it: the wiring of its
/// photodiodes to six converters (SMUX), exposure, saturation, and the memory it loses with its
/// power. What is wired is what is measured: a wrong wiring gives wrong numbers.
public final class SimulatedLightSensor: VirtualI2CPeer {
    /// Photodiodes by the half byte of the wiring that belongs to them: byte, whether the high
    /// half, band (0…7: F1…F8, 8: clear, 9: NIR). Read off the wirings in DEVICES 6.6.
    private static let diodes: [(byte: Int, isHigh: Bool, band: Int)] = [
        (0x00, true, 2), (0x01, false, 0), (0x05, false, 1), (0x05, true, 3), (0x08, true, 8),
        (0x0C, true, 1), (0x0D, false, 3), (0x0F, true, 2), (0x10, false, 0), (0x11, true, 8),
        (0x13, false, 9), (0x03, true, 7), (0x04, false, 5), (0x06, true, 4), (0x07, false, 6),
        (0x09, true, 4), (0x0A, false, 6), (0x0E, false, 7), (0x0E, true, 5),
    ]
    private static let wiringTime = TimeSpan.microseconds(300)

    private let light: (Int, Instant) -> Double
    private var registers = [UInt8](repeating: 0, count: 256)
    private var wiring = [UInt8](repeating: 0, count: 20)
    private var pointer = 0
    private var wiredAt = Instant.zero
    private var exposureEnds: Instant?
    private var exposureBegan = Instant.zero
    /// While true an exposure never ends.
    public var neverEnds = false
    /// While true the wiring command never ends, as on a bus that only remembers registers.
    public var neverWires = false

    /// A sensor in `light`: counts of a band (0…7: F1…F8, 8: clear, 9: NIR) per millisecond at
    /// gain 1, at the middle of an exposure.
    public init(light: @escaping (Int, Instant) -> Double) {
        self.light = light
        powerCycle()
    }

    /// The power was cut and returned.
    public func powerCycle() {
        registers = [UInt8](repeating: 0, count: 256)
        registers[0x92] = 0x24
        registers[0xAA] = 0x09
        registers[0xCA] = 0xE7
        registers[0xCB] = 0x03
        wiring = [UInt8](repeating: 0, count: 20)
        exposureEnds = nil
    }

    /// The host writes the pointer, and perhaps registers.
    public func receive(_ bytes: [UInt8], at now: Instant) -> Bool {
        update(at: now)
        guard let first = bytes.first else { return true }
        pointer = Int(first)
        for (offset, byte) in bytes.dropFirst().enumerated() {
            write(byte, to: (pointer + offset) & 255, at: now)
        }
        return true
    }

    /// Registers from the pointer on.
    public func send(_ count: Int, at now: Instant) -> [UInt8]? {
        update(at: now)
        return (0..<count).map { registers[(pointer + $0) & 255] }
    }

    private func write(_ byte: UInt8, to register: Int, at now: Instant) {
        guard register == 0x80 else {
            if register != 0x92 { registers[register] = byte }
            return
        }
        let isOn = byte & 1 != 0
        if isOn, byte & 0x10 != 0, registers[0xAF] & 0x18 == 0x10 {
            wiring = Array(registers[0..<20])
            wiredAt = now + Self.wiringTime
        }
        let measures = isOn && byte & 2 != 0
        if measures, registers[0x80] & 2 == 0 {
            exposureBegan = now
            exposureEnds = now + exposure
            registers[0xA3] &= ~0x40
        }
        if !measures { exposureEnds = nil }
        registers[0x80] = byte
    }

    private var units: Int64 {
        let step = Int64(registers[0xCA]) | Int64(registers[0xCB]) << 8
        return (Int64(registers[0x81]) + 1) * (step + 1)
    }

    private var exposure: TimeSpan { TimeSpan(nanoseconds: units * 2_780) }

    private func update(at now: Instant) {
        if registers[0x80] & 0x10 != 0, now >= wiredAt, !neverWires { registers[0x80] &= ~0x10 }
        guard let end = exposureEnds, now >= end, !neverEnds else { return }
        exposureEnds = nil
        let full = Double(min(65_535, units))
        let gain = registers[0xAA] == 0 ? 0.5 : Double(1 << (Int(registers[0xAA]) - 1))
        let middle = exposureBegan + TimeSpan(nanoseconds: exposure.nanoseconds / 2)
        var sums = [Double](repeating: 0, count: 6)
        var areas = [Double](repeating: 0, count: 10)
        for diode in Self.diodes { areas[diode.band] += 1 }
        for diode in Self.diodes {
            let half = diode.isHigh ? wiring[diode.byte] >> 4 : wiring[diode.byte] & 15
            guard (1...6).contains(half) else { continue }
            sums[Int(half) - 1] +=
                light(diode.band, middle) * gain * exposure.milliseconds / areas[diode.band]
        }
        let isOver = sums.contains { $0 >= full }
        for (place, sum) in sums.enumerated() {
            let count = UInt16(max(0, min(full, sum.rounded())))
            registers[0x95 + 2 * place] = UInt8(count & 255)
            registers[0x96 + 2 * place] = UInt8(count >> 8)
        }
        registers[0x94] = (isOver ? 0x80 : 0) | registers[0xAA]
        registers[0xA3] = 0x40 | (isOver ? 0x10 : 0)
    }
}
