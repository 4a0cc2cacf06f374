import Configuration
import Instruments
import Quantities
import Rig
import Testing

@Suite struct RigControllerTests {
    @Test func startsByPrimingThenDarkThenReference() throws {
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        #expect(rig.states == [.priming, .darkening, .warming, .referencing, .ready])
        let kept = rig.reports.compactMap { report -> KeptSpectra? in
            if case .spectra(let kept) = report { kept } else { nil }
        }
        #expect(kept.map(\.kind) == ["dark", "reference"])
        // The bench's dark is 900 counts, its clear droplets are 40,900.
        #expect(abs((kept.first?.counts[100] ?? 0) - 900) < 10)
        #expect(abs((kept.last?.counts[100] ?? 0) - 40_900) < 20)
    }

    @Test func measuresAConditionAndGivesItsLosses() throws {
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.must(120) { !$0.outcomes.isEmpty }
        guard case .complete(let losses) = rig.outcomes.first else {
            Issue.record("\(rig.outcomes)")
            return
        }
        #expect(losses.count == 6)
        // Droplets and target have the same band, and 0.9 is within the amplitude window.
        #expect(losses.allSatisfy { $0 < 0.01 })
        let droplets = rig.reports.compactMap { report -> MeasuredDroplet? in
            if case .droplet(let droplet) = report { droplet } else { nil }
        }
        #expect(droplets.map(\.index) == [0, 1, 2, 3, 4, 5])
        #expect(droplets.allSatisfy { abs($0.maximumAbsorbance - 0.9) < 0.01 })
        #expect(droplets.allSatisfy { $0.absorbance.count == 421 })
    }

    @Test func aFaintDropletCostsAmplitude() throws {
        var rig = try BenchRig()
        rig.absorbance = 0.35
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.must(120) { !$0.outcomes.isEmpty }
        guard case .complete(let losses) = rig.outcomes.first else {
            Issue.record("\(rig.outcomes)")
            return
        }
        // δ = 0.35 / 0.7, the shape is right: loss = 1 − 0.5.
        #expect(losses.allSatisfy { abs($0 - 0.5) < 0.02 })
    }

    @Test func tooFewDropletsInTimeFailTheCondition() throws {
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        rig.hasDroplets = false
        rig.controller.run(BenchRig.order(1), at: rig.now)
        try rig.must(120) { !$0.outcomes.isEmpty }
        guard case .failed(let reason) = rig.outcomes.first else {
            Issue.record("\(rig.outcomes)")
            return
        }
        #expect(reason.description.contains("0 droplets"))
        #expect(rig.controller.state == .ready)
    }

    @Test func aRecipeThatCannotBeRunIsRefusedAndNothingFlows() throws {
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        rig.run(5)
        for recipe in [[95, 600], [30, 5_000], [-1, 600], [.nan, 600], [30]] as [[Double]] {
            rig.reports = []
            rig.controller.run(BenchRig.order(1, recipe), at: rig.now)
            rig.run(1)
            guard case .failed = rig.outcomes.first else {
                Issue.record("\(recipe): \(rig.outcomes)")
                continue
            }
            #expect(rig.flowing == 0, "\(recipe)")
            #expect(rig.controller.state == .ready, "\(recipe)")
        }
    }

    @Test func pumpsStopWhenNoRecipeComes() throws {
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        #expect(rig.flowing > 0)
        rig.run(1)
        #expect(rig.flowing == 0)
        #expect(rig.controller.state == .ready)
    }

    @Test func everyRunIsBoundedByAVolume() throws {
        var rig = try BenchRig()
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1), at: rig.now)
        // 30 % of half of 600 is silver, the rest solvent; the tube takes 18 s three times over.
        let longest = 2 + 18 + 30.0
        for case .pump(let index, .infusing(let rate, let bound)) in rig.controller.commands {
            let wanted = [90, 210, 300.0][index]
            #expect(abs(rate.microlitersPerMinute - wanted) < 1e-9)
            #expect(bound.microliters <= wanted * longest / 60 * 1.3)
            #expect(bound.microliters >= wanted * longest / 60)
        }
        let moving = rig.controller.commands.count {
            if case .pump(_, .infusing) = $0 { true } else { false }
        }
        #expect(moving == 3)
    }

    @Test func anEmptySyringeHoldsBeforeItRunsDry() throws {
        var rig = try BenchRig(remaining: [Volume(microliters: 330), nil, nil])
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1, [80, 600]), at: rig.now)
        rig.run(1)
        #expect(rig.controller.state == .held)
        #expect(rig.flowing == 0)
        #expect(rig.controller.holdReason.contains("silver"))
        _ = rig.controller.operate(.refilled(pumps: ["silver"]), at: rig.now)
        _ = rig.controller.operate(.resume, at: rig.now)
        try rig.mustReach(.ready)
        rig.controller.run(BenchRig.order(1, [80, 600]), at: rig.now)
        try rig.mustReach(.collecting)
    }

    @Test func theReferenceIsRepeatedWhenItIsDue() throws {
        var rig = try BenchRig { $0.rig.referenceEvery = 2 }
        try rig.mustReach(.ready)
        for number in 1...2 {
            rig.controller.run(BenchRig.order(number), at: rig.now)
            try rig.must(120) { $0.outcomes.count == number }
        }
        rig.run(0.1)
        #expect(!rig.controller.wantsOrder)
        try rig.must(120) { $0.states.last == .ready }
        #expect(rig.states.suffix(4) == [.darkening, .warming, .referencing, .ready])
        #expect(rig.states.count { $0 == .darkening } == 2)
    }
}
