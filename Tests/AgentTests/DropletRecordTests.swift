import Configuration
import Numerics
import Quantities
import RunLog
import TestSupport
import Testing

@testable import Agent

/// What the log says of conditions that ended early and of flagged droplets.
@Suite struct DropletRecordTests {
    @Test func theLogSaysThatAConditionEndedEarlyAndHowWellItIsKnown() throws {
        let rig = try VirtualRig {
            $0.campaign.runs = 1
            $0.rig.droplets = 12
            $0.rig.medianUncertainty = 0.1
            $0.simulation.amplitudeScatter = 0.01
        }
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        session.run(shouldStop: { false })
        let bodies = try records(in: directory.path).map(\.body)
        let ends = bodies.compactMap { body -> ConditionRecord? in
            if case .conditionEnd(let end) = body { end } else { nil }
        }
        let told = bodies.compactMap { body -> String? in
            if case .event("ended-early", let text) = body { text } else { nil }
        }
        #expect(ends.count == 3)
        #expect(ends.allSatisfy { $0.outcome == ConditionRecord.complete })
        #expect(!told.isEmpty)
        #expect(ends.filter { $0.droplets < 12 }.map(\.reason) == told)
        #expect(ends.filter { $0.droplets == 12 }.allSatisfy { $0.reason.isEmpty })
        for end in ends {
            let losses = bodies.compactMap { body -> Double? in
                guard case .droplet(let droplet) = body, droplet.condition == end.condition
                else { return nil }
                return droplet.loss
            }
            #expect(losses.count == end.droplets)
            #expect(median(of: losses) == end.medianLoss)
        }
        let first = try #require(ends.first { $0.droplets < 12 })
        #expect(
            first.reason.hasPrefix(
                "condition \(first.condition), attempt 1: ended after \(first.droplets) of 12 "
                    + "droplets; median loss \(short(try #require(first.medianLoss)))"))
    }

    @Test func theLogNamesFlaggedDroplets() throws {
        let rig = try VirtualRig {
            $0.campaign.runs = 1
            $0.rig.droplets = 10
            // Far from the published scatter: some droplets are half or twice their neighbours.
            $0.simulation.amplitudeScatter = 0.5
            $0.simulation.driftShare = 0
        }
        let directory = try TestFolder()
        let session = try rig.session(directory.path)
        session.run(shouldStop: { false })
        let bodies = try records(in: directory.path).map(\.body)
        var seen: Set<String> = []
        var flags = 0
        for body in bodies {
            switch body {
            case .droplet(let droplet):
                seen.insert(
                    "condition \(droplet.condition), attempt \(droplet.attempt), "
                        + "droplet \(droplet.index)")
            case .event("droplet-flagged", let text):
                flags += 1
                #expect(seen.contains { text.hasPrefix($0 + ": amplitude ") }, "\(text)")
                #expect(text.contains("times its neighbours'"))
            default: break
            }
        }
        #expect(flags > 0)
        #expect(flags <= 3 * 5)
    }
}
