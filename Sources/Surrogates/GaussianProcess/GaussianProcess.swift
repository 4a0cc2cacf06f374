import Glibc
import Numerics

/// What a Gaussian process says about one point.
public struct GaussianPrediction: Equatable, Sendable {
    /// Mean of the function, in the unit of the targets.
    public var mean: Double
    /// Variance of the function, without the noise of an observation. Always positive.
    public var variance: Double
    /// ∂mean/∂x, one per input; empty when it was not asked for.
    public var meanGradient: [Double]
    /// ∂variance/∂x, one per input; empty when it was not asked for.
    public var varianceGradient: [Double]

    /// A prediction; gradients are empty unless given.
    public init(
        mean: Double, variance: Double, meanGradient: [Double] = [],
        varianceGradient: [Double] = []
    ) {
        self.mean = mean
        self.variance = variance
        self.meanGradient = meanGradient
        self.varianceGradient = varianceGradient
    }

    /// √variance.
    public var deviation: Double { variance.squareRoot() }
}

/// Why data make no Gaussian process.
public enum GaussianProcessError: Error, Equatable, CustomStringConvertible {
    /// No observation at all.
    case noData
    /// As many targets as inputs, and as many numbers per input as length scales, are needed.
    case sidesDiffer(String)
    /// A number that is not finite, in the observation of this index.
    case notFinite(index: Int)
    /// A parameter that is not positive and finite.
    case unusableParameters
    /// The covariance could not be factored, even with jitter.
    case notFactorable(Cholesky.Failure)

    /// What is wrong, and what to do about it.
    public var description: String {
        switch self {
        case .noData: "a Gaussian process needs at least one observation"
        case .sidesDiffer(let what): "observations of unlike size: \(what)"
        case .notFinite(let index): "observation \(index) holds a number that is not finite"
        case .unusableParameters: "length scales and variances must be positive and finite"
        case .notFactorable(let failure): "the covariance has no factor: \(failure)"
        }
    }
}

/// A Gaussian process with mean zero and a Matérn 5/2 covariance, conditioned on observations
/// (Rasmussen and Williams, algorithm 2.1). Inputs are best scaled to about 0…1 and targets
/// standardised; nothing here does it.
public struct GaussianProcess: Sendable {
    /// What the covariance is tuned by.
    public let parameters: MaternParameters
    /// log p(targets | inputs, parameters).
    public let logMarginalLikelihood: Double
    /// Number of observations.
    public let count: Int
    /// Numbers per input.
    public let dimension: Int

    /// Inputs divided by the length scales, one after the other.
    private let scaledInputs: [Double]
    private let factor: Cholesky
    /// (K + σ² I)⁻¹ y.
    private let weights: [Double]

    /// No prediction claims less variance than this share of the signal's: rounding must not
    /// make it negative, and its square root is divided by.
    private static let leastVarianceShare = 1e-12

    /// Conditions on `targets` observed at `inputs` (all of the length of
    /// `parameters.lengthScales`). Repeated inputs are allowed.
    public init(
        inputs: [[Double]], targets: [Double], parameters: MaternParameters
    ) throws(GaussianProcessError) {
        try Self.check(inputs: inputs, targets: targets, dimension: parameters.lengthScales.count)
        guard parameters.areUsable else { throw .unusableParameters }
        self.parameters = parameters
        count = inputs.count
        dimension = parameters.lengthScales.count
        scaledInputs = Self.scaled(inputs, by: parameters.lengthScales)
        let covariance = Self.covariance(
            scaledInputs, count: count, dimension: dimension, parameters)
        do {
            factor = try Cholesky(covariance)
        } catch {
            throw .notFactorable(error)
        }
        weights = factor.solve(targets)
        var fit = 0.0
        for index in targets.indices { fit += targets[index] * weights[index] }
        logMarginalLikelihood =
            -0.5 * (fit + factor.logDeterminant + Double(count) * log(2 * Double.pi))
    }

    /// Whether observations can be used at all.
    static func check(
        inputs: [[Double]], targets: [Double], dimension: Int
    ) throws(GaussianProcessError) {
        guard !inputs.isEmpty else { throw .noData }
        guard inputs.count == targets.count else {
            throw .sidesDiffer("\(inputs.count) inputs, \(targets.count) targets")
        }
        for index in inputs.indices {
            guard inputs[index].count == dimension else {
                throw .sidesDiffer(
                    "input \(index) has \(inputs[index].count) numbers, not \(dimension)")
            }
            guard targets[index].isFinite, inputs[index].allSatisfy(\.isFinite) else {
                throw .notFinite(index: index)
            }
        }
    }

