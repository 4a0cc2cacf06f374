import Configuration
import Instruments
import Quantities
import Testing

@testable import Rig

/// Every hazard in every state of the rig, with every reaction and every way of release: the
/// pumps come to rest in time, stay at rest as long as they must, and only then go on.
@Suite struct InterlockMatrixTests {
    /// Something that goes wrong, and how it is mended.
    struct Trouble: Sendable {
        var hazard: Hazard
        var subject = ""
        /// It lasts until it is mended; otherwise it is over at once.
        var lasts = true
        /// Time until it must have tripped.
        var delay = 0.5
        var cause: @Sendable (inout BenchRig) -> Void
        var mend: @Sendable (inout BenchRig) -> Void = { _ in }
    }

    /// How a table answers, to all hazards alike.
    struct Answer: CustomTestStringConvertible, Sendable {
        var reaction: Reactions
        var release: Release
        var testDescription: String { "\(reaction.list) \(release)" }
    }

    static let rampTime = 2.0
    static let stillness = 6.0

    static let sensors = [
        BenchRig.sensor("oven", .temperature), BenchRig.sensor("inlet", .pressure),
        BenchRig.sensor("tray", .voltage), BenchRig.sensor("meter", .flow),
    ]

    /// A row that trips by an event of its own, whatever the rig does at the moment.
    private static func event(_ hazard: Hazard, _ subject: String = "") -> Trouble {
        Trouble(
            hazard: hazard, subject: subject, lasts: false,
            cause: { rig in
                let rows = rig.controller.interlocks.rows
                let row = rows.indices.first {
                    rows[$0].hazard == hazard && rows[$0].subject == subject
                }
                rig.controller.interlocks.pulse(row ?? -1, detail: "a test", at: rig.now)
                rig.controller.followInterlocks(at: rig.now)
            })
    }

    private static func value(_ hazard: Hazard, _ sensor: Int, _ says: Double?) -> Trouble {
        Trouble(
            hazard: hazard, subject: sensors[sensor].name, delay: 1.5,
            cause: { $0.sensorSays[sensor] = .some(says) },
            mend: { $0.sensorSays[sensor] = nil })
    }

    static let troubles: [Trouble] = [
        Trouble(
            hazard: .interlock, subject: "door",
            cause: { $0.controller.interlock(0, danger: true, at: $0.now) },
            mend: { $0.controller.interlock(0, danger: false, at: $0.now) }),
        Trouble(
            hazard: .unreadable, subject: "door",
            cause: { $0.controller.interlock(0, danger: nil, at: $0.now) },
            mend: { $0.controller.interlock(0, danger: false, at: $0.now) }),
        value(.temperature, 0, 70), value(.temperature, 0, nil), value(.outOfRange, 0, -20),
        value(.pressure, 1, 400), value(.pressure, 1, .nan), value(.leak, 2, 99),
        value(.staleReading, 0, nil), value(.staleReading, 1, nil),
        Trouble(
            hazard: .flowDeviation, subject: "meter", delay: 18,
            cause: { $0.sensorSays[3] = 900 }, mend: { $0.sensorSays[3] = nil }),
        Trouble(
            hazard: .log, cause: { $0.controller.log(failure: "full", at: $0.now) },
            mend: { $0.controller.log(failure: nil, at: $0.now) }),
        Trouble(
            hazard: .logBudget, cause: { $0.controller.logBudget(shortage: "9 %", at: $0.now) },
            mend: { $0.controller.logBudget(shortage: nil, at: $0.now) }),
        Trouble(
            hazard: .heartbeat, cause: { $0.controller.heartbeat(failure: "late", at: $0.now) },
            mend: { $0.controller.heartbeat(failure: nil, at: $0.now) }),
        Trouble(
            hazard: .instrumentLost, subject: "solvent",
            cause: { $0.tell("solvent", .lost(.lineClosed)) },
            mend: { $0.tell("solvent", .ready) }),
        Trouble(
            hazard: .clockStep, lasts: false,
            cause: { $0.controller.clockStepped(by: .seconds(3_600), at: $0.now) }),
        Trouble(
            hazard: .pumpAlarm, subject: "silver", lasts: false,
            cause: { $0.tell("silver", .alarm(.stalled)) }),
        event(.staleReading, "oil"), event(.noFlow, "meter"), event(.volumeDeviation, "silver"),
        event(.volumeDeviation, "meter"), event(.pumpDisobedient),
        event(.instrumentAbsent, "spectrometer"), event(.noSpectra), event(.reference),
        event(.stepTime),
    ]

    @Test func everyHazardIsAmongTheTroubles() {
        #expect(Set(Self.troubles.map(\.hazard)) == Set(Hazard.allCases))
    }

