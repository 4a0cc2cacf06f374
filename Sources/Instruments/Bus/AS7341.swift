import Quantities

/// ams AS7341, a spectral sensor (datasheet DS000504, section 10; DEVICES 6.6): byte registers.
/// Its six converters reach the eight narrow bands in two banks, one exposure after the other:
/// the two are not simultaneous, so every sample carries the time its own exposure began.
///
/// Per bank: converters off, the wiring of the bank written (SMUX), converters on, the result
/// awaited and read as one block that belongs together. The exposure time is read back with it:
/// a chip that lost its power measures on with other settings.
public struct AS7341: BusChip {
    static let enable: UInt8 = 0x80
    static let exposureSteps: UInt8 = 0x81
    static let identity: UInt8 = 0x92
    static let results: UInt8 = 0x94
    static let status2: UInt8 = 0xA3
    static let amplification: UInt8 = 0xAA
    static let smuxCommand: UInt8 = 0xAF
    static let stepLow: UInt8 = 0xCA
    static let powerOn: UInt8 = 0x01
    static let measuring: UInt8 = 0x03
    static let wiring: UInt8 = 0x11
    static let wiringBusy: UInt8 = 0x10
    /// Bits 7:2 of the identity.
    static let identityBits: UInt8 = 0x24
    static let isValid: UInt8 = 0x40
    /// Digital and analogue saturation of STATUS2.
    static let saturationBits: UInt8 = 0x18
    /// Saturation of ASTATUS.
    static let isSaturated: UInt8 = 0x80
    /// Length of one step of one ASTEP, ns.
    static let stepNanoseconds: Int64 = 2_780

    /// The wiring of F1–F4, clear and NIR, then of F5–F8, clear and NIR (registers 0x00–0x13).
    static let banks: [[UInt8]] = [
        [
            0x30, 0x01, 0x00, 0x00, 0x00, 0x42, 0x00, 0x00, 0x50, 0x00, 0x00, 0x00, 0x20, 0x04,
            0x00, 0x30, 0x01, 0x50, 0x00, 0x06,
        ],
        [
            0x00, 0x00, 0x00, 0x40, 0x02, 0x00, 0x10, 0x03, 0x50, 0x10, 0x03, 0x00, 0x00, 0x00,
            0x24, 0x00, 0x00, 0x50, 0x00, 0x06,
        ],
    ]
    /// Names of the channels, in the order of `Channel`.
    static let names = ["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "clear", "nir"]

    /// Where a channel is found: which bank, which of its six converters.
    struct Place: Equatable, Sendable {
        var bank: Int
        var converter: Int

        init?(_ name: String) {
            guard let index = AS7341.names.firstIndex(of: name) else { return nil }
            // Clear and NIR are in both banks; the first one's are taken.
            bank = index >= 4 && index < 8 ? 1 : 0
            converter = index < 8 ? index % 4 : index - 4
        }
    }

    private enum Step: Equatable {
        case identify, awake, time, stepLength, gain
        case off, command, wire, connect, connecting(Int), measure, awaiting(Int), confirm, read
    }

    /// What was measured; the owner empties it.
    public var samples: [SensorSample] = []
    /// When the step that is next may be done.
    public private(set) var dueAt = Instant.zero
    let places: [Place]
    let gainCode: UInt8
    /// ATIME and ASTEP.
    let exposure: (steps: UInt8, step: UInt16)
    private let order: [Int]
    private var schedule: BusSchedule
    private var step = Step.identify
    private var turn = 0
    private var startedAt = Instant.zero
    private var isSaturated = false

    /// A sensor of which `channels` (F1 … F8, clear, nir) are read every `period`, exposed for
    /// `integration` a bank, amplified `gain` (0.5 … 512, powers of two) times. Unknown names
    /// are taken for F1.
    public init(channels: [String], gain: Double, integration: TimeSpan, period: TimeSpan) {
        let places = channels.map { Place($0) ?? Place("F1")! }
        self.places = places
        order = [0, 1].filter { bank in places.contains { $0.bank == bank } }
        schedule = BusSchedule(period: period)
        gainCode = UInt8((0...10).first { 0.5 * Double(1 << $0) >= gain } ?? 10)
        exposure = Self.exposure(integration)
    }

    /// ATIME and ASTEP for about `time`: at least two steps, so that ATIME is never what it is
    /// after power-up (0), and as many as fit, because more steps resolve more (full scale is
    /// their product).
    static func exposure(_ time: TimeSpan) -> (steps: UInt8, step: UInt16) {
        let units = min(max(time.nanoseconds / stepNanoseconds, 4), 256 * 65_535)
        let steps = min(256, max(2, units / 2))
        return (UInt8(steps - 1), UInt16(min(65_534, units / steps - 1)))
    }

    /// Time of one exposure.
    var integration: TimeSpan {
        let units = (Int64(exposure.steps) + 1) * (Int64(exposure.step) + 1)
        return TimeSpan(nanoseconds: units * Self.stepNanoseconds)
    }

    /// The largest count there can be: the converter ends there.
    var fullScale: UInt16 {
        let units = (Int(exposure.steps) + 1) * (Int(exposure.step) + 1)
        return UInt16(min(65_535, units))
    }

    private var bank: Int { order[turn] }

    /// What to do next.
    public var operation: BusOperation {
        switch step {
        case .identify: .readByte(register: Self.identity)
        case .awake, .off: .writeByte(register: Self.enable, value: Self.powerOn)
        case .time: .writeByte(register: Self.exposureSteps, value: exposure.steps)
        case .stepLength:
            .writeBlock(
                register: Self.stepLow,
                bytes: [UInt8(exposure.step & 255), UInt8(exposure.step >> 8)])
        case .gain: .writeByte(register: Self.amplification, value: gainCode)
        case .command: .writeByte(register: Self.smuxCommand, value: 0x10)
        case .wire: .writeBlock(register: 0x00, bytes: Self.banks[bank])
        case .connect: .writeByte(register: Self.enable, value: Self.wiring)
        case .connecting: .readByte(register: Self.enable)
        case .measure: .writeByte(register: Self.enable, value: Self.measuring)
        case .awaiting: .readByte(register: Self.status2)
        case .confirm: .readByte(register: Self.exposureSteps)
        case .read: .readBlock(register: Self.results, count: 13)
        }
    }
}

extension AS7341 {
    /// Times the wiring, which takes well under a millisecond, is asked for.
    static let wiringPolls = 20
    /// Times a result is asked for after the exposure; each after a tenth of it, at least 1 ms.
    static let resultPolls = 20

