import Numerics
import Surrogates

/// Keeps the points of a batch apart (González, Dai, Hennig and Lawrence, AISTATS 2016): around
/// every point chosen already, the acquisition is multiplied by the probability that a point
/// lies outside the ball that the chosen one rules out.
///
/// If the function's slope is nowhere above L, a point with value f leaves no room for a minimum
/// M within (f − M) / L of it. With f predicted as N(μ, σ²) the probability of being outside is
/// Φ((L·distance − (μ − M)) / σ).
///
/// Distances are measured in the units of `scales`, one per variable.
struct LocalPenalization: Equatable, Sendable {
    /// The steepest slope of the predicted mean, per unit distance.
    let slope: Double
    /// What counts as one unit along every variable.
    let scales: [Double]
    /// The estimate of the function's minimum.
    let minimum: Double

    /// Below this slope the mean is flat, and the ball would swallow the box…
    private static let flatSlope = 1e-7
    /// …so this one is used (the value GPyOpt uses).
    private static let slopeWhenFlat = 10.0

    /// One point that was chosen.
    struct Ball: Equatable, Sendable {
        var center: [Double]
        /// (μ − M) / L, not negative.
        var radius: Double
        /// σ / L.
        var blur: Double
    }

    /// Estimates the slope from the predicted mean's gradient at `probes`, the steepest of which
    /// are followed uphill within `region`.
    init(
        model: GaussianProcess, region: CappedBox, scales: [Double], minimum: Double,
        probes: [[Double]], climbs: Int
    ) {
        self.scales = scales
        self.minimum = minimum
        let probe = GaussianProbe(model)
        let norms = probes.map { Self.squaredSlope(probe.meanGradient($0), scales) }
        let steps = norms.indices.largest(max(0, climbs)) { norms[$0] }
        var steepest = steps.first.map { norms[$0] } ?? 0
        var method = ProjectedGradient()
        method.iterationLimit = 15
        method.tolerance = 1e-3
        method.leastGain = 1e-3 * steepest
        for index in steps {
            let found = method.minimize(from: probes[index], over: region) { point, gradient in
                Self.descent(probe, point, scales, &gradient)
            }
            steepest = max(steepest, -2 * found.value)
        }
        let slope = steepest.squareRoot()
        self.slope = slope > Self.flatSlope ? slope : Self.slopeWhenFlat
    }

    /// ‖∇μ‖² in units of `scales`.
    private static func squaredSlope(_ gradient: [Double], _ scales: [Double]) -> Double {
        var sum = 0.0
        for (value, scale) in zip(gradient, scales) { sum += value * value * scale * scale }
        return sum
    }

    /// −½‖∇μ‖² and its gradient −H S² ∇μ; the product with the Hessian H is a central difference
    /// of gradients along S² ∇μ, which spares third derivatives.
    private static func descent(
        _ probe: GaussianProbe, _ point: [Double], _ scales: [Double],
        _ gradient: inout [Double]
    ) -> Double {
        let slope = probe.meanGradient(point)
        let square = squaredSlope(slope, scales)
        let along = zip(slope, scales).map { $0 * $1 * $1 }
        let length = along.reduce(0) { max($0, abs($1)) }
        guard length > 0 else {
            for index in gradient.indices { gradient[index] = 0 }
            return 0
        }
        let step = 1e-4 / length
        let ahead = probe.meanGradient(zip(point, along).map { $0 + step * $1 })
        let behind = probe.meanGradient(zip(point, along).map { $0 - step * $1 })
        for index in gradient.indices {
            gradient[index] = -(ahead[index] - behind[index]) / (2 * step)
        }
        return -0.5 * square
    }

    /// What choosing `center`, with this prediction, rules out.
    func ball(around center: [Double], _ prediction: GaussianPrediction) -> Ball {
        Ball(
            center: center, radius: max(0, prediction.mean - minimum) / slope,
            blur: prediction.deviation / slope)
    }

    /// The logarithm of the factor that `ball` puts on `point`; its gradient is added to
    /// `gradient` where that has a place for it.
    func logFactor(_ ball: Ball, at point: [Double], addingTo gradient: inout [Double]) -> Double {
        var square = 0.0
        for index in point.indices {
            let difference = (point[index] - ball.center[index]) / scales[index]
            square += difference * difference
        }
        let distance = square.squareRoot()
        let ratio = (distance - ball.radius) / ball.blur
        if !gradient.isEmpty, distance > 0 {
            let pull = Normal.logCumulativeSlope(ratio) / (ball.blur * distance)
            for index in point.indices {
                let difference = point[index] - ball.center[index]
                gradient[index] += pull * difference / (scales[index] * scales[index])
            }
        }
        return Normal.logCumulative(ratio)
    }
}
