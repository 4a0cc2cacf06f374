@testable import LogTrials
import Testing

/// A slice of what `argent-fuzz crash` tries at length.
@Suite struct LogTrialTests {
    @Test func powerCuts() throws {
        var trial = CrashTrial(LogWorkload(count: 60, segmentSize: 1_500, seed: 3), seed: 3)
        trial.payloadCuts = 1
        trial.chances = 1
        trial.stride = 5
        trial.goesOnEvery = 32
        let counts = try trial.run()
        #expect(counts.records == 60 && counts.segments > 3 && counts.writes > 60)
        #expect(counts.cuts > 250 && counts.byChance > 100 && counts.syncedOnly > 10)
        #expect(counts.wentOn > 10)
    }

    @Test func flippedBits() throws {
        var trial = FlipTrial(LogWorkload(count: 24, segmentSize: 1_500, seed: 2))
        trial.stride = 61
        let counts = try trial.run()
        #expect(counts.sealedBits > 300 && counts.activeBits > 200)
    }

    @Test func refusedCalls() throws {
        var trial = FaultTrial(LogWorkload(count: 24, segmentSize: 1_000, seed: 1))
        trial.stride = 3
        trial.runs = [1, 3]
        let counts = try trial.run()
        #expect(counts.calls > 60 && counts.refusals > counts.runs)
    }

    /// The trials notice a log that breaks its word.
    @Test func aLostRecordIsNoticed() throws {
        let workload = LogWorkload(count: 30, segmentSize: 1_000, seed: 4)
        let disk = SimulatedDisk()
        _ = try workload.write(on: disk)
        var files = disk.files
        let check = LogCheck(workload: workload)
        try check.check(files, acknowledged: 30, goesOn: true)
        files["00000002.argentseg"] = nil
        #expect(throws: TrialFailure.self) {
            try check.check(files, acknowledged: 30, goesOn: false)
        }
        files = disk.files
        files.removeValue(forKey: disk.files.keys.sorted().last ?? "")
        #expect(throws: TrialFailure.self) {
            try check.check(files, acknowledged: 30, goesOn: false)
        }
    }
}
