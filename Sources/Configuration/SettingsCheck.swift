import Quantities

/// What settings must fulfil together: each is right by itself, but does the rig they describe
/// exist, and can it do what the recipes ask for?
public enum SettingsCheck {
    /// All problems of `settings`, with the places noted in `places`, at most about fifty, as
    /// far as they matter for the `purpose`.
    public static func problems(
        in settings: Settings, places: SettingsPlaces = SettingsPlaces(),
        for purpose: SettingsPurpose = .rig
    ) -> [ConfigurationProblem] {
        var check = SettingsChecker(settings: settings, places: places)
        guard purpose == .rig else {
            check.checkVariableNames()
            check.checkRecipeSpace()
            return check.list.problems
        }
        check.checkNames()
        check.checkRecipe()
        check.checkVariables()
        check.checkLines()
        check.checkPortNames()
        check.checkPumps()
        check.checkRates()
        check.checkSpectrometer()
        check.checkDroplets()
        check.checkInterlocks()
        check.checkReactions()
        check.checkSensors()
        check.checkOutputs()
        check.checkPaths()
        return check.list.problems
    }
}

/// The checks of one configuration; one extension per subject.
struct SettingsChecker {
    let settings: Settings
    let places: SettingsPlaces
    var list = ProblemList()

    mutating func error(_ path: String, _ message: String, _ hint: String = "") {
        list.error(places.place(path), message, hint)
    }

    mutating func warning(_ path: String, _ message: String, _ hint: String = "") {
        list.warning(places.place(path), message, hint)
    }

    /// Reports every later one of two equal keys. `path` gives where the `index`-th is.
    mutating func unique<Key: Hashable>(
        _ keys: [Key], _ path: (Int) -> String, _ message: (Int, Int) -> String, _ hint: String
    ) {
        var seen: [Key: Int] = [:]
        for (index, key) in keys.enumerated() {
            if let first = seen[key] {
                error(path(index), message(first, index), hint)
            } else {
                seen[key] = index
            }
        }
    }

    /// The index of the pump called `name`.
    func pump(_ name: String) -> Int? { settings.pumps.firstIndex { $0.name == name } }
}

extension SettingsChecker {
    mutating func checkNames() {
        let s = settings
        unique(
            s.pumps.map(\.name), { "pump[\($0)].name" },
            { _, index in "two pumps are called \"\(s.pumps[index].name)\"" },
            "give each pump its own name")
        checkVariableNames()
        unique(
            s.interlocks.map(\.name), { "interlock[\($0)].name" },
            { _, index in "two interlocks are called \"\(s.interlocks[index].name)\"" },
            "give each interlock its own name")
        let named =
            s.pumps.enumerated().map { ("pump[\($0)].name", $1.name) }
            + s.interlocks.enumerated().map { ("interlock[\($0)].name", $1.name) }
        for (path, name) in named where name.trimmingSpaces.isEmpty {
            error(path, "the name is empty")
        }
        for (index, pump) in s.pumps.enumerated() where !uses(pump.name) {
            warning(
                "pump[\(index)].name", "nothing uses the pump \"\(pump.name)\"",
                "name it in a [[variable]], or as solvent or oil in [recipe]")
        }
    }

    mutating func checkVariableNames() {
        let names = settings.variables.map(\.name)
        unique(
            names, { "variable[\($0)].name" },
            { _, index in "two variables are called \"\(names[index])\"" },
            "give each variable its own name")
        for (index, name) in names.enumerated() where name.trimmingSpaces.isEmpty {
            error("variable[\(index)].name", "the name is empty")
        }
    }

    private func uses(_ pump: String) -> Bool {
        pump == settings.recipe.solvent || pump == settings.recipe.oil
            || settings.variables.contains { $0.kind == .reagentPercent(pump: pump) }
    }

    mutating func checkRecipe() {
        let recipe = settings.recipe
        for (key, name) in [("solvent", recipe.solvent), ("oil", recipe.oil)] {
            requirePump(name, "recipe.\(key)", "the \(key)")
        }
        if recipe.solvent == recipe.oil {
            error("recipe.oil", "solvent and oil are the same pump \"\(recipe.oil)\"")
        }
    }

    private mutating func requirePump(_ name: String, _ path: String, _ what: String) {
        guard pump(name) == nil else { return }
        let meant = Suggestion.nearest(to: name, among: settings.pumps.map(\.name))
        error(
            path, "no pump called \"\(name)\" carries \(what)",
            meant.map { "did you mean \"\($0)\"?" } ?? "add a [[pump]] with this name")
    }

