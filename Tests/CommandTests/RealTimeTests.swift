import Foundation
import RunLog
import Testing

/// The program against a simulated rig on pseudo-terminals, in real time.
@Suite("argent run, in real time")
struct RealTimeTests {
    @Test(
        "a cable comes out, the process is killed, and the campaign still comes to its end",
        .timeLimit(.minutes(3)))
    func campaign() throws {
        let rig = try Simulation("--runs", "2", "--batch", "2")
        var agent = try RunningAgent(rig)
        try rig.status("droplets are collected", seconds: 60) {
            $0["state"] as? String == "collecting"
        }
        try pullAndPlug("PVA", rig)

        try rig.status("a condition is done", seconds: 60) {
            $0["conditions_done"] as? Int ?? 0 >= 1
        }
        var lives = SeededNumbers(7)
        var copies: [[Record]] = []
        for _ in 1...3 {
            usleep(UInt32.random(in: 200_000...5_000_000, using: &lives))
            copies.append(try Log.records(rig.log))
            agent.end(SIGKILL)
            agent = try RunningAgent(rig)
        }
        let code = try agent.exitCode(within: 90)
        let told = try agent.printed
        #expect(code == 0, "\(told)")
        #expect(told.contains("going on"))
        let log = try Log.records(rig.log)
        for seen in copies {
            #expect(seen.count > 20)
            #expect(log.starts(with: seen), "records seen before a kill are gone")
        }
        try checkComplete(rig.log, runs: 2, batch: 2)
    }

    /// Pulls one pump's cable while droplets are collected, and puts it back.
    private func pullAndPlug(_ pump: String, _ rig: Simulation) throws {
        let pulled = now()
        try rig.type("unplug \(pump)")
        let safe = try rig.status("safe", seconds: 5) { $0["state"] as? String == "safe" }
        let took = now() - pulled
        print("unplugged \(pump): status says safe after \(Int(took * 1_000)) ms")
        #expect(took < 1)
        let faults = try #require(safe["faults"] as? [[String: Any]])
        #expect(faults.contains { ($0["text"] as? String ?? "").contains(pump) }, "\(faults)")

        // By the pumps' own word, and by what the syringes really do.
        try rig.status("the other pumps say that they stopped", seconds: 2) { status in
            let pumps = status["pumps"] as? [[String: Any]] ?? []
            let others = pumps.filter { $0["name"] as? String != pump }
            return others.count == 5
                && others.allSatisfy { $0["actual_ul_per_min"] as? Double == 0 }
        }
        print("the other pumps say that they stopped after \(Int((now() - pulled) * 1_000)) ms")
        try waitUntil("the syringes stand still", seconds: 4) {
            try rig.flows().allSatisfy { $0.key == pump || $0.value < 1 }
        }
        // The one without a cable stops by itself: its dead-man time is 5 s.
        try waitUntil("\(pump) stops by itself", seconds: 8) {
            try rig.flows()[pump] ?? 1 < 1
        }
        print("\(pump) stopped by itself after \(Int((now() - pulled) * 1_000)) ms")

        let refused = try rig.ask("clear")
        #expect(refused.code == 1)
        #expect(refused.err.contains("cannot clear yet") && refused.err.contains(pump))
        let people = try rig.ask("status").out
        #expect(people.contains("FAULT") && people.contains("still there"))
        try rig.type("plug \(pump)")
        try waitUntil("clear is accepted", seconds: 10) { try rig.ask("clear").code == 0 }
        try rig.status("the rig goes on", seconds: 5) {
            let state = $0["state"] as? String
            return state != "safe" && ($0["faults"] as? [Any])?.isEmpty == true
        }
    }

    private func checkComplete(_ path: String, runs: Int, batch: Int) throws {
        let records = try Log.records(path)
        var complete: [Int] = []
        var decided: [Int] = []
        for record in records {
            switch record.body {
            case .conditionEnd(let end) where end.outcome == "complete":
                complete.append(end.condition)
            case .decision(let decision): decided.append(decision.run)
            default: break
            }
        }
        #expect(complete == Array(1...runs * batch), "each condition once, in order")
        #expect(decided == Array(1...runs))
        guard case .stop = records.last?.body else {
            Issue.record("the last record is no stop: \(String(describing: records.last))")
            return
        }
    }
}

/// A run of numbers that is the same every time.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// Marsaglia, Xorshift RNGs, J. Stat. Softw. 8 (14), 2003: the (13, 7, 17) generator.
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
