import Glibc
import Numerics

/// Finds the parameters of a Gaussian process by the most likely explanation of its data, with
/// analytic gradients, from several seeded starts.
///
/// Weak priors on the logarithms keep the answer sensible where data say little: with a handful
/// of points, or losses that are all alike, the likelihood alone runs to a bound. Inputs are
/// expected in about 0…1 and targets standardised.
public struct MaternFit: Equatable, Sendable {
    /// A range searched, with the normal prior of its logarithm.
    public struct Range: Equatable, Sendable {
        /// Least and largest value tried.
        public var bounds: ClosedRange<Double>
        /// Median of the prior.
        public var median: Double
        /// Standard deviation of the logarithm.
        public var spread: Double

        /// A range with its prior. All positive.
        public init(bounds: ClosedRange<Double>, median: Double, spread: Double) {
            self.bounds = bounds
            self.median = median
            self.spread = spread
        }
    }

    /// Length scales, in units of the scaled inputs.
    public var lengthScale = Range(bounds: 0.05...20, median: 0.7, spread: 1)
    /// Variance of the function; targets have variance 1.
    public var signal = Range(bounds: 0.05...20, median: 1, spread: 1)
    /// Variance of an observation. Its floor also bounds the condition of the covariance.
    public var noise = Range(bounds: 1e-5...1, median: 0.01, spread: 2)
    /// Random starts looked at, besides the priors' medians.
    public var starts = 10
    /// Starts, the most likely ones, that are followed uphill.
    public var climbs = 2
    /// Steps of one climb.
    public var steps = 40

    /// The documented defaults.
    public init() {}

    /// With more observations than this, the starts are looked at, and followed, on part of the
    /// data: one likelihood costs n³. The last climb is always on all of them.
    public var screeningLimit = 64
    /// The part is this share of the data, between `screeningLimit` and four times that.
    public var screeningShare = 0.35

    /// The Gaussian process with the most probable parameters for `targets` at `inputs`: those
    /// that maximise the marginal likelihood of all observations times the priors.
    ///
    /// With more than `screeningLimit` observations, a random part of them decides between the
    /// starts, and hands the place it found and the curvature there to a climb on all of them,
    /// which then needs a few steps only.
    public func fit(
        inputs: [[Double]], targets: [Double], using generator: inout SeededGenerator
    ) throws(GaussianProcessError) -> GaussianProcess {
        let dimension = inputs.first?.count ?? 0
        try GaussianProcess.check(inputs: inputs, targets: targets, dimension: dimension)
        let ranges = ranges(dimension: dimension)
        for range in ranges {
            guard range.bounds.lowerBound > 0, range.bounds.upperBound.isFinite,
                range.median > 0, range.median.isFinite, range.spread > 0
            else { throw .unusableParameters }
        }
        let starts = candidates(ranges, &generator)
        let all = inputs.flatMap { $0 }
        let full = Posterior(
            MaternLikelihood(all, dimension: dimension, targets: targets), ranges)
        var found: BoundedQuasiNewton.Minimum
        if targets.count > max(2, screeningLimit) {
            let part = part(of: targets.count, &generator)
            let few = Posterior(
                MaternLikelihood(
                    part.flatMap { inputs[$0] }, dimension: dimension,
                    targets: part.map { targets[$0] }), ranges)
            let screened = best(of: starts, few)
            var curvature = screened.curvature
            let growth = Double(targets.count) / Double(part.count)
            for row in 0..<curvature.rows {
                for column in 0..<curvature.columns { curvature[row, column] *= growth }
            }
            found = climb(full, from: screened.point, curvature)
        } else {
            found = best(of: starts, full)
        }
        guard found.value.isFinite else {
            throw .notFactorable(.notPositiveDefinite(row: full.likelihood.failedRow))
        }
        // The search ends where it looked last, or one rejected step beyond.
        let parameters = MaternParameters(logarithms: found.point)
        if full.likelihood.parameters != parameters || !full.isInverted {
            guard full.likelihood.value(parameters).isFinite else {
                throw .notFactorable(.notPositiveDefinite(row: full.likelihood.failedRow))
            }
            full.likelihood.invert()
        }
        return GaussianProcess(full.likelihood)
    }

