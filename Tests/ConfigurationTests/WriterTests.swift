import Numerics
import Quantities
import Testing

@testable import Configuration

@Suite struct WriterTests {
    @Test func smallConfigurationComesBack() throws {
        let settings = try Texts.settings
        for comments in [true, false] {
            let text = SettingsWriter.text(settings, comments: comments)
            let reading = SettingsReader.read(text: text, file: "f")
            #expect(reading.problems.isEmpty)
            #expect(reading.settings == settings)
        }
        #expect(settings.explained.contains("(1 … 200; default 15)\nbatch = 15\n"))
    }

    @Test func anyValidSettingsComeBack() throws {
        var random = SeededGenerator(seed: 7)
        var quiet = 0
        for _ in 0..<300 {
            let settings = RandomSettings.make(&random)
            let reading = SettingsReader.read(text: settings.explained, file: "f")
            #expect(reading.settings == settings, "\(reading.problems)")
            if reading.settings != nil { quiet += 1 }
        }
        #expect(quiet == 300)
    }

    @Test func decimalTextMovesWithoutRounding() {
        for (value, shift, text) in [
            (0.9, 2, "90"), (0.07, 2, "7"), (12.5, 0, "12.5"), (0, 2, "0"), (-0.003, 2, "-0.3"),
            (1e-9, 2, "1e-7"), (1e22, 0, "1e22"), (1_000_000, -3, "1000"), (1.25e-4, 0, "0.000125"),
        ] as [(Double, Int, String)] {
            #expect(DecimalText(value).shifted(by: shift) == text)
        }
        var random = SeededGenerator(seed: 3)
        for _ in 0..<5_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            #expect(Double(DecimalText(value).shifted()) == value)
            if value.magnitude > 1e-300, value.magnitude < 1e300 {
                #expect(try! Dimension.share.parse(Dimension.share.format(value)).get() == value)
            }
        }
    }

    @Test func damagedTextsNeverCrash() throws {
        var random = SeededGenerator(seed: 11)
        let original = Array(try Texts.settings.explained.utf8)
        let pieces = ["\"", "[", "]", "[[", "=", "nan", "-", "9999999999999999999", "µ", "\n", "."]
        var refused = 0
        for _ in 0..<1_500 {
            var bytes = original
            for _ in 0...random.below(3) {
                let place = random.below(bytes.count)
                switch random.below(3) {
                case 0: bytes[place] = UInt8(random.below(256))
                case 1: bytes.insert(contentsOf: pieces[random.below(pieces.count)].utf8, at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 20))
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let reading = SettingsReader.read(text: text, file: "f")
            if reading.settings == nil {
                refused += 1
                #expect(!reading.problems.isEmpty)
                _ = ProblemReport.text(
                    reading.problems, sources: [ConfigurationSource(file: "f", text: text)])
            }
        }
        #expect(refused > 300 && refused < 1_500)
    }
}

