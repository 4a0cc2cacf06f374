import Configuration
import Quantities

/// A row of the interlock matrix whose reaction is in force: the facts, and on demand the words.
/// Making and copying one takes no memory.
public struct Fault: Equatable, Sendable {
    /// The table, which is never copied.
    let rows: [ReactionRow]
    /// The place of the row in it.
    let place: Int
    /// The row's state when the fault was noted.
    let cell: Interlocks.Cell

    /// The row.
    var row: ReactionRow { rows[place] }
    /// What is wrong.
    public var hazard: Hazard { row.hazard }
    /// Whose; empty for the rig's own.
    public var subject: String { row.subject }
    /// Whether it stays until an operator clears it.
    public var latching: Bool { row.release == .operator || cell.isLatched }
    /// Whether the cause is still there. A fault that is active cannot be cleared.
    public var active: Bool { cell.phase == .tripped }
    /// Since when it is as it is.
    public var since: Instant { cell.since }
    /// What is done because of it.
    public var reactions: Reactions { row.reactions }
    /// The short name of the hazard for logs and programs.
    public var kind: String { hazard.rawValue }
    /// What happened with value and limit, what was done, and what to do about it.
    public var text: String { "\(what); \(row.answer); \(todo)" }
}

extension Interlocks {
    /// Whether a row's reaction is in force.
    func isInForce(_ row: Int) -> Bool {
        cells[row].phase == .tripped || cells[row].phase == .recovered
    }

    /// The faults in force, oldest first.
    public var faults: [Fault] {
        var faults: [Fault] = []
        appendFaults(to: &faults, limit: .max)
        return faults
    }

    /// Appends the faults in force to `faults`, oldest first, until it holds `limit`. Takes no
    /// memory where there is room for them.
    public func appendFaults(to faults: inout [Fault], limit: Int) {
        // Every trip has a number of its own, so that the next is found without a sorted list.
        var told = 0
        while faults.count < limit {
            var next: Int?
            for row in cells.indices where isInForce(row) && cells[row].order > told {
                if let best = next, cells[best].order < cells[row].order { continue }
                next = row
            }
            guard let next else { return }
            told = cells[next].order
            faults.append(fault(next))
        }
    }

    /// The fault in force that came last; nil: there is none.
    var latestFault: Fault? {
        var last: Int?
        for row in cells.indices where isInForce(row) {
            if let best = last, cells[best].order > cells[row].order { continue }
            last = row
        }
        return last.map(fault)
    }

    /// The row as a fault, whether it is in force or not.
    public func fault(_ row: Int) -> Fault { Fault(rows: rows, place: row, cell: cells[row]) }
}

/// The words.
extension Fault {
    /// What became of it, for people.
    func text(of change: InterlockChange.Kind) -> String {
        let title = row.hazard.rawValue + (row.subject.isEmpty ? "" : " \(row.subject)")
        switch change {
        case .tripped, .latched: return text
        case .recovered: return "\(title): in order again"
        case .released: return "\(title): \(row.answer) is over"
        }
    }

    /// What happened, with value and limit.
    private var what: String {
        let row = row
        let name = row.subject
        let detail = cell.detail.isEmpty ? "" : ": \(cell.detail)"
        switch row.hazard {
        case .interlock: return "interlock \(name) says danger"
        case .unreadable: return "interlock \(name) cannot be read\(detail)"
        case .outOfRange, .pressure, .temperature, .leak: return limitText
        case .staleReading:
            return "\(name) was last heard \(shown(cell.value, "s")) ago, "
                + "limit \(shown(row.delay.seconds, "s"))"
        case .flowDeviation:
            return "\(name) \(flowText), permitted "
                + "\(shown(row.tolerance * 100, "%")) and \(shown(row.slack, "uL/min"))"
        case .noFlow:
            return "\(name) \(flowText): the pumps say that they run, and nothing flows"
        case .volumeDeviation:
            let (is_, than) =
                row.isSensor
                ? ("measured", "the pumps counted") : ("counted by the pump", "was commanded")
            return "\(name): \(shown(cell.value, "uL")) \(is_) where "
                + "\(shown(cell.limit, "uL")) \(than), permitted "
                + "\(shown(row.tolerance * 100, "%")) and \(shown(row.slack, "uL"))"
        case .pumpAlarm: return "\(name) stopped by itself\(detail)"
        case .pumpDisobedient, .noSpectra, .reference, .stepTime, .log:
            return cell.detail.description
        case .instrumentAbsent: return "\(name) is not found\(detail)"
        case .instrumentLost: return "\(name) is lost\(detail)"
        case .logBudget: return "the space for records runs out\(detail)"
        case .heartbeat: return "the heartbeat of the pumps' relay stopped\(detail)"
        case .clockStep: return "the time of day jumped by \(shown(cell.value, "s"))"
        }
    }

