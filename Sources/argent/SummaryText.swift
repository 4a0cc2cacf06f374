import Agent
import Configuration
import Export

/// What came of a campaign, for people and for programs.
enum SummaryText {
    static func table(_ summary: Summary, settings: Settings, seconds: Double) -> String {
        var text = "\n"
        text += pad("run", 5) + pad("method", 20) + pad("conditions", 12)
        text += pad("best loss", 11) + pad("median", 9) + "best so far\n"
        for run in summary.runs {
            let failed = run.failed > 0 ? " (\(run.failed) failed)" : ""
            text += pad("\(run.run)", 5) + pad(run.method, 20)
            text += pad("\(run.complete)\(failed)", 12) + pad(number(run.bestLoss), 11)
            text += pad(number(run.medianLoss), 9) + number(run.bestSoFar) + "\n"
        }
        if summary.runs.isEmpty { text += "no run was decided\n" }
        text += comparison(summary) + "\n"
        if let best = summary.best {
            text += "best: condition \(best.condition), loss \(number(best.loss))\n"
            for (variable, value) in zip(settings.variables, best.recipe) {
                text += "  " + pad(variable.name, 10) + short(value) + " " + variable.unit + "\n"
            }
        }
        text += "ended: \(summary.ending)\n"
        text += "\(summary.droplets) droplets in \(duration(summary.rigSeconds)) of rig time"
        if seconds > 0 {
            let ratio = Int((summary.rigSeconds / seconds).rounded())
            text += ", \(short(seconds)) s here (\(ratio) times real speed)"
        }
        text += "\nlog: \(summary.logPath)\nsha256: \(summary.logSHA256)\n"
        return text
    }

    /// The proposers side by side in every run that had more than one; empty when none had.
    private static func comparison(_ summary: Summary) -> String {
        var text = ""
        for run in summary.runs {
            let rows = summary.proposers.filter { $0.run == run.run }
            guard rows.count > 1 else { continue }
            if text.isEmpty {
                text = "\n" + pad("run", 5) + pad("proposed by", 20) + pad("conditions", 12)
                text += pad("best loss", 11) + "median\n"
            }
            for row in rows {
                text += pad("\(run.run)", 5) + pad(row.name, 20) + pad("\(row.complete)", 12)
                text += pad(short(row.bestLoss), 11) + short(row.medianLoss) + "\n"
            }
        }
        return text
    }

    static func json(_ summary: Summary, settings: Settings, seconds: Double) -> String {
        JSONText.object { json in
            json.key("runs")
            json.array { list in
                for run in summary.runs {
                    list.object {
                        run.write(to: &$0)
                        $0.member("best_so_far", run.bestSoFar)
                    }
                }
            }
            json.key("proposers")
            json.array { list in
                for row in summary.proposers {
                    list.object {
                        $0.member("run", row.run)
                        $0.member("proposer", row.name)
                        $0.member("complete", row.complete)
                        $0.member("best_loss", row.bestLoss)
                        $0.member("median_loss", row.medianLoss)
                    }
                }
            }
            json.member("best_condition", summary.best?.condition)
            json.member("best_loss", summary.best?.loss)
            json.key("best_recipe")
            json.object { recipe in
                guard let best = summary.best else { return }
                for (variable, value) in zip(settings.variables, best.recipe) {
                    recipe.member(variable.name, value)
                }
            }
            json.member("droplets", summary.droplets)
            json.member("rig_seconds", summary.rigSeconds)
            json.member("seconds", seconds)
            json.member("ending", summary.ending)
            json.member("complete", summary.isComplete)
            json.member("log", summary.logPath)
            json.member("sha256", summary.logSHA256)
        }
    }

    private static func number(_ value: Double?) -> String { value.map(short) ?? "-" }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
