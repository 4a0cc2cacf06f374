import Quantities

extension SettingsChecker {
    mutating func checkOutputs() {
        let outputs = settings.outputs
        unique(
            outputs.map(\.name), { "output[\($0)].name" },
            { _, index in "two outputs are called \"\(outputs[index].name)\"" },
            "give each output its own name")
        for (index, output) in outputs.enumerated() {
            let path = "output[\(index)]"
            if output.name.trimmingSpaces.isEmpty { error("\(path).name", "the name is empty") }
            if output.expander.isEmpty {
                if output.chipLabel.isEmpty {
                    error(
                        path, "\"\(output.name)\" hangs on nothing",
                        "add chip_label (see gpiodetect) or expander")
                }
                if output.frozenIsSafe {
                    warning(
                        "\(path).frozen_is_safe", "a line of the board does not freeze",
                        "it falls to its electrical state when the process dies; remove it")
                }
            } else {
                checkFrozen(output, path)
            }
            if output.line.isEmpty { error("\(path).line", "the line is empty") }
            checkSafeLevel(output, path)
        }
        checkExpanders()
        checkHeartbeat()
        checkLineOwners()
    }

    /// The chip that holds its last level for ever is for what is harmless in any level.
    private mutating func checkFrozen(_ output: OutputSettings, _ path: String) {
        if !output.chipLabel.isEmpty {
            error(
                "\(path).chip_label", "\"\(output.name)\" is on an expander already", "remove one")
        }
        if !settings.expanders.contains(where: { $0.name == output.expander }) {
            let meant = Suggestion.nearest(
                to: output.expander, among: settings.expanders.map(\.name))
            error(
                "\(path).expander", "no expander is called \"\(output.expander)\"",
                meant.map { "did you mean \"\($0)\"?" } ?? "add an [[expander]] with this name")
        }
        if !output.line.isEmpty, !ExpanderSettings.lines.contains(output.line) {
            error(
                "\(path).line", "an expander has no line \"\(output.line)\"",
                "permitted: A0 … A7, B0 … B7")
        }
        if output.kind == .enable {
            error(
                "\(path).expander",
                "\"\(output.name)\" would stay enabled when the board dies",
                "an expander keeps its levels: put enable lines on the board")
        } else if !output.frozenIsSafe {
            error(
                path,
                "\"\(output.name)\" keeps its level when the board dies, as all on an expander do",
                "if it is safe in any level for ever, add frozen_is_safe = true; else use a line "
                    + "of the board")
        }
    }

    private mutating func checkSafeLevel(_ output: OutputSettings, _ path: String) {
        guard output.safePowered else { return }
        let state = output.kind.hasPosition ? "\(output.normally.rawValue)" : "off"
        warning(
            "\(path).safe_powered",
            "the safe state of \"\(output.name)\" needs power: it will be \(state) when the "
                + "process or the power dies",
            "wire it so that its safe state needs none")
    }

    private mutating func checkExpanders() {
        let expanders = settings.expanders
        unique(
            expanders.map(\.name), { "expander[\($0)].name" },
            { _, index in "two expanders are called \"\(expanders[index].name)\"" },
            "give each expander its own name")
        unique(
            expanders.map { "\($0.bus) \($0.address)" }, { "expander[\($0)].address" },
            { first, second in
                "\"\(expanders[second].name)\" has the address of \"\(expanders[first].name)\""
            }, "set another address with the chip's pins and here")
        for (index, expander) in expanders.enumerated() {
            let path = "expander[\(index)]"
            if expander.name.trimmingSpaces.isEmpty { error("\(path).name", "the name is empty") }
            checkBus(expander.bus, "\(path).bus")
            if expander.staleAfter < expander.period * 2 {
                error(
                    "\(path).stale_after", "one lost comparison would make it stale",
                    "make stale_after at least twice period")
            }
            if !settings.outputs.contains(where: { $0.expander == expander.name }) {
                warning("\(path).name", "no output hangs on \"\(expander.name)\"")
            }
        }
    }

    private mutating func checkHeartbeat() {
        let heartbeat = settings.heartbeat
        guard heartbeat.isPresent || !heartbeat.line.isEmpty else { return }
        if heartbeat.chipLabel.isEmpty {
            error("heartbeat.line", "the chip of the heartbeat is not named", "add chip_label")
        }
        if heartbeat.line.isEmpty { error("heartbeat.chip_label", "its line is not named") }
        if heartbeat.period <= heartbeat.earliest {
            error(
                "heartbeat.period", "every edge would come too early for the relay",
                "make period longer than earliest")
        }
        if heartbeat.latest < heartbeat.period * 2 {
            error(
                "heartbeat.latest", "one late turn would drop the relay",
                "make latest at least twice period")
        }
    }

    /// A line of the board has one owner.
    private mutating func checkLineOwners() {
        var lines: [(key: String, path: String, owner: String)] = []
        func add(_ chip: String, _ line: String, _ path: String, _ owner: String) {
            guard !chip.isEmpty, !line.isEmpty else { return }
            lines.append(("\(chip) \(line)", path, owner))
        }
        for (index, lock) in settings.interlocks.enumerated() {
            add(lock.chipLabel, lock.line, "interlock[\(index)].line", "interlock \(lock.name)")
        }
        for (index, output) in settings.outputs.enumerated() {
            let chip = output.expander.isEmpty ? output.chipLabel : "on \(output.expander)"
            add(chip, output.line, "output[\(index)].line", "output \(output.name)")
        }
        let heartbeat = settings.heartbeat
        add(heartbeat.chipLabel, heartbeat.line, "heartbeat.line", "the heartbeat")
        for (index, pump) in settings.pumps.enumerated() where pump.dialect == .stepper {
            let stepper = pump.stepper
            let path = "pump[\(index)]"
            let owner = "pump \(pump.name)"
            add(pump.port, stepper.stepLine, "\(path).step_line", owner)
            add(pump.port, stepper.directionLine, "\(path).direction_line", owner)
            add(pump.port, stepper.enableLine, "\(path).enable_line", owner)
        }
        var owners: [String: Int] = [:]
        for (index, entry) in lines.enumerated() {
            if let first = owners[entry.key] {
                // Two interlocks on one line are told by their own check.
                if entry.path.hasPrefix("interlock") { continue }
                error(
                    entry.path, "\(entry.owner) uses the line of \(lines[first].owner)",
                    "give each its own line")
            }
            owners[entry.key] = owners[entry.key] ?? index
        }
    }
}
