import Glibc

/// When a condition may end before all of its droplets were measured: once the median of its
/// losses is known well enough.
///
/// What is promised: of all conditions, at most the share `error` ends early with a median that
/// is further from the median of the whole planned condition than the half width said. For that
/// the half width counts
/// - the scatter about a straight line over the droplet index, with Student's quantile, because
///   few droplets tell little about their own scatter;
/// - neighbours that resemble each other: the variance grows by (1 + ρ) / (1 − ρ), ρ estimated
///   from the residuals but at least `autocorrelation`, as eight droplets cannot show less;
/// - that a median scatters π/2 times the variance of a mean;
/// - the drift: a slope b moves the median of all N droplets by b (N − n) / 2 from that of the
///   first n; the move counts in full, and the slope's own uncertainty adds to the variance;
/// - that the line and the bell curve are assumptions: the half width is never less than the
///   reach of the order statistics that enclose the median whatever the distribution;
/// - repeated looking: it looks only after some of the droplets (`looks`), and every look gets
///   an equal part of `error` (Bonferroni), whatever the dependence among looks.
///
/// The parts add up to more than they need: in simulations of the published scatter the promise
/// is broken far more rarely than `error`. On the published losses (3,295 droplets, 164
/// conditions) a wanted half width of 0.02 saves 11 % of the droplets, 0.03 17 %, 0.05 27 %, and
/// no early median is off by more than it said.
///
/// It cannot foresee a jump or a turn that comes after the early end, nor can any such rule.
public struct MedianStop: Equatable, Sendable {
    /// A median that is known well enough.
    public struct Known: Equatable, Sendable {
        /// The median of the losses so far.
        public var median: Double
        /// How far at most it is from that of the whole condition, but for `error`.
        public var halfWidth: Double
        /// Droplets measured.
        public var droplets: Int
        /// Droplets planned.
        public var planned: Int
    }

    /// Share of conditions whose early median may be further off than said.
    public static let error = 0.05
    /// Before this many droplets no condition ends, whatever the settings: eight on the same
    /// side of the median are rarer than `error` even when neighbours resemble each other.
    public static let fewest = 8
    /// Least correlation of neighbouring droplets that is reckoned with; found in measured
    /// conditions (mean over those of the published data with 8 droplets or more, less a straight
    /// line).
    public static let autocorrelation = 0.25
    /// A larger correlation is not told from a drift by so few droplets.
    static let largestAutocorrelation = 0.9
    /// From one look to the next the number of droplets grows by this factor.
    static let lookGrowth = 1.15

    /// Droplets after which it looks, rising; none: never ends early.
    public let looks: [Int]
    private let planned: Int
    private let wanted: Double

    /// Ends when the half width is at most `uncertainty` (as a loss; 0 or not a number: never),
    /// after `fewest` droplets at the earliest and before `droplets`, the whole condition.
    public init(uncertainty: Double, fewest: Int, droplets: Int) {
        var looks: [Int] = []
        if uncertainty > 0, uncertainty.isFinite {
            var next = max(fewest, Self.fewest)
            while next < droplets {
                looks.append(next)
                next = max(next + 1, Int((Double(next) * Self.lookGrowth).rounded(.up)))
            }
        }
        self.looks = looks
        planned = droplets
        wanted = uncertainty
    }

    /// Looks at the losses so far, in their order; nil while the condition has to go on.
    public func check(_ losses: [Double]) -> Known? {
        var room: [Double] = []
        return check(losses, in: &room)
    }

    /// The same with room for as many values as there are losses, whatever it holds.
    public func check(_ losses: [Double], in sorted: inout [Double]) -> Known? {
        guard looks.contains(losses.count), losses.allSatisfy(\.isFinite) else { return nil }
        sorted.removeAll(keepingCapacity: true)
        for loss in losses { sorted.append(loss) }
        sorted.withUnsafeMutableBufferPointer { _ = medianInPlace($0) }
        let median = Self.middle(of: sorted)
        let width = halfWidth(losses, sorted: sorted, median: median)
        guard width <= wanted else { return nil }
        return Known(
            median: median, halfWidth: width, droplets: losses.count, planned: planned)
    }

