import Glibc
import Numerics

/// New data without starting over.
extension GaussianProcess {
    /// The same process with one more observation, in O(n²). The parameters stay; the factor
    /// grows by a row, and its inverse by −(l W) / d and 1 / d, where L l = k and d is the pivot.
    public func appending(
        input: [Double], target: Double, to targets: [Double]
    ) throws(GaussianProcessError) -> GaussianProcess {
        guard targets.count == count else {
            throw .sidesDiffer("\(count) inputs, \(targets.count) targets")
        }
        guard count < Self.observationLimit else {
            throw .tooMuchData(count: count + 1, limit: Self.observationLimit)
        }
        guard input.count == dimension else {
            throw .sidesDiffer("input \(count) has \(input.count) numbers, not \(dimension)")
        }
        guard target.isFinite, input.allSatisfy(\.isFinite) else {
            throw .notFinite(index: count)
        }
        let wide = Matern.stride(count + 1)
        let scaled = grownInputs(input, stride: wide)
        guard let grown = grownInverse(scaled, stride: wide) else {
            throw .notFactorable(.notPositiveDefinite(row: count))
        }
        return Self.conditioned(
            parameters, targets + [target], stride: wide, scaled, grown, jitter)
    }

    /// The same inputs and parameters with other targets, in O(n²) and sharing all memory but
    /// the weights: what a model of many outputs needs.
    public func conditioned(on targets: [Double]) throws(GaussianProcessError) -> GaussianProcess {
        guard targets.count == count else {
            throw .sidesDiffer("\(count) inputs, \(targets.count) targets")
        }
        for index in targets.indices where !targets[index].isFinite {
            throw .notFinite(index: index)
        }
        return Self.conditioned(parameters, targets, stride: stride, scaledInputs, inverse, jitter)
    }

    private func grownInputs(_ input: [Double], stride wide: Int) -> [Double] {
        var scaled = [Double](repeating: 0, count: dimension * wide)
        for coordinate in 0..<dimension {
            for index in 0..<count {
                scaled[coordinate * wide + index] = scaledInputs[coordinate * stride + index]
            }
            let rate = 1 / parameters.lengthScales[coordinate]
            scaled[coordinate * wide + count] = input[coordinate] * rate
        }
        return scaled
    }

    /// `inverse` with the row of the last of `scaled`; nil when its pivot is not positive.
    private func grownInverse(_ scaled: [Double], stride wide: Int) -> [Double]? {
        var grown = [Double](repeating: 0, count: (count + 1) * wide)
        var covariances = [Double](repeating: 0, count: wide)
        var bends = covariances
        let isFine = grown.withUnsafeMutableBufferPointer { target -> Bool in
            guard let to = target.baseAddress else { return false }
            inverse.withUnsafeBufferPointer { source in
                guard let from = source.baseAddress else { return }
                for row in 0..<count {
                    (to + row * wide).update(from: from + row * stride, count: count)
                }
            }
            let last = to + count * wide
            var square = 0.0
            scaled.withUnsafeBufferPointer { inputs in
                covariances.withUnsafeMutableBufferPointer { covariances in
                    bends.withUnsafeMutableBufferPointer { bends in
                        guard let inputs = inputs.baseAddress, let k = covariances.baseAddress,
                            let bends = bends.baseAddress
                        else { return }
                        Matern.row(
                            inputs, stride: wide, dimension: dimension, count: count,
                            signal: parameters.signalVariance, at: inputs + count,
                            pointStride: wide, covariances: k, bends: bends)
                        square = VectorKernel.solveByInverse(
                            to, stride: wide, side: count, k, into: last)
                    }
                }
            }
            let own = parameters.signalVariance + parameters.noiseVariance + jitter
            let pivot = own - square
            guard pivot.isFinite, pivot > 0 else { return false }
            // `last` is K⁻¹ k, which is Wᵀ l: the new row is its negative over the pivot's root.
            let inverseRoot = 1 / pivot.squareRoot()
            for index in 0..<count { last[index] *= -inverseRoot }
            for index in count..<wide { last[index] = 0 }
            last[count] = inverseRoot
            return true
        }
        return isFine ? grown : nil
    }

    private static func conditioned(
        _ parameters: MaternParameters, _ targets: [Double], stride: Int, _ scaled: [Double],
        _ inverse: [Double], _ jitter: Double
    ) -> GaussianProcess {
        let count = targets.count
        let padded = targets + [Double](repeating: 0, count: stride - count)
        var weights = [Double](repeating: 0, count: stride)
        var fit = 0.0
        var logDiagonal = 0.0
        inverse.withUnsafeBufferPointer { inverse in
            padded.withUnsafeBufferPointer { targets in
                weights.withUnsafeMutableBufferPointer { weights in
                    guard let inverse = inverse.baseAddress, let targets = targets.baseAddress,
                        let weights = weights.baseAddress
                    else { return }
                    fit = VectorKernel.solveByInverse(
                        inverse, stride: stride, side: count, targets, into: weights)
                }
            }
            for index in 0..<count { logDiagonal -= log(inverse[index * stride + index]) }
        }
        return GaussianProcess(
            parameters: parameters,
            logMarginalLikelihood: -0.5 * fit - logDiagonal
                - 0.5 * Double(count) * log(2 * Double.pi),
            count: count, stride: stride, scaledInputs: scaled, inverse: inverse,
            weights: weights, jitter: jitter)
    }
}