/// Settings that pass the check, with every value drawn.
enum RandomSettings {
    static func make(_ random: inout SeededGenerator) -> Settings {
        var s = Settings()
        func time(_ low: Int, _ high: Int) -> TimeSpan {
            TimeSpan(nanoseconds: Int64(low + random.below(high - low)) * 1_000_003)
        }
        func text() -> String {
            let parts = ["a", "µ", "\"", "\\", " b", "#", "é", "🫧", "'", "="]
            return (0..<(1 + random.below(6))).map { _ in parts[random.below(parts.count)] }
                .joined()
        }
        s.campaign.name = text()
        s.campaign.seed = random.next()
        s.campaign.batch = 1 + random.below(200)
        s.campaign.lossThreshold = random.uniform()
        s.campaign.targetPath = text()
        s.campaign.explorationJitter = random.uniform()
        s.campaign.widensBounds = random.below(2) == 0
        s.campaign.wideningShare = random.uniform(0.02, 1)
        s.loss.from = Wavelength(nanometers: random.uniform(300, 400))
        s.loss.step = Wavelength(nanometers: random.uniform(0.5, 3))
        s.loss.amplitudeLow = random.uniform(0.1, 0.5)
        s.recipe.maximumReagentShare = random.uniform(0.5, 0.95)
        s.recipe.oilShare = random.uniform(0.2, 0.8)
        s.recipe.solvent = "s" + text()
        s.recipe.oil = "o" + text()
        let reagents = 1 + random.below(4)
        var names = [s.recipe.solvent, s.recipe.oil]
        for index in 0..<reagents {
            names.append("\(index)" + text())
            let low = random.uniform(1, 10)
            let high = low + random.uniform(1, 20)
            s.variables.append(
                VariableSettings(
                    name: "Q\(index)" + text(), kind: .reagentPercent(pump: names[index + 2]),
                    low: low, high: high, lowLimit: low * random.uniform(),
                    highLimit: high + random.uniform(0, 30)))
        }
        s.variables.append(
            VariableSettings(
                name: "total", kind: .totalFlow, low: random.uniform(100, 300), high: 500,
                lowLimit: 100, highLimit: random.uniform(500, 900)))
        for (index, name) in names.enumerated() {
            var pump = PumpSettings(name: name)
            pump.dialect = index % 2 == 0 ? .newEra : .harvard
            pump.port = "/dev/\(index % 2)"
            pump.address = index
            pump.framing = random.below(2) == 0 ? .basic : .safe
            pump.deadMan = .seconds(Double(3 + random.below(250)))
            pump.replyTimeout = time(10, 1_000)
            pump.syringeDiameter = Length(millimeters: random.uniform(10, 14.4))
            pump.syringeVolume = Volume(microliters: random.uniform(2_000, 12_000))
            pump.minimumRate = FlowRate(microlitersPerMinute: random.uniform(0, 0.1))
            pump.maximumRate = FlowRate(microlitersPerMinute: random.uniform(2_000, 3_000))
            s.pumps.append(pump)
        }
        s.spectrometer.port = text()
        s.spectrometer.integration = time(1, 500)
        s.spectrometer.pixelStep = 1 + random.below(20)
        s.spectrometer.wavelengthCoefficients =
            random.below(2) == 0
            ? [] : [random.uniform(200, 299), 0.4, 1e-9, random.uniform(0, 1e-9)]
        s.droplets.enterThreshold = random.uniform(0.04, 0.5)
        s.droplets.minimumValidShare = random.uniform(0.02, 1)
        s.droplets.flagAmplitude = random.uniform(0.02, 100)
        s.droplets.flagShape = random.uniform(0.002, 100)
        s.droplets.flagMultiple = random.uniform(0, 100)
        s.droplets.flagNetwork = random.uniform(0.2, 100)
        s.rig.medianUncertainty = random.uniform()
        s.rig.flaggedRun = 1 + random.below(20)
        s.rig.holdsOnFlaggedRun = random.below(2) == 0
        s.rig.deadVolume = Volume(microliters: random.uniform(0, 500))
        s.rig.settleResidences = random.uniform(0, 9)
        s.rig.collectLimit = time(1_000, 900_000)
        s.rig.staleAfter = time(1_500, 9_000)
        s.rig.driftLimit = random.uniform(0.001, 1)
        s.rig.primeFlow = FlowRate(microlitersPerMinute: random.uniform(100, 700))
        for index in 0..<random.below(3) {
            var interlock = InterlockSettings(name: "\(index)" + text())
            interlock.chipLabel = text()
            interlock.line = "\(index)"
            interlock.activeLow = random.below(2) == 0
            interlock.debounce = time(0, 1_000)
            s.interlocks.append(interlock)
        }
        addDevices(to: &s, &random)
        s.log.directory = "/" + text()
        s.log.segmentSize = 64_000 + random.below(1_000_000)
        s.log.segmentAge = time(10_000, 900_000)
        s.control.socket = "/" + text()
        s.sync.listen = random.below(2) == 0 ? "" : text() + ":\(1 + random.below(65_535))"
        s.sync.identity = "/" + text()
        s.sync.peers = 1 + random.below(64)
        s.sync.idleLimit = time(100, 3_600_000)
        s.realtime.priority = random.below(100)
        s.realtime.cpu = random.below(4_097) - 1
        s.realtime.period = .microseconds(Int64(100 + random.below(49_901)))
        s.realtime.locksMemory = random.below(2) == 0
        s.simulation.amplitudeScatter = random.uniform()
        s.simulation.autocorrelation = random.uniform(-0.9, 0.9)
        s.simulation.lampDriftPerHour = random.uniform(-1, 1)
        s.simulation.seed = random.next()
        return s
    }
}

