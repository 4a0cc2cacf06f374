import Quantities

/// TI ADS1115, a converter of four voltages (datasheet SBAS444, section 8.1): 16-bit registers,
/// high byte first. Each channel is converted by itself in single-shot mode; the configuration
/// is read back with every result, because a chip that lost its power in between converts
/// another channel on another scale without a word.
public struct ADS1115: BusChip {
    /// A channel of it.
    public struct Channel: Equatable, Sendable {
        /// Input AIN0 … AIN3 against ground.
        public var input: Int
        /// Full scale in volts: 6.144, 4.096, 2.048, 1.024, 0.512 or 0.256.
        public var fullScale: Double

        /// Input `input` on a scale of ± `fullScale` volts.
        public init(input: Int, fullScale: Double) {
            self.input = input
            self.fullScale = fullScale
        }
    }

    static let conversion: UInt8 = 0x00
    static let configuration: UInt8 = 0x01
    /// Bit 15 of the configuration: written, start; read, idle.
    static let start: UInt16 = 0x8000
    /// Conversions per second by data rate code, bits 7:5 (section 8.1.3).
    static let rates = [8.0, 16, 32, 64, 128, 250, 475, 860]
    /// Full scales by code, bits 11:9.
    static let fullScales = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256]
    /// The internal clock may be off by a tenth (section 6.5).
    static let clockSlack = 1.1
    /// Times a result is asked for before the chip counts as late.
    static let pollLimit = 20

    private enum Step: Equatable { case begin, poll(Int), fetch }

    /// What was measured; the owner empties it.
    public var samples: [SensorSample] = []
    /// When the step that is next may be done.
    public private(set) var dueAt = Instant.zero
    let channels: [Channel]
    let rateCode: Int
    private var schedule: BusSchedule
    private var step = Step.begin
    private var channel = 0
    private var startedAt = Instant.zero

    /// A converter of whose `channels` (1…4) each is read every `period`: 128 conversions a
    /// second where that is enough, the first faster rate that is where it is not.
    public init(channels: [Channel], period: TimeSpan) {
        self.channels = channels
        schedule = BusSchedule(period: period)
        let needed = Double(channels.count) * Self.clockSlack / max(period.seconds * 0.6, 1e-6)
        rateCode = max(4, Self.rates.firstIndex { $0 >= needed } ?? 7)
    }

    /// The configuration that starts a conversion of a channel: AIN0 at 4.096 V and 128/s is
    /// 0xC383 (comparator off).
    func word(_ channel: Channel) -> UInt16 {
        let scale = Self.fullScales.firstIndex(of: channel.fullScale) ?? 1
        let input = UInt16(4 + min(max(channel.input, 0), 3))
        return Self.start | input << 12 | UInt16(scale) << 9 | 0x0100
            | UInt16(rateCode) << 5 | 0x0003
    }

    private var conversionTime: TimeSpan { .seconds(Self.clockSlack / Self.rates[rateCode]) }

    /// What to do next.
    public var operation: BusOperation {
        switch step {
        case .begin:
            .writeWord(register: Self.configuration, value: word(channels[channel]))
        case .poll: .readWord(register: Self.configuration)
        case .fetch: .readWord(register: Self.conversion)
        }
    }

    /// What came of it.
    public mutating func finish(_ result: BusResult, at now: Instant) {
        guard case .done(let bytes) = result else { return fail(.silent, at: now) }
        switch step {
        case .begin:
            if channel == 0 { schedule.began(at: now) }
            startedAt = now
            dueAt = now + conversionTime
            step = .poll(0)
        case .poll(let tries):
            guard let word = Self.word(bytes) else { return fail(.silent, at: now) }
            guard word & ~Self.start == self.word(channels[channel]) & ~Self.start else {
                return fail(.wrongDevice, at: now)
            }
            if word & Self.start != 0 {
                step = .fetch
            } else if tries + 1 >= Self.pollLimit {
                fail(.late, at: now)
            } else {
                step = .poll(tries + 1)
                dueAt = now + .milliseconds(1)
            }
        case .fetch:
            guard let word = Self.word(bytes) else { return fail(.silent, at: now) }
            take(Int16(bitPattern: word))
            advance(from: now)
        }
    }

    private static func word(_ bytes: [UInt8]) -> UInt16? {
        bytes.count == 2 ? UInt16(bytes[0]) << 8 | UInt16(bytes[1]) : nil
    }

    private mutating func take(_ code: Int16) {
        // At either end the input may be anything beyond (section 7.5.4).
        guard code != .max, code != .min else {
            return samples.keep(
                SensorSample(channel: channel, fault: .saturated, at: startedAt))
        }
        let volts = Double(code) * channels[channel].fullScale / 32_768
        samples.keep(SensorSample(channel: channel, value: volts, at: startedAt))
    }

    private mutating func advance(from now: Instant) {
        step = .begin
        channel = (channel + 1) % channels.count
        dueAt = channel == 0 ? schedule.next : now
    }

    private mutating func fail(_ fault: SensorFault, at now: Instant) {
        samples.keep(SensorSample(channel: channel, fault: fault, at: now))
        // The next channel has its turn all the same; a chip that is not there is left alone.
        step = .begin
        channel = (channel + 1) % channels.count
        if channel == 0 || fault == .silent {
            schedule.retry(at: now)
            dueAt = schedule.next
        } else {
            dueAt = now
        }
    }
}
