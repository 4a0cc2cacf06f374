import Configuration
import Quantities

/// A row of the interlock matrix whose reaction is in force, for people.
public struct Fault: Equatable, Sendable {
    /// What is wrong.
    public var hazard: Hazard
    /// Whose; empty for the rig's own.
    public var subject: String
    /// What happened with value and limit, what was done, and what to do about it.
    public var text: String
    /// Whether it stays until an operator clears it.
    public var latching: Bool
    /// Whether the cause is still there. A fault that is active cannot be cleared.
    public var active: Bool
    /// Since when it is as it is.
    public var since: Instant
    /// What is done because of it.
    public var reactions: Reactions

    /// The short name of the hazard for logs and programs.
    public var kind: String { hazard.rawValue }
}

extension Interlocks {
    /// The faults in force, oldest first.
    public var faults: [Fault] {
        cells.indices
            .filter { cells[$0].phase == .tripped || cells[$0].phase == .recovered }
            .sorted { cells[$0].order < cells[$1].order }
            .map(fault)
    }

    /// The row as a fault, whether it is in force or not.
    public func fault(_ row: Int) -> Fault {
        let cell = cells[row]
        return Fault(
            hazard: rows[row].hazard, subject: rows[row].subject, text: text(row),
            latching: rows[row].release == .operator || cell.isLatched,
            active: cell.phase == .tripped, since: cell.since, reactions: rows[row].reactions)
    }

    /// What happened, what was done, what to do.
    func text(_ row: Int) -> String {
        "\(what(row)); \(rows[row].answer); \(todo(row))"
    }

    /// What happened, with value and limit.
    func what(_ index: Int) -> String {
        let row = rows[index]
        let cell = cells[index]
        let name = row.subject
        let detail = cell.detail.isEmpty ? "" : ": \(cell.detail)"
        switch row.hazard {
        case .interlock: return "interlock \(name) says danger"
        case .unreadable: return "interlock \(name) cannot be read\(detail)"
        case .outOfRange, .pressure, .temperature, .leak: return limitText(row, cell)
        case .staleReading:
            return "\(name) was last heard \(shown(cell.value, "s")) ago, "
                + "limit \(shown(row.delay.seconds, "s"))"
        case .flowDeviation:
            return "\(name) \(flowText(cell)), permitted "
                + "\(shown(row.tolerance * 100, "%")) and \(shown(row.slack, "uL/min"))"
        case .noFlow:
            return "\(name) \(flowText(cell)): the pumps say that they run, and nothing flows"
        case .volumeDeviation:
            let (is_, than) =
                row.isSensor
                ? ("measured", "the pumps counted") : ("counted by the pump", "was commanded")
            return "\(name): \(shown(cell.value, "uL")) \(is_) where "
                + "\(shown(cell.limit, "uL")) \(than), permitted "
                + "\(shown(row.tolerance * 100, "%")) and \(shown(row.slack, "uL"))"
        case .pumpAlarm: return "\(name) stopped by itself\(detail)"
        case .pumpDisobedient, .noSpectra, .reference, .stepTime, .log: return cell.detail
        case .instrumentAbsent: return "\(name) is not found\(detail)"
        case .instrumentLost: return "\(name) is lost\(detail)"
        case .logBudget: return "the space for records runs out\(detail)"
        case .heartbeat: return "the heartbeat of the pumps' relay stopped\(detail)"
        case .clockStep: return "the time of day jumped by \(shown(cell.value, "s"))"
        }
    }

    private func limitText(_ row: ReactionRow, _ cell: Cell) -> String {
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

    private func flowText(_ cell: Cell) -> String {
        guard cell.value.isFinite else { return "says nothing" }
        return "measures \(shown(cell.value, "uL/min")) where \(shown(cell.limit, "uL/min")) "
            + "is commanded"
    }

    /// What a person is to do.
    private func todo(_ index: Int) -> String {
        let row = rows[index]
        guard row.reactions != .report else { return "\(row.hazard.remedy), nothing was stopped" }
        if cells[index].isLatched {
            return "it came back \(Self.releaseLimit) times in "
                + "\(shown(Self.releaseWindow.seconds / 60, "min")): \(row.hazard.remedy), then "
                + "`argent clear`"
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
