import Numerics
import Quantities
import RigSimulator
import Testing

/// Targets end runs at their time whatever the rounding of volumes and nanoseconds: a deadline
/// that is visited must lie behind, or the clock of a simulated world stands still.
@Suite struct TargetTests {
    /// Visits every deadline until `isOver`; returns how many it took, or nil when the deadlines
    /// stopped moving or the run did not end within `limit`.
    private func visit(
        _ bench: Bench, until limit: Instant, polls: inout SeededGenerator, isOver: () -> Bool
    ) -> Int? {
        var visits = 0
        var bytes: [UInt8] = []
        while !isOver() {
            visits += 1
            guard visits < 2_000, bench.peer.deadline < limit else { return nil }
            // Somebody looks between two deadlines, so that volumes add up in odd pieces.
            let early = bench.now + .microseconds(Int64(polls.below(90_000)))
            bench.now = max(bench.now, min(early, bench.peer.deadline))
            bench.peer.advance(to: bench.now)
            bench.peer.takeOutput(into: &bytes, at: bench.now)
        }
        return visits
    }

    /// Rates in µL/min and targets in µL, in the four digits a New Era pump takes; the first pair
    /// once ended in nanoseconds that never summed up to the target.
    private static let runs = [
        ("600", "50"), ("600", "49.99"), ("37.7", "3.003"), ("1234", "77.7"), ("0.9", "0.011"),
        ("8000", "999.9"),
    ]

    @Test(arguments: runs)
    func newEraTargetIsReached(rate: String, target: String) throws {
        let seconds = try #require(Double(target)) / #require(Double(rate)) * 60
        var polls = SeededGenerator(seed: 48)
        for start in 0..<40 {
            let pump = SimulatedNewEra(drive: syringe())
            let bench = Bench(pump)
            // Starts scattered over what a clock may show.
            bench.now = .zero + .seconds(43.06 * Double(start) * 1.000_000_003)
            for command in ["", "VOL UL", "VOL \(target)", "RAT \(rate) UM", "RUN"] {
                _ = bench.ask(command)
            }
            let began = bench.now
            let visits = visit(bench, until: began + .seconds(120), polls: &polls) {
                pump.motion(of: 0) == .stopped
            }
            #expect(visits != nil, "started at \(began)")
            // RUN was taken at most 20 ms before `began`.
            let late = (bench.now - began).seconds - seconds
            #expect(late < 1e-6 && late > -0.021)
        }
    }

    @Test(arguments: runs)
    func harvardTargetIsReached(rate: String, target: String) throws {
        let seconds = try #require(Double(target)) / #require(Double(rate)) * 60
        var polls = SeededGenerator(seed: 49)
        for start in 0..<40 {
            let pump = SimulatedHarvard(drive: syringe())
            let bench = Bench(pump)
            bench.now = .zero + .seconds(43.06 * Double(start) * 1.000_000_003)
            for command in [
                "poll on", "civolume", "tvolume \(target) ul", "irate \(rate) ul/min", "irun",
            ] { _ = bench.ask(command) }
            let began = bench.now
            let visits = visit(bench, until: began + .seconds(120), polls: &polls) {
                pump.motion(of: 0) == .targetReached
            }
            #expect(visits != nil, "started at \(began)")
            let late = (bench.now - began).seconds - seconds
            #expect(late < 1e-6 && late > -0.021)
        }
    }
}