    /// A bench whose table gives `answer` to everything but to two interlocks that the states
    /// `safe` and `ramping` are reached by.
    static func bench(_ answer: Answer) throws -> BenchRig {
        try BenchRig { settings in
            settings.interlocks.append(InterlockSettings(name: "draught"))
            settings.interlocks[0].latching = answer.release == .operator
            settings.sensors = Self.sensors
            func row(_ hazard: Hazard, _ subject: String) -> ReactionSettings {
                var row = ReactionSettings(hazard, of: subject, do: answer.reaction)
                row.rampTime = .seconds(Self.rampTime)
                row.release = hazard.mustLatch ? .operator : answer.release
                row.releaseAfter = .seconds(Self.stillness)
                return row
            }
            func limit(_ hazard: Hazard, _ sensor: Int, _ below: Double, _ above: Double) {
                var row = row(hazard, Self.sensors[sensor].name)
                let measure = settings.watchedSensors[sensor].measure
                row.below = ReactionSettings.Limit(below, measure)
                row.above = ReactionSettings.Limit(above, measure)
                settings.reactions.append(row)
            }
            for hazard in Hazard.allCases where !hazard.isLimit && hazard.subject != .flowSensor {
                settings.reactions.append(row(hazard, ""))
            }
            for hazard in [Hazard.flowDeviation, .noFlow, .volumeDeviation] {
                settings.reactions.append(row(hazard, "meter"))
            }
            limit(.temperature, 0, 0, 60)
            limit(.outOfRange, 0, -10, 90)
            limit(.pressure, 1, 0, 300)
            limit(.leak, 2, 0, 90)
            for (name, reaction) in [("leak", Reactions.stopAll), ("draught", .rampDown)] {
                var row = ReactionSettings(.interlock, of: name, do: reaction)
                row.rampTime = .seconds(4)
                row.release = .automatic
                row.releaseAfter = .zero
                settings.reactions.append(row)
            }
        }
    }

    /// The bench in every state, in the order of `RigState.allCases`.
    static func states(_ answer: Answer) throws -> [BenchRig] {
        var rig = try bench(answer)
        var found: [RigState: BenchRig] = [:]
        func keep(_ rig: BenchRig) {
            if found[rig.controller.state] == nil { found[rig.controller.state] = rig }
        }
        keep(rig)
        _ = rig.run(120) { rig in
            keep(rig)
            return rig.controller.state == .ready
        }
        rig.controller.run(BenchRig.order(1), at: rig.now)
        keep(rig)
        _ = rig.run(120) { rig in
            keep(rig)
            return rig.controller.state == .collecting
        }
        for index in 1...2 {
            var other = rig
            other.controller.interlock(index, danger: true, at: other.now)
            keep(other)
        }
        _ = rig.controller.operate(.hold(reason: "lunch"), at: rig.now)
        keep(rig)
        return RigState.allCases.compactMap { found[$0] }
    }

    static let answers: [Answer] = [Reactions.hold, .rampDown, .stopAll].flatMap { reaction in
        Release.allCases.map {
            Answer(
                reaction: reaction.union(reaction == .hold ? [] : [.valvesSafe, .lampOff]),
                release: $0)
        }
    }

    @Test(arguments: answers) func everyHazardInEveryState(answer: Answer) throws {
        let states = try Self.states(answer)
        #expect(states.map(\.controller.state) == RigState.allCases)
        var cases = 0
        var broken = 0
        for (state, start) in zip(RigState.allCases, states) {
            for trouble in Self.troubles
            where !(trouble.hazard.mustLatch && answer.release == .automatic) {
                cases += 1
                if let what = MatrixCase(answer: answer, trouble: trouble).play(start) {
                    broken += 1
                    Issue.record("\(trouble.hazard) in \(state): \(what)")
                }
            }
        }
        print(
            "interlock matrix, \(answer.testDescription): \(cases) cases, \(broken) not as they must be"
        )
        #expect(cases >= 228)
    }
}

/// One hazard in one state with one answer, from its cause to its release.
struct MatrixCase {
    let answer: InterlockMatrixTests.Answer
    let trouble: InterlockMatrixTests.Trouble

    /// What was not as it must be; nil: all was.
    func play(_ start: BenchRig) -> String? {
        var rig = start
        rig.reports = []
        let before = rig.flowing
        let wasRamping = rig.controller.state == .ramping
        let wouldStop = wouldStop(rig)
        trouble.cause(&rig)
        if let what = checkAhead(rig, wouldStop) { return what }
        guard rig.run(trouble.delay, until: { isTripped($0) }) else {
            return "no trip in time: \(rig.controller.faults.all.map(\.text))"
        }
        if let what = checkReports(rig) { return what }
        if let what = checkRest(&rig, from: before, wasRamping: wasRamping) { return what }
        if let what = checkStubborn(&rig) { return what }
        return checkRelease(&rig)
    }

