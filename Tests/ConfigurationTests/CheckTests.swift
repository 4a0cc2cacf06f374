import Quantities
import Testing

@testable import Configuration

@Suite struct CheckTests {
    /// One change to the small configuration and the problems it makes, as `path: words`.
    struct Case: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var path: String
        var words: String
        var severity: ConfigurationProblem.Severity
        var change: @Sendable (inout Settings) -> Void

        init(
            _ path: String, _ words: String, _ severity: ConfigurationProblem.Severity = .error,
            _ change: @escaping @Sendable (inout Settings) -> Void
        ) {
            testDescription = words
            self.path = path
            self.words = words
            self.severity = severity
            self.change = change
        }
    }

    static let cases: [Case] = [
        Case("pump[1].name", "two pumps are called") { $0.pumps[1].name = "seeds" },
        Case("pump[1].address", "both have address 0") { $0.pumps[1].address = 0 },
        Case("pump[1].baud", "another speed") { $0.pumps[1].baud = 9_600 },
        Case("pump[1].dialect", "speaks new-era") { $0.pumps[1].dialect = .harvard },
        Case("variable[0].pump", "did you mean \"seeds\"") {
            $0.variables[0].kind = .reagentPercent(pump: "seed")
        },
        Case("pump[3].name", "nothing uses", .warning) {
            $0.pumps.append(PumpSettings(name: "spare"))
            $0.pumps[3].port = "/dev/b"
        },
        Case("recipe.solvent", "carries the solvent") { $0.recipe.solvent = "water" },
        Case("recipe.oil", "carries the oil") { $0.recipe.oil = "fluorinated" },
        Case("recipe.oil", "same pump") { $0.recipe.oil = "solvent" },
        Case("variable", "no variables") { $0.variables = [] },
        Case("variable", "total flow") { $0.variables.remove(at: 1) },
        Case("variable[2].kind", "already") { $0.variables.append($0.variables[1]) },
        Case("variable[0].bounds", "outside its limits") { $0.variables[0].highLimit = 19 },
        Case("variable[0].bounds", "above the high one") { $0.variables[0].low = 21 },
        Case("variable[0].bounds", "is asked for") {
            $0.variables[0].low = 0.01; $0.variables[0].lowLimit = 0.01
        },
        Case("variable[0].limits", "is asked for", .warning) { $0.variables[0].lowLimit = 0.01 },
        Case("pump[2].syringe", "is asked for") {
            $0.pumps[2].syringeDiameter = Length(millimeters: 3.5)
            $0.pumps[2].syringeVolume = Volume(microliters: 500)
            $0.rig.primeFlow = FlowRate(microlitersPerMinute: 100)
        },
        Case("rig.prime_flow", "which it cannot do") {
            $0.rig.primeFlow = FlowRate(microlitersPerMinute: 50_000)
        },
        Case("pump[0].minimum_rate", "above the maximum") {
            $0.pumps[0].minimumRate = FlowRate(microlitersPerMinute: 5)
            $0.pumps[0].maximumRate = FlowRate(microlitersPerMinute: 4)
        },
        Case("recipe.maximum_reagent_share", "sum up to 4 %") {
            $0.recipe.maximumReagentShare = 0.03
        },
        Case("pump[0].dead_man", "whole seconds") { $0.pumps[0].deadMan = .milliseconds(1_500) },
        Case("pump[0].dead_man", "whole seconds") { $0.pumps[0].deadMan = .seconds(256) },
        Case("pump[0].reply_timeout", "lost reply") {
            $0.pumps[0].deadMan = .seconds(1)
            $0.pumps[0].replyTimeout = .milliseconds(501)
        },
        Case("spectrometer.port", "same port") { $0.spectrometer.port = "/dev/a" },
        Case("spectrometer.port", "is empty") { $0.spectrometer.port = "" },
        Case("spectrometer.working_baud", "no speed it has") {
            $0.spectrometer.workingBaud = 100_000
        },
        // 340 + 0.2 × 2047 = 749.4 nm.
        Case("loss.through", "it sees 340 nm … 749.4 nm") {
            $0.spectrometer.wavelengthCoefficients = [340, 0.2, 0, 0]
        },
        Case("spectrometer.wavelength_coefficients", "do not rise") {
            $0.spectrometer.wavelengthCoefficients = [900, -0.2, 0, 0]
        },
        Case("pump[0].baud", "300 1200 2400 9600 19200") {
            for index in 0..<3 { $0.pumps[index].baud = 38_400 }
        },
        Case("droplets.leave_threshold", "below enter_threshold") {
            $0.droplets.leaveThreshold = 0.06
        },
        Case("interlock[1].line", "uses the line") { $0.interlocks = twins },
        Case("loss.amplitude_high", "above amplitude_low") { $0.loss.amplitudeHigh = 0.7 },
        Case("loss.through", "before it begins") { $0.loss.through = $0.loss.from },
        Case("loss.step", "does not divide", .warning) {
            $0.loss.step = Wavelength(nanometers: 11)
        },
        Case("rig.minimum_droplets", "never be complete") { $0.rig.minimumDroplets = 16 },
        Case("rig.median_uncertainty", "raise rig.droplets", .warning) {
            $0.rig.droplets = 8
            $0.rig.medianUncertainty = 0.02
        },
        Case("rig.median_uncertainty", "lower it", .warning) {
            $0.rig.minimumDroplets = 15
            $0.rig.medianUncertainty = 0.02
        },
        Case("rig.stale_after", "stale") { $0.rig.staleAfter = .milliseconds(499) },
        Case("rig.blind_after", "blind") { $0.rig.blindAfter = .milliseconds(519) },
        Case("log.directory", "absolute") { $0.log.directory = "var" },
        Case("sync.identity", "absolute") { $0.sync.identity = "var" },
        Case("sync.listen", "with a port") { $0.sync.listen = "everywhere" },
        Case("sync.listen", "with a port") { $0.sync.listen = ":7425" },
        Case("sync.listen", "with a port") { $0.sync.listen = "0.0.0.0:0" },
        Case("pump[0].syringe", "stroke", .warning) {
            $0.pumps[0].syringeVolume = Volume(microliters: 10)
        },
        Case("pump[0].address", "has address 0", .warning) {
            for index in 0..<3 {
                $0.pumps[index].dialect = .harvard
                $0.pumps[index].address += 1
            }
        },
    ]

    static var twins: [InterlockSettings] {
        ["door", "stop"].map { name in
            var interlock = InterlockSettings(name: name)
            interlock.chipLabel = "chip"
            interlock.line = "GPIO4"
            return interlock
        }
    }

    @Test(arguments: cases) func changeIsNoticed(case change: Case) throws {
        var settings = try Texts.settings
        #expect(SettingsCheck.problems(in: settings).isEmpty)
        change.change(&settings)
        var places = SettingsPlaces(file: "elsewhere")
        let place = Place(file: "here", line: 7, column: 3)
        places.note(change.path, place)
        let problems = SettingsCheck.problems(in: settings, places: places)
        let found = problems.filter { "\($0)".contains(change.words) }
        #expect(
            found.contains { $0.place == place && $0.severity == change.severity }, "\(problems)")
    }

    // Rows of the rate table in the Pump 11 Elite manual (appendix A/B): bore in mm, slowest
    // rate in nL/min, fastest in mL/min.
    @Test(arguments: [
        (4.608, 2.55, 2.652), (8.585, 8.863, 9.204), (14.43, 25.03, 25.99), (26.59, 85.05, 88.32),
    ])
    func harvardRatesFitTheManual(bore: Double, slowest: Double, fastest: Double) {
        var pump = PumpSettings(name: "x")
        pump.dialect = .harvard
        pump.syringeDiameter = Length(millimeters: bore)
        let limits = pump.rateLimits
        #expect((limits.lowerBound.microlitersPerMinute * 1_000 / slowest - 1).magnitude < 2e-3)
        #expect((limits.upperBound.microlitersPerMinute / 1_000 / fastest - 1).magnitude < 2e-3)
    }

    @Test func rateLimitsNarrow() {
        var pump = PumpSettings(name: "x")
        // 51.005 mm/min × π/4 × (14.43 mm)² = 8341.3 µL/min; 0.04205 mm/h likewise 0.11461.
        #expect((pump.rateLimits.upperBound.microlitersPerMinute - 8_341.3).magnitude < 0.1)
        #expect((pump.rateLimits.lowerBound.microlitersPerMinute - 0.114_61).magnitude < 1e-5)
        pump.minimumRate = FlowRate(microlitersPerMinute: 2)
        pump.maximumRate = FlowRate(microlitersPerMinute: 20_000)
        #expect(pump.rateLimits.lowerBound == pump.minimumRate)
        #expect(pump.rateLimits.upperBound < pump.maximumRate)
        pump.dialect = .legato
        pump.maximumRate = FlowRate(microlitersPerMinute: 200_000)
        #expect(pump.rateLimits.upperBound == pump.maximumRate)
        pump.maximumRate = FlowRate(microlitersPerMinute: 1)
        #expect(pump.rateLimits.lowerBound == pump.rateLimits.upperBound)
    }

    // By hand: the aqueous flow is half of 200 … 1000 µL/min. The reagent may take 4 … 90 % of it
    // (the largest sum, below its own limit of 100 %), the solvent the rest of 4 … 20 % (bounds).
    @Test(arguments: [
        (0, 451.0, ""), (0, 449.0, "for 4 uL/min … 450 uL/min"),
        (1, 481.0, ""), (1, 479.0, "for 80 uL/min … 480 uL/min"),
        (2, 501.0, ""), (2, 499.0, "for 100 uL/min … 500 uL/min"),
    ])
    func demandsAreWhatRecipesCanAsk(pump: Int, fastest: Double, words: String) throws {
        var settings = try Texts.settings
        settings.variables[0].highLimit = 100
        settings.pumps[pump].maximumRate = FlowRate(microlitersPerMinute: fastest)
        let problems = SettingsCheck.problems(in: settings).map(\.description)
        #expect(problems.count == (words.isEmpty ? 0 : 1), "\(problems)")
        #expect(problems.allSatisfy { $0.contains(words) }, "\(problems)")
    }

    @Test func checkedPlaceIsTheKeysOwn() {
        let text = Texts.small.replacing("address = 1", with: "address = 2")
        let problems = SettingsReader.read(text: text, file: "f").problems
        #expect(problems.count == 1)
        #expect(problems.first?.place == Place(file: "f", line: 20, column: 11))
    }

    @Test func reportShowsTheLine() {
        let text = "# µ\n[rig]\n\tdroplets = 0 \u{1B}# red\n[rig2]\nobey_limit = 5\n"
        let clean = text.replacing("\u{1B}", with: "")
        let reading = SettingsReader.read(text: clean, file: "f")
        let report = ProblemReport.text(
            Array(reading.problems.prefix(1)), sources: [ConfigurationSource(file: "f", text: text)]
        )
        #expect(
            report == """
                f:3:13: error: rig.droplets = 0 is out of range; permitted: 1 … 10000
                     3 |     droplets = 0 \u{FFFD}# red
                       |                ^
                1 error, 0 warnings

                """)
    }
}
