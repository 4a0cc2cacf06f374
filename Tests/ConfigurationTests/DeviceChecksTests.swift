import Quantities
import TestSupport
import Testing

@testable import Configuration

/// What the configuration says of sensors, outputs, expanders, the heartbeat and steppers.
@Suite struct DeviceChecksTests {
    static let sensors = """
        [[sensor]]
        name = "oil pressure"
        chip = "ads1115"
        channel = "AIN1"
        quantity = "pressure"
        scale = 250
        offset = -125
        lowest = -20.0
        full_scale = "6.144 V"
        period = "20 ms"
        stale_after = "100 ms"
        [[sensor]]
        name = "oil flow"
        chip = "slf3s-1300f"
        bus = "/dev/i2c-2"
        stuck_after = "2 s"
        [[sensor]]
        name = "bath"
        chip = "tmp117"
        address = 0x49

        """

    @Test func sensorsAreRead() throws {
        let readers = ["oil pressure", "oil flow", "bath"].map {
            "[[reaction]]\nwhen = \"stale-reading\"\nof = \"\($0)\"\ndo = [\"report\"]\n"
        }.joined()
        let reading = SettingsReader.read(text: Texts.small + Self.sensors + readers, file: "f")
        #expect(reading.problems.isEmpty, "\(reading.problems)")
        let sensors = try #require(reading.settings).sensors
        #expect(sensors.map(\.busAddress) == [0x48, 0x08, 0x49])
        #expect(sensors.map(\.channelName) == ["AIN1", "flow", "temperature"])
        #expect(sensors.map(\.measured) == [.pressure, .flow, .temperature])
        #expect(sensors[0].scale == 250 && sensors[0].offset == -125)
        #expect(sensors[0].fullScale == 6.144 && sensors[0].lowest == -20)
        #expect(sensors[0].period == .milliseconds(20))
        #expect(sensors[1].bus == "/dev/i2c-2" && sensors[1].stuckAfter == .seconds(2))
        #expect(sensors[2].staleAfter == .seconds(1))
    }

    static let outputs = """
        [[output]]
        name = "waste"
        kind = "valve"
        chip_label = "pinctrl-rp1"
        line = "GPIO5"
        normally = "open"
        [[output]]
        name = "lamp"
        kind = "lamp"
        chip_label = "pinctrl-rp1"
        line = "GPIO6"
        active_low = true
        on = "lit"
        [[expander]]
        name = "extra"
        [[output]]
        name = "ring light"
        kind = "lamp"
        expander = "extra"
        line = "B3"
        frozen_is_safe = true
        [heartbeat]
        chip_label = "pinctrl-rp1"
        line = "GPIO26"

        """

    @Test func outputsAreRead() throws {
        let reading = SettingsReader.read(text: Texts.small + Self.outputs, file: "f")
        #expect(reading.problems.isEmpty, "\(reading.problems)")
        let settings = try #require(reading.settings)
        #expect(settings.outputs.map(\.rule) == [.flowing, .lit, .flowing])
        #expect(settings.outputs[1].activeLow)
        #expect(settings.expanders[0].address == 0x20)
        #expect(settings.heartbeat.isPresent && settings.heartbeat.period == .milliseconds(100))
        // A normally open valve is closed by power, and open in the safe state, which needs none.
        #expect(!settings.outputs[0].isPowered(on: true))
        #expect(settings.outputs[0].isPowered(on: false))
        #expect(settings.outputs[0].isOnWhenSafe)
        #expect(!settings.outputs[1].isOnWhenSafe)
    }

    static let stepper = """
        [[variable]]
        name = "Q_tot"
        kind = "total flow"
        bounds = ["200 uL/min", "1000 uL/min"]
        [[pump]]
        name = "solvent"
        port = "/dev/a"
        [[pump]]
        name = "oil"
        dialect = "stepper"
        port = "pinctrl-rp1"
        step_line = "GPIO20"
        direction_line = "GPIO21"
        enable_line = "GPIO16"
        steps_per_microliter = 64
        [spectrometer]
        port = "/dev/s"

        """

    @Test func stepperIsRead() throws {
        let reading = SettingsReader.read(text: Self.stepper, file: "f")
        #expect(reading.problems.isEmpty, "\(reading.problems)")
        let pump = try #require(reading.settings).pumps[1]
        // 2,000 steps a second ÷ 64 steps per µL = 1,875 µL/min; a step a minute at least.
        #expect(pump.rateLimits.upperBound.microlitersPerMinute == 1_875)
        #expect(pump.rateLimits.lowerBound.microlitersPerMinute == 1 / 64.0)
    }

