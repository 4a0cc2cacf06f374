import Quantities
import World

/// A TMP117 (datasheet SNOSD82): converts once a second, beginning with its power; reads
/// 0x8000 before the first result is there.
public final class SimulatedThermometer: VirtualI2CPeer {
    /// Time from power to the first result: eight averages of 15.5 ms.
    static let firstResult = TimeSpan.milliseconds(125)
    private let temperature: SimulatedSignal
    private var pointer: UInt8 = 0
    private var poweredAt: Instant
    /// The identity it tells; another one is another chip.
    public var identity: UInt16 = 0x0117

    /// A thermometer in `temperature` °C.
    public init(poweredAt: Instant = .zero, temperature: @escaping SimulatedSignal) {
        self.poweredAt = poweredAt
        self.temperature = temperature
    }

    /// The power was cut and returned.
    public func powerCycle(at now: Instant) { poweredAt = now }

    /// Sets the register pointer; writes to registers are not modelled.
    public func receive(_ bytes: [UInt8], at now: Instant) -> Bool {
        if let first = bytes.first { pointer = first }
        return true
    }

    /// The register the pointer is at.
    public func send(_ count: Int, at now: Instant) -> [UInt8]? {
        let word: UInt16
        switch pointer {
        case 0x00: word = result(at: now)
        case 0x01: word = 0x0220
        case 0x0F: word = identity
        default: word = 0
        }
        return [UInt8(word >> 8), UInt8(word & 255)]
    }

    private func result(at now: Instant) -> UInt16 {
        let age = now - poweredAt
        guard age >= Self.firstResult else { return 0x8000 }
        // The result of the last whole second.
        let whole = age.nanoseconds / 1_000_000_000 * 1_000_000_000
        let bits = (temperature(poweredAt + TimeSpan(nanoseconds: whole)) * 128).rounded()
        return UInt16(bitPattern: Int16(max(-32_768, min(32_767, bits))))
    }
}
