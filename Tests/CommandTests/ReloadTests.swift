import Foundation
import RunLog
import TestSupport
import Testing

/// Another configuration for an agent that runs.
@Suite("argent reload, SIGHUP and argent diff, in real time")
struct ReloadTests {
    @Test("good, broken, refused, and what waits for the boundary", .timeLimit(.minutes(5)))
    func changes() throws {
        let rig = try Simulation("--runs", "2", "--batch", "2")
        let agent = try RunningAgent(rig)
        try rig.status("something moves", seconds: 20) {
            !["starting", "connecting"].contains($0["state"] as? String ?? "starting")
        }
        let first = try rig.folder.text("argent.toml")
        #expect(try rig.diff().code == 0)

        let cheaper = try rig.edit("disk_budget = \"8 GB\"", "disk_budget = \"4 GB\"")
        let told = try rig.diff()
        #expect(told.code == 1)
        #expect(told.out.contains("\"8 GB\" -> \"4 GB\" (at once)"), "\(told.out)")
        agent.send(SIGHUP)
        try waitUntil("taken up", seconds: 10) {
            try agent.printed.contains("reloaded (SIGHUP): log.disk_budget")
        }
        #expect(try rig.diff().code == 0)

        try broken(rig, agent, cheaper)
        try refused(rig, cheaper)
        let last = try boundary(rig)

        agent.send(SIGTERM)
        #expect(try agent.exitCode(within: 5) == 0)
        let texts = try Log.records(rig.log).compactMap { record -> String? in
            if case .configuration(let text, _) = record.body { text } else { nil }
        }
        #expect(texts == [first, cheaper, last])
    }

    private func broken(_ rig: Simulation, _ agent: RunningAgent, _ good: String) throws {
        let bad = try rig.edit("batch = 2", "batch = \"many\"")
        agent.send(SIGHUP)
        try waitUntil("refused", seconds: 10) {
            try agent.printed.contains("cannot reload (SIGHUP): the configuration is broken")
        }
        let lines = bad.split(separator: "\n", omittingEmptySubsequences: false)
        let index = try #require(lines.firstIndex(of: "batch = \"many\""))
        let line = "\(index + 1):9:"
        #expect(try agent.printed.contains("\(rig.configuration):\(line)"))
        let asked = try rig.ask("reload")
        #expect(asked.code == 3)
        #expect(asked.err.contains("\(rig.configuration):\(line)"), "\(asked.err)")
        let status = try rig.status("the problem is shown", seconds: 2) {
            ($0["configuration"] as? [String: Any])?["problem"] is String
        }
        #expect((status["configuration"] as? [String: Any])?["last_good"] as? Bool == false)
        #expect(agent.isRunning)
        try rig.folder.write("argent.toml", good)
        #expect(try rig.ask("reload").out == "nothing changes\n")
    }

    private func refused(_ rig: Simulation, _ good: String) throws {
        // Beside something that could be taken up at once: nothing of it is.
        _ = try rig.edit("disk_budget = \"4 GB\"", "disk_budget = \"2 GB\"")
        _ = try rig.edit("raw_frames = false", "raw_frames = true")
        let told = try rig.ask("reload")
        #expect(told.code == 1)
        #expect(told.err.contains("log.raw_frames: false -> true"), "\(told.err)")
        #expect(!told.err.contains("disk_budget"))
        let diff = try rig.diff()
        #expect(diff.code == 1)
        #expect(diff.out.contains("raw_frames: false -> true (refused mid-run)"), "\(diff.out)")
        #expect(diff.out.contains("\"4 GB\" -> \"2 GB\" (at once)"), "\(diff.out)")
        try rig.folder.write("argent.toml", good)
    }

