import Agent
import Quantities
import RunLog

/// Shows a campaign as it runs, from its own records: one live line on a terminal, one line per
/// event where a log reads.
final class Progress: RecordObserver {
    private let terminal: Bool
    private let runs: Int
    private let batch: Int
    private let dropletsWanted: Int
    private var run = 0
    private var condition = 0
    private var droplets = 0
    private var done = 0
    private var best: (loss: Double, condition: Int)?
    private var firstConditionAt: Instant?
    private var lastShown = ""

    init(terminal: Bool, runs: Int, batch: Int, dropletsWanted: Int) {
        self.terminal = terminal
        self.runs = runs
        self.batch = batch
        self.dropletsWanted = dropletsWanted
    }

    func observe(_ record: Record) {
        switch record.body {
        case .start(let version, _, let seed, let continues):
            say("argent \(version), seed \(seed)" + (continues ? ", going on" : ""))
        case .decision(let decision): show(decision)
        case .recipe(let run, let condition, let attempt, let values):
            self.run = run
            self.condition = condition
            droplets = 0
            if firstConditionAt == nil { firstConditionAt = record.at }
            if !terminal {
                let again = attempt > 1 ? " (try \(attempt))" : ""
                say("condition \(condition)\(again): " + values.map(short).joined(separator: "  "))
            }
        case .droplet: droplets += 1
        case .conditionEnd(let end): show(end)
        case .fault(let kind, let text, _): say("FAULT \(kind): \(text)")
        case .operatorAction(let kind, let text): say("operator: \(kind) \(text)")
        case .event(let kind, let text): if Self.worthALine.contains(kind) { say(text) }
        case .stop(let reason): say("stopped: \(reason)")
        case .clockStep(let step): say("the time of day jumped by \(Double(step) / 1e9) s")
        case .configuration, .setpoints, .readings, .spectra: break
        }
        if terminal { live(at: record.at) }
    }

    /// Ends the live line.
    func finish() {
        if terminal, !lastShown.isEmpty { Output.raw("\r\u{1B}[K") }
        lastShown = ""
    }

    /// Events that deserve a line of their own; the others are in the log.
    private static let worthALine: Set<String> = [
        "hold", "bounds", "recovery", "line", "setpoint", "given-up", "inconsistent",
    ]

    private func show(_ decision: DecisionRecord) {
        run = decision.run
        var text = "run \(decision.run): \(decision.recipes.count) recipes by \(decision.method)"
        if let best { text += ", best so far \(short(best.loss))" }
        say(text)
    }

    private func show(_ end: ConditionRecord) {
        guard let loss = end.medianLoss else {
            say("condition \(end.condition) \(end.outcome): \(end.reason)")
            return
        }
        done += 1
        let isBest = best.map { loss < $0.loss } ?? true
        if isBest { best = (loss, end.condition) }
        if !terminal {
            say(
                "condition \(end.condition): loss \(short(loss)) over \(end.droplets) droplets"
                    + (isBest ? ", the best so far" : ""))
        }
    }

    private func say(_ text: String) {
        if terminal { Output.raw("\r\u{1B}[K") }
        lastShown = ""
        Output.line(text)
    }

    private func live(at now: Instant) {
        guard run > 0 else { return }
        let inRun = condition > 0 ? (condition - 1) % batch + 1 : 0
        var text = "run \(run)/\(runs)  condition \(inRun)/\(batch)"
        text += "  droplets \(droplets)/\(dropletsWanted)"
        if let best { text += "  best \(short(best.loss)) (condition \(best.condition))" }
        if let firstConditionAt, done > 0 {
            let pace = (now - firstConditionAt).seconds / Double(done)
            text += "  \(duration(pace * Double(max(0, runs * batch - done)))) of rig time left"
        }
        guard text != lastShown else { return }
        lastShown = text
        Output.raw("\r\u{1B}[K" + text)
    }
}

/// A number with four significant digits at most.
func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    var scale = 1.0
    while abs(value) * scale < 1_000, scale < 1e9 { scale *= 10 }
    let text = "\((value * scale).rounded() / scale)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// Seconds as a person says them.
func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = Int(seconds.rounded())
    func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
    if whole >= 86_400 { return "\(whole / 86_400) d \(whole % 86_400 / 3_600) h" }
    if whole >= 3_600 { return "\(whole / 3_600):\(two(whole % 3_600 / 60)) h" }
    return "\(whole / 60):\(two(whole % 60)) min"
}
