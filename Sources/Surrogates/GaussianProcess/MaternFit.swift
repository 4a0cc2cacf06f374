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
    /// The part is this share of the data, between `screeningLimit` and twice that.
    public var screeningShare = 0.35

    /// The Gaussian process with the most probable parameters for `targets` at `inputs`: those
    /// that maximise the marginal likelihood of all observations times the priors.
    ///
    /// With more than `screeningLimit` observations, a random part of them decides between the
    /// starts; the place it found and the curvature there are handed to a climb on twice as many,
    /// and so on to all of them, where then a few steps are enough.
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
        let sizes = sizes(upTo: targets.count)
        let order = sizes.count > 1 ? shuffled(targets.count, &generator) : []
        var found: BoundedQuasiNewton.Minimum?
        var sizeBefore = 0
        for size in sizes.dropLast() {
            let part = order.prefix(size).sorted()
            let posterior = MaternPosterior(
                MaternLikelihood(
                    part.flatMap { inputs[$0] }, dimension: dimension,
                    targets: part.map { targets[$0] }), ranges)
            let here = next(found, posterior, starts, Double(size) / Double(sizeBefore))
            found = here
            // Taken once: what the climbs learn about it later is as good.
            if sizeBefore == 0 { found?.curvature = posterior.curvature(around: here) }
            sizeBefore = size
        }
        let full = MaternPosterior(
            MaternLikelihood(inputs.flatMap { $0 }, dimension: dimension, targets: targets),
            ranges)
        let growth = Double(targets.count) / Double(sizeBefore)
        let best = next(found, full, starts, growth)
        return try full.conditioned(MaternParameters(logarithms: best.point))
    }

    /// The search on more data: from where the one on fewer ended, and with the curvature there
    /// times the growth of the data; or from the starts, when it is the first.
    private func next(
        _ found: BoundedQuasiNewton.Minimum?, _ posterior: MaternPosterior, _ starts: [[Double]],
        _ growth: Double
    ) -> BoundedQuasiNewton.Minimum {
        guard let found else { return best(of: starts, posterior) }
        let grown = posterior.grown(found.curvature, by: growth)
        return climb(posterior, from: found.point, grown)
    }

    /// How many observations each search sees, up to `count`: doubling from the screening on.
    private func sizes(upTo count: Int) -> [Int] {
        let least = max(2, screeningLimit)
        guard count > least else { return [count] }
        var size = min(max(Int(screeningShare * Double(count)), least), 2 * least)
        var sizes: [Int] = []
        // A part of more than three fifths saves nothing.
        while 5 * size <= 3 * count || sizes.isEmpty {
            sizes.append(size)
            size *= 2
        }
        return sizes + [count]
    }

    private func shuffled(_ count: Int, _ generator: inout SeededGenerator) -> [Int] {
        var order = Array(0..<count)
        generator.shuffle(&order)
        return order
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

    /// Where the best of the climbs from the most probable starts ends.
    private func best(
        of starts: [[Double]], _ posterior: MaternPosterior
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
        _ posterior: MaternPosterior, from start: [Double], _ curvature: Matrix?
    ) -> BoundedQuasiNewton.Minimum {
        var method = BoundedQuasiNewton()
        method.iterationLimit = steps
        method.tolerance = 1e-3
        // A thousandth in the logarithm of a probability is nothing the data could tell apart.
        method.leastGain = 1e-3
        return method.minimize(
            from: start, lower: posterior.lower, upper: posterior.upper, curvature: curvature,
            value: posterior.cost, gradient: posterior.costGradient)
    }

    private func ranges(dimension: Int) -> [Range] {
        [Range](repeating: lengthScale, count: dimension) + [signal, noise]
    }
}
