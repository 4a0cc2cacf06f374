import Quantities

/// One row of the whole table: a hazard of one interlock, sensor, pump or of the rig, and what is
/// done against it. Nothing is left open here.
public struct ReactionRow: Equatable, Sendable {
    /// Where a row comes from.
    public enum Origin: Equatable, Sendable {
        /// Nobody wrote it.
        case builtIn
        /// `settings.reactions` has it at this index.
        case reaction(Int)
    }

    /// What is wrong.
    public var hazard: Hazard
    /// Whose; empty for the rig's own.
    public var subject: String
    /// Its place among the interlocks, sensors or pumps; for the spectrometer the number of pumps;
    /// 0 for the rig's own.
    public var index: Int
    /// Whether `index` is that of a sensor.
    public var isSensor = false
    /// What the sensor measures, where it is one.
    public var measure: Measure?
    /// A value above this is wrong.
    public var above: Double?
    /// A value below this is wrong.
    public var below: Double?
    /// How long it must be wrong before it counts.
    public var delay = TimeSpan.zero
    /// Places of the pumps whose flow is compared.
    public var pumps: [Int] = []
    /// Permitted share of the commanded flow or volume.
    public var tolerance = 0.0
    /// What is permitted besides, µL/min or µL.
    public var slack = 0.0
    /// Time that flow takes to follow a change of the commands.
    public var settle = TimeSpan.zero
    /// Time constant over which measured flow is smoothed.
    public var filter = TimeSpan.zero
    /// What is done.
    public var reactions = Reactions.everything
    /// Time of a ramp-down.
    public var rampTime = TimeSpan.seconds(10)
    /// Who lets the rig go on.
    public var release = Release.operator
    /// How long all must have been well before an automatic release.
    public var releaseAfter = TimeSpan.zero
    /// Where the row comes from.
    public var origin = Origin.builtIn

    /// The built-in row for `hazard` of something.
    init(_ hazard: Hazard, _ subject: String = "", _ index: Int = 0) {
        self.hazard = hazard
        self.subject = subject
        self.index = index
    }
}

/// The whole table from hazards to reactions: built-in rows for everything the rig has, changed
/// and added to by the `[[reaction]]` rows of a configuration.
public struct ReactionTable: Equatable, Sendable {
    /// All rows, by hazard and then by subject, in the order of the configuration.
    public private(set) var rows: [ReactionRow] = []

    /// How long flow that deviates, or is not there, is waited for.
    static let flowDelay = TimeSpan.seconds(3)
    /// Stillness before an automatic release, where nobody says another.
    static let usualStillness = TimeSpan.seconds(5)
    /// Share of its flow that a pump must at least give, or it counts as stalled.
    static let leastFlow = 0.1

    /// The table of `settings`, which need not be free of errors: rows that cannot be understood
    /// are left out.
    public init(_ settings: Settings) {
        for hazard in Hazard.allCases {
            var group = Self.builtIn(hazard, settings)
            // The general rows first, so that one for a name has the last word.
            for isNamed in [false, true] {
                for (index, reaction) in settings.reactions.enumerated()
                where reaction.hazard == hazard && reaction.subject.isEmpty != isNamed {
                    Self.apply(reaction, index, to: &group, settings)
                }
            }
            rows += group
        }
    }

    /// The rows that are there without anybody writing one.
    private static func builtIn(_ hazard: Hazard, _ settings: Settings) -> [ReactionRow] {
        var rows: [ReactionRow] = []
        switch hazard.subject {
        case .interlock:
            rows = settings.interlocks.enumerated().map { index, interlock in
                var row = ReactionRow(hazard, interlock.name, index)
                row.release = interlock.latching ? .operator : .automatic
                return row
            }
        case .sensor, .flowSensor: break
        case .pump, .pumpOrSensor, .pumpOrFlowSensor, .instrument:
            rows = settings.pumps.enumerated().map { ReactionRow(hazard, $1.name, $0) }
        case .rig: rows = [ReactionRow(hazard)]
        }
        if hazard == .staleReading {
            for index in rows.indices { rows[index].delay = settings.rig.staleAfter }
            rows += settings.watchedSensors.indices.map { sensorRow(hazard, $0, settings) }
        }
        if hazard.subject == .instrument {
            rows.append(ReactionRow(hazard, spectrometer, settings.pumps.count))
        }
        for index in rows.indices { adjust(&rows[index], settings) }
        return rows
    }