    private var limitText: String {
        let unit = row.measure?.unit ?? ""
        let what = "\(row.measure?.rawValue ?? "value") of \(row.subject)"
        guard cell.value.isFinite else {
            let above = row.above.map { "above \(shown($0, unit))" }
            let below = row.below.map { "below \(shown($0, unit))" }
            let limits = [below, above].compactMap { $0 }.joined(separator: " or ")
            return "no \(what), which must not be \(limits)"
        }
        let side = row.above == cell.limit ? "above" : "below"
        let lasting = row.delay > .zero ? " for \(shown(row.delay.seconds, "s"))" : ""
        let leak = row.hazard == .leak ? "leak: " : ""
        return "\(leak)\(what) is \(shown(cell.value, unit)), \(side) "
            + "\(shown(cell.limit, unit))\(lasting)"
    }

    private var flowText: String {
        guard cell.value.isFinite else { return "says nothing" }
        return "measures \(shown(cell.value, "uL/min")) where \(shown(cell.limit, "uL/min")) "
            + "is commanded"
    }

    /// What a person is to do.
    private var todo: String {
        let row = row
        guard row.reactions != .report else { return "\(row.hazard.remedy), nothing was stopped" }
        if cell.isLatched {
            return "it came back \(Interlocks.releaseLimit) times in "
                + "\(shown(Interlocks.releaseWindow.seconds / 60, "min")): "
                + "\(row.hazard.remedy), then `argent clear`"
        }
        if row.release == .operator { return "\(row.hazard.remedy), then `argent clear`" }
        let after =
            row.releaseAfter > .zero ? " \(shown(row.releaseAfter.seconds, "s")) after it" : ""
        return "\(row.hazard.remedy); it goes on by itself\(after)"
    }
}

extension ReactionRow {
    /// What is done, for people.
    public var answer: String {
        reactions.list.map { name in
            name == "ramp-down" ? "\(name) in \(shown(rampTime.seconds, "s"))" : name
        }.joined(separator: ", ")
    }
}

extension Hazard {
    /// What a person looks at.
    public var remedy: String {
        switch self {
        case .interlock: "put in order what it guards"
        case .unreadable: "check its line and chip with gpioinfo"
        case .outOfRange: "bring it back within its limits, or check the sensor"
        case .pressure: "look for a blocked channel or a closed valve"
        case .temperature: "let it come back within its limits"
        case .leak: "find where the liquid comes from, dry the sensor"
        case .staleReading: "check its cable and power"
        case .flowDeviation: "look for leaks, bubbles and blocked tubes"
        case .noFlow: "free the pump: syringe, pusher block, blocked tube"
        case .volumeDeviation: "look at the syringe and its holder"
        case .pumpAlarm: "look at the pump's display"
        case .pumpDisobedient: "look at the pump's display and its cable"
        case .instrumentAbsent, .instrumentLost: "check cable, power and port"
        case .noSpectra: "check the spectrometer"
        case .reference: "look for droplets, lamp and fibre"
        case .stepTime: "see the log for what it waited for"
        case .log: "make room or mend the disk"
        case .logBudget: "let the workstation fetch the log, or enlarge the budget"
        case .heartbeat: "see the log for the check that failed"
        case .clockStep: "see whether the clock's source is right"
        }
    }
}

/// A number with its unit, to four digits at most.
func shown(_ value: Double, _ unit: String) -> String {
    guard value.isFinite else { return "?" }
    let size = value.magnitude
    let scale = size >= 1_000 ? 1 : size >= 100 ? 10 : size >= 1 ? 100 : 10_000.0
    let rounded = (value * scale).rounded() / scale
    guard size < 1e15 else { return "\(value) \(unit)" }
    let text =
        rounded == rounded.rounded() ? "\(Int64(rounded))" : "\(rounded)"
    return unit.isEmpty ? text : "\(text) \(unit)"
}

/// The faults that keep the rig from running, at most one per row of the table.
public struct Faults: Equatable, Sendable {
    /// All of them, oldest first.
    public let all: [Fault]

    /// Whether nothing keeps the rig from running.
    public var isEmpty: Bool { all.isEmpty }
}
