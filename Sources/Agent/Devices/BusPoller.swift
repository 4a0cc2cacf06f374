import Configuration
import Instruments
import Quantities
import Rig
import World

/// The chips of one bus: does what is next with each, in turn, and makes readings of what they
/// say. Its calls block while the bus does; so it belongs to a thread without deadlines, or to
/// the virtual clock.
final class BusPoller {
    /// Opens a chip at an address.
    typealias Opener = (_ bus: String, _ address: UInt8) throws(WorldError) -> any I2CDevice

    /// The levels wanted of an expander, and those it is known to have.
    final class Latch {
        let outputs: UInt16
        let safeLevels: UInt16
        var wanted: UInt16
        /// Nil: not known.
        var confirmed: UInt16?

        init(outputs: UInt16, safeLevels: UInt16) {
            self.outputs = outputs
            self.safeLevels = safeLevels
            wanted = safeLevels
        }
    }

    private struct Station {
        let address: UInt8
        /// For people.
        let title: String
        var chip: any BusChip
        /// The sensor of each channel, by its place in the configuration.
        var sensors: [(index: Int, judge: ReadingJudge)]
        var device: (any I2CDevice)?
        var refusal: WorldError?
        var fault: SensorFault?
    }

    let bus: String
    /// The expanders on it, in the order of the configuration: place there, and levels.
    private(set) var latches: [(expander: Int, latch: Latch)] = []
    private let settings: [SensorSettings]
    private let open: Opener
    private var stations: [Station] = []
    private var expanders: [(station: Int, chip: MCP23017, latch: Latch)] = []

    /// The chips that `settings` has on `bus`.
    init(bus: String, settings: Settings, open: @escaping Opener) {
        self.bus = bus
        self.settings = settings.sensors
        self.open = open
        addSensors(settings)
        addExpanders(settings)
    }

    private func addSensors(_ settings: Settings) {
        var addresses: [Int] = []
        for sensor in settings.sensors where sensor.bus == bus {
            if !addresses.contains(sensor.busAddress) { addresses.append(sensor.busAddress) }
        }
        for address in addresses {
            let members = settings.sensors.indices.filter {
                settings.sensors[$0].bus == bus && settings.sensors[$0].busAddress == address
            }
            let sensors = members.map { settings.sensors[$0] }
            stations.append(
                Station(
                    address: UInt8(clamping: address),
                    title: sensors.map(\.name).joined(separator: ", "),
                    chip: Self.chip(sensors),
                    sensors: members.map { ($0, ReadingJudge(Self.rules(settings.sensors[$0]))) }))
        }
    }

    private func addExpanders(_ settings: Settings) {
        for (index, expander) in settings.expanders.enumerated() where expander.bus == bus {
            var outputs: UInt16 = 0
            var safe: UInt16 = 0
            for output in settings.outputs where output.expander == expander.name {
                guard let line = ExpanderSettings.lines.firstIndex(of: output.line) else {
                    continue
                }
                outputs |= 1 << UInt16(line)
                if output.safePowered != output.activeLow { safe |= 1 << UInt16(line) }
            }
            let latch = Latch(outputs: outputs, safeLevels: safe)
            latches.append((index, latch))
            let chip = MCP23017(outputs: outputs, safeLevels: safe, period: expander.period)
            expanders.append((stations.count, chip, latch))
            stations.append(
                Station(
                    address: UInt8(clamping: expander.address),
                    title: "expander \(expander.name)", chip: chip, sensors: []))
        }
    }

    /// The machine of one chip; `sensors` are its channels.
    private static func chip(_ sensors: [SensorSettings]) -> any BusChip {
        let first = sensors[0]
        switch first.chip {
        case .tmp117: return TMP117(period: first.period)
        case .ads1115:
            let channels = sensors.map { sensor in
                ADS1115.Channel(
                    input: SensorSettings.Chip.ads1115.channels.firstIndex(of: sensor.channelName)
                        ?? 0, fullScale: sensor.fullScale)
            }
            return ADS1115(channels: channels, period: first.period)
        case .slf3s:
            return SLF3S(
                channels: sensors.map { $0.channelName == "flow" ? .flow : .temperature },
                liquid: first.liquid == .water ? .water : .isopropanol, period: first.period)
        case .as7341:
            return AS7341(
                channels: sensors.map(\.channelName), gain: first.gain,
                integration: first.integration, period: first.period)
        }
    }

    private static func rules(_ sensor: SensorSettings) -> ReadingJudge.Rules {
        var rules = ReadingJudge.Rules()
        rules.scale = sensor.scale
        rules.offset = sensor.offset
        rules.range = min(sensor.lowest, sensor.highest)...max(sensor.lowest, sensor.highest)
        rules.stuckAfter = sensor.stuckAfter
        return rules
    }

    /// When something is due.
    var deadline: Instant {
        var next = Instant.distantFuture
        for station in stations { next = min(next, station.chip.dueAt) }
        return next
    }

