/// One key of a configuration as it would be written.
struct WrittenSetting {
    /// The section, as in `[section]` or `[[section]]`.
    let section: String
    /// Which of an array of tables: its place, and what tells it from the others whatever its
    /// place. -1 and empty for a plain section.
    let index: Int
    let entry: String
    let key: String
    /// As TOML; nil where the key does not apply.
    let value: String?

    /// As in `SettingsPlaces`.
    var path: String { index < 0 ? "\(section).\(key)" : "\(section)[\(index)].\(key)" }
}

extension Settings {
    /// Every key of every section, by the same fields that read and write them.
    var written: [WrittenSetting] {
        var all: [WrittenSetting] = []
        func add<Section>(
            _ name: String, _ fields: [Field<Section>], _ section: Section, _ index: Int = -1,
            _ entry: String = ""
        ) {
            for field in fields {
                all.append(
                    WrittenSetting(
                        section: name, index: index, entry: entry, key: field.key,
                        value: field.write(section)))
            }
        }
        func list<Section>(
            _ name: String, _ fields: [Field<Section>], _ sections: [Section],
            _ title: (Section) -> String
        ) {
            var seen: [String: Int] = [:]
            for (index, section) in sections.enumerated() {
                let title = title(section)
                let count = seen[title, default: 0] + 1
                seen[title] = count
                add(name, fields, section, index, count == 1 ? title : "\(title) (\(count))")
            }
        }
        add("campaign", CampaignSettings.fields, campaign)
        add("loss", LossSettings.fields, loss)
        add("recipe", RecipeSettings.fields, recipe)
        list("variable", VariableSettings.fields, variables) { $0.name }
        list("pump", PumpSettings.fields, pumps) { $0.name }
        add("spectrometer", SpectrometerSettings.fields, spectrometer)
        add("droplets", DropletSettings.fields, droplets)
        add("rig", RigSettings.fields, rig)
        list("interlock", InterlockSettings.fields, interlocks) { $0.name }
        // Reactions have no names: what they are about tells them apart.
        list("reaction", ReactionSettings.fields, reactions) {
            $0.hazard.rawValue + ($0.subject.isEmpty ? "" : " of " + $0.subject)
        }
        list("sensor", SensorSettings.fields, sensors) { $0.name }
        list("output", OutputSettings.fields, outputs) { $0.name }
        list("expander", ExpanderSettings.fields, expanders) { $0.name }
        add("heartbeat", HeartbeatSettings.fields, heartbeat)
        add("log", LogSettings.fields, log)
        add("sync", SyncSettings.fields, sync)
        add("control", ControlSettings.fields, control)
        add("metrics", MetricsSettings.fields, metrics)
        add("realtime", RealtimeSettings.fields, realtime)
        add("simulation", SimulationSettings.fields, simulation)
        return all
    }
}
