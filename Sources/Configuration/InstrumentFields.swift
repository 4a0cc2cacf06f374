import Quantities

extension PumpSettings {
    private static let bauds = 300...921_600

    static var fields: [Field<PumpSettings>] {
        [
            Field.text("name", \.name, "Name, which is also what it carries.").required,
            .choice("dialect", \.dialect, "Language it speaks."),
            Field.text(
                "port", \.port,
                "Device path (stepper: label of the GPIO chip); the same port: one line."
            ).required,
            .count(
                "baud", \.baud, bauds, "Speed of the line, bits per second, as set on the pump."),
            .count("address", \.address, 0...99, "Address on the line, as set on the pump."),
            .choice(
                "framing", \.framing,
                "New Era only: \"safe\" has checksums and arms the pump's own dead-man timer."),
            .time(
                "dead_man", \.deadMan, .seconds(1), .seconds(255),
                "New Era \"safe\" only: silence after which the pump stops itself; whole seconds."),
            .time(
                "reply_timeout", \.replyTimeout, .milliseconds(10), .seconds(60),
                "Silence after which a question counts as lost."),
            syringe,
            .quantity(
                "minimum_rate", .flow, \.minimumRate.microlitersPerMinute, 0...1e6,
                "Slowest rate to ask for; 0: what the pump can do with this syringe."),
            .quantity(
                "maximum_rate", .flow, \.maximumRate.microlitersPerMinute, 0...1e6,
                "Fastest rate to ask for; 0: what the pump can do with this syringe."),
        ] + stepperFields
    }

    static var syringeFields: [Field<PumpSettings>] {
        [
            Field.quantity(
                "diameter", .length, \.syringeDiameter.millimeters, 0.1...80,
                "Inner diameter of the syringe."
            ).required,
            Field.quantity(
                "volume", .volume, \.syringeVolume.microliters, 0.1...1e6,
                "What the full syringe holds."
            ).required,
        ]
    }

    private static var syringe: Field<PumpSettings> {
        Field(
            key: "syringe", help: "Inner diameter and volume, or a name such as \"BD 10 mL\".",
            range: "",
            read: { value, name, pump, context in
                switch value.kind {
                case .table(let table):
                    SettingsReader.read(syringeFields, table, value.place, name, &pump, &context)
                case .string(let text):
                    guard let known = Syringe.known.first(where: { $0.name == text }) else {
                        let names = Syringe.known.map(\.name)
                        let meant = Suggestion.nearest(to: text, among: names)
                        context.problems.error(
                            value.place, "syringe \"\(TOMLReader.printable(text))\" is unknown",
                            (meant.map { "did you mean \"\($0)\"? otherwise " } ?? "")
                                + "write { diameter = \"14.43 mm\", volume = \"10 mL\" }")
                        return
                    }
                    pump.syringeDiameter = Length(millimeters: known.diameter)
                    pump.syringeVolume = Volume(microliters: known.milliliters * 1000)
                default:
                    context.wrongKind(
                        value, name, wanted: "a table or a name",
                        "write { diameter = \"14.43 mm\", volume = \"10 mL\" }")
                }
            },
            write: { pump in
                let parts = syringeFields.map { "\($0.key) = \($0.write(pump) ?? "")" }
                return "{ " + parts.joined(separator: ", ") + " }"
            })
    }
}

extension SpectrometerSettings {
    static var fields: [Field<SpectrometerSettings>] {
        [
            Field.text("port", \.port, "Device path of the line.").required,
            .count("baud", \.baud, 2_400...115_200, "Speed at power-up, bits per second."),
            .count(
                "working_baud", \.workingBaud, 2_400...115_200,
                "Speed to change to after connecting; the same as baud: no change."),
            .time(
                "integration", \.integration, .milliseconds(1), .seconds(60),
                "Exposure of one scan."),
            .numbers(
                "wavelength_coefficients", \.wavelengthCoefficients, lengths: [0, 4], -1e6...1e6,
                "c0 … c3 of wavelength in nm by pixel; empty: read from the instrument."),
            .count("pixel_count", \.pixelCount, 16...65_536, "Pixels of the detector."),
            .count("pixel_step", \.pixelStep, 1...500, "Every how many pixels one is asked for."),
            .flag("compression", \.compression, "Whether scans are asked for compressed."),
            .flag("checksum", \.checksum, "Whether scans are asked for with a checksum."),
            .count(
                "saturation_level", \.saturationLevel, 1...65_535,
                "Counts at and above which a pixel is taken for clipped."),
            .time(
                "reply_timeout", \.replyTimeout, .milliseconds(10), .seconds(60),
                "Silence after which a question counts as lost, beyond the exposure."),
        ]
    }
}
