import Foundation
import TestSupport
import Testing

@Suite struct PairTests {
    private let print = "sha256:" + String(repeating: "0123456789abcdef", count: 4)

    @Test func acceptsListsAndRemoves() throws {
        let folder = try TestFolder()
        let identity = ["--identity", folder["identity"]]
        let first = try Program.run(["pair"] + identity)
        #expect(first.code == 0, "\(first.err)")
        let own = try #require(first.out.split(separator: "\n").first)
        #expect(own.hasPrefix("this rig: sha256:") && own.count == 10 + 7 + 64)
        #expect(first.out.contains("no workstation is accepted yet"))
        #expect(
            try Program.run(["pair", "accept", print, "--name", "desk"] + identity).out
                == "accepted: desk\n")
        let listed = try Program.run(["pair", "list"] + identity)
        #expect(listed.out == "\(own)\naccepted: \(print) desk\n")
        #expect(try Program.run(["pair", "remove", "lab"] + identity).code == 1)
        #expect(
            try Program.run(["pair", "remove", "desk"] + identity).out
                == "removed: \(print) desk\n")
        #expect(try Program.run(["pair"] + identity).out == first.out)
    }

    @Test func slipsAreSaid() throws {
        let folder = try TestFolder()
        let identity = ["--identity", folder["identity"]]
        for (words, code, text) in [
            (["pair", "accept", "abc"], 2, "is no fingerprint"),
            (["pair", "accept"], 2, "use: argent pair"),
            (["pair", "admit", print], 2, "use: argent pair"),
            (["pair", "accept", print, "--name", "a/b"], 1, "is no name"),
            (["pair", "--nmae", "x"], 2, "did you mean --name"),
        ] as [([String], Int32, String)] {
            let told = try Program.run(words + identity)
            #expect(told.code == code && told.err.contains(text), "\(words): \(told.err)")
        }
        let bad = try folder.write("bad.toml", "[sync]\nlisten = \"everywhere\"\n")
        #expect(try Program.run("check", bad).out.contains("is no address with a port"))
    }

    /// The whole way: simulate, run, pair, pull; the rig's status tells of it.
    @Test func aRunningRigIsPulledFrom() throws {
        // Long enough not to end by itself before it is pulled from, however slow the machine.
        let rig = try Simulation("--runs", "8", "--batch", "4")
        let text = try rig.folder.text("argent.toml")
        let port = 20_000 + Int(getpid()) % 20_000
        try rig.folder.write(
            "argent.toml",
            text.replacingOccurrences(
                of: "listen = \"\"", with: "listen = \"127.0.0.1:\(port)\""))
        let agent = try Child(
            Program.path, ["run", "--config", rig.configuration], output: rig.folder["run"],
            error: rig.folder["run"])
        defer { kill(agent.identifier, SIGTERM) }
        try rig.status("it listens", seconds: 10) {
            ($0["sync"] as? [String: Any])?["listening"] is String
        }
        let workstation = Program.path + "-workstation"
        let place = "127.0.0.1:\(port)"
        func pull() throws -> Program.Outcome {
            try Program.run(
                at: workstation,
                [
                    "pull", place, "--into", rig.folder["pulled"], "--identity",
                    rig.folder["ws"],
                ])
        }
        let stranger = try pull()
        #expect(stranger.code == 5 && stranger.err.contains("is not paired"), "\(stranger.err)")
        let own = try Program.run("pair", "--config", rig.configuration).out
        let first = try #require(own.split(separator: "\n").first)
        let shown = try #require(first.split(separator: " ").last)
        let unsure = try Program.run(
            at: workstation, ["pair", place, "--identity", rig.folder["ws"]])
        #expect(unsure.code == 5 && unsure.out.contains(shown))
        let paired = try Program.run(
            at: workstation,
            [
                "pair", place, "--identity", rig.folder["ws"], "--fingerprint", String(shown),
                "--name", "bench",
            ])
        #expect(paired.code == 0, "\(paired.err)")
        let refused = try pull()
        #expect(refused.code == 5 && refused.err.contains("argent pair accept"))
        let line = try #require(paired.out.split(separator: "\n").last)
        let words = line.split(separator: " ").dropFirst().map(String.init)
        #expect(try Program.run(words + ["--config", rig.configuration]).code == 0)
        // A stop seals everything; the next start serves it.
        kill(agent.identifier, SIGTERM)
        #expect(agent.wait() == 0)
        let second = try Child(
            Program.path, ["run", "--config", rig.configuration], output: rig.folder["run2"],
            error: rig.folder["run2"])
        defer { kill(second.identifier, SIGTERM) }
        try rig.status("it listens", seconds: 10) {
            ($0["sync"] as? [String: Any])?["listening"] is String
        }
        let pulled = try pull()
        #expect(pulled.code == 0 && pulled.out.contains("acknowledged"), "\(pulled.err)")
        try rig.status("the pull is told", seconds: 10) {
            ($0["sync"] as? [String: Any])?["last_peer"] is String
        }
        let verified = try Program.run(at: workstation, ["verify", rig.folder["pulled/bench"]])
        #expect(verified.code == 0, "\(verified.out)\(verified.err)")
        kill(second.identifier, SIGTERM)
        #expect(second.wait() == 0)
    }
}
