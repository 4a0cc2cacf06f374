import Quantities

/// What `[[reaction]]` rows must fulfil: each by itself here, together in `ReactionChecks+Table`.
extension SettingsChecker {
    mutating func checkReactions() {
        for (index, reaction) in settings.reactions.enumerated() {
            let path = "reaction[\(index)]"
            checkSubject(reaction, path)
            checkLimits(reaction, path)
            checkWhatIsDone(reaction, path)
            checkRelease(reaction, path)
            checkOptions(reaction, path)
        }
        checkReactionTwins()
        checkLimitLadders()
        checkSensorsAreRead()
    }

    /// The sensor a row is about, if it is about one that is there.
    func sensor(_ reaction: ReactionSettings) -> WatchedSensor? {
        settings.watchedSensors.first { $0.name == reaction.subject }
    }

    private mutating func checkSubject(_ reaction: ReactionSettings, _ path: String) {
        let s = settings
        let hazard = reaction.hazard
        let name = reaction.subject
        let pumps = s.pumps.map(\.name)
        let sensors = s.watchedSensors.map(\.name)
        let flowSensors = s.watchedSensors.filter { $0.measure == .flow }.map(\.name)
        let (what, known): (String, [String]) =
            switch hazard.subject {
            case .interlock: ("interlock", s.interlocks.map(\.name))
            case .sensor: ("sensor", sensors)
            case .flowSensor: ("flow sensor", flowSensors)
            case .pump: ("pump", pumps)
            case .pumpOrSensor: ("pump or sensor", pumps + sensors)
            case .pumpOrFlowSensor: ("pump or flow sensor", pumps + flowSensors)
            case .instrument: ("instrument", pumps + [ReactionTable.spectrometer])
            case .rig: ("", [])
            }
        if hazard.subject == .rig {
            guard !name.isEmpty else { return }
            error(
                "\(path).of", "\(hazard.rawValue) is the rig's own and nobody's",
                "remove of = \"\(name)\"")
        } else if name.isEmpty {
            guard hazard.subject == .sensor || hazard.subject == .flowSensor else { return }
            error(
                path, "the \(hazard.rawValue) reaction names no sensor",
                "add of = one of: " + (known.isEmpty ? "(there is no \(what))" : list(known)))
        } else if !known.contains(name) {
            let meant = Suggestion.nearest(to: name, among: known)
            let hint =
                known.isEmpty ? "there is none; add it, or remove this reaction" : list(known)
            error(
                "\(path).of", "there is no \(what) \"\(name)\" to react to",
                meant.map { "did you mean \"\($0)\"?" } ?? hint)
        }
    }

    private func list(_ names: [String]) -> String {
        "known: " + names.map { "\"\($0)\"" }.joined(separator: ", ")
    }

    private mutating func checkLimits(_ reaction: ReactionSettings, _ path: String) {
        let hazard = reaction.hazard
        let limits = [("above", reaction.above), ("below", reaction.below)]
        guard hazard.isLimit else {
            for (key, limit) in limits where limit != nil {
                error(
                    "\(path).\(key)", "\(hazard.rawValue) has no limit to a sensor's value",
                    "use when = \"out-of-range\", \"pressure\", \"temperature\" or \"leak\"")
            }
            return
        }
        if reaction.above == nil, reaction.below == nil {
            error(
                path, "the \(hazard.rawValue) reaction has no limit",
                "add above = …, below = … or both, in the sensor's unit")
        }
        let wanted: Measure? =
            hazard == .pressure ? .pressure : hazard == .temperature ? .temperature : nil
        guard let sensor = sensor(reaction) else { return }
        if let wanted, sensor.measure != wanted {
            error(
                "\(path).of",
                "\"\(sensor.name)\" measures \(sensor.measure.rawValue), not \(wanted.rawValue)",
                "name another sensor, or use when = \"out-of-range\"")
            return
        }
        for case (let key, let limit?) in limits where limit.measure != sensor.measure {
            error(
                "\(path).\(key)",
                "\(limit.text) is \(limit.measure.rawValue), but \"\(sensor.name)\" measures "
                    + sensor.measure.rawValue,
                "write the limit in \(sensor.measure.unit)")
        }
        if let above = reaction.above, let below = reaction.below, below.value >= above.value {
            error(
                "\(path).below", "no value lies between \(below.text) and \(above.text)",
                "below must be the smaller: a value under it is wrong, and one over above")
        }
    }

