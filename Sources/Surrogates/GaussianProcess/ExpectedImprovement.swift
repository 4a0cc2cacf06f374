import Glibc
import Numerics

/// Expected improvement for minimisation (Jones, Schonlau and Welch, J. Glob. Optim. 13, 455
/// (1998)) with a margin: by how much a point is expected to fall below `best − margin`.
///
/// Its logarithm is what searches climb: far from anything promising the improvement itself
/// underflows to a plain of zeros, its logarithm still has a slope.
public struct ExpectedImprovement: Equatable, Sendable {
    /// The value to fall below, before the margin.
    public var best: Double
    /// What a fall must exceed to count, in the unit of `best`.
    public var margin: Double

    /// Improvement on `best` by more than `margin`.
    public init(best: Double, margin: Double) {
        self.best = best
        self.margin = margin
    }

    /// Expected improvement where the function has the `prediction`ed mean and variance.
    public func value(_ prediction: GaussianPrediction) -> Double {
        exp(logarithm(prediction))
    }

    /// The logarithm of `value`.
    public func logarithm(_ prediction: GaussianPrediction) -> Double {
        let deviation = prediction.deviation
        let ratio = (best - margin - prediction.mean) / deviation
        return log(deviation) + Normal.logExpectedExcess(ratio)
    }

    /// The gradient of `logarithm` by the point; `prediction` must carry gradients.
    public func logarithmGradient(_ prediction: GaussianPrediction) -> [Double] {
        let deviation = prediction.deviation
        let ratio = (best - margin - prediction.mean) / deviation
        let slope = Normal.logExpectedExcessSlope(ratio)
        // d log(s h(u)) with u = (b − m)/s: ds/s − slope (dm + u ds)/s, ds = dv / (2 s).
        var gradient = prediction.meanGradient
        for index in gradient.indices {
            let widening = prediction.varianceGradient[index] / (2 * deviation)
            let turn = -slope * (prediction.meanGradient[index] + ratio * widening)
            gradient[index] = (widening + turn) / deviation
        }
        return gradient
    }

    /// The logarithm of `value` where `probe` has just looked with gradients; its gradient by the
    /// point is written to `gradient`. Allocates nothing.
    public func logarithm(of probe: GaussianProbe, gradient: inout [Double]) -> Double {
        let deviation = probe.variance.squareRoot()
        let ratio = (best - margin - probe.mean) / deviation
        // One lane is used; the vector form gives the value and its slope at once.
        let (value, slope) = VectorMath.logExpectedExcess(SIMD4(repeating: ratio))
        for index in gradient.indices {
            let widening = probe.varianceGradient[index] / (2 * deviation)
            let turn = -slope[0] * (probe.meanGradient[index] + ratio * widening)
            gradient[index] = (widening + turn) / deviation
        }
        return log(deviation) + value[0]
    }
}
