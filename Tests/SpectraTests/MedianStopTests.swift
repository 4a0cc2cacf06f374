import Configuration
import Foundation
import Numerics
import TestSupport
import Testing

@testable import Spectra

@Suite struct MedianStopTests {
    // Two-sided quantiles from printed tables (0.05 and 0.01) and from SciPy 1.17 (the others).
    @Test(arguments: [
        (0.05, 1, 12.706_204_736), (0.05, 2, 4.302_652_730), (0.05, 10, 2.228_138_852),
        (0.01, 5, 4.032_142_984), (0.0125, 6, 3.521_222_711), (0.001, 3, 12.923_978_637),
        (0.0125, 13, 2.896_147_809), (0.0001, 30, 4.482_417_175), (0.05, 400, 1.965_912_343),
    ])
    func quantilesAreStudents(share: Double, freedom: Int, wanted: Double) {
        let got = StudentT.twoSided(share, freedom: freedom)
        #expect(abs(got / wanted - 1) < 1e-8, "\(got)")
    }

    @Test func quantilesAtTheEdges() {
        #expect(StudentT.twoSided(0.05, freedom: 0) == .infinity)
        #expect(StudentT.twoSided(0, freedom: 5) == .infinity)
        #expect(StudentT.twoSided(1, freedom: 5) == 0)
        #expect(
            StudentT.twoSided(0.01, freedom: 100_000) == StudentT.twoSided(0.01, freedom: 400))
    }

    // The usual table of ranks for a 95 % interval of the median: none below 6 values, then
    // 1 (6…8), 2 (9…11), 3 (12…14), 6 at 20; and 10 from C(100, i) sums: 40 at 100.
    @Test(arguments: [(5, 0), (6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (20, 6), (100, 40)])
    func ranksEncloseTheMedian(trials: Int, rank: Int) {
        #expect(OrderStatistics.lowerRank(trials: trials, tail: 0.025) == rank)
    }

    @Test func ranksStayFiniteForManyDroplets() {
        // By the normal approximation 5,000 − 1.96 · 50.
        let rank = OrderStatistics.lowerRank(trials: 10_000, tail: 0.025)
        #expect(abs(rank - 4_902) <= 1)
    }

    @Test func looksNowAndThenAndNeverBeforeTheEighth() {
        #expect(
            MedianStop(uncertainty: 0.01, fewest: 4, droplets: 15).looks == [8, 10, 12, 14])
        #expect(MedianStop(uncertainty: 0.01, fewest: 12, droplets: 15).looks == [12, 14])
        for never in [0, -1, .nan, .infinity] {
            #expect(MedianStop(uncertainty: never, fewest: 4, droplets: 100).looks.isEmpty)
        }
        #expect(MedianStop(uncertainty: 1, fewest: 4, droplets: 8).looks.isEmpty)
        #expect(MedianStop(uncertainty: 1, fewest: 1, droplets: 10_000).looks.count < 60)
    }

    @Test func whatCannotBeJudgedGoesOn() {
        let stop = MedianStop(uncertainty: 1, fewest: 4, droplets: 15)
        #expect(stop.check([]) == nil)
        #expect(stop.check(Array(repeating: 0.5, count: 7)) == nil)
        #expect(stop.check(Array(repeating: 0.5, count: 7) + [.nan]) == nil)
        #expect(stop.check(Array(repeating: 0.5, count: 7) + [.infinity]) == nil)
        #expect(stop.halfWidth(of: [0.1, 0.2]) == .infinity)
        let known = stop.check(Array(repeating: 0.5, count: 8))
        #expect(
            known == MedianStop.Known(median: 0.5, halfWidth: 0, droplets: 8, planned: 15))
    }

    /// A pure drift: nothing scatters, but the rest of the condition is still to come. The
    /// median of 15 lies (15 − 8)/2 steps from that of the first 8.
    @Test func aDriftCountsInFull() throws {
        let stop = MedianStop(uncertainty: 1, fewest: 4, droplets: 15)
        let losses = (0..<8).map { 0.3 + 0.01 * Double($0) }
        let known = try #require(stop.check(losses))
        #expect(abs(known.median - 0.335) < 1e-12)
        #expect(known.halfWidth >= 0.035 - 1e-12)
        // Nothing but the range can widen it: from 0.335 to 0.37 that is 0.035 as well.
        #expect(known.halfWidth < 0.035 + 1e-6)
    }

    /// By hand: residuals ±s about a flat line, alternating, so that the correlation reckoned
    /// with is the least one.
    @Test func theHalfWidthIsTheFormulas() {
        let stop = MedianStop(uncertainty: 1, fewest: 4, droplets: 10)
        let losses = [1, -1, -1, 1, 1, -1, -1, 1].map { 0.5 + 0.01 * $0 }
        // Symmetric about the middle: no slope. Variance 8 s² / 6; one look at 8 (the next, 10,
        // is the end); t(0.05, 6) = 2.446912; one droplet ahead; Σ(i − 3.5)² = 42.
        let variance = 8e-4 / 6 * (1.25 / 0.75) * (Double.pi / 2 / 8 + 1 / 42.0)
        let wanted = 2.446_911_851 * variance.squareRoot()
        #expect(stop.looks == [8])
        #expect(abs(stop.halfWidth(of: losses) / wanted - 1) < 1e-6)
    }
}

