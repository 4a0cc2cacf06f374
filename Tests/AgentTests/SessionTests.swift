import Campaign
import Configuration
import Numerics
import Quantities
import Rig
import RunLog
import TestSupport
import Testing
import World

@testable import Agent

/// Whole campaigns through real protocol bytes, under the virtual clock.
@Suite struct SessionTests {
    @Test func aCampaignRunsToItsEnd() throws {
        let rig = try VirtualRig()
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        session.run(shouldStop: { false })
        let summary = session.summary()
        #expect(summary.runs.map(\.complete) == [3, 3])
        #expect(summary.droplets == 24)
        // Pumps stand still at the end, by the syringes' own account.
        for syringe in rig.simulated.syringes {
            #expect(syringe.flow(at: rig.world.now + .seconds(5)).microlitersPerMinute < 0.01)
        }
        let written = try records(in: directory.path)
        #expect(written.count { if case .decision = $0.body { true } else { false } } == 2)
        #expect(written.count { if case .droplet = $0.body { true } else { false } } == 24)
        guard case .stop = written.last?.body else {
            Issue.record("the log does not end with a stop")
            return
        }
        // The delivered volumes agree with the commanded ones, to what ramps and starts cost.
        let oil = try #require(rig.simulated.syringe("oil"))
        let used = 60_000 - oil.remaining(at: rig.world.now).microliters
        let booked = 60_000 - session.rig.controller.ledger.remaining[3].microliters
        #expect(abs(used - booked) < 0.05 * booked, "used \(used), booked \(booked)")
    }

    @Test func theSameSeedGivesTheSameLogAndAnotherDoesNot() throws {
        let digests = try [UInt64(7), 7, 8].map { seed in
            let directory = try TestFolder()
            let session = try VirtualRig(seed: seed) { $0.campaign.runs = 1 }
                .session(directory.path)
            session.run(shouldStop: { false })
            return session.summary().logSHA256
        }
        #expect(digests[0].count == 64)
        #expect(digests[0] == digests[1])
        #expect(digests[0] != digests[2])
    }

    /// Whatever prefix of the log is left, it restores a campaign that repeats no finished
    /// condition and decides what the uncut campaign decided.
    @Test func everyPrefixOfTheLogDecidesTheSame() throws {
        let rig = try VirtualRig()
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        session.run(shouldStop: { false })
        let bodies = try records(in: directory.path).map(\.body)
        let planner = try Planner(
            settings: rig.settings, loss: try rig.job(directory.path).loss)
        let decisions = bodies.compactMap { body -> DecisionRecord? in
            if case .decision(let decision) = body { decision } else { nil }
        }
        var recomputed = 0
        for cut in 0...bodies.count {
            var resumed = ResumedCampaign(settings: rig.settings)
            var finished: Set<Int> = []
            var known = 0
            for body in bodies[..<cut] {
                try resumed.replay(body)
                if case .conditionEnd(let end) = body { finished.insert(end.condition) }
                if case .decision = body { known += 1 }
            }
            try resumed.finishReplay()
            if let next = resumed.campaign.nextCondition {
                #expect(!finished.contains(next.number))
            } else if let request = resumed.campaign.planRequest {
                // Decisions are costly: one recomputation for each place they are made at.
                guard cut == bodies.count || known > recomputed - 1 else { continue }
                guard known == recomputed else { continue }
                recomputed += 1
                let decision = DecisionRecord(
                    try planner.decide(request), comparison: resumed.campaign.comparison)
                #expect(decision == decisions[known])
            }
        }
        #expect(recomputed == 2)
        // The second rests on the spectra of the first run's droplets, and says what came of it.
        #expect(decisions[1].method == "spectral-process")
        #expect(decisions[1].comparison.map(\.proposer) == ["latin-hypercube"])
    }

