import Quantities
import TestSupport
import Testing

@testable import Configuration

@Suite struct ReaderTests {
    @Test func smallConfigurationHasTheDefaults() throws {
        let reading = SettingsReader.read(text: Texts.small, file: "f")
        #expect(reading.problems.isEmpty)
        var expected = Settings()
        expected.variables = [
            VariableSettings(
                name: "Q_seed", kind: .reagentPercent(pump: "seeds"), low: 4, high: 20,
                lowLimit: 4, highLimit: 20),
            VariableSettings(
                name: "Q_tot", kind: .totalFlow, low: 200, high: 1_000, lowLimit: 200,
                highLimit: 1_000),
        ]
        for (address, name) in ["seeds", "solvent", "oil"].enumerated() {
            var pump = PumpSettings(name: name)
            pump.port = "/dev/a"
            pump.address = address
            expected.pumps.append(pump)
        }
        expected.spectrometer.port = "/dev/s"
        #expect(reading.settings == expected)
    }

    @Test func unitsAreTakenAsWritten() throws {
        let text = Texts.small.replacing(
            "[spectrometer]",
            with: """
                minimum_rate = "1.2 mL/h"
                maximum_rate = "2.5 mL/min"
                reply_timeout = "0.25 s"
                dead_man = "2 min"
                syringe = { diameter = "1.03 cm", volume = "2500 µL" }
                [rig]
                collect_limit = "1 h"
                prime_flow = "10 μL/s"
                drift_limit = "0.3 %"
                [loss]
                from = "0.39 um"
                [log]
                segment_size = "1.5 MiB"
                segment_age = "2 h"
                [spectrometer]
                """)
        let settings = try SettingsReader.read(text: text, file: "f").result.get()
        let pump = settings.pumps[2]
        #expect((pump.minimumRate.microlitersPerMinute - 20).magnitude < 1e-12)
        #expect(pump.maximumRate == FlowRate(microlitersPerMinute: 2_500))
        #expect(pump.replyTimeout == .milliseconds(250))
        #expect(pump.deadMan == .seconds(120))
        #expect(pump.syringeDiameter == Length(millimeters: 10.3))
        #expect(pump.syringeVolume == Volume(microliters: 2_500))
        #expect(settings.rig.collectLimit == .seconds(3_600))
        #expect(settings.rig.primeFlow == FlowRate(microlitersPerMinute: 600))
        #expect(settings.rig.driftLimit == 0.003)
        #expect(settings.loss.from == Wavelength(nanometers: 390))
        #expect(settings.log.segmentSize == 1_572_864)
        #expect(settings.log.segmentAge == .seconds(7_200))
        for (bytes, text) in [(16e6, "16 MB"), (1_572_864, "1572864 B"), (64_000, "64 kB")] {
            #expect(Dimension.format(bytes: bytes) == text)
        }
    }

    /// A text, and how the problem it must give begins. Typed, so that checking its types is quick.
    static let misplaced: [(text: String, problem: String)] = [
        (
            "[rig]\nlamp_warm_up = 5",
            "f:2:16: error: rig.lamp_warm_up = 5 lacks its unit; write \"5 s\""
        ),
        (
            "[rig]\ndrift_limit = 3.5",
            "f:2:15: error: rig.drift_limit = 3.5 lacks its unit; write \"3.5 %\""
        ),
        (
            "[rig]\nprime_flow = \"20\"",
            "f:2:14: error: rig.prime_flow: \"20\" lacks its unit; write for instance \"20 uL/min\""
        ),
        (
            "[rig]\nprime_flow = \"2,5 mL/min\"",
            "f:2:14: error: rig.prime_flow: \"2,5 mL/min\" is not a flow rate; use a decimal point"
        ),
        (
            "[rig]\nprime_flow = \"20 bar\"",
            "f:2:14: error: rig.prime_flow: unit \"bar\" is unknown for a flow rate; known: "
                + "uL/min, mL/min, nL/min, uL/h, mL/h, uL/s"
        ),
        (
            "[rig]\ncollect_limit = \"25 h\"",
            "f:2:17: error: rig.collect_limit = 25 h is out of range; permitted: 1 s … 24 h"
        ),
        (
            "[rig]\ncollect_limit = true",
            "f:2:17: error: rig.collect_limit must be a time, not true or false; write for "
                + "instance \"5 s\""
        ),
        (
            "[campaign]\nbatch = 9223372036854775807",
            "f:2:9: error: campaign.batch = 9223372036854775807 is out of range; permitted: 1 … 200"
        ),
        (
            "[campaign]\nbatch = 1.0",
            "f:2:9: error: campaign.batch must be a whole number, not a number; write it without "
                + "quotes and unit"
        ),
        (
            "[campaign]\nloss_threshold = nan",
            "f:2:18: error: campaign.loss_threshold = nan is out of range; permitted: 0 … 2"
        ),
        (
            "[droplets]\nvalidity_sigmas = -inf",
            "f:2:19: error: droplets.validity_sigmas = -inf is out of range; permitted: 0 … 1000000"
        ),
        (
            "[rig]\nprime_flow = \"1e400 mL/min\"",
            "f:2:14: error: rig.prime_flow: \"1e400 mL/min\" is absurd as a flow rate; write for "
                + "instance \"20 uL/min\""
        ),
        (
            "[campaign]\nseed = -1",
            "f:2:8: error: campaign.seed must be a whole number from 0 on; above "
                + "9223372036854775807 write the digits in quotes"
        ),
        (
            "[campain]\nbatch = 1",
            "f:1:2: error: section [campain] is unknown; did you mean campaign?"
        ),
        ("[campaign]\nbacth = 1", "f:2:1: error: key bacth is unknown; did you mean batch?"),
        (
            "[campaign]\nname = \"µ\"; batch = 1",
            "f:2:11: error: "
        ),
        (
            "[pump]\nname = \"x\"",
            "f:1:1: error: pump must be an array of tables; write [[pump]] on its own line, with "
                + "double brackets"
        ),
        (
            "[[rig]]\ndroplets = 1",
            "f:1:1: error: rig must be a table, not an array; write [rig] on its own line, with "
                + "single brackets"
        ),
        (
            "[campaign]\nname = 1979-05-27",
            "f:2:8: error: campaign.name must be a string, not a date"
        ),
        (
            "[campaign]\nname = \"a\\u001b[31m\"",
            "f:2:8: error: campaign.name holds control characters"
        ),
    ]

