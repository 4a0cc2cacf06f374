import Quantities

/// Writes settings as commented TOML that reads back as the very same settings.
public enum SettingsWriter {
    /// `settings` as TOML; `comments` adds above each key what it means, what is permitted and
    /// what the default is. Strings must hold no control characters, as in settings that were
    /// read.
    public static func text(_ settings: Settings, comments: Bool = true) -> String {
        var text = ""
        func section<Section>(
            _ head: String, _ fields: [Field<Section>], _ section: Section, _ blank: Section
        ) {
            text += (text.isEmpty ? "" : "\n") + head + "\n"
            for field in fields {
                guard let value = field.write(section) else { continue }
                if comments { text += comment(field, blank) }
                text += "\(field.key) = \(value)\n"
            }
        }
        let s = settings
        section("[campaign]", CampaignSettings.fields, s.campaign, CampaignSettings())
        section("[loss]", LossSettings.fields, s.loss, LossSettings())
        section("[recipe]", RecipeSettings.fields, s.recipe, RecipeSettings())
        for variable in s.variables {
            section("[[variable]]", VariableSettings.fields, variable, .blank)
        }
        for pump in s.pumps {
            section("[[pump]]", PumpSettings.fields, pump, PumpSettings(name: ""))
        }
        section(
            "[spectrometer]", SpectrometerSettings.fields, s.spectrometer, SpectrometerSettings())
        section("[droplets]", DropletSettings.fields, s.droplets, DropletSettings())
        section("[rig]", RigSettings.fields, s.rig, RigSettings())
        for interlock in s.interlocks {
            section("[[interlock]]", InterlockSettings.fields, interlock, .init(name: ""))
        }
        for reaction in s.reactions {
            section("[[reaction]]", ReactionSettings.fields, reaction, ReactionSettings())
        }
        for sensor in s.sensors {
            section("[[sensor]]", SensorSettings.fields, sensor, .init(name: ""))
        }
        for output in s.outputs {
            section("[[output]]", OutputSettings.fields, output, .init(name: ""))
        }
        for expander in s.expanders {
            section("[[expander]]", ExpanderSettings.fields, expander, .init(name: ""))
        }
        section("[heartbeat]", HeartbeatSettings.fields, s.heartbeat, HeartbeatSettings())
        section("[log]", LogSettings.fields, s.log, LogSettings())
        section("[sync]", SyncSettings.fields, s.sync, SyncSettings())
        section("[control]", ControlSettings.fields, s.control, ControlSettings())
        section("[metrics]", MetricsSettings.fields, s.metrics, MetricsSettings())
        section("[realtime]", RealtimeSettings.fields, s.realtime, RealtimeSettings())
        section("[simulation]", SimulationSettings.fields, s.simulation, SimulationSettings())
        return text
    }

    private static func comment<Section>(_ field: Field<Section>, _ blank: Section) -> String {
        var notes: [String] = []
        if !field.range.isEmpty { notes.append(field.range) }
        // What a blank variable holds is no default.
        if !field.isRequired, !(blank is VariableSettings), let usual = field.write(blank) {
            notes.append("default \(usual)")
        }
        return "# \(field.help)" + (notes.isEmpty ? "" : " (\(notes.joined(separator: "; ")))")
            + "\n"
    }
}

extension Settings {
    /// The settings as commented TOML that reads back as the very same settings.
    public var explained: String { SettingsWriter.text(self) }
}
