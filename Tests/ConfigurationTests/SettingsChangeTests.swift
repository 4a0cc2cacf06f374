import Numerics
import Quantities
import Testing

@testable import Configuration

@Suite("What a new configuration changes") struct SettingsChangeTests {
    @Test("every key of every section has exactly one class, and no class is without its key")
    func table() throws {
        var settings = try Texts.settings
        settings.interlocks = [InterlockSettings(name: "lid")]
        settings.reactions = [ReactionSettings()]
        settings.sensors = [SensorSettings(name: "p")]
        settings.outputs = [OutputSettings(name: "valve")]
        settings.expanders = [ExpanderSettings(name: "more")]
        var keys: [String: Set<String>] = [:]
        for setting in settings.written {
            keys[setting.section, default: []].insert(setting.key)
        }
        // What the reader knows is what is compared: a new section must be added to both.
        #expect(Set(keys.keys) == Set(SettingsReader.sectionNames))
        for row in ChangeClass.table {
            #expect(Set(row.keys).count == row.keys.count, "\(row.section): a key twice")
            #expect(
                Set(row.keys) == keys[row.section],
                "[\(row.section)]: not classified, or no such key: \(difference(row, keys))")
        }
        #expect(Set(ChangeClass.table.map(\.section)) == Set(keys.keys))
        #expect(ChangeClass.table.count == keys.count)
    }

    private func difference(
        _ row: ChangeClass.Row, _ keys: [String: Set<String>]
    ) -> [String] {
        Set(row.keys).symmetricDifference(keys[row.section] ?? []).sorted()
    }

    @Test("what is not known is refused")
    func unknown() {
        #expect(ChangeClass.of("rig", "colour") == .refused)
        #expect(ChangeClass.of("colours", "rig") == .refused)
        #expect(ChangeClass.of("pump", "port") == .refused)
        #expect(ChangeClass.of("log", "disk_budget") == .atOnce)
        #expect(ChangeClass.of("campaign", "batch") == .atBoundary)
    }

    @Test("each change names its place, both values and its class")
    func changes() throws {
        let old = try Texts.settings
        let text =
            Texts.small.replacing("port = \"/dev/s\"", with: "port = \"/dev/t\"") + """
                [campaign]
                batch = 12
                [log]
                disk_budget = "4 GB"

                """
        let reading = SettingsReader.read(text: text, file: "new.toml")
        let new = try reading.result.get()
        let changes = SettingsChange.between(old, and: new, places: reading.places)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        func line(_ text: String) -> Int { (lines.firstIndex { $0 == text } ?? -2) + 1 }
        #expect(
            changes.map(\.setting) == ["campaign.batch", "spectrometer.port", "log.disk_budget"])
        #expect(changes.map(\.kind) == [.atBoundary, .refused, .atOnce])
        #expect(
            changes.map(\.place.line) == [
                line("batch = 12"), line("port = \"/dev/t\""), line("disk_budget = \"4 GB\""),
            ])
        #expect(changes[0].from == "15" && changes[0].to == "12")
        #expect(changes[2].description == "log.disk_budget: \"8 GB\" -> \"4 GB\"")
        #expect(changes.kind == .refused)
        #expect(SettingsChange.between(old, and: old).isEmpty)
        #expect([SettingsChange]().kind == nil)
    }

    @Test("tables that come, go or change places are refused")
    func entries() throws {
        let old = try Texts.settings
        var more = old
        more.pumps.append(PumpSettings(name: "salt"))
        let added = SettingsChange.between(old, and: more)
        #expect(added.map(\.setting) == ["[[pump]] \"salt\""])
        #expect(added.kind == .refused)
        let removed = SettingsChange.between(more, and: old)
        #expect(removed.map(\.to) == [nil])
        #expect(removed.kind == .refused)
        var other = old
        other.pumps.swapAt(0, 2)
        let moved = SettingsChange.between(old, and: other)
        #expect(moved.count == 1)
        #expect(moved.kind == .refused)
    }

    @Test("reactions are told apart by what they are about")
    func reactions() throws {
        var old = try Texts.settings
        var row = ReactionSettings()
        row.hazard = .noFlow
        row.subject = "oil"
        row.delay = .seconds(3)
        old.reactions = [row]
        var new = old
        new.reactions[0].delay = .seconds(4)
        let changes = SettingsChange.between(old, and: new)
        #expect(changes.map(\.setting) == ["reaction \"no-flow of oil\" for"])
        #expect(changes.kind == .atOnce)
        new.reactions[0].reactions = .report
        #expect(SettingsChange.between(old, and: new).kind == .atBoundary)
        new.reactions.append(row)
        #expect(SettingsChange.between(old, and: new).kind == .refused)
    }

    @Test("no difference goes unnoticed, and none is invented")
    func random() {
        var random = SeededGenerator(seed: 21)
        for _ in 0..<100 {
            let (a, b) = (RandomSettings.make(&random), RandomSettings.make(&random))
            #expect(SettingsChange.between(a, and: b).isEmpty == (a == b))
            #expect(SettingsChange.between(a, and: a).isEmpty)
        }
    }
}
