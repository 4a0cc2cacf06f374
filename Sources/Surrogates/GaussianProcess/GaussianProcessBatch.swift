import Numerics

/// Many points at once: the triangular product with all their covariances is one matrix product,
/// which keeps the arithmetic in registers instead of reading the triangle once per point.
extension GaussianProcess {
    /// Points that go through together; a multiple of a tile's columns.
    private static let group = 72

    /// Means and variances at the points whose coordinates follow one another in `points`
    /// (`dimension` numbers each).
    public func predict(points: [Double]) -> (means: [Double], variances: [Double]) {
        precondition(points.count % max(1, dimension) == 0, "points have `dimension` numbers")
        let number = dimension > 0 ? points.count / dimension : 0
        var means = [Double](repeating: 0, count: number)
        var variances = means
        means.withUnsafeMutableBufferPointer { means in
            variances.withUnsafeMutableBufferPointer { variances in
                points.withUnsafeBufferPointer { points in
                    guard let points = points.baseAddress, let means = means.baseAddress,
                        let variances = variances.baseAddress
                    else { return }
                    predict(points: points, count: number, into: means, variances)
                }
            }
        }
        return (means, variances)
    }

    /// Means and variances at `number` points, whose coordinates follow one another; and, where
    /// room for them is given, their gradients, `dimension` numbers per point.
    public func predict(
        points: UnsafePointer<Double>, count number: Int,
        into means: UnsafeMutablePointer<Double>, _ variances: UnsafeMutablePointer<Double>,
        meanGradients: UnsafeMutablePointer<Double>? = nil,
        varianceGradients: UnsafeMutablePointer<Double>? = nil
    ) {
        let batch = GaussianBatch(self, group: min(Self.group, max(1, number)))
        var start = 0
        while start < number {
            let here = min(Self.group, number - start)
            batch.predict(points + start * dimension, here, means + start, variances + start)
            if let meanGradients, let varianceGradients {
                batch.gradients(
                    here, meanGradients + start * dimension, varianceGradients + start * dimension)
            }
            start += here
        }
    }
}

/// The memory of one group of points, and the loops over it. Everything about a point is in one
/// column, everything about an observation in one row.
private final class GaussianBatch {
    let model: GaussianProcess
    /// Distance of rows: the group rounded up to registers.
    private let stride: Int
    private let coordinates: UnsafeMutablePointer<Double>
    private let covariances: UnsafeMutablePointer<Double>
    private let bends: UnsafeMutablePointer<Double>
    /// W k⋆.
    private let whitened: UnsafeMutablePointer<Double>
    /// Wᵀ W k⋆; it takes the place of the covariances.
    private var solved: UnsafeMutablePointer<Double> { covariances }
    private let scratch: UnsafeMutablePointer<Double>
    private let memory: UnsafeMutablePointer<Double>

    init(_ model: GaussianProcess, group: Int) {
        self.model = model
        stride = (group + 3) & ~3
        let square = model.count * stride
        let total = model.dimension * stride + 3 * square + MatrixProduct.scratchCount
        memory = .allocate(capacity: total)
        memory.initialize(repeating: 0, count: total - MatrixProduct.scratchCount)
        coordinates = memory
        covariances = coordinates + model.dimension * stride
        bends = covariances + square
        whitened = bends + square
        scratch = whitened + square
    }

    deinit { memory.deallocate() }

    func predict(
        _ points: UnsafePointer<Double>, _ number: Int, _ means: UnsafeMutablePointer<Double>,
        _ variances: UnsafeMutablePointer<Double>
    ) {
        let dimension = model.dimension
        for coordinate in 0..<dimension {
            let rate = 1 / model.parameters.lengthScales[coordinate]
            for index in 0..<number {
                coordinates[coordinate * stride + index] =
                    points[index * dimension + coordinate] * rate
            }
        }
        let signal = model.parameters.signalVariance
        for index in 0..<number {
            means[index] = 0
            variances[index] = signal
        }
        for row in 0..<model.count {
            model.scaledInputs.withUnsafeBufferPointer { inputs in
                guard let inputs = inputs.baseAddress else { return }
                Matern.row(
                    coordinates, stride: stride, dimension: dimension, count: number,
                    signal: signal, at: inputs + row, pointStride: model.stride,
                    covariances: covariances + row * stride, bends: bends + row * stride)
            }
            VectorKernel.add(
                model.weights[row], covariances + row * stride, to: means, number)
        }
        model.inverse.withUnsafeBufferPointer { inverse in
            guard let inverse = inverse.baseAddress else { return }
            MatrixProduct.multiply(
                .set, whitened, stride: stride, rows: model.count, columns: number,
                depth: model.count, MatrixProduct.Operand(inverse, rowStride: model.stride),
                MatrixProduct.Operand(covariances, rowStride: stride), shape: .lowerLeft,
                scratch: scratch)
        }
        for row in 0..<model.count {
            let source = whitened + row * stride
            for index in 0..<number { variances[index] -= source[index] * source[index] }
        }
        let least = signal * GaussianProcess.leastVarianceShare
        for index in 0..<number { variances[index] = max(variances[index], least) }
    }

    /// Gradients of what `predict` found last, for the same `number` of points.
    func gradients(
        _ number: Int, _ meanGradients: UnsafeMutablePointer<Double>,
        _ varianceGradients: UnsafeMutablePointer<Double>
    ) {
        model.inverse.withUnsafeBufferPointer { inverse in
            guard let inverse = inverse.baseAddress else { return }
            MatrixProduct.multiply(
                .set, solved, stride: stride, rows: model.count, columns: number,
                depth: model.count,
                MatrixProduct.Operand(inverse, rowStride: 1, columnStride: model.stride),
                MatrixProduct.Operand(whitened, rowStride: stride), shape: .upperLeft,
                scratch: scratch)
        }
        let dimension = model.dimension
        for coordinate in 0..<dimension {
            let rate = 1 / model.parameters.lengthScales[coordinate]
            var index = 0
            while index < number {
                let own = VectorMath.load(coordinates + coordinate * stride + index)
                var means = SIMD4<Double>(repeating: 0)
                var variances = means
                for row in 0..<model.count {
                    let place = row * stride + index
                    let input = model.scaledInputs[coordinate * model.stride + row]
                    let slope = (own - input) * VectorMath.load(bends + place)
                    means = means.addingProduct(slope, SIMD4(repeating: model.weights[row]))
                    variances = variances.addingProduct(slope, VectorMath.load(solved + place))
                }
                for lane in 0..<min(4, number - index) {
                    let target = (index + lane) * dimension + coordinate
                    meanGradients[target] = -rate * means[lane]
                    varianceGradients[target] = 2 * rate * variances[lane]
                }
                index += 4
            }
        }
    }
}
