import Glibc
import Numerics

/// The marginal likelihood of one set of observations for any parameters, with all memory it
/// needs: a search that asks a hundred times allocates once.
///
/// `value` builds and factors the covariance; `gradient` then goes on from that factor, which
/// costs twice as much again and is asked for only where a search decided to stay.
final class MaternLikelihood {
    let count: Int
    let dimension: Int
    /// Distance of matrix rows, and of the coordinates in `scaled`.
    let stride: Int

    /// Inputs, coordinate by coordinate, as they came and divided by the length scales.
    private let inputs: UnsafeMutablePointer<Double>
    let scaled: UnsafeMutablePointer<Double>
    private let targets: UnsafeMutablePointer<Double>
    /// (K + σ² I)⁻¹ y.
    let weights: UnsafeMutablePointer<Double>
    /// Covariance, then its factor, then (after `gradient`) its inverse.
    private let matrix: UnsafeMutablePointer<Double>
    /// L⁻¹ once `invert` was called.
    let inverse: UnsafeMutablePointer<Double>
    private let bends: UnsafeMutablePointer<Double>
    private let row: UnsafeMutablePointer<Double>
    private let scratch: UnsafeMutablePointer<Double>
    private let memory: UnsafeMutablePointer<Double>

    private(set) var parameters: MaternParameters
    /// What was added to the diagonal besides the noise.
    private(set) var jitter = 0.0
    /// What `value` said last.
    private(set) var lastValue = -Double.infinity
    /// The row whose pivot failed last.
    private(set) var failedRow = 0
    /// yᵀ (K + σ² I)⁻¹ y.
    private var fit = 0.0

    /// Jitters tried, from 1e-10 of the diagonal on, each ten times the one before.
    private static let jitterSteps = 8

    /// Observations that were checked before. `flat` holds the inputs one after the other.
    init(_ flat: [Double], dimension: Int, targets values: [Double]) {
        count = values.count
        self.dimension = dimension
        stride = Matern.stride(count)
        parameters = MaternParameters(lengthScales: [], signalVariance: 1, noiseVariance: 1)
        let square = count * stride
        let total = 2 * dimension * stride + 3 * stride + 3 * square + MatrixProduct.scratchCount
        memory = .allocate(capacity: total)
        // The scratch is written before it is read; zeroing it would cost its pages.
        memory.initialize(repeating: 0, count: total - MatrixProduct.scratchCount)
        inputs = memory
        scaled = inputs + dimension * stride
        targets = scaled + dimension * stride
        weights = targets + stride
        row = weights + stride
        matrix = row + stride
        inverse = matrix + square
        bends = inverse + square
        scratch = bends + square
        for index in 0..<count {
            targets[index] = values[index]
            for coordinate in 0..<dimension {
                inputs[coordinate * stride + index] = flat[index * dimension + coordinate]
            }
        }
    }

    deinit { memory.deallocate() }

    /// log p(targets | inputs, parameters) (Rasmussen and Williams, eq. 2.30); −∞ when the
    /// covariance has no factor.
    func value(_ parameters: MaternParameters) -> Double {
        self.parameters = parameters
        for coordinate in 0..<dimension {
            let scale = 1 / parameters.lengthScales[coordinate]
            let place = coordinate * stride
            for index in 0..<count { scaled[place + index] = inputs[place + index] * scale }
        }
        jitter = 0
        for step in 0...Self.jitterSteps {
            fillCovariance()
            let failed = TriangularKernel.factor(
                matrix, stride: stride, side: count, jitter: jitter, scratch: scratch)
            guard let failed else {
                lastValue = likelihood()
                return lastValue
            }
            failedRow = failed
            jitter = (parameters.signalVariance + parameters.noiseVariance) * 1e-10
            for _ in 0..<step { jitter *= 10 }
        }
        lastValue = -.infinity
        return lastValue
    }

    private func fillCovariance() {
        for index in 0..<count {
            let place = index * stride
            Matern.row(
                scaled, stride: stride, dimension: dimension, count: index,
                signal: parameters.signalVariance, at: scaled + index, pointStride: stride,
                covariances: matrix + place, bends: bends + place)
            matrix[place + index] = parameters.signalVariance + parameters.noiseVariance
        }
    }

    private func likelihood() -> Double {
        weights.update(from: targets, count: count)
        TriangularKernel.solveLower(matrix, stride: stride, side: count, weights)
        fit = VectorKernel.dot(weights, weights, count)
        TriangularKernel.solveUpper(matrix, stride: stride, side: count, weights)
        var logDiagonal = 0.0
        for index in 0..<count { logDiagonal += log(matrix[index * stride + index]) }
        return -0.5 * fit - logDiagonal - 0.5 * Double(count) * log(2 * Double.pi)
    }

    /// Writes L⁻¹ of the last `value` to `inverse`. Once per `value`, and before `gradient`.
    func invert() {
        TriangularKernel.invert(
            matrix, stride: stride, side: count, into: inverse, wStride: stride, scratch: scratch)
    }

    /// The gradient of the last `value` by the logarithms of length scales, signal and noise, in
    /// this order (Rasmussen and Williams, eq. 5.9). Once per `value`; it must have been finite.
    ///
    /// The signal's part needs no loop: with C = K + σ² I, the trace of (α αᵀ − C⁻¹) K follows
    /// from those of (α αᵀ − C⁻¹) C = α yᵀ − I and of (α αᵀ − C⁻¹) σ².
    func gradient(into gradient: inout [Double]) {
        invert()
        TriangularKernel.invertSymmetric(
            fromInverse: inverse, stride: stride, side: count, into: matrix,
            targetStride: stride, scratch: scratch)
        var trace = 0.0
        gradient.withUnsafeMutableBufferPointer { sums in
            guard let sums = sums.baseAddress else { return }
            for coordinate in 0..<dimension { sums[coordinate] = 0 }
            for index in 0..<count {
                let place = index * stride
                trace += weights[index] * weights[index] - matrix[place + index]
                fillPulls(index, matrix + place, bends + place)
                Matern.addSquares(
                    scaled, stride: stride, dimension: dimension, count: index,
                    at: scaled + index, pointStride: stride, pulls: row, to: sums)
            }
        }
        let onDiagonal = parameters.noiseVariance + jitter
        gradient[dimension] = 0.5 * (fit - Double(count) - onDiagonal * trace)
        gradient[dimension + 1] = 0.5 * parameters.noiseVariance * trace
    }

    /// (αᵢ αⱼ − C⁻¹ᵢⱼ) bendᵢⱼ of all j before i; the bends are zero from i on.
    @inline(__always)
    private func fillPulls(
        _ index: Int, _ inverseRow: UnsafePointer<Double>, _ bendRow: UnsafePointer<Double>
    ) {
        let weight = weights[index]
        var other = 0
        while other < index {
            let product = VectorMath.load(weights + other) * weight
            let pull = product - VectorMath.load(inverseRow + other)
            VectorMath.store(pull * VectorMath.load(bendRow + other), to: row + other)
            other &+= 4
        }
    }
}
