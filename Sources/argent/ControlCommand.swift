import Agent
import Export
import Quantities
import World

/// `argent status | hold | resume | clear | reload`: one request to a running agent.
enum ControlCommand {
    /// How long an answer may take.
    static let patience = TimeSpan.seconds(5)

    static func run(_ verb: String, _ words: [String]) throws(CommandFailure) {
        let own = verb == "hold" ? ["reason"] : verb == "resume" ? ["refilled"] : []
        let arguments = try Arguments(
            words, verb: verb, options: ["config", "socket", "state"] + own,
            flags: verb == "status" ? ["json"] : [])
        let filled = try arguments.values["refilled"].map(Self.pumps)
        if let reason = arguments.values["reason"], reason.utf8.count > longestReason {
            throw CommandFailure(.usage, "--reason: \(longestReason) bytes at most")
        }
        let request = JSONText.object { json in
            json.member("command", verb)
            if let reason = arguments.values["reason"] { json.member("reason", reason) }
            if let filled {
                json.key("refilled")
                json.array { list in for name in filled { list.string(name) } }
            }
        }
        let answer = try ask(request, at: try socket(arguments))
        guard let value = JSONValue(answer.utf8) else {
            throw CommandFailure(.failure, "the agent's answer is no JSON: \(answer)")
        }
        if verb == "status" {
            Output.raw(
                arguments.flags.contains("json") ? answer + "\n" : StatusText.text(value))
            return
        }
        let text = value["text"]?.string ?? answer
        guard value["ok"]?.bool == true else {
            let isBroken = text.hasPrefix(ConfigurationSupply.brokenAnswer)
            throw CommandFailure(isBroken ? .badInput : .failure, ConfigurationText.lines(text))
        }
        Output.line(ConfigurationText.lines(text))
    }

    /// Longest reason of a hold: it goes into the log and onto a screen.
    private static let longestReason = 500

    /// The pumps of `--refilled`; none stands for all of them, so that must be said in full.
    private static func pumps(_ text: String) throws(CommandFailure) -> [String] {
        if text == "all" { return [] }
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy({ !$0.isEmpty }) else {
            throw CommandFailure(.usage, "--refilled: name pumps, as in `AgNO3,oil`, or say `all`")
        }
        return names
    }

    static func socket(_ arguments: Arguments) throws(CommandFailure) -> String {
        if let path = arguments.values["socket"] { return path }
        let path = try ConfigurationFile.path(
            arguments, orSay: "say which agent: --config FILE or --socket PATH")
        return try StartConfiguration.settings(path, arguments).control.socket
    }

    /// What the agent at the socket `path` answers to one request.
    static func ask(
        _ request: String, at path: String, patience: TimeSpan = patience
    ) throws(CommandFailure) -> String {
        do throws(WorldError) {
            let connection = try UnixConnection.connect(path: path, timeout: patience)
            defer { connection.close() }
            var output = Array((request + "\n").utf8)[...]
            var input: [UInt8] = []
            let end = Clocks.now + patience
            while Clocks.now < end {
                if !output.isEmpty { output = output.dropFirst(try connection.write(output)) }
                _ = try connection.read(into: &input, limit: JSONValue.maximumBytes)
                if let line = input.firstIndex(of: 0x0A) {
                    return String(decoding: input[..<line], as: UTF8.self)
                }
                Clocks.sleep(.milliseconds(5))
            }
        } catch { throw CommandFailure(.unavailable, "\(error)") }
        throw CommandFailure(
            .unavailable, "the agent at \(path) did not answer in \(short(patience.seconds)) s")
    }
}

