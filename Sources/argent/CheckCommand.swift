import Agent
import Configuration

/// `argent check`: what is wrong with a configuration, or what it means.
enum CheckCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(words, verb: "check", flags: ["json"], positional: 1)
        guard let path = arguments.positional.first else {
            throw CommandFailure(.usage, "use: argent check FILE")
        }
        let file = try ConfigurationFile(path: path)
        let problems = file.reading.problems
        if arguments.flags.contains("json") {
            Output.line(json(problems))
        } else if !problems.isEmpty {
            Output.raw(file.report + (file.report.hasSuffix("\n") ? "" : "\n"))
        }
        guard let settings = file.reading.settings else {
            throw CommandFailure(.badInput, "\(path) has errors")
        }
        // What only the files it names can tell.
        _ = try file.job()
        if !arguments.flags.contains("json") { Output.raw(meaning(of: settings)) }
    }

    private static func json(_ problems: [ConfigurationProblem]) -> String {
        JSONText.object { json in
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
        var text = "\(campaign.name): \(campaign.runs) runs of \(campaign.batch) conditions, "
        text += "seed \(campaign.seed), until a loss below \(short(campaign.lossThreshold))\n"
        for variable in settings.variables {
            let unit = variable.kind == .totalFlow ? "uL/min" : "%"
            text += "  \(variable.name): \(short(variable.low)) to \(short(variable.high)) \(unit)"
            text += ", may widen to \(short(variable.lowLimit)) to \(short(variable.highLimit))\n"
        }
        for pump in settings.pumps {
            let limits = pump.rateLimits
            text += "  pump \(pump.name): \(pump.dialect.rawValue) at \(pump.port) address "
            text += "\(pump.address), \(short(limits.lowerBound.microlitersPerMinute)) to "
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
        text += "  log in \(settings.log.directory), control at \(settings.control.socket)\n"
        return text
    }
}