    private mutating func checkWhatIsDone(_ reaction: ReactionSettings, _ path: String) {
        guard let reactions = reaction.reactions else { return }
        let hazard = reaction.hazard
        let stops = reactions.intersection(.pumpReactions)
        if reactions.isEmpty {
            error(
                "\(path).do", "\(hazard.rawValue) would be without a reaction",
                "remove the line for the built-in one, or name one of hold, ramp-down, stop-all")
        } else if reactions.contains(.report) {
            let isRecorded = hazard == .staleReading && sensor(reaction) != nil
            if reactions != .report {
                error(
                    "\(path).do", "report is to do nothing, and fights with the rest",
                    "keep one or the other")
            } else if !hazard.mayBeReported, !isRecorded {
                error(
                    "\(path).do",
                    "\(hazard.rawValue) would only be told, and the pumps would run on",
                    "name one of hold, ramp-down, stop-all")
            }
        } else if stops.isEmpty {
            error(
                "\(path).do",
                "\(reactions.list.joined(separator: " and ")) alone would let the pumps run on",
                "add one of hold, ramp-down, stop-all")
        } else if stops.list.count > 1 {
            error(
                "\(path).do", "\(stops.list.joined(separator: " and ")) fight with each other",
                "keep one: they are ways to stop the same pumps")
        }
    }

    private mutating func checkRelease(_ reaction: ReactionSettings, _ path: String) {
        let hazard = reaction.hazard
        if reaction.release == .automatic, hazard.mustLatch {
            error(
                "\(path).release",
                "\(hazard.rawValue) must stay until a person has looked: its cause is not gone "
                    + "because it cannot be seen any more",
                "write release = \"operator\", or remove the line")
        }
        for (index, interlock) in settings.interlocks.enumerated()
        where hazard.subject == .interlock && interlock.name == reaction.subject {
            let said = "interlock[\(index)].latching"
            guard let release = reaction.release, places.has(said),
                interlock.latching == (release == .automatic)
            else { continue }
            error(
                "\(path).release",
                "release = \"\(release.rawValue)\" fights with latching = \(interlock.latching) "
                    + "of the interlock \"\(interlock.name)\" (\(places.place(said)))",
                "remove one of the two")
        }
        if reaction.releaseAfter != nil, reaction.release == .operator || hazard.mustLatch {
            error(
                "\(path).after", "a person decides when \(hazard.rawValue) is released",
                "remove it, or write release = \"automatic\" where that is permitted")
        }
    }

    /// Keys that say nothing for this hazard.
    private mutating func checkOptions(_ reaction: ReactionSettings, _ path: String) {
        let hazard = reaction.hazard
        if reaction.delay != nil, !hazard.hasDelay {
            let hint =
                switch hazard {
                case .staleReading: "set stale_after in [rig] for pumps, in [[sensor]] for sensors"
                case .noSpectra: "set blind_after in [rig]"
                case .pumpDisobedient: "set obey_limit in [rig]"
                default: "remove it: this hazard counts at once"
                }
            error("\(path).for", "\(hazard.rawValue) takes no time here", hint)
        }
        if reaction.rampTime != nil, reaction.reactions?.contains(.rampDown) != true {
            error(
                "\(path).ramp_time", "nothing is ramped down here",
                "write do = [\"ramp-down\"] as well, or remove it")
        }
        let flowKeys: [(String, Bool)] = [
            ("pumps", !reaction.pumps.isEmpty), ("tolerance", reaction.tolerance != nil),
            ("slack_flow", reaction.slackFlow != nil),
            ("slack_volume", reaction.slackVolume != nil), ("settle", reaction.settle != nil),
            ("filter", reaction.filter != nil),
        ]
        for (key, isSet) in flowKeys where isSet && !hazard.isFlow {
            error(
                "\(path).\(key)", "\(hazard.rawValue) compares no flow",
                "it belongs to flow-deviation, no-flow and volume-deviation")
        }
        for name in reaction.pumps where pump(name) == nil {
            let meant = Suggestion.nearest(to: name, among: settings.pumps.map(\.name))
            error(
                "\(path).pumps", "there is no pump \"\(name)\"",
                meant.map { "did you mean \"\($0)\"?" } ?? "")
        }
    }
}