/// Is the promise kept? Seeded conditions of many kinds, each measured to its end; the early
/// median is compared with that of all planned droplets and with the middle of what made them.
@Suite struct MedianStopHonestyTests {
    /// What makes the losses of a condition.
    enum Kind: String, CaseIterable {
        /// Independent normal droplets.
        case independent
        /// The published scatter: 43 % of the variance drifts along the index, the rest has
        /// lag-1 autocorrelation 0.25.
        case published
        /// The same, but the drift dies away from the start, as a line that still settles.
        case settling
        /// Rare far droplets: Student's t with 3 degrees of freedom.
        case heavyTailed
        /// Bunched at the low end: exponential.
        case skewed
    }

    static let deviation = 0.03

    /// The losses of one condition, and the middle of their distribution over the whole of it.
    static func condition(
        _ kind: Kind, droplets: Int, _ random: inout SeededGenerator
    ) -> (losses: [Double], middle: Double) {
        let count = Double(droplets)
        switch kind {
        case .independent:
            return ((0..<droplets).map { _ in 0.4 + deviation * random.normal() }, 0.4)
        case .heavyTailed:
            let losses = (0..<droplets).map { _ in
                let squares = (0..<3).map { _ in pow(random.normal(), 2) }.reduce(0, +)
                // Variance 3 with three degrees of freedom.
                return 0.4 + deviation / 3.0.squareRoot() * random.normal()
                    / (squares / 3).squareRoot()
            }
            return (losses, 0.4)
        case .skewed:
            let losses = (0..<droplets).map { _ in 0.4 - deviation * log(1 - random.uniform()) }
            return (losses, 0.4 + deviation * log(2))
        case .published, .settling:
            let sign = random.uniform() < 0.5 ? -1.0 : 1
            var drift = (0..<droplets).map { index in
                kind == .published
                    ? sign * Double(index) / count : sign * exp(-4 * Double(index) / count)
            }
            let mean = drift.reduce(0, +) / count
            let size = (drift.map { pow($0 - mean, 2) }.reduce(0, +) / count).squareRoot()
            drift = drift.map { ($0 - mean) / size }
            var rest = random.normal()
            let losses = drift.map { drift in
                rest = 0.25 * rest + (1 - 0.0625).squareRoot() * random.normal()
                return 0.4 + deviation * (0.43.squareRoot() * drift + 0.57.squareRoot() * rest)
            }
            let middle = median(of: drift) ?? .nan
            return (losses, 0.4 + deviation * 0.43.squareRoot() * middle)
        }
    }

    /// The first droplets that `stop` calls enough, or all of them.
    static func early(_ losses: [Double], _ stop: MedianStop) -> MedianStop.Known? {
        for look in stop.looks {
            if let known = stop.check(Array(losses.prefix(look))) { return known }
        }
        return nil
    }

    // Uncertainties of one, two and three deviations of a single droplet.
    @Test(arguments: Kind.allCases, [15, 24])
    func keepsItsPromise(kind: Kind, droplets: Int) throws {
        for (factor, leastEarly) in [(1.0, 0.0), (2, 0.5), (3, 0.8)] {
            let stop = MedianStop(
                uncertainty: factor * Self.deviation, fewest: 4, droplets: droplets)
            var random = SeededGenerator(seed: UInt64(droplets) * 10 + UInt64(factor))
            let conditions = 300
            var (ended, spent, missedWhole, missedMiddle) = (0, 0, 0, 0)
            for _ in 0..<conditions {
                let (losses, middle) = Self.condition(kind, droplets: droplets, &random)
                guard let known = Self.early(losses, stop) else {
                    spent += droplets
                    continue
                }
                ended += 1
                spent += known.droplets
                let whole = try #require(median(of: losses))
                if abs(known.median - whole) > known.halfWidth { missedWhole += 1 }
                if abs(known.median - middle) > known.halfWidth { missedMiddle += 1 }
            }
            let allowed = Int(MedianStop.error * Double(conditions))
            let seen: Comment =
                """
                \(kind) \(factor): \(ended) of \(conditions) ended early, \(spent) droplets of \
                \(droplets * conditions); off: \(missedWhole) whole, \(missedMiddle) middle
                """
            if getenv("ARGENT_FIGURES") != nil { print(seen) }
            #expect(missedWhole <= allowed, seen)
            #expect(missedMiddle <= allowed, seen)
            // A rule that never ends would keep its promise as well.
            #expect(Double(ended) >= leastEarly * Double(conditions), seen)
        }
    }