    /// The priors' medians and random draws from the priors.
    private func candidates(_ ranges: [Range], _ generator: inout SeededGenerator) -> [[Double]] {
        var candidates = [ranges.map { log($0.median) }]
        for _ in 0..<max(0, starts) {
            candidates.append(ranges.map { log($0.median) + $0.spread * generator.normal() })
        }
        return candidates.map { candidate in
            zip(candidate, ranges).map { value, range in
                min(max(value, log(range.bounds.lowerBound)), log(range.bounds.upperBound))
            }
        }
    }

    /// The indices of the part that is screened on, in order.
    private func part(of count: Int, _ generator: inout SeededGenerator) -> [Int] {
        var order = Array(0..<count)
        generator.shuffle(&order)
        let least = max(2, screeningLimit)
        let size = Int(screeningShare * Double(count))
        return order.prefix(min(max(size, least), 4 * least)).sorted()
    }

    /// Where the best of the climbs from the most probable starts ends.
    private func best(
        of starts: [[Double]], _ posterior: Posterior
    ) -> BoundedQuasiNewton.Minimum {
        let costs = starts.map { posterior.cost($0) }
        // Stable: equal costs keep the order they were drawn in.
        let order = starts.indices.sorted { (costs[$0], $0) < (costs[$1], $1) }
        var found = climb(posterior, from: starts[order[0]], nil)
        for index in order.dropFirst().prefix(max(1, climbs) - 1) {
            let other = climb(posterior, from: starts[index], nil)
            if other.value < found.value { found = other }
        }
        return found
    }

    private func climb(
        _ posterior: Posterior, from start: [Double], _ curvature: Matrix?
    ) -> BoundedQuasiNewton.Minimum {
        var method = BoundedQuasiNewton()
        method.iterationLimit = steps
        method.tolerance = 1e-3
        method.leastGain = 1e-4
        return method.minimize(
            from: start, lower: posterior.lower, upper: posterior.upper, curvature: curvature,
            value: posterior.cost, gradient: posterior.costGradient)
    }

    private func ranges(dimension: Int) -> [Range] {
        [Range](repeating: lengthScale, count: dimension) + [signal, noise]
    }
}

/// The negative logarithm of likelihood times priors, for a search over logarithms.
private final class Posterior {
    let likelihood: MaternLikelihood
    let lower: [Double]
    let upper: [Double]
    /// Whether the likelihood's inverse belongs to the parameters it was asked for last.
    private(set) var isInverted = false

    private let medians: [Double]
    private let spreads: [Double]
    private var logarithms: [Double]

    init(_ likelihood: MaternLikelihood, _ ranges: [MaternFit.Range]) {
        self.likelihood = likelihood
        lower = ranges.map { log($0.bounds.lowerBound) }
        upper = ranges.map { log($0.bounds.upperBound) }
        medians = ranges.map { log($0.median) }
        spreads = ranges.map(\.spread)
        logarithms = medians
    }

    func cost(_ logarithms: [Double]) -> Double {
        self.logarithms = logarithms
        isInverted = false
        var total = -likelihood.value(MaternParameters(logarithms: logarithms))
        for index in logarithms.indices {
            let away = (logarithms[index] - medians[index]) / spreads[index]
            total += 0.5 * away * away
        }
        return total.isFinite ? total : .infinity
    }

    func costGradient(_ gradient: inout [Double]) {
        likelihood.gradient(into: &gradient)
        isInverted = true
        for index in gradient.indices {
            let away = (logarithms[index] - medians[index]) / spreads[index]
            gradient[index] = -gradient[index] + away / spreads[index]
        }
    }
}
