import Campaign
import Configuration
import Quantities
import Rig
import RunLog
import TestSupport
import Testing
import World

@testable import Agent

/// Settings that change while a campaign runs, under the virtual clock.
@Suite struct ReloadTests {
    private func wait(
        _ session: Session, _ rig: VirtualRig, _ change: (inout Settings) -> Void
    ) throws -> AwaitedChange {
        var job = try rig.job("")
        let old = session.director.settings
        job.settings = old
        change(&job.settings)
        job.configurationText = job.settings.explained
        let changes = SettingsChange.between(old, and: job.settings)
        let awaited = AwaitedChange(
            job: job, changes: changes, asker: "a test", tickets: [5],
            rig: try #require(RigChange(from: old, to: job.settings)),
            planner: try Planner(settings: job.settings, loss: job.loss))
        session.director.awaited = awaited
        return awaited
    }

    private func turn(_ session: Session, _ rig: VirtualRig, until: () -> Bool) throws {
        let end = rig.world.now + .seconds(600)
        while !until() {
            try #require(rig.world.now < end)
            session.turn()
            rig.world.wait(until: rig.world.now + .milliseconds(20))
        }
    }

    @Test("a change at once is in force within a turn, whatever the rig does, and in the log")
    func atOnce() throws {
        let rig = try VirtualRig()
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        try turn(session, rig) { session.rig.controller.state == .collecting }
        let change = try wait(session, rig) { $0.rig.driftLimit = 0.05 }
        session.turn()
        #expect(session.rig.controller.settings.rig.driftLimit == 0.05)
        #expect(session.rig.settings.rig.driftLimit == 0.05)
        #expect(session.director.settings.rig.driftLimit == 0.05)
        #expect(session.rig.controller.state == .collecting)
        #expect(session.director.answers.map(\.ticket) == [5])
        session.run(shouldStop: { false })
        let bodies = try records(in: directory.path).map(\.body)
        let texts = bodies.compactMap { body -> String? in
            if case .configuration(let text, let sha256) = body {
                #expect(sha256 == Digest.sha256(text))
                return text
            }
            return nil
        }
        #expect(texts == [rig.settings.explained, change.job.configurationText])
    }

    @Test("a change at the boundary leaves the running condition alone; a restart decides the same")
    func atBoundary() throws {
        let rig = try VirtualRig()
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        try turn(session, rig) { session.rig.controller.state == .collecting }
        _ = try wait(session, rig) {
            $0.campaign.batch = 2
            $0.campaign.runs = 3
            $0.rig.droplets = 5
        }
        try turn(session, rig) {
            if session.rig.controller.order?.number == 1 {
                #expect(session.director.settings.campaign.batch == 3)
                #expect(session.rig.controller.settings.rig.droplets == 4)
            }
            return session.director.awaited == nil
        }
        #expect(session.director.settings.campaign.batch == 2)
        let changed = session.director.settings
        session.run(shouldStop: { false })
        let summary = session.summary()
        #expect(summary.runs.map(\.complete) == [3, 2, 2])
        #expect(summary.droplets == 4 + 2 * 5 + 4 * 5)

        // Every prefix of the log, replayed under the settings in force at its end, stands where
        // the campaign stood.
        let bodies = try records(in: directory.path).map(\.body)
        let planner = try Planner(settings: changed, loss: try rig.job("").loss)
        var decided = 0
        for (index, body) in bodies.enumerated() {
            guard case .decision(let decision) = body, decision.run > 1 else { continue }
            var resumed = ResumedCampaign(settings: changed)
            for body in bodies[..<index] { try resumed.replay(body) }
            try resumed.finishReplay()
            let request = try #require(resumed.campaign.planRequest)
            #expect(
                DecisionRecord(
                    try planner.decide(request), comparison: resumed.campaign.comparison)
                    == decision)
            decided += 1
        }
        #expect(decided == 2)
    }

    @Test("what contradicts the log is not taken up")
    func objections() throws {
        let rig = try VirtualRig { $0.campaign.runs = 1 }
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        try turn(session, rig) { session.director.campaign.history.count == 1 }
        let campaign = session.director.campaign
        var settings = session.director.settings
        #expect(campaign.objection(to: settings) == nil)
        settings.campaign.lossThreshold = 2
        #expect(campaign.objection(to: settings)?.contains("over") == true)
        settings = session.director.settings
        settings.recipe.maximumReagentShare = 0.05
        #expect(campaign.objection(to: settings)?.contains("condition") == true)
        settings = session.director.settings
        settings.variables[2].highLimit = 850
        settings.variables[2].high = 850
        #expect(campaign.objection(to: settings) != nil)

        _ = try wait(session, rig) { $0.campaign.lossThreshold = 2 }
        try turn(session, rig) { session.director.awaited == nil }
        #expect(session.director.settings.campaign.lossThreshold == 0.001)
        #expect(session.director.answers.last?.text.hasPrefix("cannot reload") == true)
    }
}
