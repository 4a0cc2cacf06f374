import Configuration
import Quantities
import Testing

@testable import Rig

/// Other settings for a rig that runs.
@Suite struct RigChangeTests {
    private func change(
        _ rig: BenchRig, _ change: (inout Settings) -> Void
    ) throws -> RigChange {
        var next = rig.controller.settings
        change(&next)
        return try #require(RigChange(from: rig.controller.settings, to: next))
    }

    @Test func whatCannotChangeIsNoChange() throws {
        let settings = BenchRig.settings()
        var port = settings
        port.pumps[1].port = "/dev/other"
        #expect(RigChange(from: settings, to: port) == nil)
        var row = settings
        row.reactions = [ReactionSettings(.interlock, of: "door", do: .report)]
        #expect(RigChange(from: settings, to: row) == nil)
        #expect(RigChange(from: settings, to: settings) == nil)
    }

    @Test func aThresholdCountsFromTheNextTurn() throws {
        var isAdopted: Bool
        var rig = try BenchRig {
            $0.sensors = [BenchRig.sensor("warm", .temperature)]
        } reactions: {
            var row = ReactionSettings(.temperature, of: "warm")
            row.above = ReactionSettings.Limit(60, .temperature)
            return [row]
        }
        rig.sensorSays[0] = 40
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.mustReach(.collecting)
        let lower = try change(rig) { $0.reactions[0].above?.value = 35 }
        #expect(!lower.needsBoundary)
        isAdopted = rig.adopt(lower)
        #expect(isAdopted)
        #expect(lower.settings.reactions[0].above?.value == 60, "what was comes back")
        #expect(rig.controller.settings.reactions[0].above?.value == 35)
        try rig.must(1) { $0.controller.state == .safe }
        #expect(rig.controller.faults.all.first?.text.contains("35") == true)
    }

    @Test func whatMakesAConditionWaitsForItsEnd() throws {
        var isAdopted: Bool
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1), at: rig.now)
        let more = try change(rig) {
            $0.rig.droplets = 9
            $0.rig.driftLimit = 0.05
        }
        #expect(more.needsBoundary)
        for state in [RigState.starting, .settling, .collecting] {
            try rig.mustReach(state)
            isAdopted = rig.adopt(more)
            #expect(!isAdopted)
            // Nothing of it, not even what could take effect at once.
            #expect(rig.controller.settings.rig.droplets == 6)
            #expect(rig.controller.settings.rig.driftLimit == 0.03)
        }
        try rig.must(120) { !$0.outcomes.isEmpty }
        isAdopted = rig.adopt(more)
        #expect(isAdopted)
        rig.controller.run(BenchRig.order(2), at: rig.now)
        try rig.must(120) { $0.outcomes.count == 2 }
        #expect(try rig.outcomes.map { try losses($0).count } == [6, 9])
    }

    private func losses(_ outcome: ConditionOutcome) throws -> [Double] {
        guard case .complete(let losses) = outcome else { throw NotComplete() }
        return losses
    }
    private struct NotComplete: Error {}

    @Test func anotherGateTakesAnotherReference() throws {
        var isAdopted: Bool
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        let gate = try change(rig) { $0.droplets.trim = 2 }
        isAdopted = rig.adopt(gate)
        #expect(isAdopted)
        #expect(!rig.controller.wantsOrder)
        try rig.mustReach(.darkening)
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.must(120) { !$0.outcomes.isEmpty }
        #expect(try losses(rig.outcomes[0]).count == 6)
    }

    @Test func noReloadSetsAStoppedRigFree() throws {
        var isAdopted: Bool
        var rig = try BenchRig {
            $0.reactions = [ReactionSettings(.interlock, of: "door", do: .everything)]
        }
        try rig.mustReach(.ready)
        let milder = try change(rig) { $0.reactions[0].reactions = .report }
        #expect(milder.needsBoundary)
        rig.controller.interlock(0, danger: true, at: rig.now)
        try rig.must(1) { $0.controller.state == .safe }
        rig.controller.interlock(0, danger: false, at: rig.now)
        rig.run(2)
        isAdopted = rig.adopt(milder)
        #expect(!isAdopted)
        #expect(rig.controller.state == .safe)
        try rig.operate(.clear, says: "cleared")
        try rig.mustReach(.ready)
        isAdopted = rig.adopt(milder)
        #expect(isAdopted)
        rig.controller.interlock(0, danger: true, at: rig.now)
        rig.run(2)
        #expect(rig.controller.state == .ready)
    }

    @Test func aStrongerReactionToWhatIsThereIsDoneAtOnce() throws {
        var isAdopted: Bool
        var rig = try BenchRig {
            $0.reactions = [ReactionSettings(.interlock, of: "door", do: .report)]
        }
        try rig.mustReach(.ready)
        rig.controller.interlock(0, danger: true, at: rig.now)
        rig.run(1)
        #expect(rig.controller.state == .ready)
        let stronger = try change(rig) { $0.reactions[0].reactions = .everything }
        isAdopted = rig.adopt(stronger)
        #expect(isAdopted)
        #expect(rig.controller.state == .safe)
    }
}

extension BenchRig {
    fileprivate mutating func adopt(_ change: RigChange) -> Bool {
        controller.adopt(change, at: now)
    }

    /// A bench with sensors and the rows that look at them.
    fileprivate init(
        _ change: (inout Settings) -> Void, reactions: () -> [ReactionSettings]
    ) throws {
        try self.init {
            change(&$0)
            $0.reactions = reactions()
        }
    }
}