    /// Text, what to change in it, and what must be said about it, at its place.
    static let slips: [(text: String, from: String, to: String, said: String)] = [
        (sensors, "\"ads1115\"", "\"ads1116\"", "chip = \"ads1116\" is unknown; did you mean"),
        (sensors, "\"AIN1\"", "\"AIN4\"", "has no channel \"AIN4\"; known: AIN0, AIN1"),
        (sensors, "channel = \"AIN1\"", "", "lacks its channel; add channel = one of AIN0"),
        (sensors, "0x49", "0x39", "cannot have address 0x39; permitted: 0x48, 0x49, 0x4a, 0x4b"),
        (sensors, "0x49", "0x48", "\"oil pressure\" is a ads1115 at this address"),
        (sensors, "0x49", "200", "is out of range"),
        (sensors, "6.144 V", "5 V", "no such full scale; permitted: 6.144 V, 4.096 V"),
        (sensors, "6.144 V", "6.144", "full_scale: \"6.144\" lacks its unit"),
        (sensors, "stale_after = \"100 ms\"", "stale_after = \"30 ms\"", "make it stale"),
        (sensors, "stuck_after = \"2 s\"", "stuck_after = \"300 ms\"", "may be chance"),
        (sensors, "address = 0x49", "gain = 2.0", "a tmp117 has no gain; it belongs to the as7341"),
        (sensors, "address = 0x49", "quantity = \"flow\"", "a tmp117 measures no flow"),
        (sensors, "scale = 250", "scale = 0", "would be the offset"),
        (sensors, "lowest = -20.0", "lowest = 2e9", "is out of range"),
        (sensors, "/dev/i2c-2", "i2c-2", "\"i2c-2\" is no absolute path"),
        (sensors, "\"bath\"", "\"oil flow\"", "two sensors are called \"oil flow\""),
        (sensors, "address = 0x49", "adress = 0x49", "unknown; did you mean address?"),
        (outputs, "\"GPIO6\"", "\"GPIO5\"", "output lamp uses the line of output waste"),
        (outputs, "\"GPIO26\"", "\"GPIO6\"", "the heartbeat uses the line of output lamp"),
        (outputs, "frozen_is_safe = true", "", "keeps its level when the board dies"),
        (outputs, "\"B3\"", "\"C3\"", "has no line \"C3\"; permitted: A0 … A7, B0 … B7"),
        (outputs, "expander = \"extra\"", "expander = \"extr\"", "did you mean \"extra\"?"),
        (
            outputs, "kind = \"lamp\"\nexpander", "kind = \"enable\"\nexpander",
            "would stay enabled when the board dies"
        ),
        (outputs, "active_low = true", "safe_powered = true", "needs power: it will be off when"),
        (
            outputs, "line = \"GPIO26\"", "line = \"GPIO26\"\nperiod = \"20 ms\"",
            "every edge would come too early for the relay"
        ),
        (
            outputs, "line = \"GPIO26\"", "line = \"GPIO26\"\nlatest = \"150 ms\"",
            "one late turn would drop the relay"
        ),
        (stepper, "step_line = \"GPIO20\"\n", "", "lacks step_line; name a line of the chip"),
        (stepper, "steps_per_microliter = 64", "", "lacks steps_per_microliter; steps of one turn"),
        (stepper, "\"pinctrl-rp1\"", "\"/dev/b\"", "the port of a stepper is the label"),
        (stepper, "dialect = \"stepper\"", "", "is no stepper, but has lines or steps of one"),
        (stepper, "\"GPIO21\"", "\"GPIO20\"", "pump oil uses the line of pump oil"),
        (
            stepper, "steps_per_microliter = 64", "steps_per_microliter = 640",
            "is asked for 100 uL/min … 500 uL/min, but can do"
        ),
    ]

    @Test(arguments: slips) func slipsAreTold(
        text: String, from: String, to: String, said: String
    ) throws {
        let start = try #require(text.firstRange(of: from)?.lowerBound)
        var changed = text
        changed.replaceSubrange(start..<text.index(start, offsetBy: from.count), with: to)
        let base = text.contains("[[pump]]") ? "" : Texts.small
        let problems = Texts.problems(base + changed)
        let told = problems.filter { $0.contains(said) }
        #expect(told.count == 1, "\(problems)")
        // The place: in the file, on a line of the changed part.
        let parts = (told.first ?? "").split(separator: ":")
        let line = try #require(parts.count > 2 ? Int(parts[1]) : nil)
        #expect(line > base.split(separator: "\n", omittingEmptySubsequences: false).count - 1)
    }

    /// The commented examples of sensors, outputs, an expander and the heartbeat are right.
    @Test func commentedExamplesAreRight() throws {
        let path = SharedData.projectRoot + "/board/argent.example.toml"
        let text = try #require(Texts.file(path))
        var isInside = false
        var lines: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("# Values read from chips") { isInside = true }
            if line.hasPrefix("# A pump made of") { isInside = false }
            let word = line.dropFirst(2).prefix { $0.isLetter || $0 == "_" || $0 == "[" }
            let isKey = line.hasPrefix("# [") || line.dropFirst(2 + word.count).hasPrefix(" = ")
            lines.append(isInside && line.hasPrefix("# ") && isKey ? line.dropFirst(2) : line)
        }
        let reading = SettingsReader.read(text: lines.joined(separator: "\n"), file: "f")
        let errors = reading.problems.filter { $0.severity == .error }
        #expect(errors.isEmpty, "\(errors)")
        let settings = try #require(reading.settings)
        #expect(settings.sensors.map(\.name) == ["oil pressure", "oil flow"])
        #expect(settings.outputs.count == 2 && settings.expanders.count == 1)
        #expect(settings.heartbeat.isPresent)
    }
}

extension String {
    /// Where `part` first occurs.
    fileprivate func firstRange(of part: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) {
                return start..<index(start, offsetBy: part.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
