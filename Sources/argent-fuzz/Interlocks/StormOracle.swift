import Configuration
import Quantities
import Rig

/// What must hold in a storm, worked out from what was told to the rig and from the table alone:
/// it shares nothing with the matrix but the rows' meaning.
struct StormOracle {
    /// One row that the storm can cause.
    private struct Watch {
        var row: ReactionRow
        /// Since when it is wrong, as far as turns tell.
        var wrongSince: Instant?
        /// Since when it is not.
        var fineSince = Instant.zero
        /// When it had lasted long enough; nil: it did not, or it is over.
        var armedAt: Instant?
    }
    private var watches: [Watch]
    /// Since when each row's flow is steady: same goals, obeyed, same sensor.
    private var steadySince: [Instant]
    private var wantedBefore: [Double]
    private var factorBefore = 1.0
    /// Since when each pump runs without a pause, as far as turns tell; nil while it stands.
    private var runningSince: [Instant?]
    private let settings: Settings
    /// Longest turn: what happens within one is seen at its end.
    static let longestTurn = TimeSpan.milliseconds(500)

    init(_ settings: Settings) {
        self.settings = settings
        watches = ReactionTable(settings).rows.filter(Self.isCaused).map { Watch(row: $0) }
        steadySince = watches.map { _ in .distantFuture }
        wantedBefore = watches.map { _ in 0 }
        runningSince = settings.pumps.map { _ in nil }
    }

    /// Rows whose hazard the storm itself knows.
    private static func isCaused(_ row: ReactionRow) -> Bool {
        switch row.hazard {
        case .interlock, .unreadable, .temperature, .outOfRange, .leak, .log, .heartbeat,
            .instrumentLost, .pumpAlarm, .flowDeviation, .noFlow, .pumpDisobedient, .noSpectra,
            .staleReading:
            true
        default: false
        }
    }

    /// Whether the hazard of `row` is there.
    private func isWrong(_ place: Int, _ rig: StormRig, _ heard: [Instant]) -> Bool {
        let row = watches[place].row
        let index = row.index
        let isFlowing = rig.goals.contains { $0 > 0 }
        switch row.hazard {
        case .interlock: return rig.lines[index] == true
        case .unreadable: return rig.lines[index] == nil
        case .log: return rig.isLogBroken
        case .heartbeat: return rig.isHeartBroken
        case .instrumentLost: return rig.lost[index] && rig.wasReady[index]
        case .pumpAlarm: return index < StormRig.names.count && rig.isAlarmed(index)
        case .staleReading where row.isSensor: return rig.now - heard[index] > .seconds(1)
        case .staleReading:
            guard let since = runningSince[index] else { return false }
            return rig.now - max(rig.pumps[index].heardAt, since) > settings.rig.staleAfter
        case .pumpDisobedient:
            return isFlowing && rig.now - rig.toldAt > settings.rig.obeyLimit
                && !rig.goals.indices.allSatisfy(rig.obeys)
        case .noSpectra:
            return isFlowing && rig.isAcquiring
                && rig.now - rig.sawAt > settings.rig.blindAfter
        case .flowDeviation, .noFlow:
            if rig.now - heard[index] > .seconds(1) { return true }
            return deviates(place, rig)
        default:
            // The last value counts until it is stale; then there is none, which is wrong.
            if rig.now - heard[index] > .seconds(1) { return true }
            return (rig.values[index] ?? 0) > (row.above ?? .infinity)
        }
    }

    /// Whether another flow is measured than commanded, and must have been seen to be: it is
    /// steady for the time the row gives it, and ten time constants of its smoothing.
    private func deviates(_ place: Int, _ rig: StormRig) -> Bool {
        let row = watches[place].row
        guard rig.now >= steadySince[place],
            rig.now - steadySince[place]
                > row.settle + row.filter * 10 + Self.longestTurn + Self.longestTurn
        else { return false }
        let wanted = wantedBefore[place]
        let measured = wanted * factorBefore
        // One in a thousand is left to the smoothing.
        if row.hazard == .noFlow {
            return wanted > row.slack * 1.001 && measured < wanted * (0.999 - row.tolerance)
        }
        return abs(measured - wanted) > (row.slack + row.tolerance * wanted) * 1.001
    }

