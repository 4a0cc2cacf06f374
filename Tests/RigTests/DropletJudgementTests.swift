import Configuration
import Instruments
import Quantities
import Rig
import Spectra
import Testing

/// What the rig makes of droplets while they pass: early ends and flags.
@Suite struct DropletJudgementTests {
    /// Runs condition 1 to its end with droplets of these amplitudes, one after another; the
    /// last one stays.
    private static func run(
        _ rig: inout BenchRig, _ amplitudes: [Double], order: ConditionOrder = BenchRig.order(1)
    ) throws {
        try rig.mustReach(.ready)
        rig.controller.run(order, at: rig.now)
        for (index, amplitude) in amplitudes.enumerated() {
            rig.absorbance = amplitude
            try rig.must(120) {
                $0.controller.losses.count > index || !$0.outcomes.isEmpty
                    || $0.controller.state == .held
            }
        }
        try rig.must(120) { !$0.outcomes.isEmpty }
    }

    private static func kinds(_ rig: BenchRig) -> [String] {
        rig.reports.compactMap { if case .event(let kind, _) = $0 { kind } else { nil } }
    }

    private static func flags(_ rig: BenchRig) -> [DropletWatch.Departure] {
        rig.reports.compactMap { if case .flagged(_, let flag) = $0 { flag } else { nil } }
    }

    private static func losses(_ rig: BenchRig) -> [Double] {
        guard case .complete(let losses) = rig.outcomes.first else { return [] }
        return losses
    }

    @Test func endsEarlyWhenDropletsAgreeAndSaysSoFirst() throws {
        var rig = try BenchRig {
            $0.rig.droplets = 15
            $0.rig.medianUncertainty = 0.02
        }
        try Self.run(&rig, [])
        #expect(Self.losses(rig).count == MedianStop.fewest)
        let places = rig.reports.indices.filter {
            switch rig.reports[$0] {
            case .endsEarly, .conditionEnded: true
            default: false
            }
        }
        #expect(places.count == 2)
        guard let first = places.first, case .endsEarly(let order, let known) = rig.reports[first]
        else {
            Issue.record("the end was told before its reason")
            return
        }
        #expect(order.number == 1)
        #expect(known.droplets == 8)
        #expect(known.planned == 15)
        #expect(known.halfWidth <= 0.02)
        #expect(rig.controller.state == .ready)
    }

    @Test func takesAllDropletsWhenTheyScatterOrNobodyAsks() throws {
        // Losses of 0, 0.14, 0.29… by turns: δ falls with the amplitude below 0.7.
        let scattered = (0..<15).map { [0.7, 0.6, 0.5, 0.55, 0.65][$0 % 5] }
        for (uncertainty, amplitudes) in [(0.02, scattered), (0, [])] {
            var rig = try BenchRig {
                $0.rig.droplets = 15
                $0.rig.medianUncertainty = uncertainty
            }
            try Self.run(&rig, amplitudes)
            #expect(Self.losses(rig).count == 15)
            let ends = rig.reports.contains { if case .endsEarly = $0 { true } else { false } }
            #expect(!ends)
        }
    }

    @Test func aHalfDropletIsFlaggedAtOnceAndCounts() throws {
        var rig = try BenchRig { $0.rig.droplets = 9 }
        try Self.run(&rig, [0.9, 0.9, 0.9, 0.9, 0.9, 0.45, 0.9])
        let flags = Self.flags(rig)
        #expect(flags.map(\.index) == [5])
        #expect(flags.first?.peers == .neighbours)
        #expect(abs((flags.first?.amplitude ?? 0) - 0.5) < 0.02)
        #expect(Self.losses(rig).count == 9)
        // δ = 0.45 / 0.7.
        #expect(abs((Self.losses(rig).dropFirst(5).first ?? 0) - (1 - 0.45 / 0.7)) < 0.02)
        // The flag follows its droplet and comes before the next one.
        let told = rig.reports.compactMap { report -> String? in
            switch report {
            case .droplet(let droplet): "\(droplet.index)"
            case .flagged: "flag"
            default: nil
            }
        }
        #expect(told == ["0", "1", "2", "3", "4", "5", "flag", "6", "7", "8"])
        #expect(!Self.kinds(rig).contains("droplets-flagged-run"))
        #expect(rig.controller.flags.neighbours == 1)
    }

    @Test(arguments: [false, true]) func aRunOfFlagsIsLoudAndHoldsWhereAsked(holds: Bool) throws {
        var rig = try BenchRig {
            $0.rig.droplets = 14
            $0.rig.flaggedRun = 3
            $0.rig.holdsOnFlaggedRun = holds
        }
        try Self.run(&rig, Array(repeating: 0.9, count: 8) + [0.4])
        #expect(Self.kinds(rig).count { $0 == "droplets-flagged-run" } == 1)
        if holds {
            #expect(rig.controller.state == .held)
            #expect(rig.controller.holdReason.contains("droplets in a row"))
            guard case .abandoned = rig.outcomes.first else {
                Issue.record("\(rig.outcomes)")
                return
            }
            rig.run(1)
            #expect(rig.flowing == 0)
        } else {
            #expect(Self.losses(rig).count == 14)
        }
    }

    /// However many droplets are flagged, the log gets a few lines for a condition.
    @Test func flagsAreBounded() throws {
        var rig = try BenchRig {
            $0.rig.droplets = 40
            $0.rig.collectLimit = .seconds(120)
            $0.droplets.flagAmplitude = 0.01
            $0.droplets.flagMultiple = 0
        }
        try Self.run(&rig, (0..<40).map { $0 % 2 == 0 ? 0.8 : 0.9 })
        #expect(Self.losses(rig).count == 40)
        #expect(rig.controller.flags.neighbours > 20)
        #expect(Self.flags(rig).count == 5)
        #expect(Self.kinds(rig).count { $0 == "droplets-flagged" } == 1)
        #expect(Self.kinds(rig).count { $0 == "droplets-flagged-run" } == 1)
    }

    @Test func whatTheNetworkExpectedIsCompared() throws {
        func spectrum(_ rig: BenchRig) -> [Float] {
            for case .droplet(let droplet) in rig.reports {
                return droplet.absorbance.map { Float($0) }
            }
            return []
        }
        var first = try BenchRig()
        try Self.run(&first, [])
        let usual = spectrum(first)
        #expect(usual.count == 421)
        // As expected; 30 % above it; and an expectation that cannot be compared.
        for (expected, flagged, unusable) in [
            (usual, 0, 0), (usual.map { $0 / 1.3 }, 6, 0), (usual.dropLast(), 0, 1),
        ] {
            var rig = try BenchRig()
            var order = BenchRig.order(1)
            order.expectedSpectrum = expected
            order.expectedSpread = 0.05
            try Self.run(&rig, [], order: order)
            #expect(rig.controller.flags.network == flagged)
            #expect(Self.flags(rig).map(\.peers) == (flagged > 0 ? [.network] : []))
            #expect(Self.kinds(rig).count { $0 == "droplets-flagged" } == (flagged > 0 ? 1 : 0))
            #expect(Self.kinds(rig).count { $0 == "expectation-unusable" } == unusable)
            #expect(Self.losses(rig).count == 6)
        }
    }
}
