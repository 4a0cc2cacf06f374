import Quantities

/// What reading a configuration gave.
public struct SettingsReading: Sendable {
    /// The settings; nil when there is an error among the problems.
    public var settings: Settings?
    /// Everything wrong or doubtful, in the order of the files, at most about fifty.
    public var problems: [ConfigurationProblem]
    /// Where each setting was written.
    public var places: SettingsPlaces

    /// The settings, or the problems that forbid them.
    public var result: Result<Settings, SettingsError> {
        settings.map { .success($0) } ?? .failure(SettingsError(problems: problems))
    }
}

/// A configuration that cannot be used.
public struct SettingsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong, and what is doubtful besides.
    public var problems: [ConfigurationProblem]

    /// One problem a line.
    public var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// What a configuration is read for.
public enum SettingsPurpose: Sendable {
    /// To run a rig: everything must be there and fit together.
    case rig
    /// To plan recipes only: the variables must be there and fit together; pumps and instruments
    /// may be absent, and a variable may be a plain number.
    case recipes
}

/// Reads a configuration: TOML, with units in the values. Gathers all problems instead of
/// stopping at the first.
public enum SettingsReader {
    /// Longest string, bytes.
    static let textLimit = 1_024
    /// Files at most.
    static let sourceLimit = 100
    /// Tables of an array at most.
    static let tableLimit = 64

    /// Reads `text`, which messages call `file`.
    public static func read(
        text: String, file: String, for purpose: SettingsPurpose = .rig
    ) -> SettingsReading {
        read(sources: [ConfigurationSource(file: file, text: text)], for: purpose)
    }

    /// Reads a file and its drop-ins, in this order: `argent.toml`, then `argent.d/*.toml` by
    /// name. The later one wins, key by key. A `[[pump]]`, `[[variable]]` or `[[interlock]]` with
    /// the name of one in an earlier file changes that one; with a new name it is added. Lists
    /// and inline tables are replaced whole. What must be there depends on the `purpose`.
    ///
    /// With `tables` only the tables of these names are looked at: to learn from a configuration
    /// of another version, in an old log, what it says in words this version knows.
    public static func read(
        sources: [ConfigurationSource], for purpose: SettingsPurpose = .rig,
        only tables: [String]? = nil
    ) -> SettingsReading {
        let first = sources.first?.file ?? "argent.toml"
        var context = SectionContext(places: SettingsPlaces(file: first))
        var root = TOMLTable()
        for source in sources.prefix(sourceLimit) {
            switch TOMLReader.parse(source) {
            case .success(let table): root = root.merged(with: table)
            case .failure(let problem): context.problems.add(problem)
            }
        }
        if sources.count > sourceLimit {
            context.problems.error(
                context.places.place(""), "\(sources.count) configuration files are too many",
                "permitted: \(sourceLimit)")
        }
        if let tables { root.entries.removeAll { !tables.contains($0.key) } }
        var settings: Settings?
        // After a syntax error half of the keys would seem to be missing.
        if !context.problems.hasErrors {
            let read = sections(of: root, purpose, &context)
            // Cross checks of half-read settings would report what is not so.
            if !context.problems.hasErrors {
                for problem in SettingsCheck.problems(
                    in: read, places: context.places, for: purpose)
                {
                    context.problems.add(problem)
                }
            }
            if !context.problems.hasErrors { settings = read }
        }
        return SettingsReading(
            settings: settings, problems: context.problems.sorted(files: sources.map(\.file)),
            places: context.places)
    }

    static let sectionNames = [
        "campaign", "loss", "recipe", "variable", "pump", "spectrometer", "droplets", "rig",
        "interlock", "reaction", "sensor", "output", "expander", "heartbeat", "log", "sync",
        "control", "metrics", "realtime", "simulation",
    ]

