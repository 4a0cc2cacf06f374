import Quantities

/// One thing to do on a bus with one chip.
public enum BusOperation: Equatable, Sendable {
    /// SMBus read byte data.
    case readByte(register: UInt8)
    /// SMBus write byte data.
    case writeByte(register: UInt8, value: UInt8)
    /// SMBus read word data, of a chip that sends the high byte first.
    case readWord(register: UInt8)
    /// SMBus write word data, to a chip that takes the high byte first.
    case writeWord(register: UInt8, value: UInt16)
    /// SMBus I²C block read of 1…32 bytes.
    case readBlock(register: UInt8, count: Int)
    /// SMBus I²C block write of 1…32 bytes.
    case writeBlock(register: UInt8, bytes: [UInt8])
    /// One plain message to the chip.
    case write([UInt8])
    /// One plain message from the chip.
    case read(count: Int)
}

/// What came of a `BusOperation`.
public enum BusResult: Equatable, Sendable {
    /// It was done; the bytes that were read, high byte first, none for a write.
    case done([UInt8])
    /// The chip did not acknowledge, or the bus failed; why, for people.
    case failed(String)
}

/// A chip on a bus, as a machine without I/O: it says what to do and from when on, its owner does
/// it and tells what came of it. One operation at a time.
public protocol BusChip {
    /// What to do next.
    var operation: BusOperation { get }
    /// Not before.
    var dueAt: Instant { get }
    /// What came of `operation`, which was finished at `now`.
    mutating func finish(_ result: BusResult, at now: Instant)
    /// What was measured or went wrong since the owner last looked, oldest first, at most
    /// `SensorSample.heldLimit`; the owner empties it.
    var samples: [SensorSample] { get set }
}

/// Why a reading is none.
public enum SensorFault: Equatable, Hashable, Sendable {
    /// The chip does not acknowledge, or the bus does not work.
    case silent
    /// A checksum is wrong.
    case checksum
    /// The chip answers, but was not done in time.
    case late
    /// The converter is at its end.
    case saturated
    /// Outside of what can be.
    case implausible
    /// The very same value for too long.
    case stuck
    /// Air in the line.
    case airInLine
    /// More flow than the sensor can tell.
    case highFlow
    /// Another chip than configured, or one that forgot its settings.
    case wrongDevice

    /// What it means, for people.
    public var text: String {
        switch self {
        case .silent: "does not answer"
        case .checksum: "wrong checksum"
        case .late: "was not done in time"
        case .saturated: "saturated"
        case .implausible: "outside of what can be"
        case .stuck: "has not moved for too long"
        case .airInLine: "air in the line"
        case .highFlow: "flow beyond the sensor"
        case .wrongDevice: "another chip, or one that forgot its settings"
        }
    }
}

/// What one channel of a chip said, or that it said nothing of use. Never both a number and a
/// fault: a reading one cannot trust is none.
public struct SensorSample: Equatable, Sendable {
    /// Samples a chip keeps for an owner that does not take them; beyond, the oldest are lost.
    public static let heldLimit = 64

    /// The channel, in the order the chip was given them.
    public var channel: Int
    /// The value in the chip's own unit (V, µL/min, °C, counts); nil: none.
    public var value: Double?
    /// Why there is none.
    public var fault: SensorFault?
    /// When it was measured: for an exposure or a conversion, when it began.
    public var at: Instant
    /// The chip smooths its value.
    public var isSmoothed = false

    /// A value of `channel`; nothing when it is not finite.
    public init(channel: Int, value: Double, at: Instant) {
        self.channel = channel
        self.value = value.isFinite ? value : nil
        fault = value.isFinite ? nil : .implausible
        self.at = at
    }

    /// No value of `channel`.
    public init(channel: Int, fault: SensorFault, at: Instant) {
        self.channel = channel
        self.fault = fault
        self.at = at
    }
}

extension [SensorSample] {
    /// Appends within the limit.
    mutating func keep(_ sample: SensorSample) {
        if count >= SensorSample.heldLimit { removeFirst() }
        append(sample)
    }
}

/// What every chip's machine needs to be on time: the schedule of its measurements. Missed turns
/// are left out, not made up for.
struct BusSchedule: Equatable, Sendable {
    let period: TimeSpan
    private(set) var next = Instant.zero

    init(period: TimeSpan) { self.period = period }

    /// The measurement that was due has begun at `now`.
    mutating func began(at now: Instant) {
        next = next + period
        if next <= now { next = now + period }
    }

    /// Try again after a failure: not at once, and not later than a second.
    mutating func retry(at now: Instant) {
        next = now + Swift.max(.milliseconds(20), Swift.min(period, .seconds(1)))
    }
}
