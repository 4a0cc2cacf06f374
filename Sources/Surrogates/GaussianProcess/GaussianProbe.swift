import Numerics

/// Asks one Gaussian process about one point after another without allocating: the inside of a
/// search. Not for sharing between threads; each makes its own.
public final class GaussianProbe {
    /// What is asked.
    public let model: GaussianProcess
    /// Mean at the last point.
    public private(set) var mean = 0.0
    /// Variance at the last point, always positive.
    public private(set) var variance = 0.0

    /// ∂mean/∂x at the last point whose gradients were asked for.
    public let meanGradient: UnsafeMutablePointer<Double>
    /// ∂variance/∂x there.
    public let varianceGradient: UnsafeMutablePointer<Double>

    private let scaled: UnsafeMutablePointer<Double>
    private let rates: UnsafeMutablePointer<Double>
    private let covariances: UnsafeMutablePointer<Double>
    private let bends: UnsafeMutablePointer<Double>
    private let solved: UnsafeMutablePointer<Double>
    private let memory: UnsafeMutablePointer<Double>

    /// What a look finds out.
    public enum Depth: Sendable {
        /// The mean alone.
        case mean
        /// The mean and its gradient.
        case meanGradient
        /// Mean and variance.
        case variance
        /// Mean, variance and both gradients.
        case gradients
    }

    /// A probe of `model`.
    public init(_ model: GaussianProcess) {
        self.model = model
        let dimension = model.dimension
        let stride = model.stride
        let total = 4 * dimension + 3 * stride
        memory = .allocate(capacity: total)
        memory.initialize(repeating: 0, count: total)
        meanGradient = memory
        varianceGradient = memory + dimension
        scaled = memory + 2 * dimension
        rates = memory + 3 * dimension
        covariances = memory + 4 * dimension
        bends = covariances + stride
        solved = bends + stride
        for index in 0..<dimension { rates[index] = 1 / model.parameters.lengthScales[index] }
    }

    deinit { memory.deallocate() }

    /// Looks at `point`, `model.dimension` numbers, as deeply as `depth` says.
    public func look(at point: UnsafePointer<Double>, _ depth: Depth) {
        let (count, stride, dimension) = (model.count, model.stride, model.dimension)
        let signal = model.parameters.signalVariance
        for index in 0..<dimension { scaled[index] = point[index] * rates[index] }
        model.scaledInputs.withUnsafeBufferPointer { inputs in
            guard let inputs = inputs.baseAddress else { return }
            Matern.row(
                inputs, stride: stride, dimension: dimension, count: count, signal: signal,
                at: scaled, pointStride: 1, covariances: covariances, bends: bends)
            model.weights.withUnsafeBufferPointer { weights in
                guard let weights = weights.baseAddress else { return }
                mean = VectorKernel.dot(weights, covariances, count)
                if depth == .meanGradient || depth == .gradients {
                    gradient(inputs, weights, times: 1, into: meanGradient)
                }
            }
            guard depth == .variance || depth == .gradients else { return }
            model.inverse.withUnsafeBufferPointer { inverse in
                guard let inverse = inverse.baseAddress else { return }
                let explained = VectorKernel.solveByInverse(
                    inverse, stride: stride, side: count, covariances, into: solved)
                let least = signal * GaussianProcess.leastVarianceShare
                variance = max(signal - explained, least)
            }
            guard depth == .gradients else { return }
            // d(k⋆ᵀ K⁻¹ k⋆) = 2 (K⁻¹ k⋆)ᵀ dk⋆, and the variance falls by it.
            gradient(inputs, solved, times: -2, into: varianceGradient)
        }
    }

    /// factor · Σ shares[i] ∂k(point, inputᵢ)/∂point.
    @inline(__always)
    private func gradient(
        _ inputs: UnsafePointer<Double>, _ shares: UnsafePointer<Double>, times factor: Double,
        into target: UnsafeMutablePointer<Double>
    ) {
        for coordinate in 0..<model.dimension {
            let others = inputs + coordinate * model.stride
            let own = scaled[coordinate]
            var sum = SIMD4<Double>(repeating: 0)
            var index = 0
            while index < model.count {
                let pull = VectorMath.load(shares + index) * VectorMath.load(bends + index)
                sum = sum.addingProduct(pull, own - VectorMath.load(others + index))
                index &+= 4
            }
            let total = (sum[0] + sum[1]) + (sum[2] + sum[3])
            target[coordinate] = -factor * total * rates[coordinate]
        }
    }

    /// Mean and variance at `point`, and gradients where asked for.
    public func predict(_ point: [Double], gradients: Bool = false) -> GaussianPrediction {
        look(point, gradients ? .gradients : .variance)
        guard gradients else { return GaussianPrediction(mean: mean, variance: variance) }
        return GaussianPrediction(
            mean: mean, variance: variance, meanGradient: copy(meanGradient),
            varianceGradient: copy(varianceGradient))
    }

    /// Mean at `point`.
    public func mean(_ point: [Double]) -> Double {
        look(point, .mean)
        return mean
    }

    /// ∂mean/∂x at `point`.
    public func meanGradient(_ point: [Double]) -> [Double] {
        look(point, .meanGradient)
        return copy(meanGradient)
    }

    private func look(_ point: [Double], _ depth: Depth) {
        precondition(point.count == model.dimension, "a point has as many numbers as scales")
        point.withUnsafeBufferPointer { numbers in
            if let numbers = numbers.baseAddress { look(at: numbers, depth) }
        }
    }

    private func copy(_ numbers: UnsafePointer<Double>) -> [Double] {
        Array(UnsafeBufferPointer(start: numbers, count: model.dimension))
    }
}
