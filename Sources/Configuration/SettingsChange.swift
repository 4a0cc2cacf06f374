/// One setting that a new configuration says otherwise than the one in force.
public struct SettingsChange: Equatable, Sendable {
    /// The setting, as people name it: `rig.collect_limit`, `pump "oil" port`.
    public var setting: String
    /// Where the new configuration says it, or would have to.
    public var place: Place
    /// The value in force, as TOML; nil: it does not apply, or is not there.
    public var from: String?
    /// The new value.
    public var to: String?
    /// What it takes.
    public var kind: ChangeClass

    /// `setting: from -> to`, on one line.
    public var description: String {
        "\(setting): \(from ?? "(none)") -> \(to ?? "(none)")"
    }

    /// What lies between `old`, which is in force, and `new`, whose keys stand at `places`: in the
    /// order of the sections. Empty exactly when the two are equal.
    public static func between(
        _ old: Settings, and new: Settings, places: SettingsPlaces = SettingsPlaces()
    ) -> [SettingsChange] {
        guard old != new else { return [] }
        var changes: [SettingsChange] = []
        let (before, after) = (groups(old.written), groups(new.written))
        var sections: [String] = []
        for group in before + after where !sections.contains(group.section) {
            sections.append(group.section)
        }
        for section in sections {
            let olds = before.filter { $0.section == section }
            let news = after.filter { $0.section == section }
            changes += entries(olds, news, places)
            for group in news {
                guard let match = olds.first(where: { $0.entry == group.entry }) else { continue }
                changes += keys(match, group, places)
            }
        }
        if changes.isEmpty {
            // Something that no field writes: nobody can say what it would do.
            changes.append(
                SettingsChange(
                    setting: "a setting that is not written", place: places.place(""), from: nil,
                    to: nil, kind: .refused))
        }
        return changes
    }

    /// The keys of one table.
    private struct Group {
        let section: String
        let entry: String
        let index: Int
        var keys: [WrittenSetting]

        var title: String { index < 0 ? "[\(section)]" : "[[\(section)]] \"\(entry)\"" }
    }

    private static func groups(_ settings: [WrittenSetting]) -> [Group] {
        var groups: [Group] = []
        for setting in settings {
            if let last = groups.indices.last, groups[last].section == setting.section,
                groups[last].entry == setting.entry, groups[last].index == setting.index
            {
                groups[last].keys.append(setting)
            } else {
                groups.append(
                    Group(
                        section: setting.section, entry: setting.entry, index: setting.index,
                        keys: [setting]))
            }
        }
        return groups
    }

    /// Tables that came, went, or changed their places.
    private static func entries(
        _ olds: [Group], _ news: [Group], _ places: SettingsPlaces
    ) -> [SettingsChange] {
        var changes: [SettingsChange] = []
        func add(_ group: Group, _ path: String, _ from: String?, _ to: String?) {
            changes.append(
                SettingsChange(
                    setting: group.title, place: places.place(path), from: from, to: to,
                    kind: .refused))
        }
        let known = olds.map(\.entry)
        let wanted = news.map(\.entry)
        for group in olds where !wanted.contains(group.entry) {
            add(group, group.section, "present", nil)
        }
        for group in news where !known.contains(group.entry) {
            add(group, "\(group.section)[\(group.index)]", nil, "present")
        }
        let (kept, came) = (known.filter(wanted.contains), wanted.filter(known.contains))
        for (place, (old, new)) in zip(kept, came).enumerated() where old != new {
            guard let group = news.first(where: { $0.entry == new }) else { continue }
            add(group, "\(group.section)[\(group.index)]", "after others", "at place \(place + 1)")
            break
        }
        return changes
    }

    private static func keys(
        _ old: Group, _ new: Group, _ places: SettingsPlaces
    ) -> [SettingsChange] {
        new.keys.compactMap { setting in
            let before = old.keys.first { $0.key == setting.key }?.value
            guard before != setting.value else { return nil }
            let name =
                new.index < 0
                ? "\(new.section).\(setting.key)"
                : "\(new.section) \"\(new.entry)\" \(setting.key)"
            return SettingsChange(
                setting: name, place: places.place(setting.path), from: before, to: setting.value,
                kind: .of(new.section, setting.key))
        }
    }
}

extension [SettingsChange] {
    /// What all of them together take; nil for none.
    public var kind: ChangeClass? { map(\.kind).max() }
}