    /// What came of it.
    public mutating func finish(_ result: BusResult, at now: Instant) {
        guard case .done(let bytes) = result else { return fail(.silent, at: now) }
        let byte = bytes.first ?? 0
        dueAt = now
        switch step {
        case .identify:
            guard byte & 0xFC == Self.identityBits else { return fail(.wrongDevice, at: now) }
            step = .awake
        case .awake: step = .time
        case .time: step = .stepLength
        case .stepLength: step = .gain
        case .gain:
            turn = 0
            step = .off
        case .off:
            if turn == 0 { schedule.began(at: now) }
            step = .command
        case .command: step = .wire
        case .wire: step = .connect
        case .connect: step = .connecting(0)
        case .connecting(let tries): connecting(byte, tries, at: now)
        case .measure:
            startedAt = now
            dueAt = now + integration
            step = .awaiting(0)
        case .awaiting(let tries): awaitResult(byte, tries, at: now)
        case .confirm:
            guard byte == exposure.steps else { return fail(.wrongDevice, at: now) }
            step = .read
        case .read: take(bytes, at: now)
        }
    }

    private mutating func connecting(_ byte: UInt8, _ tries: Int, at now: Instant) {
        if byte & Self.wiringBusy == 0 {
            step = .measure
        } else if tries + 1 >= Self.wiringPolls {
            fail(.late, at: now)
        } else {
            step = .connecting(tries + 1)
            dueAt = now + .milliseconds(1)
        }
    }

    private mutating func awaitResult(_ byte: UInt8, _ tries: Int, at now: Instant) {
        if byte & Self.isValid != 0 {
            isSaturated = byte & Self.saturationBits != 0
            step = .confirm
        } else if tries + 1 >= Self.resultPolls {
            fail(.late, at: now)
        } else {
            step = .awaiting(tries + 1)
            dueAt = now + max(.milliseconds(1), TimeSpan(nanoseconds: integration.nanoseconds / 10))
        }
    }

    private mutating func take(_ bytes: [UInt8], at now: Instant) {
        guard bytes.count == 13 else { return fail(.silent, at: now) }
        let isOver = isSaturated || bytes[0] & Self.isSaturated != 0
        for (index, place) in places.enumerated() where place.bank == bank {
            let low = 1 + 2 * place.converter
            let count = UInt16(bytes[low + 1]) << 8 | UInt16(bytes[low])
            samples.keep(
                isOver || count >= fullScale
                    ? SensorSample(channel: index, fault: .saturated, at: startedAt)
                    : SensorSample(channel: index, value: Double(count), at: startedAt))
        }
        turn += 1
        if turn == order.count {
            turn = 0
            dueAt = schedule.next
        }
        step = .off
    }

    /// From the beginning: whatever is there may have lost its settings.
    private mutating func fail(_ fault: SensorFault, at now: Instant) {
        for index in places.indices {
            samples.keep(SensorSample(channel: index, fault: fault, at: now))
        }
        step = .identify
        turn = 0
        schedule.retry(at: now)
        dueAt = schedule.next
    }
}
