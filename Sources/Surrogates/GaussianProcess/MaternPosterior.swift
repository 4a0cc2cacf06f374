import Glibc
import Numerics

/// The negative logarithm of likelihood times priors, for a search over logarithms.
final class MaternPosterior {
    let likelihood: MaternLikelihood
    let lower: [Double]
    let upper: [Double]
    /// Whether the likelihood's inverse belongs to the parameters it was asked for last.
    private(set) var isInverted = false

    private let medians: [Double]
    private let spreads: [Double]
    /// Of a logarithm, for differences.
    private static let step = 0.02
    private var logarithms: [Double]

    init(_ likelihood: MaternLikelihood, _ ranges: [MaternFit.Range]) {
        self.likelihood = likelihood
        lower = ranges.map { log($0.bounds.lowerBound) }
        upper = ranges.map { log($0.bounds.upperBound) }
        medians = ranges.map { log($0.median) }
        spreads = ranges.map(\.spread)
        logarithms = medians
    }

    /// The process with `parameters`. The search ended where it looked last, or a rejected step
    /// beyond: usually factor and inverse are there already.
    func conditioned(
        _ parameters: MaternParameters
    ) throws(GaussianProcessError) -> GaussianProcess {
        if likelihood.parameters != parameters {
            _ = likelihood.value(parameters)
            isInverted = false
        }
        guard likelihood.lastValue.isFinite else {
            throw .notFactorable(.notPositiveDefinite(row: likelihood.failedRow))
        }
        if !isInverted { likelihood.invert() }
        return GaussianProcess(likelihood)
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

    /// The Hessian around where a search ended, by differences of gradients; the search's own
    /// estimate where that is not positive definite. The gradient itself need not vanish.
    func curvature(around found: BoundedQuasiNewton.Minimum) -> Matrix {
        let dimension = found.point.count
        var result = Matrix(rows: dimension, columns: dimension)
        var before = [Double](repeating: 0, count: dimension)
        var after = before
        guard cost(found.point).isFinite else { return found.curvature }
        costGradient(&before)
        for row in 0..<dimension {
            var moved = found.point
            // Inwards, where a bound is near.
            let step = moved[row] + Self.step > upper[row] ? -Self.step : Self.step
            moved[row] += step
            guard cost(moved).isFinite else { return found.curvature }
            costGradient(&after)
            for column in 0..<dimension {
                let bend = 0.5 * (after[column] - before[column]) / step
                result[row, column] += bend
                result[column, row] += bend
            }
        }
        return (try? Cholesky(result, jitterSteps: 0)) == nil ? found.curvature : result
    }

    /// `curvature` for `growth` times the observations: the likelihood's part grows with them,
    /// the priors' does not.
    func grown(_ curvature: Matrix, by growth: Double) -> Matrix {
        var result = curvature
        for row in 0..<result.rows {
            for column in 0..<result.columns { result[row, column] *= growth }
            let prior = 1 / (spreads[row] * spreads[row])
            let likelihoods = max(curvature[row, row] - prior, 0)
            // Never below the part that was there: the matrix stays positive definite.
            result[row, row] = max(likelihoods * growth + prior, curvature[row, row])
        }
        return (try? Cholesky(result, jitterSteps: 0)) == nil ? curvature : result
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
