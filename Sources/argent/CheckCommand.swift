import Agent
import Configuration
import Export

/// `argent check`: what is wrong with a configuration, or what it means.
enum CheckCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "check", flags: ["json", "interlocks"], positional: 1)
        guard let path = arguments.positional.first else {
            throw CommandFailure(.usage, "use: argent check FILE [--interlocks] [--json]")
        }
        let file = try ConfigurationFile(path: path)
        var problems = file.reading.problems
        if file.reading.settings != nil { problems += try file.fileProblems() }
        problems += file.permissionProblems
        if arguments.flags.contains("json") {
            let table = arguments.flags.contains("interlocks") ? file.reading.settings : nil
            Output.line(json(problems, table, file.reading.places))
        } else if !problems.isEmpty {
            Output.raw(ProblemReport.text(problems, sources: file.sources))
        }
        guard !problems.contains(where: { $0.severity == .error }) else {
            throw CommandFailure(.badInput, "\(path) has errors")
        }
        let settings = try file.settings()
        guard !arguments.flags.contains("json") else { return }
        if arguments.flags.contains("interlocks") {
            Output.raw(ReactionText.table(settings, file.reading.places))
        } else {
            Output.raw(meaning(of: settings))
        }
    }

    private static func json(
        _ problems: [ConfigurationProblem], _ table: Settings?, _ places: SettingsPlaces
    ) -> String {
        JSONText.object { json in
            if let table { ReactionText.json(table, places, &json) }
            json.key("problems")
            json.array { list in
                for problem in problems {
                    list.object {
                        $0.member("severity", problem.severity.rawValue)
                        $0.member("file", problem.place.file)
                        $0.member("line", problem.place.line)
                        $0.member("column", problem.place.column)
                        $0.member("message", problem.message)
                        $0.member("hint", problem.hint)
                    }
                }
            }
        }
    }

    private static func meaning(of settings: Settings) -> String {
        let campaign = settings.campaign
        var text = "\(campaign.name): \(counted(campaign.runs, "run")) of "
        text += "\(counted(campaign.batch, "condition")), seed \(campaign.seed), "
        text += "until a loss below \(short(campaign.lossThreshold))\n"
        let wanted = campaign.targetPath.isEmpty ? "the built-in prism" : campaign.targetPath
        text += "  wanted spectrum: \(wanted)\n"
        for variable in settings.variables {
            text += "  \(variable.name): \(short(variable.low)) to \(short(variable.high)) "
            text += variable.unit
            let low = min(variable.low, variable.lowLimit)
            let high = max(variable.high, variable.highLimit)
            if low < variable.low || high > variable.high {
                text += ", may widen to \(short(low)) to \(short(high))"
            }
            text += "\n"
        }
        for pump in settings.pumps {
            let limits = pump.rateLimits
            text += "  pump \(pump.name): \(pump.dialect.rawValue) at \(pump.port), "
            if pump.dialect == .stepper {
                text += "step \(pump.stepper.stepLine), "
                text += "\(short(pump.stepper.stepsPerMicroliter)) steps per uL, "
            } else {
                text += "address \(pump.address), "
            }
            text += "\(short(limits.lowerBound.microlitersPerMinute)) to "
            text += "\(short(limits.upperBound.microlitersPerMinute)) uL/min"
            if pump.dialect == .newEra, pump.framing == .safe {
                text += ", stops by itself after \(short(pump.deadMan.seconds)) s of silence"
            }
            text += "\n"
        }
        text += "  spectrometer at \(settings.spectrometer.port)\n"
        for interlock in settings.interlocks {
            text += "  interlock \(interlock.name): \(interlock.chipLabel) \(interlock.line), "
            text += "danger when \(interlock.activeLow ? "low" : "high")"
            text += interlock.latching ? ", needs `argent clear`\n" : ", releases by itself\n"
        }
        text += DeviceMeaning.text(settings)
        text += "  log in \(settings.log.directory), control at \(settings.control.socket)\n"
        return text
    }

    private static func counted(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)" + (number == 1 ? "" : "s")
    }
}
