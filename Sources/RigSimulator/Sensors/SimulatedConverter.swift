import Quantities
import World

/// An ADS1115 (datasheet SBAS444) in single-shot mode: a conversion takes its time, and the
/// result of the last one stays readable.
public final class SimulatedConverter: VirtualI2CPeer {
    private static let ranges = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256]
    private static let rates = [8.0, 16, 32, 64, 128, 250, 475, 860]
    /// Power-up value of the configuration (section 8.1.3), without the busy bit.
    private static let defaults: UInt16 = 0x0583

    private let inputs: [SimulatedSignal]
    private var pointer: UInt8 = 0
    private var configuration = defaults
    private var result: UInt16 = 0
    private var doneAt = Instant.zero
    private var isConverting = false
    /// While true a conversion that was started never ends.
    public var neverEnds = false

    /// A converter with volts at AIN0 and on; inputs without a signal see 0 V.
    public init(inputs: [SimulatedSignal]) { self.inputs = inputs }

    /// The power was cut and returned.
    public func powerCycle() {
        configuration = Self.defaults
        result = 0
        isConverting = false
        pointer = 0
    }

    /// The host writes the pointer, and perhaps the configuration.
    public func receive(_ bytes: [UInt8], at now: Instant) -> Bool {
        finish(at: now)
        guard let first = bytes.first else { return true }
        pointer = first
        guard pointer == 1, bytes.count == 3 else { return true }
        let word = UInt16(bytes[1]) << 8 | UInt16(bytes[2])
        configuration = word & 0x7FFF
        if word & 0x8000 != 0, word & 0x0100 != 0 {
            isConverting = true
            let rate = Self.rates[Int(word >> 5 & 7)]
            doneAt = now + .seconds(1 / rate)
        }
        return true
    }

    /// The register the pointer is at.
    public func send(_ count: Int, at now: Instant) -> [UInt8]? {
        finish(at: now)
        let idle: UInt16 = isConverting ? 0 : 0x8000
        let word = pointer == 1 ? configuration | idle : pointer == 0 ? result : 0
        return [UInt8(word >> 8), UInt8(word & 255)]
    }

    private func finish(at now: Instant) {
        guard isConverting, now >= doneAt, !neverEnds else { return }
        isConverting = false
        let mux = Int(configuration >> 12 & 7)
        let input = mux >= 4 ? mux - 4 : 0
        let volts = input < inputs.count ? inputs[input](doneAt) : 0
        let range = Self.ranges[Int(configuration >> 9 & 7)]
        let code = (volts / range * 32_768).rounded()
        result = UInt16(bitPattern: Int16(max(-32_768, min(32_767, code))))
    }
}
