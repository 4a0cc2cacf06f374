import Quantities

extension ReactionSettings {
    static var fields: [Field<ReactionSettings>] {
        whatFields + flowFields + doFields
    }

    private static var whatFields: [Field<ReactionSettings>] {
        [
            Field.choice("when", \.hazard, "What is wrong.").required,
            text(
                "of", \.subject,
                "Whose: an interlock, a sensor, a pump or the spectrometer; left out: of all."),
            limit("above", \.above, "A sensor's value above this is wrong…"),
            limit("below", \.below, "…or below this; written in the sensor's unit."),
            optionalTime(
                "for", \.delay, .zero, .seconds(3_600), "How long it must be wrong to count."),
        ]
    }

    private static var flowFields: [Field<ReactionSettings>] {
        [
            pumpNames,
            optionalQuantity(
                "tolerance", .share, 0...10, "Flow or volume may be wrong by this share…",
                { $0.tolerance }, { $0.tolerance = $1 }),
            optionalQuantity(
                "slack_flow", .flow, 0...1e6, "…and by this flow besides…",
                { $0.slackFlow?.microlitersPerMinute },
                { $0.slackFlow = FlowRate(microlitersPerMinute: $1) }),
            optionalQuantity(
                "slack_volume", .volume, 0...1e6, "…or by this volume.",
                { $0.slackVolume?.microliters }, { $0.slackVolume = Volume(microliters: $1) }),
            optionalTime(
                "settle", \.settle, .zero, .seconds(3_600),
                "Time that flow takes to follow a change of the commands."),
            optionalTime(
                "filter", \.filter, .zero, .seconds(600),
                "Time constant over which measured flow is smoothed."),
        ]
    }

    private static var doFields: [Field<ReactionSettings>] {
        [
            reactionNames,
            optionalTime(
                "ramp_time", \.rampTime, .milliseconds(100), .seconds(600),
                "Time of a ramp-down."),
            releaseName,
            optionalTime(
                "after", \.releaseAfter, .zero, .seconds(86_400),
                "How long all must have been well before an automatic release."),
        ]
    }

    private static func text(
        _ key: String, _ path: WritableKeyPath<ReactionSettings, String>, _ help: String
    ) -> Field<ReactionSettings> {
        let plain = Field.text(key, path, help)
        return Field(
            key: key, help: help, range: "", read: plain.read,
            write: { $0[keyPath: path].isEmpty ? nil : plain.write($0) })
    }

    private static func optionalTime(
        _ key: String, _ path: WritableKeyPath<ReactionSettings, TimeSpan?>, _ low: TimeSpan,
        _ high: TimeSpan, _ help: String
    ) -> Field<ReactionSettings> {
        let bounds = Double(low.nanoseconds)...Double(high.nanoseconds)
        let show = { (value: Double) -> String in
            guard value.magnitude < 9e18 else { return Dimension.time.format(value) }
            return Dimension.format(nanoseconds: Int64(value.rounded()))
        }
        return Field(
            key: key, help: help,
            range: show(bounds.lowerBound) + " … " + show(bounds.upperBound),
            read: { value, name, row, context in
                if let number = context.quantity(value, .time, bounds, name, show: show) {
                    row[keyPath: path] = TimeSpan(nanoseconds: Int64(number.rounded()))
                }
            },
            write: { row in
                row[keyPath: path].map { quoted(Dimension.format(nanoseconds: $0.nanoseconds)) }
            })
    }

    private static func optionalQuantity(
        _ key: String, _ dimension: Dimension, _ bounds: ClosedRange<Double>, _ help: String,
        _ get: @escaping (ReactionSettings) -> Double?,
        _ set: @escaping (inout ReactionSettings, Double) -> Void
    ) -> Field<ReactionSettings> {
        Field(
            key: key, help: help,
            range: dimension.format(bounds.lowerBound) + " … "
                + dimension.format(bounds.upperBound),
            read: { value, name, row, context in
                if let number = context.quantity(value, dimension, bounds, name) {
                    set(&row, number)
                }
            }, write: { row in get(row).map { quoted(dimension.format($0)) } })
    }

    private static var pumpNames: Field<ReactionSettings> {
        Field(
            key: "pumps", help: "Pumps whose flow passes the sensor; left out: all.", range: "",
            read: { value, name, row, context in
                guard case .array(let items) = value.kind else {
                    context.wrongKind(
                        value, name, wanted: "a list of names", "write [\"oil\", \"solvent\"]")
                    return
                }
                row.pumps = items.compactMap { context.text($0, name) }
            },
            write: { row in
                row.pumps.isEmpty
                    ? nil : "[" + row.pumps.map(quoted).joined(separator: ", ") + "]"
            })
    }

