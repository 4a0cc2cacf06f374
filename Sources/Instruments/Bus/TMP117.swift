import Quantities

/// TI TMP117, a thermometer (datasheet SNOSD82, section 7.6): 16-bit registers, high byte first.
/// It converts by itself once a second (factory setting), and only its result is read.
public struct TMP117: BusChip {
    static let temperature: UInt8 = 0x00
    static let identity: UInt8 = 0x0F
    /// Bits 11:0 of the identity (section 7.6.1.11).
    static let identityBits: UInt16 = 0x0117
    /// One bit of the result, °C (section 7.6.1.1).
    static let degreesPerBit = 0.007_812_5
    /// What the result says before the first conversion (−256 °C).
    static let noConversion: UInt16 = 0x8000
    /// Range the chip is specified for, °C.
    static let range = -55.0...150.0

    /// What was measured; the owner empties it.
    public var samples: [SensorSample] = []
    private var schedule: BusSchedule
    private var isIdentified = false

    /// A thermometer that is read every `period`.
    public init(period: TimeSpan) { schedule = BusSchedule(period: period) }

    /// What to do next.
    public var operation: BusOperation {
        .readWord(register: isIdentified ? Self.temperature : Self.identity)
    }
    /// Not before.
    public var dueAt: Instant { schedule.next }

    /// What came of it.
    public mutating func finish(_ result: BusResult, at now: Instant) {
        guard case .done(let bytes) = result, bytes.count == 2 else {
            // Whatever answers next may be another chip.
            isIdentified = false
            return fail(.silent, at: now)
        }
        let word = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        guard isIdentified else {
            isIdentified = word & 0x0FFF == Self.identityBits
            if !isIdentified { fail(.wrongDevice, at: now) }
            return
        }
        schedule.began(at: now)
        guard word != Self.noConversion else {
            return samples.keep(SensorSample(channel: 0, fault: .late, at: now))
        }
        let degrees = Double(Int16(bitPattern: word)) * Self.degreesPerBit
        samples.keep(
            Self.range.contains(degrees)
                ? SensorSample(channel: 0, value: degrees, at: now)
                : SensorSample(channel: 0, fault: .implausible, at: now))
    }

    private mutating func fail(_ fault: SensorFault, at now: Instant) {
        samples.keep(SensorSample(channel: 0, fault: fault, at: now))
        schedule.retry(at: now)
    }
}