    /// What the loop is told before it stops pumps ahead of the controller; nil: it does not ask.
    private func wouldStop(_ rig: BenchRig) -> Bool? {
        switch trouble.hazard {
        case .interlock, .pumpAlarm:
            let index = trouble.hazard == .interlock ? 0 : rig.controller.instrument("silver")
            return rig.controller.wouldStopAll(trouble.hazard, index)
        default: return nil
        }
    }

    /// What was said beforehand is what the table says, and what the controller does at once.
    private func checkAhead(_ rig: BenchRig, _ wouldStop: Bool?) -> String? {
        guard let wouldStop else { return nil }
        guard wouldStop == answer.reaction.contains(.stopAll) else {
            return "beforehand it would stop all pumps: \(wouldStop)"
        }
        let stopped = rig.controller.commands.count { command in
            if case .pump(_, .stopped) = command { true } else { false }
        }
        let pumps = rig.controller.settings.pumps.count
        return wouldStop && stopped < pumps ? "\(stopped) of \(pumps) pumps stop at once" : nil
    }

    private func isTripped(_ rig: BenchRig) -> Bool {
        rig.controller.faults.all.contains {
            $0.hazard == trouble.hazard && $0.subject == trouble.subject
        }
    }

    /// The log says what, and what to do.
    private func checkReports(_ rig: BenchRig) -> String? {
        let told = rig.controller.reports + rig.reports
        let texts = told.compactMap { report -> String? in
            guard case .fault(let fault) = report, fault.hazard == trouble.hazard,
                fault.subject == trouble.subject
            else { return nil }
            return fault.text
        }
        let faults = rig.controller.faults.all
        let known =
            faults.first { $0.hazard == trouble.hazard && $0.subject == trouble.subject }?.text
            ?? ""
        let text = texts.first ?? known
        let names = answer.reaction.list.allSatisfy { text.contains($0) }
        return names && text.contains(trouble.hazard.remedy) ? nil : "the log says: \(texts)"
    }

    /// Pumps come to rest in the time the answer has, and never run faster meanwhile.
    private func checkRest(
        _ rig: inout BenchRig, from before: Double, wasRamping: Bool
    ) -> String? {
        // The shorter of two ramps counts; any other answer stops at once, a ramp as well.
        let limit = answer.reaction.contains(.rampDown) ? InterlockMatrixTests.rampTime : 0
        var last = max(before, rig.flowing)
        var rose = false
        rig.run(limit + 0.3) { rig in
            if rig.flowing > last + 1e-9 { rose = true }
            last = rig.flowing
            return false
        }
        if rose { return "pumps ran faster after the trip" }
        guard rig.flowing == 0 else { return "\(rig.flowing) uL/min still flow" }
        let state = rig.controller.state
        guard state == .safe || state == .held else { return "the rig is \(state)" }
        let demanded = rig.controller.demanded
        guard demanded.isSuperset(of: answer.reaction) else { return "demanded: \(demanded)" }
        return nil
    }

    /// Nothing that a person or time does makes it go on while the cause is there.
    private func checkStubborn(_ rig: inout BenchRig) -> String? {
        rig.period = .milliseconds(250)
        guard trouble.lasts else { return nil }
        _ = rig.controller.operate(.resume, at: rig.now)
        let answer = rig.controller.operate(.clear, at: rig.now)
        guard answer.hasPrefix("cannot clear yet") else { return "clear said: \(answer)" }
        rig.controller.run(BenchRig.order(9), at: rig.now)
        let moved = rig.run(InterlockMatrixTests.stillness + 1) { $0.flowing > 0 }
        return moved ? "it went on while the cause was there" : nil
    }

    /// It goes on when it may and not before.
    private func checkRelease(_ rig: inout BenchRig) -> String? {
        trouble.mend(&rig)
        // What brought the rig into its state is over as well.
        for index in 1...2 { rig.controller.interlock(index, danger: false, at: rig.now) }
        _ = rig.controller.operate(.resume, at: rig.now)
        let isSoon = rig.run(InterlockMatrixTests.stillness - 0.5) {
            ![.safe, .held].contains($0.controller.state)
        }
        // An event that is over counts from its trip, several seconds ago by now.
        if isSoon, trouble.lasts || answer.release == .operator {
            return "it went on at once: \(rig.controller.state)"
        }
        rig.run(8) { ![.safe, .held].contains($0.controller.state) }
        if answer.release == .automatic, !trouble.hazard.mustLatch {
            return [.safe, .held].contains(rig.controller.state)
                ? "it did not go on: \(rig.controller.faults.all.map(\.text))" : nil
        }
        guard [.safe, .held].contains(rig.controller.state), rig.flowing == 0 else {
            return "nobody cleared, and it is \(rig.controller.state)"
        }
        let told = rig.controller.operate(.clear, at: rig.now)
        guard told == "cleared" else { return "clear said: \(told)" }
        rig.run(1) { ![.safe, .held].contains($0.controller.state) }
        return [.safe, .held].contains(rig.controller.state)
            ? "cleared, and still \(rig.controller.state)" : nil
    }
}
