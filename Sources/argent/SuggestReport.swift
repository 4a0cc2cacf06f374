import Agent
import Campaign
import Configuration

/// What `argent suggest` says: recipes for programs on standard output, what they rest on for
/// people on standard error.
struct SuggestReport {
    let variables: [VariableSettings]
    let isQuiet: Bool

    /// Rows named in a message at most.
    private static let namedRows = 5

    /// `recipes` as CSV, the names of the variables first.
    static func table(_ recipes: [[Double]], _ variables: [VariableSettings]) -> String {
        var text = variables.map { TableFile.field($0.name) }.joined(separator: ",") + "\n"
        for recipe in recipes {
            text += recipe.map(TableFile.exact).joined(separator: ",") + "\n"
        }
        return text
    }

    func say(_ text: String) {
        if !isQuiet { Output.error(plain(text)) }
    }

    /// What a decision rests on.
    func say(_ decision: Decision, history: HistoryTable?, limits: Bool) {
        guard !isQuiet else { return }
        guard let history, decision.method != .latinHypercube else {
            let points = decision.recipes.count == 1 ? "recipe" : "recipes"
            say("\(decision.recipes.count) \(points) by latin-hypercube: no model, evenly spread")
            return
        }
        say(basis(history) + "; \(decision.recipes.count) recipes by \(decision.method.rawValue)")
        var values: [String: Double] = [:]
        for value in decision.model { values[value.name] = value.value }
        if let best = values["bestPredicted"] {
            say("the model expects \(short(best)) of the best recipe made so far")
        }
        for number in 1...max(1, decision.recipes.count) {
            guard let loss = values["predictedLoss.\(number)"],
                let gain = values["expectedImprovement.\(number)"]
            else { continue }
            say(
                "  recipe \(number): predicted loss \(short(loss)), "
                    + "expected improvement \(short(gain))")
        }
        edges(decision.recipes, decision.bounds, limits: limits)
    }

    /// What a choice from a pool rests on.
    func say(_ choice: PoolChoice, _ table: DataTable, history: HistoryTable?, batch: Int) {
        if let history {
            say(basis(history) + "; \(choice.items.count) rows by expected improvement")
        } else {
            say("\(choice.items.count) rows, evenly spread: no model without --history")
        }
        if let best = choice.bestPredicted {
            say("the model expects \(short(best)) of the best recipe made so far")
        }
        for item in choice.items {
            guard let loss = item.predictedLoss, let gain = item.expectedImprovement else {
                continue
            }
            say(
                "  line \(table.line(of: item.row)): predicted loss \(short(loss)), "
                    + "expected improvement \(short(gain))")
        }
        if choice.items.count < batch {
            say("only \(choice.items.count) of \(batch): the pool has no more")
        }
    }

    /// What of a pool cannot be chosen.
    func say(_ pool: RecipePool, _ table: DataTable) {
        if pool.known > 0 { say("\(pool.known) rows of the pool are in the history already") }
        if pool.repeated > 0 { say("\(pool.repeated) rows of the pool repeat earlier ones") }
        guard !pool.impossible.isEmpty else { return }
        let lines = pool.impossible.prefix(Self.namedRows).map { "\(table.line(of: $0))" }
        let more = pool.impossible.count > Self.namedRows ? ", …" : ""
        say(
            "\(pool.impossible.count) rows of the pool are beyond the limits or hold too much "
                + "reagent, and are left out: line \(lines.joined(separator: ", "))\(more)")
    }

    private func basis(_ history: HistoryTable) -> String {
        var best = 0
        for row in history.losses.indices where history.losses[row] < history.losses[best] {
            best = row
        }
        return "\(history.count) recipes known, least loss \(short(history.losses[best])) "
            + "(line \(history.lines[best]))"
    }

    /// Which bounds the recipes pile up on: there may be better ones beyond.
    private func edges(_ recipes: [[Double]], _ bounds: RecipeBounds, limits: Bool) {
        for (index, variable) in variables.enumerated() where variable.high > variable.low {
            for (bound, name) in [(bounds.lows[index], "low"), (bounds.highs[index], "high")] {
                let count = recipes.count { $0[index] == bound }
                guard count * 3 >= recipes.count else { continue }
                var text = "\(count) of \(recipes.count) recipes lie on the \(name) bound of "
                text += "\(variable.name), \(short(bound))"
                let canWiden =
                    !limits
                    && (name == "low" ? variable.lowLimit < bound : variable.highLimit > bound)
                say(text + (canWiden ? "; --limits searches up to its limits" : ""))
            }
        }
    }
}