    @Test func aKilledRunGoesOnWhereItWas() throws {
        let directory = try TestFolder()
        var generator = SeededGenerator(seed: 3)
        var lives = 0
        var summary: Summary?
        while summary == nil {
            lives += 1
            try #require(lives < 40)
            // A new process meets a rig that was left as it was; here: a new one.
            let rig = try VirtualRig { $0.simulation.seed = UInt64(lives) }
            let session = try rig.session(directory.path)
            let end = rig.world.now + .seconds(generator.uniform(15, 60))
            var isKilled = false
            while !session.director.isFinished {
                session.turn()
                rig.world.wait(until: rig.world.now + .milliseconds(20))
                if rig.world.now > end {
                    isKilled = true
                    break
                }
            }
            if !isKilled { summary = session.summary() }
            session.log.segments.close()
        }
        #expect(lives > 2, "it was never killed")
        var finished: [Int: Int] = [:]
        var decisions = 0
        for record in try records(in: directory.path) {
            switch record.body {
            case .conditionEnd(let end) where end.outcome == ConditionRecord.complete:
                finished[end.condition, default: 0] += 1
            case .decision: decisions += 1
            default: break
            }
        }
        #expect(decisions == 2)
        #expect(finished == Dictionary(uniqueKeysWithValues: (1...6).map { ($0, 1) }))
    }

    @Test func aPulledCableGoesSafeAtOnceAndComesBackOnClear() throws {
        let rig = try VirtualRig { $0.campaign.runs = 1 }
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        func run(_ seconds: Double, until: () -> Bool) -> Bool {
            rig.run(session, for: seconds, until: until)
        }
        #expect(run(300) { session.rig.controller.state == .collecting })
        rig.world.unplug("/sim/AgNO3")
        let pulledAt = rig.world.now
        #expect(run(1) { session.rig.controller.state == .safe })
        // The other pumps say within a second that they stand still, and do…
        #expect(run(1) { session.rig.pumpStates.dropFirst().allSatisfy { $0.actual == .stopped } })
        #expect((rig.world.now - pulledAt).seconds < 1)
        _ = run(3) { false }
        for name in ["seeds", "solvent", "oil"] {
            let flow = try #require(rig.simulated.syringe(name)).flow(at: rig.world.now)
            #expect(abs(flow.microlitersPerMinute) < 0.5, "\(name)")
        }
        // … and the one without a cable stops by its own dead-man timer (5 s, then the ramp).
        _ = run(6) { false }
        let alone = try #require(rig.simulated.syringe("AgNO3")).flow(at: rig.world.now)
        #expect(abs(alone.microlitersPerMinute) < 0.01)
        #expect(session.operate(.clear, kind: "clear", text: "").contains("cannot clear yet"))
        rig.world.replug("/sim/AgNO3")
        _ = run(10) { false }
        #expect(session.rig.controller.state == .safe)
        #expect(session.operate(.clear, kind: "clear", text: "") == "cleared")
        #expect(run(2_000) { session.director.isFinished })
    }

    /// An adapter that is not there when the agent starts: said, known, and waited for.
    @Test(arguments: ["/sim/oil", "/sim/spectrometer"])
    func aLineThatIsMissingAtTheStartIsSaidAndTakenUp(path: String) throws {
        let rig = try VirtualRig()
        rig.world.unplug(path)
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        func run(_ seconds: Double, until: () -> Bool) -> Bool {
            rig.run(session, for: seconds, until: until)
        }
        #expect(run(5) { session.rig.controller.state == .safe })
        let said = try #require(session.rig.controller.faults.all.first)
        #expect(said.hazard == .instrumentAbsent)
        #expect(said.subject == String(path.dropFirst("/sim/".count)))
        _ = run(20) { false }
        #expect(session.rig.controller.state == .safe)
        rig.world.replug(path)
        #expect(run(300) { session.rig.controller.state == .collecting })
        #expect(session.rig.controller.faults.isEmpty)
    }

    @Test func aTrippedInterlockStopsThePumps() throws {
        let rig = try VirtualRig { settings in
            var door = InterlockSettings(name: "door")
            door.chipLabel = "sim"
            door.line = "DOOR"
            settings.interlocks = [door]
        }
        rig.world.setLine(chipLabel: "sim", line: "DOOR", level: false)
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        func run(_ seconds: Double, until: () -> Bool) -> Bool {
            rig.run(session, for: seconds, until: until)
        }
        #expect(run(300) { session.rig.controller.state == .settling })
        rig.world.setLine(chipLabel: "sim", line: "DOOR", level: true)
        #expect(run(0.1) { session.rig.controller.state == .safe })
        #expect(session.rig.controller.faults.all.first?.text.contains("door") == true)
        #expect(session.operate(.clear, kind: "clear", text: "").contains("cannot clear yet"))
        rig.world.setLine(chipLabel: "sim", line: "DOOR", level: false)
        _ = run(1) { false }
        #expect(session.operate(.clear, kind: "clear", text: "") == "cleared")
        #expect(run(300) { session.rig.controller.state == .ready })
    }
}
