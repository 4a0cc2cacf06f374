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

    /// The Gaussian process with the most probable parameters for `targets` at `inputs`.
    public func fit(
        inputs: [[Double]], targets: [Double], using generator: inout SeededGenerator
    ) throws(GaussianProcessError) -> GaussianProcess {
        let dimension = inputs.first?.count ?? 0
        try GaussianProcess.check(inputs: inputs, targets: targets, dimension: dimension)
        let ranges = ranges(dimension: dimension)
        let lower = ranges.map { log($0.bounds.lowerBound) }
        let upper = ranges.map { log($0.bounds.upperBound) }
        guard let box = CappedBox(lower: lower, upper: upper) else { throw .unusableParameters }
        let flat = inputs.flatMap { $0 }
        func cost(_ logarithms: [Double], _ gradient: inout [Double]) -> Double {
            let value = Self.logLikelihood(
                flat, targets, MaternParameters(logarithms: logarithms), &gradient)
            var total = -value
            for (index, range) in ranges.enumerated() {
                let away = (logarithms[index] - log(range.median)) / range.spread
                total += 0.5 * away * away
                gradient[index] = -gradient[index] + away / range.spread
            }
            return total
        }
        let found = best(in: box, ranges, cost, &generator)
        return try GaussianProcess(
            inputs: inputs, targets: targets, parameters: MaternParameters(logarithms: found))
    }

    private func best(
        in box: CappedBox, _ ranges: [Range], _ cost: ([Double], inout [Double]) -> Double,
        _ generator: inout SeededGenerator
    ) -> [Double] {
        var candidates = [ranges.map { log($0.median) }]
        for _ in 0..<max(0, starts) {
            candidates.append(ranges.map { log($0.median) + $0.spread * generator.normal() })
        }
        var scratch = [Double](repeating: 0, count: ranges.count)
        var ranked: [(cost: Double, start: [Double])] = []
        for var candidate in candidates {
            box.project(&candidate)
            ranked.append((cost(candidate, &scratch), candidate))
        }
        // Stable: equal costs keep the order they were drawn in.
        let order = ranked.indices.sorted { (ranked[$0].cost, $0) < (ranked[$1].cost, $1) }
        var method = ProjectedGradient()
        method.iterationLimit = steps
        method.tolerance = 1e-3
        method.leastGain = 1e-4
        var result = ranked[order[0]].start
        var least = ranked[order[0]].cost
        for index in order.prefix(max(1, climbs)) {
            let minimum = method.minimize(from: ranked[index].start, over: box, cost)
            if minimum.value < least {
                least = minimum.value
                result = minimum.point
            }
        }
        return result
    }

    private func ranges(dimension: Int) -> [Range] {
        [Range](repeating: lengthScale, count: dimension) + [signal, noise]
    }

    /// log p(targets | inputs, parameters), and its gradient by the logarithms of length scales,
    /// signal and noise, in this order (Rasmussen and Williams, eq. 5.9). `inputs` are unscaled,
    /// one after the other; −∞ with a zero gradient when the covariance has no factor.
    static func logLikelihood(
        _ inputs: [Double], _ targets: [Double], _ parameters: MaternParameters,
        _ gradient: inout [Double]
    ) -> Double {
        let dimension = parameters.lengthScales.count
        let count = targets.count
        for index in gradient.indices { gradient[index] = 0 }
        var scaled = inputs
        for index in scaled.indices { scaled[index] /= parameters.lengthScales[index % dimension] }
        let covariance = GaussianProcess.covariance(
            scaled, count: count, dimension: dimension, parameters)
        guard let factor = try? Cholesky(covariance) else { return -.infinity }
        let weights = factor.solve(targets)
        let inverse = factor.inverse()
        var fit = 0.0
        for index in 0..<count { fit += targets[index] * weights[index] }
        scaled.withUnsafeBufferPointer { points in
            for row in 0..<count {
                for column in 0...row {
                    // ½ tr((α αᵀ − K⁻¹) dK); off the diagonal both halves at once.
                    let half = row == column ? 0.5 : 1.0
                    let pull = half * (weights[row] * weights[column] - inverse[row, column])
                    let square = GaussianProcess.squaredDistance(points, row, column, dimension)
                    let (shape, bend) = Matern.value(squaredDistance: square)
                    gradient[dimension] += pull * parameters.signalVariance * shape
                    if row == column { gradient[dimension + 1] += pull * parameters.noiseVariance }
                    for index in 0..<dimension {
                        let difference =
                            points[row * dimension + index] - points[column * dimension + index]
                        gradient[index] +=
                            pull * parameters.signalVariance * bend * difference * difference
                    }
                }
            }
        }
        return -0.5 * (fit + factor.logDeterminant + Double(count) * log(2 * Double.pi))
    }
}
