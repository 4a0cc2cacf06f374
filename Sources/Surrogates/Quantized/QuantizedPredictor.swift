import Numerics

/// Calculates a quantised network, without allocating: its memory is made once. One object for
/// each thread.
///
/// One row goes through all layers before the next one comes, and four rows go together where
/// there are four, so that weights are read once for four rows. Every number but the outputs
/// stays in the first-level cache.
public final class QuantizedPredictor {
    /// What is calculated.
    public let network: QuantizedNetwork
    /// What multiplies.
    public let kernel: Int8Kernel
    private let codes: Int8Codes
    /// Rows of numbers between layers lie this far apart.
    private let stride: Int
    private let values: UnsafeMutablePointer<Float>
    private let other: UnsafeMutablePointer<Float>
    private let sums: UnsafeMutablePointer<Int32>
    /// The largest number in each row; four of them, and four for the layer being made.
    private let largest: UnsafeMutablePointer<Float>

    /// Readies the memory for `network`; `kernel` is the processor's fastest unless told.
    public init(_ network: QuantizedNetwork, kernel: Int8Kernel = .current) {
        self.network = network
        self.kernel = kernel
        let widths =
            network.packedFloat.map(\.padded)
            + network.packedInt8.flatMap { [$0.matrix.paddedInputs, $0.matrix.paddedOutputs] }
        stride = widths.max() ?? 8
        codes = Int8Codes(width: stride)
        let count = stride * Int8Codes.together
        values = .allocate(capacity: count)
        other = .allocate(capacity: count)
        sums = .allocate(capacity: count)
        largest = .allocate(capacity: Int8Codes.together)
        values.initialize(repeating: 0, count: count)
        other.initialize(repeating: 0, count: count)
        sums.initialize(repeating: 0, count: count)
        largest.initialize(repeating: 0, count: Int8Codes.together)
    }

    deinit {
        values.deallocate()
        other.deallocate()
        sums.deallocate()
        largest.deallocate()
    }

    /// The outputs for one recipe: `inputCount` numbers in, `outputCount` out. Throws
    /// `inputNotFinite`, and `overflow` for inputs beyond all measure.
    public func predict(
        _ inputs: UnsafePointer<Float>, into outputs: UnsafeMutablePointer<Float>
    ) throws(QuantizationError) {
        try run(inputs, first: 0, rows: 1, last: true, into: outputs)
    }

    /// The outputs for `count` recipes, row after row: `count × inputCount` numbers in,
    /// `count × outputCount` out. Throws as for one recipe; rows before the bad one are done.
    public func predict(
        rows inputs: UnsafePointer<Float>, count: Int,
        into outputs: UnsafeMutablePointer<Float>
    ) throws(QuantizationError) {
        var row = 0
        while row < count {
            let rows = row + Int8Codes.together <= count ? Int8Codes.together : 1
            try run(
                inputs + row * network.inputCount, first: row, rows: rows,
                last: row + rows == count, into: outputs + row * network.outputCount)
            row += rows
        }
    }

    /// One row or four; `last` if nothing may be written beyond them.
    private func run(
        _ inputs: UnsafePointer<Float>, first: Int, rows: Int, last: Bool,
        into outputs: UnsafeMutablePointer<Float>
    ) throws(QuantizationError) {
        for index in 0..<rows * network.inputCount where !inputs[index].isFinite {
            throw .inputNotFinite(row: first + index / network.inputCount)
        }
        for row in 0..<rows { try floatLayers(inputs, row, first) }
        let layers = network.packedInt8
        for index in layers.indices {
            try layer(
                layers[index], rows: rows, first: first,
                outputs: index == layers.count - 1 ? outputs : nil, last: last)
        }
    }

    /// The first layers of one row; leaves its numbers in `values`.
    private func floatLayers(
        _ inputs: UnsafePointer<Float>, _ row: Int, _ first: Int
    ) throws(QuantizationError) {
        var source = inputs + row * network.inputCount
        var count = network.inputCount
        let layers = network.packedFloat
        for index in layers.indices {
            // The last of them writes to `values`, whichever of the two came first.
            let target = ((layers.count - index) % 2 == 1 ? values : other) + row * stride
            let seen = layers[index].kernel.withUnsafeBufferPointer { kernel in
                layers[index].bias.withUnsafeBufferPointer { bias in
                    Int8Finish.floatLayer(
                        source, count: count, kernel: kernel.baseAddress.unsafelyUnwrapped,
                        bias: bias.baseAddress.unsafelyUnwrapped, width: layers[index].padded,
                        rectified: true, into: target)
                }
            }
            guard seen.finite else { throw .overflow(row: first + row) }
            largest[row] = seen.largest
            source = UnsafePointer(target)
            count = network.floatLayers[index].outputs
        }
    }

    /// One quantised layer of one row or four, from `values` to `values`, or to `outputs` if it
    /// is the last one.
    private func layer(
        _ layer: PackedInt8Layer, rows: Int, first: Int, outputs: UnsafeMutablePointer<Float>?,
        last: Bool
    ) throws(QuantizationError) {
        let matrix = layer.matrix
        codes.encode(
            values, rows: rows, width: matrix.paddedInputs, stride: stride, largest: largest,
            largestCode: layer.largestCode, fine: network.activations == .fine, kernel: kernel)
        matrix.multiply(codes, kernel: kernel, into: sums)
        for row in 0..<rows {
            // Whole vectors are written. Behind a row of outputs begins the next one, which is
            // written after it; only behind the last row there is nothing to write to.
            let direct = outputs != nil && (matrix.outputs % 8 == 0 || !last || row + 1 < rows)
            let out = outputs.map { $0 + row * matrix.outputs }
            let target = direct ? out.unsafelyUnwrapped : values + row * stride
            let seen = layer.scale.withUnsafeBufferPointer { scale in
                layer.bias.withUnsafeBufferPointer { bias in
                    Int8Finish.apply(
                        sums + row * matrix.paddedOutputs, count: matrix.paddedOutputs,
                        step: largest[row] / Float(layer.largestCode),
                        scale: scale.baseAddress.unsafelyUnwrapped,
                        bias: bias.baseAddress.unsafelyUnwrapped, rectified: outputs == nil,
                        into: target)
                }
            }
            guard seen.finite else { throw .overflow(row: first + row) }
            largest[row] = seen.largest
            if let out, !direct { out.update(from: target, count: matrix.outputs) }
        }
    }
}
