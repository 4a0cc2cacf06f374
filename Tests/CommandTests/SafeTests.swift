import Foundation
import TestSupport
import Testing

/// `argent safe` against a simulated rig on pseudo-terminals.
@Suite("argent safe")
struct SafeTests {
    @Test(
        "pumps of an agent that was killed stand still within seconds, each by its own word",
        .timeLimit(.minutes(2)))
    func afterAKill() throws {
        let rig = try Simulation("--runs", "2", "--batch", "2")
        let agent = try RunningAgent(rig)
        try rig.status("the recipe flows", seconds: 60) {
            ["settling", "collecting"].contains($0["state"] as? String)
        }
        // While it lives the rig is its own.
        let refused = try Program.run("safe", "--config", rig.configuration)
        #expect(refused.code == 4, "\(refused)")
        #expect(refused.err.contains("argent hold"))
        #expect(try rig.flows().values.contains { $0 > 1 })

        agent.end(SIGKILL)
        let killed = now()
        let told = try Program.run("safe", "--config", rig.configuration)
        let took = now() - killed
        #expect(told.code == 0, "\(told)")
        print("argent safe after kill -9: \(Int(took * 1_000)) ms\n\(told.out)")
        #expect(took < 10)
        for name in ["AgNO3", "PVA", "TSC", "seeds", "solvent", "oil"] {
            #expect(told.out.contains("safe   \(name): says that it stands still"), "\(name)")
        }
        #expect(told.out.contains("safe   spectrometer: has its lamp off"))
        // By what the syringes really do: their ramp has a time constant of 0.4 s.
        try waitUntil("the syringes stand still", seconds: 3) {
            try rig.flows().values.allSatisfy { $0 < 1 }
        }
    }

    @Test("a pump without a cable is named, the others are stopped all the same, in bounded time")
    func withoutACable() throws {
        let rig = try Simulation("--runs", "2", "--batch", "2", "--protocol", "harvard")
        let agent = try RunningAgent(rig)
        try rig.status("the recipe flows", seconds: 60) {
            ["settling", "collecting"].contains($0["state"] as? String)
        }
        agent.end(SIGKILL)
        try rig.type("unplug PVA")
        let start = now()
        let told = try Program.run("safe", "--config", rig.configuration, "--seconds", "4")
        let took = now() - start
        #expect(took < 6, "\(took)")
        #expect(told.code == 1)
        #expect(told.err.contains("not confirmed safe: PVA;"), "\(told.err)")
        #expect(told.out.contains("UNSAFE PVA: did not say that it stands still"))
        try waitUntil("the others stand still", seconds: 3) {
            try rig.flows().allSatisfy { $0.key == "PVA" || $0.value < 1 }
        }
    }

    @Test("a wrong word, a wrong file: nothing is touched")
    func slips() throws {
        #expect(try Program.run("safe").code == 2)
        #expect(try Program.run("safe", "--config", "/nonexistent").code == 3)
        let folder = try TestFolder()
        let path = try folder.write("argent.toml", "[campaign]\nrun = 3\n")
        let told = try Program.run("safe", "--config", path)
        #expect(told.code == 3 && told.err.contains("\(path):2:1"))
        #expect(try Program.run("safe", "--config", path, "--seconds", "0").code == 2)
    }
}