    /// The inputs divided by the length scales, one after the other.
    static func scaled(_ inputs: [[Double]], by lengthScales: [Double]) -> [Double] {
        var flat: [Double] = []
        flat.reserveCapacity(inputs.count * lengthScales.count)
        for input in inputs {
            for (value, scale) in zip(input, lengthScales) { flat.append(value / scale) }
        }
        return flat
    }

    /// K + σ² I, lower triangle only: that is all the factorisation reads.
    static func covariance(
        _ scaled: [Double], count: Int, dimension: Int, _ parameters: MaternParameters
    ) -> Matrix {
        var result = Matrix(rows: count, columns: count)
        scaled.withUnsafeBufferPointer { points in
            result.withElements { elements in
                for row in 0..<count {
                    for column in 0..<row {
                        let square = squaredDistance(points, row, column, dimension)
                        let (covariance, _) = Matern.value(squaredDistance: square)
                        elements[row * count + column] = parameters.signalVariance * covariance
                    }
                    elements[row * count + row] =
                        parameters.signalVariance + parameters.noiseVariance
                }
            }
        }
        return result
    }

    /// The squared distance of two scaled inputs.
    static func squaredDistance(
        _ points: UnsafeBufferPointer<Double>, _ first: Int, _ second: Int, _ dimension: Int
    ) -> Double {
        var sum = 0.0
        for index in 0..<dimension {
            let difference = points[first * dimension + index] - points[second * dimension + index]
            sum += difference * difference
        }
        return sum
    }

    /// Mean and variance at `point`, which must have `dimension` numbers; with their gradients
    /// when `gradients` is set.
    public func predict(_ point: [Double], gradients: Bool = false) -> GaussianPrediction {
        var (covariances, bends) = relations(to: point)
        var mean = 0.0
        for index in 0..<count { mean += covariances[index] * weights[index] }
        factor.solveLower(&covariances)
        var explained = 0.0
        for value in covariances { explained += value * value }
        let signal = parameters.signalVariance
        var result = GaussianPrediction(
            mean: mean, variance: max(signal - explained, signal * Self.leastVarianceShare))
        guard gradients else { return result }
        factor.solveUpper(&covariances)
        result.meanGradient = gradient(at: point, bends, weighted: weights, times: 1)
        // d(k⋆ᵀ K⁻¹ k⋆) = 2 (K⁻¹ k⋆)ᵀ dk⋆, and the variance falls by it.
        result.varianceGradient = gradient(at: point, bends, weighted: covariances, times: -2)
        return result
    }

    /// ∂mean/∂x at `point`, which must have `dimension` numbers.
    public func meanGradient(_ point: [Double]) -> [Double] {
        gradient(at: point, relations(to: point).bends, weighted: weights, times: 1)
    }

    /// Mean at `point`, which must have `dimension` numbers.
    public func mean(_ point: [Double]) -> Double {
        let covariances = relations(to: point).covariances
        var mean = 0.0
        for index in 0..<count { mean += covariances[index] * weights[index] }
        return mean
    }

    /// Covariance and bend of `point` with every observation.
    private func relations(to point: [Double]) -> (covariances: [Double], bends: [Double]) {
        precondition(point.count == dimension, "a point has as many numbers as length scales")
        var covariances = [Double](repeating: 0, count: count)
        var bends = covariances
        scaledInputs.withUnsafeBufferPointer { inputs in
            for row in 0..<count {
                var square = 0.0
                for index in 0..<dimension {
                    let scaled = point[index] / parameters.lengthScales[index]
                    let difference = scaled - inputs[row * dimension + index]
                    square += difference * difference
                }
                let (covariance, bend) = Matern.value(squaredDistance: square)
                covariances[row] = parameters.signalVariance * covariance
                bends[row] = parameters.signalVariance * bend
            }
        }
        return (covariances, bends)
    }

    /// factor · Σ weights[i] ∂k(point, inputᵢ)/∂point.
    private func gradient(
        at point: [Double], _ bends: [Double], weighted weights: [Double], times factor: Double
    ) -> [Double] {
        var result = [Double](repeating: 0, count: dimension)
        for row in 0..<count {
            let share = -factor * weights[row] * bends[row]
            for index in 0..<dimension {
                let scale = parameters.lengthScales[index]
                let difference = point[index] / scale - scaledInputs[row * dimension + index]
                result[index] += share * difference / scale
            }
        }
        return result
    }
}
