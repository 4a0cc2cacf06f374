import Configuration
import Quantities
import RigSimulator
import TestSupport
import Testing
import World

@testable import Agent

/// Outputs, the heartbeat and a stepper pump through a whole simulated campaign.
@Suite struct OutputsTests {
    static let chip = "board"

    /// What a line did: its level at the start, then every change.
    final class Trace {
        var changes: [(level: Bool, at: Instant)] = []
        var follow: (Instant) -> Void = { _ in }

        init(_ world: VirtualWorld, _ line: String) {
            world.watchLine(chipLabel: OutputsTests.chip, line: line) { [self] level, now in
                changes.append((level, now))
                follow(now)
            }
        }

        /// The level at `instant`: low before the first change.
        func level(at instant: Instant) -> Bool {
            changes.last { $0.at <= instant }?.level ?? false
        }
    }

    private static func output(
        _ name: String, _ kind: OutputSettings.Kind, _ rule: OutputSettings.Rule
    ) -> OutputSettings {
        var output = OutputSettings(name: name)
        output.kind = kind
        output.rule = rule
        output.chipLabel = chip
        output.line = name
        return output
    }

    private static func rig(_ change: (inout Settings) -> Void = { _ in }) throws -> VirtualRig {
        try VirtualRig { settings in
            settings.campaign.runs = 1
            settings.campaign.batch = 3
            var vent = output("vent", .valve, .flowing)
            vent.normally = .open
            var lamp = output("lamp", .lamp, .lit)
            lamp.activeLow = true
            settings.outputs = [
                output("inlet", .valve, .flowing), vent, lamp, output("power", .enable, .awake),
                output("spare", .shutter, .never),
            ]
            settings.heartbeat.chipLabel = chip
            settings.heartbeat.line = "beat"
            change(&settings)
        }
    }

    @Test func outputsFollowTheRig() throws {
        let rig = try Self.rig()
        let inlet = Trace(rig.world, "inlet")
        let vent = Trace(rig.world, "vent")
        let lamp = Trace(rig.world, "lamp")
        let power = Trace(rig.world, "power")
        let spare = Trace(rig.world, "spare")
        let beat = Trace(rig.world, "beat")
        let folder = try TestFolder()
        let summary = try VirtualCampaign.run(
            rig.job(folder.path), world: rig.world, version: "test")
        #expect(summary.droplets > 0)
        // Opened for the flow, closed at the end; the normally open one is its mirror image.
        #expect(inlet.changes.count >= 2 && inlet.changes.last?.level == false)
        for change in inlet.changes {
            #expect(vent.level(at: change.at) != change.level)
        }
        // An active-low lamp burns when the line is low; it is off (high) at both ends.
        #expect(lamp.changes.first?.level == true && lamp.changes.last?.level == true)
        #expect(lamp.changes.contains { !$0.level })
        #expect(power.changes.map(\.level) == [true, false])
        #expect(spare.changes.isEmpty)
        // The relay's window is 50 … 400 ms; edges never come sooner than 100.
        #expect(beat.changes.count > 100)
        for (before, after) in zip(beat.changes, beat.changes.dropFirst()) {
            #expect(after.at - before.at >= .milliseconds(100))
            #expect(after.at - before.at <= .milliseconds(200))
        }
    }