    /// How far the median of the first droplets may be from that of all planned ones; infinite
    /// where it cannot be said (fewer than `fewest` losses, or one is not finite).
    public func halfWidth(of losses: [Double]) -> Double {
        guard losses.count >= Self.fewest, losses.allSatisfy(\.isFinite) else { return .infinity }
        let sorted = losses.sorted()
        return halfWidth(losses, sorted: sorted, median: Self.middle(of: sorted))
    }

    private func halfWidth(_ losses: [Double], sorted: [Double], median: Double) -> Double {
        let count = Double(losses.count)
        let share = Self.error / Double(max(1, looks.count))
        let line = Line(losses)
        let inflation = (1 + line.correlation) / (1 - line.correlation)
        // The centre of all planned droplets is this far ahead of the centre of those measured.
        let ahead = max(0, Double(planned - losses.count) / 2)
        let variance =
            line.variance * inflation
            * (Double.pi / 2 / count + ahead * ahead / line.indexSquares)
        let quantile = StudentT.twoSided(share, freedom: losses.count - 2)
        let reach = Self.reach(
            sorted, median: median, share: share, correlation: line.correlation)
        return max(abs(line.slope) * ahead + quantile * variance.squareRoot(), reach)
    }

    /// The larger distance from the median to the two order statistics that enclose it but for
    /// `share`: the count of droplets below the true median is binomial, with as many droplets
    /// as would be independent. Where they are too few for `share`, the range of them all.
    private static func reach(
        _ sorted: [Double], median: Double, share: Double, correlation: Double
    ) -> Double {
        // Of two normal variables' signs, when they themselves correlate (Sheppard, 1899).
        let signs = 2 / Double.pi * asin(correlation)
        let trials = Int(Double(sorted.count) * (1 - signs) / (1 + signs))
        let rank = OrderStatistics.lowerRank(trials: trials, tail: share / 2)
        let scaled = trials > 0 ? rank * sorted.count / trials : 0
        let low = min(max(scaled, 1), (sorted.count + 1) / 2) - 1
        return max(median - sorted[low], sorted[sorted.count - 1 - low] - median)
    }

    private static func middle(of sorted: [Double]) -> Double {
        let half = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
    }
}

/// A straight line through values at 0, 1, 2…, and what is left beside it.
private struct Line {
    /// Rise from one value to the next.
    var slope = 0.0
    /// Residual variance, with two degrees of freedom taken.
    var variance = 0.0
    /// Correlation of neighbouring residuals that is to be reckoned with.
    var correlation = MedianStop.autocorrelation
    /// Sum of squares of the index about its middle.
    var indexSquares = 1.0

    init(_ values: [Double]) {
        let count = Double(values.count)
        let middle = (count - 1) / 2
        let mean = values.reduce(0, +) / count
        indexSquares = count * (count * count - 1) / 12
        for (index, value) in values.enumerated() {
            slope += (Double(index) - middle) * (value - mean)
        }
        slope /= indexSquares
        var squares = 0.0
        var products = 0.0
        var last = 0.0
        for (index, value) in values.enumerated() {
            let rest = value - mean - slope * (Double(index) - middle)
            squares += rest * rest
            if index > 0 { products += last * rest }
            last = rest
        }
        variance = squares / (count - 2)
        guard squares > 0 else { return }
        // Residuals of a fitted line correlate less than the process did: by (1 + 4ρ)/n at first
        // order (Marriott and Pope, 1954).
        let seen = products / squares
        let likely = seen + (1 + 4 * max(seen, 0)) / count
        correlation = min(
            max(MedianStop.autocorrelation, likely), MedianStop.largestAutocorrelation)
    }
}
