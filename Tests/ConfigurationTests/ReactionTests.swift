import Quantities
import Testing

@testable import Configuration

/// `[[reaction]]` rows: read, checked with their place, and laid over what is built in.
@Suite struct ReactionTests {
    /// A row after the small configuration and an interlock, and what is said of it: the line and
    /// column within the row, and words.
    struct Slip: CustomTestStringConvertible, Sendable {
        var testDescription: String { words }
        var row: String
        var line: Int
        var column: Int
        var words: String

        init(_ row: String, _ line: Int, _ column: Int, _ words: String) {
            self.row = row
            self.line = line
            self.column = column
            self.words = words
        }
    }

    static let door = """
        [[interlock]]
        name = "door"
        chip_label = "chip"
        line = "GPIO4"

        """

    static let slips: [Slip] = [
        Slip("when = \"interlok\"", 2, 8, "did you mean \"interlock\"?"),
        Slip("do = [\"hold\"]", 1, 1, "lacks when"),
        Slip("when = \"log\"\ndo = [\"holt\"]", 3, 7, "no reaction; did you mean \"hold\"?"),
        Slip("when = \"log\"\ndo = \"hold\"", 3, 6, "must be a list of reactions"),
        Slip("when = \"log\"\ndo = []", 3, 6, "log would be without a reaction"),
        Slip("when = \"log\"\ndo = [\"lamp-off\"]", 3, 6, "lamp-off alone would let the pumps run"),
        Slip("when = \"log\"\ndo = [\"hold\", \"stop-all\"]", 3, 6, "fight with each other"),
        Slip("when = \"log\"\ndo = [\"report\"]", 3, 6, "would only be told"),
        Slip("when = \"log-budget\"\ndo = [\"report\", \"hold\"]", 3, 6, "fights with the rest"),
        Slip("when = \"log\"\nof = \"door\"", 3, 6, "remove of"),
        Slip("when = \"interlock\"\nof = \"dor\"", 3, 6, "did you mean \"door\"?"),
        Slip("when = \"pump-alarm\"\nof = \"seds\"", 3, 6, "did you mean \"seeds\"?"),
        Slip("when = \"temperature\"\nof = \"oven\"\nabove = \"60 C\"", 3, 6, "no sensor \"oven\""),
        Slip("when = \"temperature\"\nabove = \"60 C\"", 1, 1, "names no sensor"),
        Slip("when = \"log\"\nabove = \"60 C\"", 3, 9, "has no limit"),
        Slip("when = \"temperature\"\nabove = \"60 F\"", 3, 9, "is no quantity"),
        Slip("when = \"temperature\"\nabove = 60", 3, 9, "must be a quantity with its unit"),
        Slip("when = \"pump-alarm\"\nrelease = \"automatic\"", 3, 11, "must stay until a person"),
        Slip("when = \"no-flow\"\nrelease = \"automatic\"", 3, 11, "must stay until a person"),
        Slip("when = \"pump-alarm\"\nafter = \"5 s\"", 3, 9, "a person decides"),
        Slip("when = \"log\"\nrelease = \"never\"", 3, 11, "is unknown; known: \"automatic\""),
        Slip("when = \"stale-reading\"\nfor = \"1 s\"", 3, 7, "set stale_after in [rig]"),
        Slip("when = \"no-spectra\"\nfor = \"1 s\"", 3, 7, "set blind_after in [rig]"),
        Slip("when = \"log\"\nramp_time = \"5 s\"", 3, 13, "nothing is ramped down"),
        Slip("when = \"log\"\ntolerance = \"5 %\"", 3, 13, "compares no flow"),
        Slip("when = \"log\"\npumps = [\"oil\"]", 3, 9, "compares no flow"),
        Slip(
            "when = \"interlock\"\n[[reaction]]\nwhen = \"interlock\"\ndo = [\"hold\"]", 4, 8,
            "two reactions to interlock fight"),
    ]