    @Test func trippedRigHasItsOutputsSafe() throws {
        let rig = try Self.rig { settings in
            var stop = InterlockSettings(name: "stop")
            stop.chipLabel = Self.chip
            stop.line = "stop"
            settings.interlocks = [stop]
        }
        let world = rig.world
        let beat = Trace(world, "beat")
        let traces = ["inlet", "vent", "power"].map { Trace(world, $0) }
        let lamp = Trace(world, "lamp")
        // While droplets are collected: valves open, lamp on.
        let tripAt = Instant.zero + .seconds(12)
        var trippedAt: Instant?
        beat.follow = { now in
            guard now >= tripAt, trippedAt == nil, !lamp.level(at: now),
                traces[0].level(at: now)
            else { return }
            trippedAt = now
            world.setLine(chipLabel: Self.chip, line: "stop", level: true)
        }
        let folder = try TestFolder()
        _ = try VirtualCampaign.run(rig.job(folder.path), world: world, version: "test")
        let at = try #require(trippedAt)
        // Open until then; the very same instant of the virtual clock may see it closed.
        #expect(traces[0].level(at: at - TimeSpan(nanoseconds: 1)))
        let later = at + .milliseconds(60)
        for trace in traces {
            #expect(!trace.level(at: later))
            #expect(trace.changes.allSatisfy { $0.at <= later || !$0.level })
        }
        #expect(lamp.level(at: later) && lamp.changes.allSatisfy { $0.at <= later })
        // The process is well: the relay keeps its heartbeat in the safe state.
        #expect(beat.changes.filter { $0.at > later }.count > 100)
    }

    @Test func outputsThatCannotBeHeldStopTheHeartbeat() throws {
        let rig = try Self.rig()
        // Somebody else owns the lamp's line.
        let taken = try rig.world.openOutputs([
            OutputLineSettings(
                chipLabel: Self.chip, line: "lamp", activeLow: false, safeLevel: false)
        ])
        let beat = Trace(rig.world, "beat")
        let folder = try TestFolder()
        _ = try VirtualCampaign.run(rig.job(folder.path), world: rig.world, version: "test")
        #expect(beat.changes.isEmpty)
        let told = try records(in: folder.path).contains { record in
            if case .event(_, let text) = record.body { return text.contains("it is held already") }
            return false
        }
        #expect(told)
        withExtendedLifetime(taken) {}
    }

    /// While somebody else holds the relay's own line it is never said to be in order; once it is
    /// free, it is, and stays so.
    @Test func aHeartbeatWhoseLineIsNotHeldIsNeverInOrder() throws {
        let rig = try Self.rig()
        let taken = try rig.world.openOutputs([
            OutputLineSettings(
                chipLabel: Self.chip, line: "beat", activeLow: false, safeLevel: false)
        ])
        let folder = try TestFolder()
        let session = try rig.session(folder.path)
        let devices = try #require(session.rig.devices)
        func inOrder(for seconds: Double) -> (turns: Int, fine: Int) {
            var (turns, fine) = (0, 0)
            _ = rig.run(session, for: seconds) {
                turns += 1
                fine += devices.heartbeatFailure == nil ? 1 : 0
                return false
            }
            return (turns, fine)
        }
        let without = inOrder(for: 20)
        #expect(without.turns > 100 && without.fine == 0, "\(without)")
        taken.close()
        _ = inOrder(for: 5)
        let with = inOrder(for: 5)
        #expect(with.turns > 100 && with.fine == with.turns, "\(with)")
    }

    @Test func stepperIsAPumpLikeAnyOther() throws {
        let rig = try Self.rig { settings in
            let oil = settings.pumps.count - 1
            settings.pumps[oil].dialect = .stepper
            settings.pumps[oil].port = "steps"
            settings.pumps[oil].stepper.stepLine = "step"
            settings.pumps[oil].stepper.directionLine = "direction"
            settings.pumps[oil].stepper.enableLine = "enable"
            settings.pumps[oil].stepper.stepsPerMicroliter = 20
            settings.pumps[oil].stepper.maximumStepRate = 1_000
            settings.pumps[oil].stepper.startStepRate = 20
            settings.pumps[oil].stepper.ramp = .milliseconds(200)
        }
        rig.simulated.attachSteppers(to: rig.world, settings: rig.settings)
        let folder = try TestFolder()
        let summary = try VirtualCampaign.run(
            rig.job(folder.path), world: rig.world, version: "test")
        let motor = try #require(rig.simulated.steppers[3])
        #expect(summary.droplets > 0)
        #expect(motor.position > 1_000)
        #expect(motor.lost == 0)
        #expect(!motor.hasCurrent)
        // Never faster than the fastest flow asked for: 900 µL/min, half of it oil, are 150 steps
        // a second.
        #expect(motor.shortestInterval > .microseconds(6_660))
    }
}
