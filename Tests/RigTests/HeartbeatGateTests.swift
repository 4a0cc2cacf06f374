import Numerics
import Quantities
import Testing

@testable import Rig

@Suite struct HeartbeatGateTests {
    private typealias Checkpoint = HeartbeatGate.Checkpoint

    /// A gate and the edges it gave.
    private struct Bench {
        var gate = HeartbeatGate(period: .milliseconds(100), latest: .milliseconds(400))
        var now = Instant.zero
        var edges: [Instant] = []

        /// One turn that passes `checkpoints`, `span` after the last one.
        mutating func turn(
            _ span: TimeSpan = .milliseconds(10), _ checkpoints: [Checkpoint] = Checkpoint.allCases,
            failing: Checkpoint? = nil, atRest: Bool = true
        ) {
            now = now + span
            gate.begin()
            for checkpoint in checkpoints { gate.pass(checkpoint, holds: checkpoint != failing) }
            let before = gate.level
            if let level = gate.end(atRest: atRest, at: now) {
                #expect(level != before && level == gate.level)
                edges.append(now)
            }
        }

        /// A gate that gives edges.
        static func running() -> Bench {
            var bench = Bench()
            for _ in 0..<HeartbeatGate.healthyTurns { bench.turn() }
            return bench
        }
    }

    @Test func healthyTurnsGiveAnEdgeAPeriod() {
        var bench = Bench.running()
        #expect(bench.edges.count == 1 && !bench.gate.hasDropped)
        for _ in 0..<1_000 { bench.turn(.milliseconds(3), atRest: false) }
        // 3,000 ms in turns of 3 ms: the first turn at or after 100 ms, so every 102 ms.
        #expect(bench.edges.count == 1 + 3_000 / 102)
        for (before, after) in zip(bench.edges, bench.edges.dropFirst()) {
            #expect(after - before == .milliseconds(102))
        }
        #expect(bench.gate.failure == nil)
    }

    @Test func wildTurnsAreNotFaster() {
        var bench = Bench.running()
        for _ in 0..<100_000 { bench.turn(.microseconds(1)) }
        #expect(bench.edges.count == 2)
    }

    static let breaches: [([HeartbeatGate.Checkpoint], HeartbeatGate.Checkpoint?)] = {
        let all = HeartbeatGate.Checkpoint.allCases
        var breaches: [([HeartbeatGate.Checkpoint], HeartbeatGate.Checkpoint?)] = []
        for (index, checkpoint) in all.enumerated() {
            breaches.append((all, checkpoint))
            breaches.append((all.filter { $0 != checkpoint }, nil))
            breaches.append((all + [checkpoint], nil))
            for other in index + 1..<all.count {
                var swapped = all
                swapped.swapAt(index, other)
                breaches.append((swapped, nil))
            }
        }
        breaches.append(([], nil))
        breaches.append((all + all, nil))
        breaches.append((all.reversed(), nil))
        return breaches
    }()

    /// One check that does not hold, one checkpoint left out, twice, or out of order: no edge, and
    /// after `latest` a failure.
    @Test(arguments: breaches) func brokenTurnsGiveNone(
        checkpoints: [HeartbeatGate.Checkpoint], failing: HeartbeatGate.Checkpoint?
    ) {
        var bench = Bench.running()
        let edges = bench.edges.count
        for turn in 0..<60 {
            bench.turn(.milliseconds(10), checkpoints, failing: failing)
            // The last edge was at the start: dropped when it is more than 400 ms old.
            #expect((bench.gate.failure != nil) == (turn >= 40), "turn \(turn)")
        }
        #expect(bench.edges.count == edges && bench.gate.hasDropped)
    }

    @Test func oneBrokenTurnWithinThePeriodDoesNoHarm() {
        var bench = Bench.running()
        bench.turn(.milliseconds(10), [.control])
        for _ in 0..<9 { bench.turn(atRest: false) }
        #expect(bench.edges.count == 2 && bench.gate.failure == nil)
    }

    @Test func lateTurnDropsTheRelayAndOnlyRestPicksItUp() {
        var bench = Bench.running()
        bench.turn(.milliseconds(401))
        #expect(bench.gate.hasDropped && bench.gate.failure?.hasPrefix("no edge for 0.4 s") == true)
        let edges = bench.edges.count
        for _ in 0..<100 { bench.turn(atRest: false) }
        #expect(bench.edges.count == edges && bench.gate.failure != nil)
        // At rest, after healthy turns in a row; one broken one begins them anew.
        bench.turn(.milliseconds(10), [])
        for _ in 0..<HeartbeatGate.healthyTurns - 1 { bench.turn() }
        #expect(bench.edges.count == edges)
        bench.turn()
        #expect(bench.edges.count == edges + 1 && bench.gate.failure == nil)
    }

    @Test func relayIsNotPickedUpWhileSomethingMoves() {
        var bench = Bench()
        for _ in 0..<100 { bench.turn(atRest: false) }
        #expect(bench.edges.isEmpty && bench.gate.failure == nil)
        bench.turn()
        #expect(bench.edges.count == 1)
    }

    @Test func withheldEdgesAskForAnotherTurnLater() {
        var bench = Bench.running()
        #expect(bench.gate.deadline == bench.now + .milliseconds(100))
        for _ in 0..<60 {
            bench.turn(.milliseconds(10), [])
            #expect(bench.gate.deadline > bench.now)
        }
    }

    @Test func lostLineIsAFailureUntilItIsBack() {
        var bench = Bench.running()
        bench.gate.lost("unplugged")
        #expect(bench.gate.failure == "unplugged")
        for _ in 0..<HeartbeatGate.healthyTurns { bench.turn() }
        #expect(bench.gate.failure == nil && bench.edges.count == 2)
    }

    /// Whatever turns come: two edges are never closer than the period, and every edge ends a
    /// turn that was in order.
    @Test func randomTurnsKeepTheWindow() {
        var random = SeededGenerator(seed: 3)
        var bench = Bench()
        let all = Checkpoint.allCases
        for _ in 0..<20_000 {
            var checkpoints = all
            var failing: Checkpoint?
            switch random.below(12) {
            case 0: checkpoints.remove(at: random.below(all.count))
            case 1: checkpoints.swapAt(random.below(all.count), random.below(all.count))
            case 2: failing = all[random.below(all.count)]
            default: break
            }
            let count = bench.edges.count
            let span = TimeSpan.microseconds(Int64(random.below(30_000)))
            bench.turn(span, checkpoints, failing: failing, atRest: random.below(3) > 0)
            if bench.edges.count > count {
                #expect(checkpoints == all && failing == nil)
                if count > 0 {
                    #expect(bench.edges[count] - bench.edges[count - 1] >= .milliseconds(100))
                }
            }
        }
        #expect(bench.edges.count > 100)
    }
}