    @Test(arguments: misplaced)
    func problemIsNamedAtItsPlace(text: String, expected: String) {
        // The rest of the configuration is missing, which is told as well only when all is read.
        let problems = Texts.problems(text)
        #expect(problems.contains { $0.hasPrefix(expected) }, "\(problems)")
    }

    @Test func allProblemsAreGathered() {
        let text =
            Texts.small + """
                baud = "fast"
                colour = 1
                [rig]
                droplets = 0
                obey_limit = "5"
                """
        let problems = Texts.problems(text)
        #expect(problems.count == 4)
        let keys = ["baud", "colour", "rig.droplets", "rig.obey_limit"]
        #expect(zip(problems, keys).allSatisfy { $0.contains($1) }, "\(problems)")
    }

    @Test func problemsAreBounded() {
        let text = "[rig]\n" + (0..<500).map { "nonsense\($0) = 1\n" }.joined()
        let problems = SettingsReader.read(text: text, file: "f").problems
        #expect(problems.count == ProblemList.limit + 1)
        #expect(problems.last?.message == "450 more problems")
    }

    @Test(arguments: [
        ("[rig]\ndroplets = 1\ndroplets = 2", 3), ("[rig]\n[log]\n[rig]", 3),
        ("[rig]\ndroplets = 99999999999999999999", 2), ("x = [", 1), ("\u{0}", 1),
        // These run into assertions of toml++ 3.3.
        ("[rig]\n[=", 2), ("[rig]\n\n[}=\n", 3), ("[log]\n[[rig\n=", 2), ("[rig]\nµ = 1", 2),
    ])
    func syntaxErrorsHaveTheirLine(text: String, line: Int) {
        let problems = SettingsReader.read(text: text, file: "f").problems
        #expect(problems.count == 1 && problems[0].severity == .error)
        #expect(problems[0].place.line == line)
    }

    @Test func hugeAndDeepTextsAreRefused() {
        let texts = [
            String(repeating: "#", count: 300_000),
            "x = " + String(repeating: "[", count: 5_000),
            "x = " + String(repeating: "{a=", count: 5_000),
            String(repeating: "a.", count: 50_000) + "a = 1",
            "[" + String(repeating: "a.", count: 50_000) + "a]",
            "x = " + String(repeating: "[", count: 20) + String(repeating: "]", count: 20),
            String(repeating: "a.", count: 30) + "a = 1",
        ]
        for text in texts {
            let reading = SettingsReader.read(text: text, file: "f")
            #expect(reading.settings == nil && reading.problems.count == 1)
        }
        // A decorated comment is no key.
        let dots = "# " + String(repeating: ".", count: 90) + "\n"
        #expect(Texts.problems(dots + Texts.small).isEmpty)
    }

    @Test func laterFilesWinKeyByKey() throws {
        let dropIns = [
            "[rig]\ndroplets = 20\n[[pump]]\nname = \"oil\"\nport = \"/dev/b\"\naddress = 0\n",
            "[rig]\nminimum_droplets = 5\n[[interlock]]\nname = \"door\"\nchip_label = \"c\"\n"
                + "line = \"7\"\n[[pump]]\nname = \"oil\"\nsyringe = \"BD 50 mL\"\n",
        ]
        let sources =
            [ConfigurationSource(file: "argent.toml", text: Texts.small)]
            + dropIns.enumerated().map { ConfigurationSource(file: "\($0).toml", text: $1) }
        let reading = SettingsReader.read(sources: sources)
        #expect(reading.problems.isEmpty)
        var expected = try Texts.settings
        expected.rig.droplets = 20
        expected.rig.minimumDroplets = 5
        expected.pumps[2].port = "/dev/b"
        expected.pumps[2].address = 0
        expected.pumps[2].syringeDiameter = Length(millimeters: 26.594)
        expected.pumps[2].syringeVolume = Volume(microliters: 50_000)
        var door = InterlockSettings(name: "door")
        door.chipLabel = "c"
        door.line = "7"
        expected.interlocks = [door]
        #expect(reading.settings == expected)
        #expect(reading.places.place("pump[2].port") == Place(file: "0.toml", line: 5, column: 8))
        #expect(reading.places.place("rig.droplets").file == "0.toml")
        #expect(reading.places.place("pump[0].port").file == "argent.toml")
    }

    @Test func exampleOfTheBoardIsClean() throws {
        let path = SharedData.projectRoot + "/board/argent.example.toml"
        let text = try #require(Texts.file(path))
        let reading = SettingsReader.read(text: text, file: "argent.example.toml")
        #expect(reading.problems.isEmpty, "\(reading.problems)")
        let settings = try #require(reading.settings)
        #expect(settings.pumps.map(\.name) == ["AgNO3", "PVA", "TSC", "seeds", "solvent", "oil"])
        #expect(settings.variables.map(\.high) == [20, 40, 20, 20, 1_000])
        #expect(settings.variables.map(\.highLimit) == [80, 40, 80, 80, 1_000])
        #expect(settings.pumps[5].syringeDiameter == Length(millimeters: 26.594))
    }
}
