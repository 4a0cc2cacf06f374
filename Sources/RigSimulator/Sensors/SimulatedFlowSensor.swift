import Quantities
import World

/// An SLF3S-1300F (its datasheet): stands idle after power-up and acknowledges no read then;
/// measures from a start command on, with the first result after 12 ms; refuses a second start.
public final class SimulatedFlowSensor: VirtualI2CPeer {
    private static let firstResult = TimeSpan.milliseconds(12)
    private let flow: SimulatedSignal
    private let temperature: SimulatedSignal
    private var startedAt: Instant?
    /// Whether air is in the line.
    public var hasAir = false
    /// Which calibration it was started with; nil while idle.
    public private(set) var calibration: UInt16?
    /// How often it was started.
    public private(set) var starts = 0

    /// A sensor in a flow of µL/min, of a liquid with a temperature in °C.
    public init(
        flow: @escaping SimulatedSignal, temperature: @escaping SimulatedSignal = { _ in 22 }
    ) {
        self.flow = flow
        self.temperature = temperature
    }

    /// The power was cut and returned.
    public func powerCycle() {
        startedAt = nil
        calibration = nil
    }

    /// A command of two bytes.
    public func receive(_ bytes: [UInt8], at now: Instant) -> Bool {
        guard bytes.count == 2 else { return false }
        let command = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        switch command {
        case 0x3608, 0x3615:
            guard startedAt == nil else { return false }
            startedAt = now
            calibration = command
            starts += 1
        case 0x3FF9:
            startedAt = nil
            calibration = nil
        default: return false
        }
        return true
    }

    /// Flow, temperature and flags, each with its checksum.
    public func send(_ count: Int, at now: Instant) -> [UInt8]? {
        guard let startedAt, now - startedAt >= Self.firstResult else { return nil }
        let rate = flow(now)
        let flags: UInt16 = (hasAir ? 1 : 0) | (rate.magnitude > 40_000 ? 2 : 0)
        let words = [Self.clamped(rate / 2), Self.clamped(temperature(now) * 200), flags]
        let bytes = words.flatMap { word -> [UInt8] in
            let high = UInt8(word >> 8)
            let low = UInt8(word & 255)
            return [high, low, Self.checksum(high, low)]
        }
        return Array(bytes.prefix(count))
    }

    private static func clamped(_ value: Double) -> UInt16 {
        UInt16(bitPattern: Int16(max(-32_768, min(32_767, value.rounded()))))
    }

    /// The checksum by long division: the two bytes, the first inverted as the initial value
    /// 0xFF demands, followed by eight zero bits, modulo x⁸ + x⁵ + x⁴ + 1.
    static func checksum(_ high: UInt8, _ low: UInt8) -> UInt8 {
        var rest = (UInt32(high ^ 0xFF) << 8 | UInt32(low)) << 8
        for bit in stride(from: 23, through: 8, by: -1) where rest >> UInt32(bit) & 1 == 1 {
            rest ^= 0x131 << UInt32(bit - 8)
        }
        return UInt8(rest & 255)
    }
}
