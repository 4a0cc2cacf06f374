import Numerics

/// Working space for predictions of many rows: made once, used again and again, by one thread at
/// a time.
public final class PredictionScratch {
    /// Rows that go through the layers together.
    static let blockRows = 240

    /// The widest layer this serves.
    let width: Int
    /// Values on their way, `blockRows` × `width` each.
    let from: FloatBuffer
    let to: FloatBuffer
    /// Packed weights.
    let packing: FloatBuffer

    /// Space for networks no wider than `network`.
    public init(for network: DenseNetwork) {
        width = network.widestLayer
        from = FloatBuffer(count: Self.blockRows * width)
        to = FloatBuffer(count: Self.blockRows * width)
        packing = FloatBuffer(
            count: FloatGemm.packingCount(columns: width + 16, depth: width))
    }
}

extension DenseNetwork {
    /// The largest count of numbers any layer takes or gives.
    var widestLayer: Int { layers.map { max($0.inputs, $0.outputs) }.max() ?? 0 }

    /// Fewest rows for which products of matrices are worth their packing.
    private static let leastMatrixRows = 4

    /// The outputs for `count` rows of `inputCount` numbers, `outputCount` numbers each, into
    /// `outputs`. Allocates nothing. Each sum has the error bound of `FloatGemm`; the order of
    /// sums, and with it the last digit, differs from `predict(_:)`.
    public func predict(
        rows: UnsafePointer<Float>, count: Int, into outputs: UnsafeMutablePointer<Float>,
        scratch: PredictionScratch
    ) {
        precondition(scratch.width >= widestLayer, "the scratch is for a narrower network")
        guard count >= Self.leastMatrixRows else {
            for row in 0..<max(count, 0) {
                predictOne(rows + row * inputCount, into: outputs + row * outputCount, scratch)
            }
            return
        }
        for first in stride(from: 0, to: count, by: PredictionScratch.blockRows) {
            let block = min(PredictionScratch.blockRows, count - first)
            var from = rows + first * inputCount
            var buffers = (scratch.from.base, scratch.to.base)
            for index in layers.indices {
                let isLast = index == layers.count - 1
                let target = isLast ? outputs + first * outputCount : buffers.0
                layers[index].multiply(from, rows: block, into: target, !isLast, scratch)
                from = UnsafePointer(target)
                buffers = (buffers.1, buffers.0)
            }
        }
    }

    /// The outputs for rows of `inputCount` numbers one after the other. Throws when `rows` is
    /// not a whole number of rows or holds what is not finite.
    public func predict(
        rows: [Float], scratch: PredictionScratch? = nil
    ) throws(DenseNetworkError) -> [Float] {
        guard rows.count % inputCount == 0 else {
            throw .inputsDisagree(expected: inputCount, found: rows.count % inputCount)
        }
        if let bad = rows.firstIndex(where: { !$0.isFinite }) {
            throw .inputNotFinite(row: bad / inputCount)
        }
        let count = rows.count / inputCount
        let space = scratch ?? PredictionScratch(for: self)
        return [Float](unsafeUninitializedCapacity: count * outputCount) { result, filled in
            if count > 0, let base = result.baseAddress {
                predict(rows: rows, count: count, into: base, scratch: space)
            }
            filled = count * outputCount
        }
    }

    private func predictOne(
        _ row: UnsafePointer<Float>, into outputs: UnsafeMutablePointer<Float>,
        _ scratch: PredictionScratch
    ) {
        var from = row
        var buffers = (scratch.from.base, scratch.to.base)
        for index in layers.indices {
            let isLast = index == layers.count - 1
            let target = isLast ? outputs : buffers.0
            let layer = layers[index]
            layer.kernel.withUnsafeBufferPointer { kernel in
                layer.bias.withUnsafeBufferPointer { bias in
                    guard let kernel = kernel.baseAddress else { return }
                    FloatGemv.multiplyTransposed(
                        inputs: layer.inputs, outputs: layer.outputs, kernel, from,
                        bias: bias.baseAddress, isRectified: !isLast, into: target)
                }
            }
            from = UnsafePointer(target)
            buffers = (buffers.1, buffers.0)
        }
    }
}

extension DenseNetwork.Layer {
    fileprivate func multiply(
        _ from: UnsafePointer<Float>, rows: Int, into target: UnsafeMutablePointer<Float>,
        _ isRectified: Bool, _ scratch: PredictionScratch
    ) {
        kernel.withUnsafeBufferPointer { kernel in
            bias.withUnsafeBufferPointer { bias in
                guard let kernel = kernel.baseAddress, let bias = bias.baseAddress else { return }
                FloatGemm.multiply(
                    rows: rows, columns: outputs, depth: inputs,
                    FloatGemm.Operand(from, stride: inputs),
                    FloatGemm.Operand(kernel, stride: outputs), into: target, stride: outputs,
                    ending: FloatGemm.Ending(bias: .perColumn(bias), isRectified: isRectified),
                    packing: scratch.packing.base)
            }
        }
    }
}