extension RandomSettings {
    /// Sensors, outputs, an expander, a heartbeat and a stepper, with every value drawn.
    static func addDevices(to s: inout Settings, _ random: inout SeededGenerator) {
        func time(_ low: Int, _ high: Int) -> TimeSpan {
            TimeSpan(nanoseconds: Int64(low + random.below(high - low)) * 1_000_003)
        }
        func text() -> String {
            let parts = ["a", "µ", "\"", " b", "#"]
            return (0..<(1 + random.below(6))).map { _ in parts[random.below(parts.count)] }
                .joined()
        }
        for index in 0..<random.below(4) {
            var sensor = SensorSettings(name: "\(index)" + text())
            sensor.chip = SensorSettings.Chip.allCases[random.below(4)]
            sensor.bus = "/\(index)" + text()
            sensor.channel = sensor.chip.channels[random.below(sensor.chip.channels.count)]
            let isVoltage = sensor.chip == .ads1115
            if isVoltage {
                sensor.fullScale = [6.144, 0.512, 0.256][random.below(3)]
                sensor.quantity = [.pressure, .flow, .temperature, .voltage][random.below(4)]
            }
            if sensor.chip == .as7341 {
                sensor.gain = 0.5 * Double(1 << random.below(11))
                sensor.integration = time(1, 30)
            }
            if sensor.chip == .slf3s, random.below(2) == 0 { sensor.liquid = .isopropanol }
            sensor.scale = random.uniform(0.1, 300)
            sensor.offset = random.uniform(-300, 300)
            sensor.lowest = random.uniform(-1_000, 0)
            sensor.highest = random.uniform(1, 1_000)
            sensor.period = time(100, 1_000)
            sensor.staleAfter = time(2_000, 9_000)
            sensor.stuckAfter = random.below(2) == 0 ? .zero : time(4_100, 9_000)
            s.sensors.append(sensor)
            // A sensor that no reaction reads is an error.
            s.reactions.append(
                ReactionSettings(.staleReading, of: sensor.name, do: .report))
        }
        var expander = ExpanderSettings(name: "x" + text())
        expander.address = 0x20 + random.below(8)
        expander.period = time(10, 300)
        s.expanders = [expander]
        for index in 0..<(1 + random.below(4)) {
            var output = OutputSettings(name: "\(index)" + text())
            output.kind = OutputSettings.Kind.allCases[random.below(4)]
            output.rule = OutputSettings.Rule.allCases[random.below(4)]
            output.activeLow = random.below(2) == 0
            if output.kind.hasPosition, random.below(2) == 0 { output.normally = .open }
            if index == 0 {
                output.kind = .valve
                output.expander = expander.name
                output.line = "B\(random.below(8))"
                output.frozenIsSafe = true
            } else {
                output.chipLabel = "c" + text()
                output.line = "out\(index)"
            }
            s.outputs.append(output)
        }
        s.heartbeat.chipLabel = "h"
        s.heartbeat.line = text()
        s.heartbeat.period = time(60, 190)
        var pump = PumpSettings(name: "stepper" + text())
        pump.dialect = .stepper
        pump.port = "p"
        pump.stepper.stepLine = "1" + text()
        pump.stepper.directionLine = "2" + text()
        pump.stepper.enableLine = "3" + text()
        pump.stepper.enableActiveLow = random.below(2) == 0
        pump.stepper.stepsPerMicroliter = random.uniform(0.1, 1_000)
        pump.stepper.maximumStepRate = random.uniform(200, 20_000)
        pump.stepper.startStepRate = random.uniform(1, 200)
        pump.stepper.ramp = time(1, 10_000)
        s.pumps.append(pump)
    }
}