    /// The spectrometer's name in `of`.
    public static let spectrometer = "spectrometer"

    private static func sensorRow(
        _ hazard: Hazard, _ index: Int, _ settings: Settings
    ) -> ReactionRow {
        let sensor = settings.watchedSensors[index]
        var row = ReactionRow(hazard, sensor.name, index)
        row.isSensor = true
        row.measure = sensor.measure
        adjust(&row, settings)
        return row
    }

    /// What is built in for a hazard beside the usual `Reactions.everything` and `operator`.
    private static func adjust(_ row: inout ReactionRow, _ settings: Settings) {
        switch row.hazard {
        case .staleReading where row.isSensor:
            row.reactions = .hold
            row.release = .automatic
            row.releaseAfter = usualStillness
            row.delay = settings.watchedSensors[row.index].staleAfter
        case .instrumentAbsent: row.release = .automatic
        case .noSpectra: row.delay = settings.rig.blindAfter
        case .pumpDisobedient: row.delay = settings.rig.obeyLimit
        case .volumeDeviation:
            row.reactions = .hold
            // Volumes that differ do not come back; this is for a sensor that says nothing.
            row.delay = row.isSensor ? flowDelay : .zero
            row.tolerance = 0.25
            row.slack = 50
            if !row.isSensor { row.pumps = [row.index] }
        case .flowDeviation:
            row.reactions = .hold
            row.delay = flowDelay
            row.tolerance = 0.25
            row.slack = 10
        case .noFlow:
            row.delay = flowDelay
            row.tolerance = 1 - leastFlow
            row.slack = 5
        case .logBudget, .clockStep:
            row.reactions = .report
            row.release = .automatic
        default: break
        }
        if row.hazard.isFlow {
            row.settle = .seconds(5)
            row.filter = .seconds(1)
        }
    }

    private static func apply(
        _ reaction: ReactionSettings, _ place: Int, to group: inout [ReactionRow],
        _ settings: Settings
    ) {
        let hazard = reaction.hazard
        let sensor = settings.watchedSensors.firstIndex { $0.name == reaction.subject }
        if let sensor, hazard.isLimit || hazard.isFlow {
            // Several limits of one sensor stand beside each other.
            var row = sensorRow(hazard, sensor, settings)
            if row.pumps.isEmpty { row.pumps = pumps(reaction.pumps, settings) }
            change(&row, reaction, place)
            if hazard.isFlow { group.removeAll { $0.isSensor && $0.index == sensor } }
            group.append(row)
            return
        }
        for index in group.indices
        where reaction.subject.isEmpty || group[index].subject == reaction.subject {
            change(&group[index], reaction, place)
        }
    }

    private static func pumps(_ names: [String], _ settings: Settings) -> [Int] {
        settings.pumps.indices.filter {
            names.isEmpty || names.contains(settings.pumps[$0].name)
        }
    }

    private static func change(
        _ row: inout ReactionRow, _ reaction: ReactionSettings, _ place: Int
    ) {
        row.origin = .reaction(place)
        row.above = reaction.above?.value
        row.below = reaction.below?.value
        if let delay = reaction.delay, row.hazard.hasDelay { row.delay = delay }
        if let tolerance = reaction.tolerance { row.tolerance = tolerance }
        if let slack = reaction.slackFlow, row.hazard != .volumeDeviation {
            row.slack = slack.microlitersPerMinute
        }
        if let slack = reaction.slackVolume, row.hazard == .volumeDeviation {
            row.slack = slack.microliters
        }
        if let settle = reaction.settle { row.settle = settle }
        if let filter = reaction.filter { row.filter = filter }
        if let reactions = reaction.reactions { row.reactions = reactions }
        if let time = reaction.rampTime { row.rampTime = time }
        if let release = reaction.release {
            row.release = release
            if release == .automatic, row.releaseAfter == .zero, reaction.releaseAfter == nil {
                row.releaseAfter = usualStillness
            }
        }
        if let after = reaction.releaseAfter { row.releaseAfter = after }
    }
}
