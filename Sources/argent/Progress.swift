import Agent
import Quantities
import RunLog
import World

/// Shows a campaign as it runs, from its own records: one live line on a terminal, one line per
/// event where a log reads.
final class Progress: RecordObserver {
    private let terminal: Bool
    private let runs: Int
    private let batch: Int
    private let dropletsWanted: Int
    private let waits: Bool
    private var hidden = 0
    private var run = 0
    private var condition = 0
    private var droplets = 0
    /// Conditions with data: of this process, and of those before it.
    private var done = 0
    private var doneBefore = 0
    private var best: (loss: Double, condition: Int)?
    private var firstConditionAt: Instant?
    private var lastShown = ""
    private var ending: String?

    /// With `waits` every line is written, however long the reader takes; without it a line
    /// that nobody takes at once (a stopped terminal, a full pipe) is left out and counted, so
    /// that no reader can hold up the log.
    init(terminal: Bool, runs: Int, batch: Int, dropletsWanted: Int, waits: Bool) {
        self.waits = waits
        self.terminal = terminal
        self.runs = runs
        self.batch = batch
        self.dropletsWanted = dropletsWanted
    }

    func takeUp(done: Int, best: (condition: Int, loss: Double)?) {
        doneBefore = done
        self.best = best.map { ($0.loss, $0.condition) }
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
        case .fault(let kind, let text, _): say("FAULT \(kind): \(text) (see `argent status`)")
        case .operatorAction(let kind, let text):
            say("operator: \(kind)" + (text.isEmpty ? "" : ", \(text)"))
        case .event("finished", let text):
            ending = text
            say(text)
        case .event(let kind, let text):
            if !Self.everyday.contains(kind), text != ending { say(text) }
        case .stop(let reason): say(reason == ending ? "pumps stopped" : "stopped: \(reason)")
        case .clockStep(let step):
            say("the time of day jumped by \(short(Double(step) / 1e9)) s")
        case .configuration, .setpoints, .readings, .spectra, .spectraBlock: break
        }
        if terminal { live(at: record.at) }
    }

    /// Ends the live line.
    func finish() {
        if terminal, !lastShown.isEmpty { put("\r\u{1B}[K") }
        lastShown = ""
    }

    private func put(_ text: String) {
        guard !waits else {
            Output.raw(text)
            return
        }
        guard Output.isReady else {
            hidden += 1
            return
        }
        if hidden > 0 {
            let lines = hidden == 1 ? "line" : "lines"
            Output.raw("(\(hidden) \(lines) left out: nobody read them; all is in the log)\n")
            hidden = 0
        }
        Output.raw(text)
    }

    /// Events of every day: they are in the log, and what counts of them in `argent status`. All
    /// others get a line, those of hazards above all, whatever their names.
    private static let everyday: Set<String> = [
        "state", "ready", "identified", "target", "reference", "trial", "missed-turns",
        // Told with their urgency by whoever found them.
        "configuration-doubt", "configuration-changed", "reload-refused", "last-good",
        "droplet-rejected", "droplet-flagged", "droplets-flagged", "ended-early",
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
        lastShown = ""
        put((terminal ? "\r\u{1B}[K" : "") + plain(text) + "\n")
    }

    private func live(at now: Instant) {
        guard run > 0 else { return }
        let inRun = condition > 0 ? (condition - 1) % batch + 1 : 0
        var text = "run \(run)/\(runs)  condition \(inRun)/\(batch)"
        text += "  droplets \(droplets)/\(dropletsWanted)"
        if let best { text += "  best \(short(best.loss)) (condition \(best.condition))" }
        if let firstConditionAt, done > 0 {
            let pace = (now - firstConditionAt).seconds / Double(done)
            let left = pace * Double(max(0, runs * batch - doneBefore - done))
            text += "  \(duration(left)) left"
        }
        guard text != lastShown else { return }
        lastShown = text
        put("\r\u{1B}[K" + String(text.prefix(max(20, Terminal.columns - 1))))
    }
}