    /// Follows what steadiness and silence depend on.
    private mutating func follow(_ rig: StormRig) {
        for index in runningSince.indices {
            runningSince[index] = rig.goals[index] > 0 ? runningSince[index] ?? rig.now : nil
        }
        for place in watches.indices where watches[place].row.hazard.isFlow {
            let pumps = watches[place].row.pumps
            let wanted = pumps.reduce(0) { $0 + rig.goals[$1] }
            let isSteady =
                wanted == wantedBefore[place] && rig.flowFactor == factorBefore
                && pumps.allSatisfy(rig.obeys) && !rig.isFlowSilent
            if !isSteady {
                steadySince[place] = .distantFuture
            } else if steadySince[place] == .distantFuture {
                steadySince[place] = rig.now
            }
            wantedBefore[place] = wanted
        }
        factorBefore = rig.flowFactor
    }

    /// A turn is over. `heard` are the times of the sensors' last values. Returns a promise that
    /// was broken.
    mutating func look(_ rig: StormRig, heard: [Instant]) -> String? {
        let now = rig.now
        follow(rig)
        for index in watches.indices {
            let row = watches[index].row
            // Between two values the last one counts: what it was is not known here any more.
            let isSilent =
                row.measure != nil && row.hazard != .staleReading
                && rig.values[row.index] == nil && now - heard[row.index] <= .seconds(1)
            if isSilent {
                if watches[index].wrongSince == nil { release(index, at: now) }
            } else if isWrong(index, rig, heard) {
                let since = watches[index].wrongSince ?? now
                watches[index].wrongSince = since
                let delay = row.hazard.hasDelay ? row.delay : .zero
                if watches[index].armedAt == nil, now >= since + delay {
                    watches[index].armedAt = now
                }
            } else {
                if watches[index].wrongSince != nil { watches[index].fineSince = now }
                watches[index].wrongSince = nil
                release(index, at: now)
            }
        }
        return broken(rig)
    }

    /// Time passed for a row that is not wrong.
    private mutating func release(_ index: Int, at now: Instant) {
        let row = watches[index].row
        // The rig knew of it up to one turn earlier.
        let isOver = now + Self.longestTurn >= watches[index].fineSince + row.releaseAfter
        if row.release == .automatic, isOver { watches[index].armedAt = nil }
    }

    /// A person cleared what is gone.
    mutating func cleared(_ rig: StormRig, heard: [Instant]) {
        for index in watches.indices where !isWrong(index, rig, heard) {
            watches[index].armedAt = nil
            watches[index].wrongSince = nil
            watches[index].fineSince = rig.now
        }
    }

    private func broken(_ rig: StormRig) -> String? {
        let controller = rig.controller
        let flowing = controller.commanded.reduce(0) { $0 + $1.microlitersPerMinute }
        let goals = rig.goals.reduce(0, +)
        if abs(flowing - goals) > 1e-6 {
            return "commanded \(flowing) uL/min, but the pumps were told \(goals)"
        }
        let state = controller.state
        if flowing > 0, [.held, .safe, .connecting].contains(state) {
            return "\(flowing) uL/min in state \(state)"
        }
        if !controller.demanded.isDisjoint(with: .pumpReactions),
            ![.held, .safe, .ramping].contains(state)
        {
            return "\(controller.demanded.list) is demanded in state \(state)"
        }
        let armed = watches.filter { $0.armedAt != nil && $0.row.reactions != .report }
        guard !armed.isEmpty, flowing > 0 else { return nil }
        let names = armed.map { "\($0.row.hazard.rawValue) \($0.row.subject)" }
        if rig.rose { return "a pump runs faster in spite of \(names)" }
        // What may be left is a ramp, and only where nobody asks for a stop at once.
        var end = Instant.distantFuture
        for watch in armed {
            guard watch.row.reactions.contains(.rampDown), let at = watch.armedAt else {
                return "\(flowing) uL/min in spite of \(names)"
            }
            end = min(end, at + watch.row.rampTime)
        }
        if state != .ramping || rig.now > end + Self.longestTurn {
            return "\(flowing) uL/min in state \(state), beyond the ramp for \(names)"
        }
        return nil
    }
}
