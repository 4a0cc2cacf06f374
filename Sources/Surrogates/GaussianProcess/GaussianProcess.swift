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
    /// More observations than memory is set aside for.
    case tooMuchData(count: Int, limit: Int)
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
        case .tooMuchData(let count, let limit):
            "\(count) observations, \(limit) are the limit; leave out or average the oldest"
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
///
/// What is kept is the inverse W of the covariance's Cholesky factor: a prediction is then one
/// pass over W without a division, and another set of targets at the same inputs costs one more.
public struct GaussianProcess: Sendable {
    /// What the covariance is tuned by.
    public let parameters: MaternParameters
    /// log p(targets | inputs, parameters).
    public let logMarginalLikelihood: Double
    /// Number of observations.
    public let count: Int
    /// Numbers per input.
    public let dimension: Int

    /// Rows of `inverse`, and coordinates of `scaledInputs`, are so far apart.
    let stride: Int
    /// Observations at most: a fit holds three matrices of that side, 400 MB.
    public static let observationLimit = 4_000

    /// Inputs divided by the length scales, coordinate by coordinate.
    let scaledInputs: [Double]
    /// W = L⁻¹ with L Lᵀ = K + σ² I; zeros above the diagonal.
    let inverse: [Double]
    /// (K + σ² I)⁻¹ y, zeros up to `stride`.
    let weights: [Double]
    /// What was added to the diagonal besides the noise to make it factorable.
    let jitter: Double

    /// No prediction claims less variance than this share of the signal's: rounding must not
    /// make it negative, and its square root is divided by.
    static let leastVarianceShare = 1e-12

    /// Conditions on `targets` observed at `inputs` (all of the length of
    /// `parameters.lengthScales`). Repeated inputs are allowed.
    public init(
        inputs: [[Double]], targets: [Double], parameters: MaternParameters
    ) throws(GaussianProcessError) {
        let dimension = parameters.lengthScales.count
        try Self.check(inputs: inputs, targets: targets, dimension: dimension)
        guard parameters.areUsable else { throw .unusableParameters }
        let likelihood = MaternLikelihood(
            inputs.flatMap { $0 }, dimension: dimension, targets: targets)
        guard likelihood.value(parameters).isFinite else {
            throw .notFactorable(.notPositiveDefinite(row: likelihood.failedRow))
        }
        likelihood.invert()
        self.init(likelihood)
    }

    /// What `likelihood` found for the parameters it was asked for last, its inverse made.
    init(_ likelihood: MaternLikelihood) {
        parameters = likelihood.parameters
        logMarginalLikelihood = likelihood.lastValue
        count = likelihood.count
        dimension = likelihood.dimension
        stride = likelihood.stride
        jitter = likelihood.jitter
        scaledInputs = Array(
            UnsafeBufferPointer(start: likelihood.scaled, count: dimension * stride))
        inverse = Array(UnsafeBufferPointer(start: likelihood.inverse, count: count * stride))
        weights = Array(UnsafeBufferPointer(start: likelihood.weights, count: stride))
    }

    init(
        parameters: MaternParameters, logMarginalLikelihood: Double, count: Int, stride: Int,
        scaledInputs: [Double], inverse: [Double], weights: [Double], jitter: Double
    ) {
        self.parameters = parameters
        self.logMarginalLikelihood = logMarginalLikelihood
        self.count = count
        dimension = parameters.lengthScales.count
        self.stride = stride
        self.scaledInputs = scaledInputs
        self.inverse = inverse
        self.weights = weights
        self.jitter = jitter
    }

    /// Whether observations can be used at all.
    static func check(
        inputs: [[Double]], targets: [Double], dimension: Int
    ) throws(GaussianProcessError) {
        guard !inputs.isEmpty else { throw .noData }
        guard inputs.count <= observationLimit else {
            throw .tooMuchData(count: inputs.count, limit: observationLimit)
        }
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

    /// Mean and variance at `point`, which must have `dimension` numbers; with their gradients
    /// when `gradients` is set. Many points: `GaussianProbe`, or the batched `predict`.
    public func predict(_ point: [Double], gradients: Bool = false) -> GaussianPrediction {
        GaussianProbe(self).predict(point, gradients: gradients)
    }

    /// ∂mean/∂x at `point`, which must have `dimension` numbers.
    public func meanGradient(_ point: [Double]) -> [Double] {
        GaussianProbe(self).meanGradient(point)
    }

    /// Mean at `point`, which must have `dimension` numbers.
    public func mean(_ point: [Double]) -> Double { GaussianProbe(self).mean(point) }
}