/// `argent status` for people.
enum StatusText {
    static func text(_ status: JSONValue) -> String {
        func number(_ name: String) -> String { status[name]?.number.map(short) ?? "-" }
        var text = plain("\(status["campaign"]?.string ?? ""): \(status["state"]?.string ?? "?")")
        if let reason = status["hold_reason"]?.string { text += " (\(plain(reason)))" }
        text += "\n"
        if status["run"]?.number ?? 0 > 0 {
            text += "  run \(number("run")) of \(number("runs"))"
            if status["condition"]?.number != nil {
                text += ", condition \(number("condition"))"
                text += ", droplet \(number("droplets")) of \(number("droplets_wanted"))"
                if status["flags"]?.number ?? 0 > 0 { text += " (\(number("flags")) flagged)" }
            }
            text += "\n"
        }
        text += "  \(number("conditions_done")) of \(number("conditions_planned")) conditions done"
        if status["best_loss"]?.number != nil {
            text += ", best loss \(number("best_loss")) (condition \(number("best_condition")))"
        }
        if let left = status["seconds_left"]?.number { text += ", about \(duration(left)) left" }
        text += "\n"
        for row in status["proposers"]?.array ?? [] {
            func shown(_ name: String) -> String { row[name]?.number.map(short) ?? "-" }
            text += plain("  run \(shown("run")), \(row["proposer"]?.string ?? "?"): ")
            text += "best \(shown("best_loss")), median \(shown("median_loss"))"
            text += " of \(shown("conditions"))\n"
        }
        for pump in status["pumps"]?.array ?? [] {
            let name = pump["name"]?.string ?? "?"
            let told = pump["commanded_ul_per_min"]?.number.map(short) ?? "-"
            let says = pump["actual_ul_per_min"]?.number.map { short($0) + " uL/min" } ?? "nothing"
            let left = pump["remaining_ul"]?.number.map { short($0 / 1_000) } ?? "-"
            text += plain("  pump \(name): \(pump["link"]?.string ?? "?"), told \(told) uL/min, ")
            text += "says \(says), \(left) mL left\n"
        }
        for fault in status["faults"]?.array ?? [] {
            let still =
                fault["active"]?.bool == true ? "still there" : "over: `argent clear` goes on"
            let what = "  FAULT \(fault["kind"]?.string ?? "?"): \(fault["text"]?.string ?? "")"
            text += plain(what) + " (\(still))\n"
        }
        if let realtime = status["realtime"] { text += realtimeText(realtime) }
        text += ConfigurationText.status(status["configuration"])
        if let ending = status["finished"]?.string { text += "  over: \(ending)\n" }
        if let log = status["log"]?.string { text += "  log \(log)\n" }
        if let sync = status["sync"] { text += self.text(sync: sync) }
        return text
    }

    static func text(sync: JSONValue) -> String {
        var text = "  sync: "
        if let problem = sync["problem"]?.string {
            text += "not listening: \(problem)"
        } else {
            text += "listening at \(sync["listening"]?.string ?? "?")"
        }
        if let peer = sync["last_peer"]?.string, let at = sync["last_pull_unix_s"]?.number {
            let age = Double(Clocks.wallTime.unixNanoseconds / 1_000_000_000) - at
            text += ", last pull \(duration(age)) ago by \(peer)"
        }
        if let bytes = sync["unacknowledged_bytes"]?.number {
            text += ", \(short(bytes / 1e6)) MB not pulled yet"
        }
        if let refused = sync["refused"]?.number, refused > 0 {
            text += ", \(short(refused)) connections refused"
        }
        return plain(text) + "\n"
    }

    /// One line on lateness, one for every stage over its budget and everything that was lost.
    private static func realtimeText(_ realtime: JSONValue) -> String {
        func number(_ value: JSONValue, _ name: String) -> String {
            value[name]?.number.map(short) ?? "-"
        }
        var text = ""
        for span in realtime["spans"]?.array ?? [] {
            let name = span["name"]?.string ?? "?"
            let times =
                "median \(number(span, "median_us")) us, 99 % \(number(span, "p99_us")), "
                + "99.9 % \(number(span, "p999_us")), longest \(number(span, "max_us"))"
            if name == "lateness" {
                text += "  rig thread: \(number(realtime, "turns")) turns, late by \(times); "
                text += "\(number(realtime, "missed_turns")) left out\n"
            } else if span["over_budget"]?.number ?? 0 > 0 {
                text += plain("  stage \(name): \(times); longer than its ")
                text += "\(number(span, "budget_us")) us \(number(span, "over_budget")) times\n"
            }
        }
        for lost in realtime["lost"]?.array ?? [] {
            text += plain("  NOT REAL-TIME: \(lost.string ?? "")") + "\n"
        }
        return text
    }
}