    private func boundary(_ rig: Simulation) throws -> String {
        let text = try rig.edit("batch = 2", "batch = 3")
        let told = try rig.ask("reload")
        #expect(told.code == 0)
        #expect(told.out.contains("next boundary") && told.out.contains("batch: 2 -> 3"))
        // Unless the boundary was there already.
        let shown = try rig.ask("status").out
        #expect(
            shown.contains("at the next boundary: campaign.batch: 2 -> 3")
                || shown.contains("of 6 conditions done"), "\(shown)")
        #expect(try rig.ask("hold").code == 0)
        try rig.status("in force", seconds: 10) { $0["conditions_planned"] as? Int == 6 }
        #expect(try rig.diff().code == 0)
        return text
    }

    @Test("200 reloads lose no record and leave nothing open", .timeLimit(.minutes(5)))
    func storm() throws {
        let rig = try Simulation("--runs", "1", "--batch", "40")
        let agent = try RunningAgent(rig)
        try rig.status("a condition runs", seconds: 30) { $0["condition"] as? Int == 1 }
        let one = try rig.folder.text("argent.toml")
        let other = one.replacingOccurrences(
            of: "disk_budget = \"8 GB\"", with: "disk_budget = \"4 GB\"")
        #expect(one != other)
        let peer = try Peer(rig.folder["control"])
        let request = Array("{\"command\":\"reload\"}\n".utf8)
        func reload(_ text: String) throws {
            // Whole at every moment: a signal may make the agent read it at any.
            try text.write(toFile: rig.configuration, atomically: true, encoding: .utf8)
            peer.send(request)
            let answer = peer.line(within: 10)
            let isKnown = answer.contains("in force now") || answer.contains("nothing changes")
            #expect(isKnown && answer.contains("\"ok\":true"), "\(answer)")
        }
        try reload(other)
        let before = try agent.openDescriptors
        let began = now()
        for turn in 1..<200 {
            try reload(turn % 2 == 0 ? other : one)
            // Signals between them: each reads the same file again and finds nothing new.
            if turn % 10 == 0 { agent.send(SIGHUP) }
        }
        print("199 reloads took \(Int((now() - began) * 1_000)) ms")
        // The last good one may still be on its way.
        try waitUntil("nothing is left open", seconds: 5) {
            try agent.openDescriptors <= before
        }
        try rig.status("still at the condition, or done with it", seconds: 5) { status in
            (status["faults"] as? [Any] ?? []).isEmpty && status["state"] as? String != "held"
        }
        agent.send(SIGTERM)
        #expect(try agent.exitCode(within: 5) == 0)
        let bodies = try Log.records(rig.log).map(\.body)
        let applied = bodies.count {
            if case .event("reload", let text) = $0 { text.contains("disk_budget") } else { false }
        }
        #expect(applied == 200)
        let texts = bodies.compactMap { body -> String? in
            if case .configuration(let text, _) = body { text } else { nil }
        }
        #expect(texts == (0...200).map { $0 % 2 == 0 ? one : other })
        // The condition was not disturbed: whatever became of it, it was by the end.
        #expect(
            bodies.allSatisfy {
                guard case .conditionEnd(let end) = $0, end.outcome == "abandoned" else {
                    return true
                }
                return end.reason == "asked to stop"
            })
        // Each droplet of each attempt is there, in order.
        var next: [[Int]: Int] = [:]
        for case .droplet(let droplet) in bodies {
            let attempt = [droplet.condition, droplet.attempt]
            #expect(droplet.index == next[attempt, default: 0])
            next[attempt] = droplet.index + 1
        }
        #expect(!next.isEmpty)
    }

    @Test(
        "a start finds the file broken, and goes on with the last good one", .timeLimit(.minutes(5))
    )
    func lastGood() throws {
        let rig = try Simulation("--runs", "2", "--batch", "2")
        let kept = rig.folder["last-good.toml"]
        let good = try rig.folder.text("argent.toml")
        // As a power cut leaves it: the log is named, the socket and much else are not.
        let cut = try #require(good.range(of: "\ndisk_bud"))
        let half = String(good[..<cut.upperBound])

        // Before there is one: the error of before, and that there is none.
        try rig.folder.write("argent.toml", half)
        let none = try rig.run()
        #expect(none.code == 3)
        #expect(none.err.contains("no last good configuration was kept yet"), "\(none.err)")

        try rig.folder.write("argent.toml", good)
        let agent = try RunningAgent(rig)
        try waitUntil("the configuration is kept", seconds: 20) {
            FileManager.default.fileExists(atPath: kept)
        }
        agent.end(SIGTERM)

        try rig.folder.write("argent.toml", half)
        #expect(try rig.run("--strict").code == 3)
        let again = try RunningAgent(rig)
        let status = try rig.status("the last good one runs", seconds: 20) {
            let configuration = $0["configuration"] as? [String: Any]
            return configuration?["last_good"] as? Bool == true
        }
        let problem = (status["configuration"] as? [String: Any])?["problem"] as? String ?? ""
        #expect(problem.hasPrefix(rig.configuration + ":"), "\(problem)")
        #expect(try again.printed.contains("the campaign goes on with the last good one"))
        #expect(try rig.ask("status").out.contains("CONFIGURATION: the last good one runs"))
        // The verbs that read the configuration for its socket find the agent all the same.
        let asked = try Program.run("status", "--config", rig.configuration)
        #expect(asked.code == 0, "\(asked.err)")

        try rig.folder.write("argent.toml", good)
        #expect(try rig.ask("reload").out == "nothing changes\n")
        try rig.status("the file runs", seconds: 5) {
            ($0["configuration"] as? [String: Any])?["last_good"] as? Bool == false
        }
        again.end(SIGTERM)
        let events = try Log.records(rig.log).compactMap { record -> String? in
            if case .event("last-good", let text) = record.body { text } else { nil }
        }
        #expect(events.count == 1)
        try elsewhere(rig, half)
    }

    /// A copy in another state directory, a damaged one, and one of another file.
    private func elsewhere(_ rig: Simulation, _ half: String) throws {
        try rig.folder.write("argent.toml", half)
        let other = try TestFolder()
        try other.write("last-good.toml", try rig.folder.text("last-good.toml"))
        let foreign = try rig.run("--state", other.path)
        #expect(foreign.code == 3)
        #expect(foreign.err.contains("was kept for the state directory"), "\(foreign.err)")
        try other.write("argent.toml", half)
        let another = try Program.run(
            "run", "--config", other["argent.toml"], "--state", rig.folder.path)
        #expect(another.code == 3)
        #expect(another.err.contains("was kept for the configuration"), "\(another.err)")
        // Half a file that was to begin another campaign.
        let begun = half.replacingOccurrences(
            of: "directory = \"\(rig.folder.path)\"", with: "directory = \"\(other.path)\"")
        try #require(begun != half)
        try rig.folder.write("argent.toml", begun)
        let campaign = try rig.run("--state", rig.folder.path)
        #expect(campaign.code == 3)
        #expect(campaign.err.contains("has its log in"), "\(campaign.err)")
        try rig.folder.write("argent.toml", half)
        let text = try rig.folder.text("last-good.toml")
        try rig.folder.write("last-good.toml", String(text.dropLast(40)))
        let damaged = try rig.run()
        #expect(damaged.code == 3)
        #expect(damaged.err.contains("is damaged and not used"), "\(damaged.err)")
    }
}

extension Simulation {
    /// `argent diff` for this rig.
    fileprivate func diff() throws -> Program.Outcome {
        try Program.run("diff", "--config", configuration)
    }

    /// `argent run`, which is not expected to come far.
    fileprivate func run(_ words: String...) throws -> Program.Outcome {
        try Program.run(["run", "--config", configuration] + words)
    }

    /// Writes the configuration with `old` replaced; returns the whole text.
    fileprivate func edit(_ old: String, _ new: String) throws -> String {
        let text = try folder.text("argent.toml")
        let changed = text.replacingOccurrences(of: "\n\(old)\n", with: "\n\(new)\n")
        try #require(changed != text, "\(old)")
        try folder.write("argent.toml", changed)
        return changed
    }
}
