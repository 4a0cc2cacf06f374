import Quantities

extension SensorSettings {
    static var fields: [Field<SensorSettings>] { chipFields + valueFields + timeFields }

    private static var chipFields: [Field<SensorSettings>] {
        [
            Field.text("name", \.name, "Name for people and for interlocks.").required,
            Field.choice("chip", \.chip, "Which chip it is.").required,
            .text("bus", \.bus, "Device path of the I2C bus."),
            .count("address", \.address, 0...0x77, "Address on the bus; 0: the chip's usual one."),
            .text(
                "channel", \.channel,
                "Which value: AIN0 to AIN3, F1 to F8, clear, nir, flow, temperature."),
            Field.quantity(
                "full_scale", .voltage, \.fullScale, 0.256...6.144,
                "Voltage of the largest reading; its supply bounds what may be applied."
            ).only { $0.chip == .ads1115 },
            Field.number("gain", \.gain, 0.5...512, "Amplification.")
                .only { $0.chip == .as7341 },
            Field.time(
                "integration", \.integration, .milliseconds(1), .seconds(10),
                "Exposure of each of the two banks."
            ).only { $0.chip == .as7341 },
            Field.choice("liquid", \.liquid, "Liquid the flow is calibrated for.")
                .only { $0.chip == .slf3s },
        ]
    }

    private static var valueFields: [Field<SensorSettings>] {
        [
            .choice("quantity", \.quantity, "What a value means; native: what the chip measures."),
            .number(
                "scale", \.scale, -1e9...1e9,
                "uL/min, kPa, C, V or counts per uL/min, V, C or count of the chip…"),
            .number("offset", \.offset, -1e9...1e9, "…and what is added to it."),
            .number("lowest", \.lowest, -1e9...1e9, "A value below this is no reading."),
            .number("highest", \.highest, -1e9...1e9, "A value above this is no reading."),
        ]
    }

    private static var timeFields: [Field<SensorSettings>] {
        [
            .time("period", \.period, .milliseconds(5), .seconds(3_600), "How often it is read."),
            .time(
                "stale_after", \.staleAfter, .milliseconds(10), .seconds(86_400),
                "Age at which the last good value says nothing any more."),
            .time(
                "stuck_after", \.stuckAfter, .zero, .seconds(86_400),
                "A value that does not move for so long is no reading; 0 s: not watched."),
        ]
    }
}

extension Field {
    /// The same field, for sections that `applies` holds for: elsewhere it is not written, and
    /// the checks say so where it was.
    func only(_ applies: @escaping (Section) -> Bool) -> Field {
        Field(
            key: key, help: help, range: range, isRequired: isRequired, read: read,
            write: { applies($0) ? write($0) : nil })
    }
}