    /// The same conditions show that the promise is not an empty one: looking after every
    /// droplet for 1.96 standard errors of independent droplets breaks it.
    @Test func theTextbookIntervalBreaksThePromise() throws {
        var random = SeededGenerator(seed: 3)
        var missed = 0
        let conditions = 400
        for _ in 0..<conditions {
            let (losses, middle) = Self.condition(.published, droplets: 24, &random)
            for count in 4..<24 {
                let first = Array(losses.prefix(count))
                let mean = first.reduce(0, +) / Double(count)
                let squares = first.map { pow($0 - mean, 2) }.reduce(0, +)
                let width = 1.96 * (squares / Double(count - 1) / Double(count)).squareRoot()
                guard width <= 0.015 else { continue }
                let early = try #require(median(of: first))
                if abs(early - middle) > width { missed += 1 }
                break
            }
        }
        #expect(Double(missed) > 4 * MedianStop.error * Double(conditions), "\(missed)")
    }

    static let published = SharedData.path("agbonn/droplet_losses.csv")

    /// 3,295 measured droplets: conditions are lines with the same recipe that follow each other.
    @Test(.enabled(if: published != nil)) func keepsItsPromiseOnMeasuredDroplets() throws {
        let text = try String(contentsOfFile: #require(Self.published), encoding: .utf8)
        var conditions: [[Double]] = []
        var last: [Substring] = []
        for line in text.split(whereSeparator: \.isNewline).dropFirst() {
            let fields = line.split(separator: ",")
            let loss = try #require(fields.last.flatMap { Double($0) })
            let recipe = Array(fields.dropLast())
            if recipe != last { conditions.append([]) }
            last = recipe
            conditions[conditions.count - 1].append(loss)
        }
        #expect(conditions.count == 164)
        let all = conditions.map(\.count).reduce(0, +)
        #expect(all == 3_295)
        // Part of all droplets that is saved at least, by uncertainty.
        for (uncertainty, leastSaved) in [(0.01, 0.02), (0.02, 0.08), (0.03, 0.14), (0.05, 0.25)] {
            var (saved, ended, missed) = (0, 0, 0)
            var differences: [Double] = []
            for losses in conditions {
                let stop = MedianStop(uncertainty: uncertainty, fewest: 4, droplets: losses.count)
                guard let known = Self.early(losses, stop) else { continue }
                let difference = abs(known.median - (try #require(median(of: losses))))
                differences.append(difference)
                ended += 1
                saved += losses.count - known.droplets
                if difference > known.halfWidth { missed += 1 }
                #expect(known.halfWidth <= uncertainty)
            }
            differences.sort()
            let seen: Comment =
                """
                \(uncertainty): \(ended) ended early, \(saved) droplets saved, \(missed) off; \
                differences: median \(differences[ended / 2]), 90 % \
                \(differences[ended * 9 / 10]), largest \(differences[ended - 1])
                """
            if getenv("ARGENT_FIGURES") != nil { print(seen) }
            #expect(Double(missed) <= MedianStop.error * Double(conditions.count), seen)
            #expect(Double(saved) >= leastSaved * Double(all), seen)
        }
    }

    /// The configuration's check warns exactly where no condition can end early.
    @Test func theCheckKnowsWhenNothingCanEndEarly() {
        for droplets in 1...20 {
            var settings = Settings()
            settings.rig.droplets = droplets
            settings.rig.minimumDroplets = 1
            settings.rig.medianUncertainty = 0.05
            let stop = MedianStop(uncertainty: 0.05, fewest: 1, droplets: droplets)
            let warned = SettingsCheck.problems(in: settings).contains {
                "\($0)".contains("no condition can end early")
            }
            #expect(warned == stop.looks.isEmpty, "\(droplets)")
        }
    }
}