    mutating func checkVariables() {
        let variables = settings.variables
        if variables.isEmpty {
            error("variable", "there are no variables", "add [[variable]] tables to look for")
        }
        let totals = variables.indices.filter { variables[$0].kind == .totalFlow }
        if totals.isEmpty, !variables.isEmpty {
            error(
                "variable", "no variable is the total flow",
                "add a [[variable]] of kind \"total flow\"; equal bounds keep it constant")
        }
        for index in totals.dropFirst() {
            error("variable[\(index)].kind", "there is a total flow already", "keep one of them")
        }
        var carriers: [String: Int] = [:]
        for (index, variable) in variables.enumerated() {
            checkBounds(variable, index)
            if case .free = variable.kind {
                error(
                    "variable[\(index)].kind", "no pump can set the number \"\(variable.name)\"",
                    "a rig sets a \"reagent\" or the \"total flow\"; `argent suggest` takes numbers"
                )
            }
            guard case .reagentPercent(let name) = variable.kind else { continue }
            requirePump(name, "variable[\(index)].pump", variable.name)
            if name == settings.recipe.solvent || name == settings.recipe.oil {
                error(
                    "variable[\(index)].pump", "\"\(name)\" carries the solvent or the oil",
                    "a reagent needs a pump of its own")
            }
            if let first = carriers[name] {
                error(
                    "variable[\(index)].pump",
                    "\"\(name)\" carries \"\(variables[first].name)\" already",
                    "a reagent needs a pump of its own")
            }
            carriers[name] = index
        }
        checkSums()
    }

    /// The variables by themselves, without pumps to set them.
    mutating func checkRecipeSpace() {
        if settings.variables.isEmpty {
            error("variable", "there are no variables", "add [[variable]] tables to look for")
        }
        for (index, variable) in settings.variables.enumerated() { checkBounds(variable, index) }
        checkSums()
    }

    private mutating func checkBounds(_ v: VariableSettings, _ index: Int) {
        let path = "variable[\(index)]"
        if v.low > v.high {
            error("\(path).bounds", "the low bound of \"\(v.name)\" is above the high one", "swap")
        } else if v.lowLimit > v.highLimit {
            error("\(path).limits", "the low limit of \"\(v.name)\" is above the high one", "swap")
        } else if v.low < v.lowLimit || v.high > v.highLimit {
            error(
                "\(path).bounds", "the bounds of \"\(v.name)\" are outside its limits",
                "narrow the bounds or widen the limits")
        }
    }

    /// Whether any recipe can keep to the largest share of all reagents.
    private mutating func checkSums() {
        let lows = settings.variables.filter(\.isReagent).map(\.low).reduce(0, +)
        let most = settings.recipe.maximumReagentShare
        if lows > most * 100 {
            error(
                "recipe.maximum_reagent_share",
                "the reagents' low bounds sum up to \(Dimension.percent.format(lows)), more than "
                    + Dimension.share.format(most),
                "lower the bounds: no recipe is possible")
        }
    }

    mutating func checkInterlocks() {
        let interlocks = settings.interlocks
        unique(
            interlocks.map { [$0.chipLabel, $0.line] }, { "interlock[\($0)].line" },
            { first, second in
                "\"\(interlocks[second].name)\" uses the line of \"\(interlocks[first].name)\""
            }, "give each interlock its own line")
        for (index, interlock) in interlocks.enumerated() {
            if interlock.chipLabel.isEmpty {
                error("interlock[\(index)].chip_label", "the chip label is empty")
            }
            if interlock.line.isEmpty { error("interlock[\(index)].line", "the line is empty") }
        }
    }

    mutating func checkPaths() {
        for (path, text) in [
            ("log.directory", settings.log.directory), ("control.socket", settings.control.socket),
            ("sync.identity", settings.sync.identity),
        ] where text.first != "/" {
            error(path, "\"\(text)\" is no absolute path", "start it with /")
        }
        let listen = settings.sync.listen
        let port = listen.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        if !listen.isEmpty, listen.utf8.count <= port.utf8.count + 1 || UInt16(port) ?? 0 == 0 {
            error(
                "sync.listen", "\"\(listen)\" is no address with a port",
                "write for instance \"0.0.0.0:7425\", or \"[::]:7425\"")
        }
        // sockaddr_un holds 108 bytes with the final zero (unix(7)).
        if settings.control.socket.utf8.count > 107 {
            error("control.socket", "the path is too long for a socket", "permitted: 107 bytes")
        }
    }
}