    @Test(arguments: slips) func aSlipIsNamedAtItsPlace(slip: Slip) {
        let before = Texts.small + Self.door
        let lines = before.split(separator: "\n", omittingEmptySubsequences: false).count
        let text = before + "[[reaction]]\n" + slip.row + "\n"
        let problems = SettingsReader.read(text: text, file: "f").problems
        let place = Place(file: "f", line: lines - 1 + slip.line, column: slip.column)
        #expect(
            problems.contains { problem in
                problem.severity == .error && problem.place == place
                    && "\(problem)".contains(slip.words)
                    && (!problem.hint.isEmpty || problem.message.count > 20)
            }, "\(place): \(problems)")
    }

    @Test func anInterlocksOwnWordAndARowMayNotFight() {
        let row = "[[reaction]]\nwhen = \"interlock\"\nof = \"door\"\nrelease = \"automatic\"\n"
        // The default of latching is nobody's word…
        #expect(Texts.problems(Texts.small + Self.door + row).isEmpty)
        // … what is written is.
        let problems = Texts.problems(Texts.small + Self.door + "latching = true\n" + row)
        #expect(problems.count == 1 && problems[0].contains("fights with latching = true"))
    }

    /// Settings with two sensors and these rows.
    static func sensing(_ reactions: [ReactionSettings]) throws -> Settings {
        var settings = try Texts.settings
        settings.sensors = [SensorSettings(name: "oven"), SensorSettings(name: "oil flow")]
        settings.sensors[1].chip = .slf3s
        settings.reactions = reactions
        return settings
    }

    static func limit(
        _ hazard: Hazard, above: Double? = nil, below: Double? = nil,
        _ measure: Measure = .temperature, do reactions: Reactions? = nil, of: String = "oven"
    ) -> ReactionSettings {
        var row = ReactionSettings(hazard, of: of, do: reactions)
        row.above = above.map { ReactionSettings.Limit($0, measure) }
        row.below = below.map { ReactionSettings.Limit($0, measure) }
        return row
    }

    /// Rows about sensors, and the words of the error they make; empty: none.
    static let sensorCases: [([ReactionSettings], String)] = [
        ([limit(.temperature, above: 60)], ""),
        ([limit(.temperature)], "has no limit"),
        ([limit(.pressure, above: 60, .pressure)], "measures temperature, not pressure"),
        ([limit(.outOfRange, above: 60, .pressure)], "is pressure, but \"oven\" measures"),
        ([limit(.temperature, above: 20, below: 30)], "no value lies between"),
        (
            [
                limit(.temperature, above: 60, do: .stopAll),
                limit(.temperature, above: 80, do: .hold),
            ],
            "further off would be answered by less"
        ),
        (
            [
                limit(.temperature, above: 80, do: .hold),
                limit(.temperature, above: 60, do: .stopAll),
            ],
            "further off would be answered by less"
        ),
        (
            [
                limit(.temperature, above: 60, do: .hold),
                limit(.temperature, above: 80, do: .stopAll),
            ],
            ""
        ),
        (
            [
                limit(.temperature, below: 5, do: .stopAll),
                limit(.temperature, below: 2, do: .hold),
            ],
            "further off would be answered by less"
        ),
        (
            [
                limit(.temperature, above: 60, do: .hold),
                limit(.outOfRange, above: 60, do: .stopAll),
            ],
            "fight with each other"
        ),
        (
            [limit(.temperature, above: 20), limit(.outOfRange, below: 30)],
            "no value of \"oven\" is right"
        ),
        ([ReactionSettings(.flowDeviation, of: "oven")], "there is no flow sensor \"oven\""),
        ([ReactionSettings(.staleReading, of: "oven", do: .report)], ""),
        ([ReactionSettings(.staleReading, of: "oil", do: .report)], "would only be told"),
    ]

    @Test(arguments: sensorCases.indices) func rowsAboutSensorsAreChecked(index: Int) throws {
        let (rows, words) = Self.sensorCases[index]
        // The other sensor is for the log alone.
        let rest = ReactionSettings(.staleReading, of: "oil flow", do: .report)
        var problems = SettingsCheck.problems(in: try Self.sensing(rows + [rest]))
        problems.removeAll { $0.message.hasPrefix("no reaction reads") }
        if words.isEmpty {
            #expect(problems.isEmpty, "\(problems)")
        } else {
            #expect(problems.contains { $0.message.contains(words) }, "\(problems)")
            #expect(problems.allSatisfy { !$0.hint.isEmpty })
        }
    }

    @Test func aSensorNobodyReadsIsAnError() throws {
        var settings = try Self.sensing([Self.limit(.temperature, above: 60)])
        let problems = SettingsCheck.problems(in: settings)
        #expect(problems.count == 1)
        #expect(problems.first?.message == "no reaction reads the sensor \"oil flow\"")
        #expect(problems.first?.hint.contains("flow-deviation") == true)
        var row = ReactionSettings(.flowDeviation, of: "oil flow")
        row.pumps = ["oil"]
        settings.reactions.append(row)
        #expect(SettingsCheck.problems(in: settings).isEmpty)
    }

    @Test func aShortFileHasAWholeTable() throws {
        let table = ReactionTable(try Texts.settings)
        for hazard in Hazard.allCases {
            let rows = table.rows.filter { $0.hazard == hazard }
            switch hazard.subject {
            case .pump, .pumpOrSensor, .pumpOrFlowSensor: #expect(rows.count == 3, "\(hazard)")
            case .instrument: #expect(rows.count == 4, "\(hazard)")
            case .rig: #expect(rows.count == 1, "\(hazard)")
            case .interlock, .sensor, .flowSensor: #expect(rows.isEmpty, "\(hazard)")
            }
            for row in rows {
                #expect(row.origin == .builtIn)
                let stops = row.reactions.intersection(.pumpReactions).list.count
                #expect(stops == (row.reactions == .report ? 0 : 1), "\(row)")
                if hazard.mustLatch { #expect(row.release == .operator, "\(row)") }
                if row.reactions == .report { #expect(hazard.mayBeReported) }
            }
        }
    }

    @Test func aPersonsRowChangesWhatItSaysAndNothingElse() throws {
        var settings = try Texts.settings
        settings.reactions = [
            ReactionSettings(.instrumentLost, do: [.hold, .lampOff]),
            ReactionSettings(.instrumentLost, of: "oil", do: [.rampDown, .valvesSafe]),
        ]
        settings.reactions[1].rampTime = .seconds(3)
        let rows = ReactionTable(settings).rows.filter { $0.hazard == .instrumentLost }
        #expect(rows.map(\.subject) == ["seeds", "solvent", "oil", "spectrometer"])
        #expect(rows[0].reactions == [.hold, .lampOff] && rows[0].origin == .reaction(0))
        #expect(rows[2].reactions == [.rampDown, .valvesSafe] && rows[2].origin == .reaction(1))
        #expect(rows[2].rampTime == .seconds(3) && rows[2].release == .operator)
        #expect(rows[3].reactions == [.hold, .lampOff])
        // The order of the rows does not matter: a name has the last word.
        settings.reactions.swapAt(0, 1)
        let swapped = ReactionTable(settings).rows.filter { $0.hazard == .instrumentLost }
        #expect(swapped.map(\.reactions) == rows.map(\.reactions))
    }

    @Test func aLaterFileMayChangeARow() throws {
        let first = ConfigurationSource(
            file: "a", text: Texts.small + "[[reaction]]\nwhen = \"log\"\ndo = [\"hold\"]\n")
        let later = ConfigurationSource(
            file: "b", text: "[[reaction]]\nwhen = \"log\"\ndo = [\"stop-all\"]\n")
        let reading = SettingsReader.read(sources: [first, later])
        let settings = try #require(reading.settings, "\(reading.problems)")
        let row = try #require(ReactionTable(settings).rows.first { $0.hazard == .log })
        #expect(row.reactions == .stopAll)
        #expect(reading.places.place("reaction[1].when").description == "b:2:8")
    }

    @Test func rowsComeBackAsTheyWereWritten() throws {
        var settings = try Texts.settings
        var row = ReactionSettings(.volumeDeviation, of: "oil", do: [.rampDown, .lampOff])
        row.tolerance = 0.125
        row.slackVolume = Volume(microliters: 40)
        row.settle = .milliseconds(2_500)
        row.filter = .milliseconds(300)
        row.rampTime = .seconds(7)
        var stale = ReactionSettings(.unreadable)
        stale.release = .automatic
        stale.releaseAfter = .seconds(90)
        settings.reactions = [row, stale]
        for comments in [true, false] {
            let text = SettingsWriter.text(settings, comments: comments)
            let reading = SettingsReader.read(text: text, file: "f")
            #expect(reading.settings == settings, "\(reading.problems)")
        }
    }

    @Test(arguments: [
        ("60 C", 60, Measure.temperature), ("-4.5 °C", -4.5, .temperature),
        ("2 bar", 200, .pressure),
        ("1500 mbar", 150, .pressure), ("30 psi", 206.842719, .pressure), ("1.2 V", 1.2, .voltage),
        ("50 mV", 0.05, .voltage), ("5000 counts", 5_000, .light), ("1.5 mL/min", 1_500, .flow),
    ]) func limitsCarryTheirUnits(text: String, value: Double, measure: Measure) throws {
        let limit = try #require(ReactionSettings.Limit(text))
        #expect(limit.measure == measure)
        #expect(abs(limit.value - value) < 1e-5)
        #expect(ReactionSettings.Limit(limit.text) == limit)
    }
}
