import Quantities

extension SettingsChecker {
    /// Full scales of the ADS1115 in volts (datasheet SBAS444, table 8-3, PGA bits).
    private static let fullScales = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256]
    /// Gains of the AS7341 (datasheet DS000504, CFG1 AGAIN).
    private static let gains = [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

    mutating func checkSensors() {
        let sensors = settings.sensors
        unique(
            sensors.map(\.name), { "sensor[\($0)].name" },
            { _, index in "two sensors are called \"\(sensors[index].name)\"" },
            "give each sensor its own name")
        unique(
            sensors.map { "\($0.bus) \($0.busAddress) \($0.channelName)" },
            { "sensor[\($0)].channel" },
            { first, second in
                "\"\(sensors[second].name)\" is the channel that \"\(sensors[first].name)\" is"
            }, "name another channel, or another address")
        for (index, sensor) in sensors.enumerated() {
            let path = "sensor[\(index)]"
            if sensor.name.trimmingSpaces.isEmpty { error("\(path).name", "the name is empty") }
            checkBus(sensor.bus, "\(path).bus")
            checkChannel(sensor, path)
            checkConverter(sensor, path)
            checkValue(sensor, path)
            checkTimes(sensor, path)
        }
        checkSharedChips()
    }

    /// A bus is a device of the kernel.
    mutating func checkBus(_ bus: String, _ path: String) {
        guard bus.first != "/" else { return }
        error(path, "\"\(bus)\" is no absolute path", "write for instance \"/dev/i2c-1\"")
    }

    private mutating func checkChannel(_ sensor: SensorSettings, _ path: String) {
        let chip = sensor.chip
        if !chip.addresses.contains(sensor.busAddress) {
            let known = chip.addresses.map { "0x" + String($0, radix: 16) }
            error(
                "\(path).address",
                "a \(chip.rawValue) cannot have address 0x"
                    + String(sensor.busAddress, radix: 16),
                "permitted: \(known.joined(separator: ", "))")
        }
        if sensor.channel.isEmpty {
            guard chip.needsChannel else { return }
            error(
                path, "\"\(sensor.name)\" lacks its channel",
                "add channel = one of \(chip.channels.joined(separator: ", "))")
        } else if !chip.channels.contains(sensor.channel) {
            error(
                "\(path).channel", "a \(chip.rawValue) has no channel \"\(sensor.channel)\"",
                "known: \(chip.channels.joined(separator: ", "))")
        }
    }

    private mutating func checkConverter(_ sensor: SensorSettings, _ path: String) {
        let blank = SensorSettings(name: "")
        func refuse(_ key: String, _ isDefault: Bool, _ chip: SensorSettings.Chip) {
            guard !isDefault, sensor.chip != chip else { return }
            error(
                "\(path).\(key)", "a \(sensor.chip.rawValue) has no \(key)",
                "it belongs to the \(chip.rawValue); remove it")
        }
        refuse("full_scale", sensor.fullScale == blank.fullScale, .ads1115)
        refuse("gain", sensor.gain == blank.gain, .as7341)
        refuse("integration", sensor.integration == blank.integration, .as7341)
        refuse("liquid", sensor.liquid == blank.liquid, .slf3s)
        if sensor.chip == .ads1115, !Self.fullScales.contains(sensor.fullScale) {
            let known = Self.fullScales.map { Dimension.voltage.format($0) }
            error(
                "\(path).full_scale", "the chip has no such full scale",
                "permitted: \(known.joined(separator: ", "))")
        }
        if sensor.chip == .as7341, !Self.gains.contains(sensor.gain) {
            error("\(path).gain", "the chip has no such gain", "permitted: 0.5, 1, 2, 4, … 512")
        }
    }

    private mutating func checkValue(_ sensor: SensorSettings, _ path: String) {
        if sensor.scale == 0 {
            error("\(path).scale", "every reading of \"\(sensor.name)\" would be the offset")
        }
        if sensor.lowest >= sensor.highest {
            error("\(path).highest", "highest must be above lowest: nothing would be a reading")
        }
        let isOther = sensor.quantity != .native && sensor.quantity != sensor.nativeQuantity
        if isOther, sensor.chip != .ads1115 {
            error(
                "\(path).quantity",
                "a \(sensor.chip.rawValue) measures no \(sensor.quantity.rawValue)",
                "leave it out: this channel is \(sensor.nativeQuantity.rawValue)")
        } else if isOther, sensor.scale == 1, sensor.offset == 0 {
            warning(
                "\(path).quantity",
                "1 V of \"\(sensor.name)\" would be 1 \(sensor.quantity.unit)",
                "write scale and offset from the transducer's datasheet")
        }
    }

    private mutating func checkTimes(_ sensor: SensorSettings, _ path: String) {
        if sensor.staleAfter < sensor.period * 2 {
            error(
                "\(path).stale_after",
                "one lost reading of \"\(sensor.name)\" would make it stale",
                "make stale_after at least twice period")
        }
        if sensor.stuckAfter > .zero, sensor.stuckAfter < sensor.period * 4 {
            error(
                "\(path).stuck_after",
                "two or three equal readings of \"\(sensor.name)\" may be chance",
                "make stuck_after at least four times period")
        }
        // Two exposures, and as much again for everything around them.
        if sensor.chip == .as7341, sensor.period < sensor.integration * 3 {
            error(
                "\(path).period", "the two exposures of \"\(sensor.name)\" do not fit into it",
                "make period at least three times integration")
        }
    }

    /// Channels of one chip share what the chip has once.
    private mutating func checkSharedChips() {
        var first: [String: Int] = [:]
        for (index, sensor) in settings.sensors.enumerated() {
            let key = "\(sensor.bus) \(sensor.busAddress)"
            let path = "sensor[\(index)]"
            guard let other = first[key] else {
                first[key] = index
                continue
            }
            let earlier = settings.sensors[other]
            if earlier.chip != sensor.chip {
                error(
                    "\(path).address",
                    "\"\(earlier.name)\" is a \(earlier.chip.rawValue) at this address",
                    "set another address with the chip's pins and here")
            } else if earlier.gain != sensor.gain || earlier.integration != sensor.integration
                || earlier.liquid != sensor.liquid || earlier.period != sensor.period
            {
                error(
                    path, "\"\(sensor.name)\" and \"\(earlier.name)\" are one chip",
                    "give them the same period, gain, integration and liquid")
            }
        }
    }
}
