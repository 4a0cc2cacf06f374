import Quantities

/// Sensirion SLF3S-1300F, a flow sensor (datasheet, sections "Digital Interface Description" and
/// "Sensor Output Signal"; DEVICES 7.1): 16-bit commands, high byte first; results of three words,
/// each with a checksum. Once started it measures until it is stopped or loses its power, after
/// which it acknowledges no read.
public struct SLF3S: BusChip {
    /// What can be read of it, and the order of the channels it is given.
    public enum Channel: Equatable, Sendable {
        /// Flow, µL/min.
        case flow
        /// Temperature of the liquid, °C.
        case temperature
    }
    /// The calibration it shall use.
    public enum Liquid: Equatable, Sendable {
        /// Start continuous measurement, water: 0x3608.
        case water
        /// Start continuous measurement, 2-propanol: 0x3615.
        case isopropanol

        var start: [UInt8] {
            switch self {
            case .water: [0x36, 0x08]
            case .isopropanol: [0x36, 0x15]
            }
        }
    }

    /// Stop continuous measurement: 0x3FF9.
    static let stop: [UInt8] = [0x3F, 0xF9]
    /// Time after a stop before the next command, with a margin.
    static let stopTime = TimeSpan.milliseconds(2)
    /// Time from the start to results within the specification.
    static let warmUp = TimeSpan.milliseconds(60)
    /// Microlitres per minute and bit (500 bits per mL/min).
    static let flowPerBit = 2.0
    /// Degrees and bit (200 bits per °C).
    static let degreesPerBit = 1.0 / 200
    /// Flow the sensor is calibrated for, µL/min, either way.
    static let flowLimit = 40_000.0
    static let airInLine: UInt16 = 1
    static let highFlow: UInt16 = 2
    static let smoothing: UInt16 = 32
    /// Reads that fail in a row before it is started anew.
    static let failureLimit = 3

    private enum Step: Equatable { case stop, start, read }

    /// What was measured; the owner empties it.
    public var samples: [SensorSample] = []
    /// When the step that is next may be done.
    public private(set) var dueAt = Instant.zero
    let channels: [Channel]
    let liquid: Liquid
    private var schedule: BusSchedule
    private var step = Step.stop
    private var failures = 0

    /// A flow sensor for `liquid` of which `channels` are read every `period`.
    public init(channels: [Channel], liquid: Liquid, period: TimeSpan) {
        self.channels = channels
        self.liquid = liquid
        schedule = BusSchedule(period: period)
    }

    /// What to do next.
    public var operation: BusOperation {
        switch step {
        case .stop: .write(Self.stop)
        case .start: .write(liquid.start)
        case .read: .read(count: 9)
        }
    }

    /// What came of it.
    public mutating func finish(_ result: BusResult, at now: Instant) {
        switch (step, result) {
        case (.stop, _):
            // An idle sensor may refuse to be stopped; one that is not there will refuse to start.
            step = .start
            dueAt = now + Self.stopTime
        case (.start, .failed):
            fail(.silent, at: now)
            restart(at: now)
        case (.start, .done):
            step = .read
            failures = 0
            dueAt = now + Self.warmUp
        case (.read, .failed): countFailure(.silent, at: now)
        case (.read, .done(let bytes)):
            schedule.began(at: now)
            dueAt = schedule.next
            read(bytes, at: now)
        }
    }

    private mutating func read(_ bytes: [UInt8], at now: Instant) {
        guard let words = Self.words(bytes) else { return countFailure(.checksum, at: now) }
        failures = 0
        let flags = words[2]
        for (index, channel) in channels.enumerated() {
            let raw = Double(Int16(bitPattern: words[channel == .flow ? 0 : 1]))
            var sample: SensorSample
            switch channel {
            case .flow where flags & Self.airInLine != 0:
                sample = SensorSample(channel: index, fault: .airInLine, at: now)
            case .flow where flags & Self.highFlow != 0:
                sample = SensorSample(channel: index, fault: .highFlow, at: now)
            case .flow where (raw * Self.flowPerBit).magnitude > Self.flowLimit:
                sample = SensorSample(channel: index, fault: .saturated, at: now)
            case .flow:
                sample = SensorSample(channel: index, value: raw * Self.flowPerBit, at: now)
            case .temperature:
                sample = SensorSample(channel: index, value: raw * Self.degreesPerBit, at: now)
            }
            sample.isSmoothed = flags & Self.smoothing != 0
            samples.keep(sample)
        }
    }

    /// The three words of a result; nil when a checksum is wrong.
    static func words(_ bytes: [UInt8]) -> [UInt16]? {
        guard bytes.count == 9 else { return nil }
        var words: [UInt16] = []
        for place in stride(from: 0, to: 9, by: 3) {
            guard CRC8.sensirion(bytes[place..<place + 2]) == bytes[place + 2] else { return nil }
            words.append(UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]))
        }
        return words
    }

    private mutating func countFailure(_ fault: SensorFault, at now: Instant) {
        fail(fault, at: now)
        failures += 1
        // A sensor that was without power in between stands idle and must be started again.
        if failures >= Self.failureLimit { restart(at: now) }
    }

    private mutating func fail(_ fault: SensorFault, at now: Instant) {
        for index in channels.indices {
            samples.keep(SensorSample(channel: index, fault: fault, at: now))
        }
        schedule.retry(at: now)
        dueAt = schedule.next
    }

    private mutating func restart(at now: Instant) {
        step = .stop
        failures = 0
        schedule.retry(at: now)
        dueAt = schedule.next
    }
}