    private static func sections(
        of root: TOMLTable, _ purpose: SettingsPurpose, _ context: inout SectionContext
    ) -> Settings {
        var s = Settings()
        for entry in root.entries {
            switch entry.key {
            case "campaign": read(CampaignSettings.fields, entry, &s.campaign, &context)
            case "loss": read(LossSettings.fields, entry, &s.loss, &context)
            case "recipe": read(RecipeSettings.fields, entry, &s.recipe, &context)
            case "variable": s.variables = variables(entry, purpose, &context)
            case "pump":
                s.pumps = list(entry, PumpSettings.fields, PumpSettings(name: ""), &context)
            case "spectrometer": read(SpectrometerSettings.fields, entry, &s.spectrometer, &context)
            case "droplets": read(DropletSettings.fields, entry, &s.droplets, &context)
            case "rig": read(RigSettings.fields, entry, &s.rig, &context)
            case "interlock":
                s.interlocks = list(
                    entry, InterlockSettings.fields, InterlockSettings(name: ""), &context)
            case "reaction":
                s.reactions = list(entry, ReactionSettings.fields, ReactionSettings(), &context)
            case "sensor":
                s.sensors = list(entry, SensorSettings.fields, .init(name: ""), &context)
            case "output":
                s.outputs = list(entry, OutputSettings.fields, .init(name: ""), &context)
            case "expander":
                s.expanders = list(entry, ExpanderSettings.fields, .init(name: ""), &context)
            case "heartbeat": read(HeartbeatSettings.fields, entry, &s.heartbeat, &context)
            case "log": read(LogSettings.fields, entry, &s.log, &context)
            case "sync": read(SyncSettings.fields, entry, &s.sync, &context)
            case "control": read(ControlSettings.fields, entry, &s.control, &context)
            case "metrics": read(MetricsSettings.fields, entry, &s.metrics, &context)
            case "realtime": read(RealtimeSettings.fields, entry, &s.realtime, &context)
            case "simulation": read(SimulationSettings.fields, entry, &s.simulation, &context)
            default:
                unknown(
                    "section [\(entry.key)]", entry.key, sectionNames, entry.place, &context)
            }
        }
        return s
    }

    /// Reads one `[section]`.
    private static func read<Section>(
        _ fields: [Field<Section>], _ entry: TOMLTable.Entry, _ section: inout Section,
        _ context: inout SectionContext
    ) {
        guard case .table(let table) = entry.value.kind else {
            context.problems.error(
                entry.value.place, "\(entry.key) must be a table, not \(entry.value.noun)",
                "write [\(entry.key)] on its own line, with single brackets")
            return
        }
        read(fields, table, entry.value.place, entry.key, &section, &context)
    }

    /// Reads the keys of `table`, which stands for `path`.
    static func read<Section>(
        _ fields: [Field<Section>], _ table: TOMLTable, _ place: Place, _ path: String,
        _ section: inout Section, _ context: inout SectionContext
    ) {
        context.places.note(path, place)
        for field in fields {
            if let value = table[field.key] {
                context.places.note("\(path).\(field.key)", value.place)
                field.read(value, "\(path).\(field.key)", &section, &context)
            } else if field.isRequired {
                context.problems.error(
                    place, "\(path) lacks \(field.key)", "add it: \(field.help)")
            }
        }
        let known = fields.map(\.key)
        for entry in table.entries where !known.contains(entry.key) {
            unknown("key \(entry.key)", entry.key, known, entry.place, &context)
        }
    }

    private static func unknown(
        _ what: String, _ name: String, _ known: [String], _ place: Place,
        _ context: inout SectionContext
    ) {
        let meant = Suggestion.nearest(to: name, among: known)
        context.problems.error(
            place, "\(TOMLReader.printable(what)) is unknown",
            meant.map { "did you mean \($0)?" }
                ?? "known: \(known.joined(separator: ", "))")
    }

    /// The tables of an array of tables, each with its place noted.
    private static func tables(
        _ entry: TOMLTable.Entry, _ context: inout SectionContext
    ) -> [(table: TOMLTable, place: Place, path: String)] {
        guard case .array(let items) = entry.value.kind else {
            context.problems.error(
                entry.value.place, "\(entry.key) must be an array of tables",
                "write [[\(entry.key)]] on its own line, with double brackets")
            return []
        }
        guard items.count <= tableLimit else {
            context.problems.error(
                entry.value.place, "\(items.count) of [[\(entry.key)]] are too many",
                "permitted: \(tableLimit)")
            return []
        }
        var result: [(table: TOMLTable, place: Place, path: String)] = []
        for (index, item) in items.enumerated() {
            let path = "\(entry.key)[\(index)]"
            if case .table(let table) = item.kind {
                result.append((table, item.place, path))
            } else {
                context.wrongKind(item, path, wanted: "a table", "write [[\(entry.key)]]")
            }
        }
        return result
    }

    private static func list<Section>(
        _ entry: TOMLTable.Entry, _ fields: [Field<Section>], _ blank: Section,
        _ context: inout SectionContext
    ) -> [Section] {
        tables(entry, &context).map { table, place, path in
            var section = blank
            read(fields, table, place, path, &section, &context)
            return section
        }
    }

    private static func variables(
        _ entry: TOMLTable.Entry, _ purpose: SettingsPurpose, _ context: inout SectionContext
    ) -> [VariableSettings] {
        tables(entry, &context).map { table, place, path in
            var variable = VariableSettings.blank
            read(VariableSettings.fields, table, place, path, &variable, &context)
            if table["limits"] == nil {
                variable.lowLimit = variable.low
                variable.highLimit = variable.high
            }
            if variable.isReagent, table["pump"] == nil, purpose == .rig {
                context.problems.error(
                    place, "\(path) lacks pump", "add the name of the pump that carries it")
            }
            return variable
        }
    }
}
