import Numerics

/// One dense layer in whole numbers:
/// `output[o] = bias[o] + outputScale[o] × Σ weight[i][o] × (inputScale[i] × input[i])`.
///
/// The scale of an input belongs to the number that goes in: what is cut into codes is
/// `inputScale × input`. So every input and every output gets the full range of its eight bits.
public struct QuantizedLayer: Equatable, Sendable {
    /// Numbers in.
    public let inputs: Int
    /// Numbers out.
    public let outputs: Int
    /// −127…127, `[inputs, outputs]`, first dimension slowest.
    public let weights: [Int8]
    /// One per input, finite and not negative; 0 where no output heeds the input.
    public let inputScale: [Float]
    /// One per output, finite and not negative.
    public let outputScale: [Float]
    /// One per output.
    public let bias: [Float]

    /// A layer of `inputScale.count` inputs and `bias.count` outputs; the other arrays fit them.
    public init(weights: [Int8], inputScale: [Float], outputScale: [Float], bias: [Float]) {
        precondition(weights.count == inputScale.count * bias.count, "weights: inputs × outputs")
        precondition(outputScale.count == bias.count, "one scale and one bias per output")
        inputs = inputScale.count
        outputs = bias.count
        self.weights = weights
        self.inputScale = inputScale
        self.outputScale = outputScale
        self.bias = bias
    }
}

/// A layer in single precision as the predictor reads it: `[inputs][padded]`.
struct PackedFloatLayer: Sendable {
    let inputs: Int
    let padded: Int
    let kernel: [Float]
    let bias: [Float]

    /// The layer, its outputs multiplied by `scale`, which no rectifier minds as it is positive.
    init(_ layer: DenseNetwork.Layer, times scale: [Float]?) {
        inputs = layer.inputs
        let width = (layer.outputs + 7) / 8 * 8
        padded = width
        var kernel = [Float](repeating: 0, count: layer.inputs * width)
        var bias = [Float](repeating: 0, count: width)
        for output in 0..<layer.outputs {
            let factor = scale?[output] ?? 1
            bias[output] = layer.bias[output] * factor
            for input in 0..<layer.inputs {
                kernel[input * width + output] =
                    layer.kernel[input * layer.outputs + output] * factor
            }
        }
        self.kernel = kernel
        self.bias = bias
    }
}

/// A quantised layer as the predictor reads it.
struct PackedInt8Layer: Sendable {
    let matrix: Int8Matrix
    /// Code of the largest number of a row.
    let largestCode: Int
    /// The scale of the sums, times the scale the next layer wants its inputs in.
    let scale: [Float]
    /// The bias, likewise.
    let bias: [Float]

    init(_ layer: QuantizedLayer, fine: Bool, times next: [Float]?) {
        let matrix = Int8Matrix(
            inputs: layer.inputs, outputs: layer.outputs, weights: layer.weights)
        self.matrix = matrix
        largestCode = fine ? matrix.largestCode : min(matrix.largestCode, Int8Codes.coarsest)
        var scale = [Float](repeating: 0, count: matrix.paddedOutputs)
        var bias = scale
        for output in 0..<layer.outputs {
            let factor = next?[output] ?? 1
            scale[output] = layer.outputScale[output] * factor
            bias[output] = layer.bias[output] * factor
        }
        self.scale = scale
        self.bias = bias
    }
}
