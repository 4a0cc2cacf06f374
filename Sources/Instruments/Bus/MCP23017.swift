import Quantities

/// Microchip MCP23017, sixteen more lines (datasheet DS20001952, section 3.5; DEVICES 7.2), used
/// for outputs only, with the registers in bank 0.
///
/// It has no watchdog: when its host dies, every output keeps its level for as long as the chip
/// has power. So only what is safe in any level belongs on it.
///
/// The levels are written before the lines become outputs, so that none of them passes through
/// another level; then all is read back again and again, because a chip that lost its power
/// stands with all lines as inputs.
public struct MCP23017: BusChip {
    static let direction: UInt8 = 0x00
    /// GPINTENB in bank 0, IOCON in bank 1: writing 0 there ends bank 1 and does no harm in
    /// bank 0.
    static let escape: UInt8 = 0x05
    static let configuration: UInt8 = 0x0A
    static let latch: UInt8 = 0x14

    private enum Step: Equatable {
        case leaveBank, configure, levels, directions, rest, update, checkLevels, checkDirections
    }

    /// Faults only: channel 0 stands for the whole chip. The owner empties it.
    public var samples: [SensorSample] = []
    /// When the step that is next may be done.
    public private(set) var dueAt = Instant.zero
    /// Which lines are outputs: bit 0 is A0, bit 15 is B7. The others stay inputs.
    public let outputs: UInt16
    /// The levels it was last seen to have; nil: not known.
    public private(set) var confirmed: UInt16?
    /// When that was.
    public private(set) var confirmedAt = Instant.zero
    private let safeLevels: UInt16
    private var wanted: UInt16
    private var written: UInt16
    private var schedule: BusSchedule
    private var step = Step.leaveBank

    /// A chip whose lines `outputs` start with `safeLevels`, compared every `period`.
    public init(outputs: UInt16, safeLevels: UInt16, period: TimeSpan) {
        self.outputs = outputs
        self.safeLevels = safeLevels & outputs
        wanted = safeLevels & outputs
        written = safeLevels & outputs
        schedule = BusSchedule(period: period)
    }

    /// The levels it shall have from now on. Call when a change is due: it does not wait for the
    /// period.
    public mutating func setLevels(_ levels: UInt16, at now: Instant) {
        wanted = levels & outputs
        guard step == .rest, wanted != written else { return }
        dueAt = now
    }

    /// What to do next.
    public var operation: BusOperation {
        switch step {
        case .leaveBank: .writeByte(register: Self.escape, value: 0)
        case .configure: .writeByte(register: Self.configuration, value: 0)
        case .levels: .writeBlock(register: Self.latch, bytes: Self.bytes(safeLevels))
        case .directions: .writeBlock(register: Self.direction, bytes: Self.bytes(~outputs))
        case .rest where wanted == written, .checkLevels:
            .readBlock(register: Self.latch, count: 2)
        case .rest, .update: .writeBlock(register: Self.latch, bytes: Self.bytes(wanted))
        case .checkDirections: .readBlock(register: Self.direction, count: 2)
        }
    }

    private static func bytes(_ word: UInt16) -> [UInt8] {
        [UInt8(word & 255), UInt8(word >> 8)]
    }

    /// What came of it.
    public mutating func finish(_ result: BusResult, at now: Instant) {
        guard case .done(let bytes) = result else { return fail(.silent, at: now) }
        dueAt = now
        let word = bytes.count == 2 ? UInt16(bytes[0]) | UInt16(bytes[1]) << 8 : nil
        switch step {
        case .leaveBank: step = .configure
        case .configure: step = .levels
        case .levels:
            written = safeLevels
            step = .directions
        case .directions: step = .checkLevels
        case .rest where wanted != written, .update:
            written = wanted
            step = .checkLevels
        case .rest, .checkLevels:
            guard word == written else { return fail(.wrongDevice, at: now) }
            step = .checkDirections
        case .checkDirections:
            guard word == ~outputs else { return fail(.wrongDevice, at: now) }
            confirmed = written
            confirmedAt = now
            schedule.began(at: now)
            step = .rest
            dueAt = wanted == written ? schedule.next : now
        }
    }

    /// From the beginning, which is with the safe levels.
    private mutating func fail(_ fault: SensorFault, at now: Instant) {
        samples.keep(SensorSample(channel: 0, fault: fault, at: now))
        confirmed = nil
        step = .leaveBank
        schedule.retry(at: now)
        dueAt = schedule.next
    }
}
