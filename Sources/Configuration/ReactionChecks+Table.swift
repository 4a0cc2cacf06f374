import Quantities

/// What reactions must fulfil together.
extension SettingsChecker {
    /// Two rows for the same hazard of the same thing. In one file that is a slip; a later file
    /// changes an earlier one on purpose.
    mutating func checkReactionTwins() {
        let reactions = settings.reactions
        for (index, reaction) in reactions.enumerated() where !reaction.hazard.isLimit {
            let file = places.place("reaction[\(index)]").file
            let twin = reactions[..<index].indices.first {
                reactions[$0].hazard == reaction.hazard
                    && reactions[$0].subject == reaction.subject
                    && places.place("reaction[\($0)]").file == file
            }
            guard let twin else { continue }
            let whose = reaction.subject.isEmpty ? "" : " of \"\(reaction.subject)\""
            error(
                "reaction[\(index)].when",
                "two reactions to \(reaction.hazard.rawValue)\(whose) fight with each other "
                    + "(the other: \(places.place("reaction[\(twin)].when")))", "keep one of them")
        }
    }

    /// Limits of one sensor: what is further off must not be answered by less, and some value
    /// must be right.
    mutating func checkLimitLadders() {
        let reactions = settings.reactions
        for (index, reaction) in reactions.enumerated() where reaction.hazard.isLimit {
            for earlier in reactions[..<index].indices
            where reactions[earlier].hazard.isLimit
                && reactions[earlier].subject == reaction.subject
            {
                let other = reactions[earlier]
                let place = places.place("reaction[\(earlier)].when")
                compare(index, reaction, other, reaction.above, other.above, "above", 1, place)
                compare(index, reaction, other, reaction.below, other.below, "below", -1, place)
                let pairs = [(reaction.above, other.below), (other.above, reaction.below)]
                for case (let above?, let below?) in pairs
                where above.measure == below.measure && below.value >= above.value {
                    error(
                        "reaction[\(index)].when",
                        "with the reaction at \(place) no value of \"\(reaction.subject)\" is "
                            + "right: none lies between \(below.text) and \(above.text)",
                        "widen one of the limits")
                }
            }
        }
    }

    /// `sign` 1: larger is further off.
    private mutating func compare(
        _ index: Int, _ reaction: ReactionSettings, _ other: ReactionSettings,
        _ limit: ReactionSettings.Limit?, _ otherLimit: ReactionSettings.Limit?, _ key: String,
        _ sign: Double, _ place: Place
    ) {
        guard let limit, let otherLimit, limit.measure == otherLimit.measure else { return }
        let mine = severity(reaction)
        let theirs = severity(other)
        let further = (limit.value - otherLimit.value) * sign
        let isFight = further == 0 ? mine != theirs : (further > 0) != (mine >= theirs)
        // Equal answers to different limits: the further one says nothing new, but harms nobody.
        guard isFight, further == 0 || mine != theirs else { return }
        let name = "\"\(reaction.subject)\""
        error(
            "reaction[\(index)].\(key)",
            further == 0
                ? "two reactions to \(name) \(key) \(limit.text) fight with each other (the "
                    + "other: \(place))"
                : "\(name) further off would be answered by less (compare \(place))",
            further == 0 ? "keep one of them" : "give the further limit the stronger reaction")
    }

    /// How much a reaction does to the pumps.
    private func severity(_ reaction: ReactionSettings) -> Int {
        let reactions = reaction.reactions ?? .everything
        if reactions.contains(.stopAll) { return 3 }
        if reactions.contains(.rampDown) { return 2 }
        return reactions.contains(.hold) ? 1 : 0
    }

    /// A sensor that no reaction looks at guards nothing; who wants it for the log alone says so.
    mutating func checkSensorsAreRead() {
        for (index, sensor) in settings.watchedSensors.enumerated()
        where !settings.reactions.contains(where: { $0.subject == sensor.name }) {
            let path = places.has("sensor[\(index)].name") ? "sensor[\(index)].name" : "sensor"
            let hint =
                sensor.measure == .flow
                ? "when = \"flow-deviation\", of = \"\(sensor.name)\", pumps = […]"
                : "when = \"out-of-range\", of = \"\(sensor.name)\", above = …"
            error(
                path, "no reaction reads the sensor \"\(sensor.name)\"",
                "add a [[reaction]] with \(hint); or, for the log alone, when = "
                    + "\"stale-reading\", of = \"\(sensor.name)\", do = [\"report\"]")
        }
    }
}
