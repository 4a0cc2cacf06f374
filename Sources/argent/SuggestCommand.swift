import Agent
import Campaign
import Configuration

/// `argent suggest`: the next recipes for what is made anywhere, from a table of what was made.
enum SuggestCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "suggest",
            options: ["config", "history", "batch", "seed", "pool", "method"],
            flags: ["limits", "median", "quiet"])
        guard let path = arguments.values["config"] else {
            throw CommandFailure(
                .usage, "use: argent suggest --config C [--history H.csv] [--batch N] [--seed N]")
        }
        let batch = try arguments.integer("batch")
        let seed = try arguments.seed("seed")
        if let batch, batch > Planner.batchLimit {
            throw CommandFailure(
                .usage, "--batch \(batch): at most \(Planner.batchLimit) recipes at once")
        }
        let method = try method(arguments)
        let file = try ConfigurationFile(path: path, for: .recipes)
        let settings = try file.settings()
        if !file.reading.problems.isEmpty { Output.error(file.report) }
        let adviser = BatchAdviser(
            settings: settings, batch: batch ?? settings.campaign.batch,
            seed: seed ?? settings.campaign.seed,
            room: arguments.flags.contains("limits") ? .limits : .bounds)
        let report = SuggestReport(
            variables: settings.variables, isQuiet: arguments.flags.contains("quiet"))
        let history = try history(arguments, file, settings, report)
        if let poolPath = arguments.values["pool"] {
            guard method == nil else {
                throw CommandFailure(.usage, "--method does not go with --pool")
            }
            try choose(
                from: poolPath, history, adviser, settings, report,
                batch: batch ?? settings.campaign.batch)
            return
        }
        do throws(PlannerError) {
            let known = method == .latinHypercube ? nil : history
            let decision: Decision
            if let known {
                decision = try adviser.advise(known)
            } else {
                decision = try adviser.design()
            }
            Output.raw(SuggestReport.table(decision.recipes, settings.variables))
            report.say(decision, history: known, limits: arguments.flags.contains("limits"))
        } catch { throw CommandFailure(.badInput, "\(path): \(error)") }
    }

    private static func method(
        _ arguments: Arguments
    ) throws(CommandFailure) -> Decision.Method? {
        guard let text = arguments.values["method"] else { return nil }
        guard let method = Decision.Method(rawValue: text) else {
            let known = Decision.Method.allCases.map(\.rawValue)
            let near = Suggestion.nearest(to: text, among: known)
            throw CommandFailure(
                .usage,
                "--method \(text): "
                    + (near.map { "did you mean \($0)?" }
                        ?? "known: \(known.joined(separator: ", "))"))
        }
        if method != .latinHypercube, arguments.values["history"] == nil {
            throw CommandFailure(.usage, "--method \(text) needs --history H.csv")
        }
        return method
    }

    /// What --history holds, its losses known; nil without one.
    private static func history(
        _ arguments: Arguments, _ file: ConfigurationFile, _ settings: Settings,
        _ report: SuggestReport
    ) throws(CommandFailure) -> HistoryTable? {
        guard let path = arguments.values["history"] else { return nil }
        let table = try TableFile.read(path, rowLimit: HistoryTable.rowLimit)
        var history = try TableFile.naming { () throws(TableError) in
            try HistoryTable(table, variables: settings.variables)
        }
        if history.losses.isEmpty, history.count > 0 {
            let (name, target) = try file.target(settings)
            try TableFile.naming { () throws(TableError) in
                try history.computeLosses(target: target, settings: settings.loss)
            }
            report.say(
                "losses computed from \(history.wavelengths.count) wavelengths against \(name)")
        } else if history.wavelengths.count >= 2 {
            report.say("the column loss counts, the spectra beside it do not")
        }
        if arguments.flags.contains("median") {
            let before = history.count
            history.joinEqualRecipes()
            report.say("\(before) rows are \(history.count) recipes, each with its median loss")
        }
        guard history.count >= BatchAdviser.leastHistory else {
            let rows = history.count == 1 ? "1 recipe" : "\(history.count) recipes"
            throw CommandFailure(
                .badInput,
                "\(path): \(rows); at least \(BatchAdviser.leastHistory) are needed: leave "
                    + "--history out for a Latin hypercube to begin with")
        }
        guard history.count <= Planner.observationLimit else {
            throw CommandFailure(
                .badInput,
                "\(path): \(history.count) rows; at most \(Planner.observationLimit) can be "
                    + "planned with: leave some out, or take the medians of equal recipes with "
                    + "--median")
        }
        return history
    }

    private static func choose(
        from path: String, _ history: HistoryTable?, _ adviser: BatchAdviser,
        _ settings: Settings, _ report: SuggestReport, batch: Int
    ) throws(CommandFailure) {
        let table = try TableFile.read(path, rowLimit: RecipePool.rowLimit)
        let pool = try TableFile.naming { () throws(TableError) in
            try RecipePool(table, settings: settings, history: history)
        }
        report.say(pool, table)
        guard !pool.candidates.isEmpty else {
            throw CommandFailure(
                pool.known > 0 ? .failure : .badInput,
                "\(path): no row is left to choose"
                    + (pool.known > 0 ? ": what can be made is in the history already" : ""))
        }
        let choice: PoolChoice
        do throws(PlannerError) { choice = try adviser.choose(from: pool, history) } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
        var text = table.header + "\n"
        for item in choice.items { text += table.text(of: item.row) + "\n" }
        Output.raw(text)
        report.say(choice, table, history: history, batch: batch)
    }
}