    private static var reactionNames: Field<ReactionSettings> {
        let names = Reactions.names.map(\.name)
        let known = names.map(quoted).joined(separator: ", ")
        return Field(
            key: "do", help: "What is done; left out: what is built in.", range: known,
            read: { value, name, row, context in
                guard case .array(let items) = value.kind else {
                    context.wrongKind(
                        value, name, wanted: "a list of reactions", "write [\"stop-all\"]")
                    return
                }
                var reactions: Reactions = []
                for item in items {
                    guard let text = context.text(item, name) else { continue }
                    if let known = Reactions.names.first(where: { $0.name == text }) {
                        reactions.insert(known.reaction)
                        continue
                    }
                    let meant = Suggestion.nearest(to: text, among: names)
                    context.problems.error(
                        item.place, "\(name): \"\(text)\" is no reaction",
                        (meant.map { "did you mean \"\($0)\"? " } ?? "") + "known: \(known)")
                }
                row.reactions = reactions
            },
            write: { row in
                row.reactions.map { "[" + $0.list.map(quoted).joined(separator: ", ") + "]" }
            })
    }

    private static var releaseName: Field<ReactionSettings> {
        let known = Release.allCases.map { quoted($0.rawValue) }.joined(separator: ", ")
        return Field(
            key: "release", help: "Who lets the rig go on: itself, or a person by argent clear.",
            range: known,
            read: { value, name, row, context in
                guard let text = context.text(value, name) else { return }
                if let release = Release(rawValue: text) {
                    row.release = release
                } else {
                    context.problems.error(
                        value.place, "\(name) = \"\(text)\" is unknown", "known: \(known)")
                }
            }, write: { row in row.release.map { quoted($0.rawValue) } })
    }

    /// A limit in any unit a sensor may have; whether it fits the sensor is checked later.
    private static func limit(
        _ key: String, _ path: WritableKeyPath<ReactionSettings, Limit?>, _ help: String
    ) -> Field<ReactionSettings> {
        Field(
            key: key, help: help, range: "",
            read: { value, name, row, context in
                guard case .string(let text) = value.kind else {
                    context.wrongKind(
                        value, name, wanted: "a quantity with its unit", "write \"60 C\"")
                    return
                }
                guard let limit = Limit(text) else {
                    let units = Limit.dimensions.flatMap { $0.dimension.units }
                        .compactMap(\.names.first).joined(separator: ", ")
                    context.problems.error(
                        value.place, "\(name) = \"\(TOMLReader.printable(text))\" is no quantity",
                        "write a number and a unit: \(units)")
                    return
                }
                row[keyPath: path] = limit
            }, write: { row in row[keyPath: path].map { quoted($0.text) } })
    }
}

extension ReactionSettings.Limit {
    /// The units of each measure, the kept one first.
    static let dimensions: [(measure: Measure, dimension: Dimension)] = [
        (.flow, .flow),
        (
            .pressure,
            Dimension(
                noun: "a pressure", example: "200 kPa",
                units: [
                    Dimension.Unit(names: ["kPa"]), Dimension.Unit(names: ["Pa"], exponent: -3),
                    Dimension.Unit(names: ["bar"], exponent: 2),
                    Dimension.Unit(names: ["mbar"], exponent: -1),
                    Dimension.Unit(names: ["psi"], factor: 6.894757293168),
                ])
        ),
        (
            .temperature,
            Dimension(
                noun: "a temperature", example: "60 C",
                units: [Dimension.Unit(names: ["C", "°C", "degC"])])
        ),
        (
            .voltage,
            Dimension(
                noun: "a voltage", example: "1.2 V",
                units: [
                    Dimension.Unit(names: ["V"]), Dimension.Unit(names: ["mV"], exponent: -3),
                ])
        ),
        (
            .light,
            Dimension(
                noun: "counts", example: "5000 counts",
                units: [Dimension.Unit(names: ["counts"])])
        ),
    ]

    /// The limit that `text` says, whatever it measures; nil when it is none.
    init?(_ text: String) {
        for (measure, dimension) in Self.dimensions {
            if case .success(let value) = dimension.parse(text) {
                self.init(value, measure)
                return
            }
        }
        return nil
    }

    /// The limit as it is written.
    public var text: String {
        let dimension = Self.dimensions.first { $0.measure == measure }?.dimension
        return dimension?.format(value) ?? ""
    }
}