    /// Does everything that is due, one operation of each chip at a time so that none waits for
    /// another's whole measurement. `deliver` takes readings, `tell` what a person should know.
    func turn(
        clock: () -> Instant, deliver: (SensorReading) -> Void, tell: (String) -> Void
    ) {
        pushLevels(at: clock())
        // A measurement has at most thirty operations; more at once is a chip gone mad.
        for _ in 0..<32 {
            var isIdle = true
            for index in stations.indices where stations[index].chip.dueAt <= clock() {
                isIdle = false
                step(index, clock: clock, deliver: deliver, tell: tell)
            }
            if isIdle { break }
        }
        pullLevels()
    }

    private func pushLevels(at now: Instant) {
        for entry in expanders {
            guard var chip = stations[entry.station].chip as? MCP23017 else { continue }
            chip.setLevels(entry.latch.wanted, at: now)
            stations[entry.station].chip = chip
        }
    }

    private func pullLevels() {
        for entry in expanders {
            guard let chip = stations[entry.station].chip as? MCP23017 else { continue }
            entry.latch.confirmed = chip.confirmed
        }
    }

    private func step(
        _ index: Int, clock: () -> Instant, deliver: (SensorReading) -> Void,
        tell: (String) -> Void
    ) {
        var result = BusResult.failed("")
        do throws(WorldError) {
            let device: any I2CDevice
            if let opened = stations[index].device {
                device = opened
            } else {
                device = try open(bus, stations[index].address)
                stations[index].device = device
            }
            result = .done(try Self.carryOut(stations[index].chip.operation, on: device))
            stations[index].refusal = nil
        } catch {
            result = .failed("\(error)")
            if stations[index].refusal != error {
                stations[index].refusal = error
                tell("\(stations[index].title): \(error)")
            }
        }
        stations[index].chip.finish(result, at: clock())
        takeSamples(index, deliver: deliver, tell: tell)
    }

    private func takeSamples(
        _ index: Int, deliver: (SensorReading) -> Void, tell: (String) -> Void
    ) {
        let samples = stations[index].chip.samples
        guard !samples.isEmpty else { return }
        stations[index].chip.samples.removeAll(keepingCapacity: true)
        for sample in samples {
            note(sample.fault, of: index, tell: tell)
            guard stations[index].sensors.indices.contains(sample.channel) else { continue }
            let verdict = stations[index].sensors[sample.channel].judge.judge(sample)
            let sensor = stations[index].sensors[sample.channel].index
            deliver(Self.reading(sensor, settings[sensor], verdict, sample))
        }
    }

    /// A fault is told when it comes and when it changes, not with every reading.
    private func note(_ fault: SensorFault?, of index: Int, tell: (String) -> Void) {
        guard fault != stations[index].fault else { return }
        stations[index].fault = fault
        tell("\(stations[index].title): \(fault?.text ?? "reads again")")
    }

    private static func reading(
        _ index: Int, _ sensor: SensorSettings, _ verdict: ReadingJudge.Verdict,
        _ sample: SensorSample
    ) -> SensorReading {
        var value: Double?
        var flags: SensorFlags = sample.isSmoothed ? .smoothed : []
        switch verdict {
        case .value(let number): value = number
        case .none(let fault): flags.insert(SensorFlags(fault))
        }
        return SensorReading(
            sensor: index, value: value, measure: Measure(sensor.measured), at: sample.at,
            flags: flags)
    }

    /// Does `operation`; returns what was read.
    private static func carryOut(
        _ operation: BusOperation, on device: any I2CDevice
    ) throws(WorldError) -> [UInt8] {
        switch operation {
        case .readByte(let register): return [try device.readByte(from: register)]
        case .writeByte(let register, let value): try device.writeByte(value, to: register)
        case .readWord(let register):
            let word = try device.readWord(from: register)
            return [UInt8(word >> 8), UInt8(word & 255)]
        case .writeWord(let register, let value): try device.writeWord(value, to: register)
        case .readBlock(let register, let count):
            return try device.readBlock(from: register, count: count)
        case .writeBlock(let register, let bytes): try device.writeBlock(bytes, to: register)
        case .write(let bytes): try device.write(bytes)
        case .read(let count): return try device.read(count: count)
        }
        return []
    }

    /// Closes every chip.
    func close() {
        for index in stations.indices {
            stations[index].device?.close()
            stations[index].device = nil
        }
    }
}

extension SensorFlags {
    /// The flag that stands for `fault`.
    init(_ fault: SensorFault) {
        switch fault {
        case .silent, .wrongDevice: self = .silent
        case .checksum: self = .checksum
        case .late: self = .late
        case .saturated: self = .saturated
        case .implausible: self = .implausible
        case .stuck: self = .stuck
        case .airInLine: self = .airInLine
        case .highFlow: self = .highFlow
        }
    }
}

extension Measure {
    /// What readings of a sensor with `quantity` are.
    init(_ quantity: SensorSettings.Quantity) {
        switch quantity {
        case .flow: self = .flow
        case .pressure: self = .pressure
        case .temperature: self = .temperature
        case .voltage: self = .voltage
        // A chip's own quantity is always one of the others (`SensorSettings.measured`).
        case .light, .native: self = .light
        }
    }
}
