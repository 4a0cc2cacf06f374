import Numerics

/// A quantised network as named tensors: `dense_n.kernel` `[in, out]` and `dense_n.bias` `[out]`
/// in F32 for float layers; `dense_n.weights` `[in, out]` in I8, `dense_n.input_scale` `[in]`,
/// `dense_n.output_scale` `[out]` and `dense_n.bias` `[out]` in F32 for the layers after them.
/// The metadata tell `format` and `activations`.
extension QuantizedNetwork {
    /// What the metadata call the format.
    public static let fileFormat = "argent-int8-1"

    /// The network as tensors; `Safetensors.encoded` makes a file of them.
    public func safetensors() -> Safetensors {
        var tensors: [String: Tensor] = [:]
        func put(_ name: String, _ shape: [Int], _ values: [Float]) {
            tensors[name] = Tensor(shape: shape, values: values.map(Double.init))
        }
        for (index, layer) in floatLayers.enumerated() {
            put("dense_\(index + 1).kernel", [layer.inputs, layer.outputs], layer.kernel)
            put("dense_\(index + 1).bias", [layer.outputs], layer.bias)
        }
        for (index, layer) in quantizedLayers.enumerated() {
            let name = "dense_\(floatLayers.count + index + 1)"
            tensors["\(name).weights"] = Tensor(
                shape: [layer.inputs, layer.outputs], element: .int8,
                values: layer.weights.map(Double.init))
            put("\(name).input_scale", [layer.inputs], layer.inputScale)
            put("\(name).output_scale", [layer.outputs], layer.outputScale)
            put("\(name).bias", [layer.outputs], layer.bias)
        }
        return Safetensors(
            tensors: tensors,
            metadata: ["format": Self.fileFormat, "activations": activations.rawValue])
    }

    /// The network that `safetensors` made these tensors of.
    public init(_ file: Safetensors) throws(QuantizationError) {
        guard file.metadata["format"] == Self.fileFormat else {
            throw .badFile(
                tensor: "__metadata__", why: "format is not \(Self.fileFormat): quantise again")
        }
        guard let name = file.metadata["activations"],
            let activations = QuantizationSettings.Activations(rawValue: name)
        else { throw .badFile(tensor: "__metadata__", why: "activations are fine or coarse") }
        var float: [DenseNetwork.Layer] = []
        var quantized: [QuantizedLayer] = []
        for number in 1...DenseNetwork.maximumLayers {
            let name = "dense_\(number)"
            if file.tensors["\(name).weights"] != nil {
                quantized.append(try Self.quantizedLayer(name, in: file))
            } else if file.tensors["\(name).kernel"] != nil, quantized.isEmpty {
                float.append(try Self.floatLayer(name, in: file))
            } else {
                break
            }
        }
        let expected = 2 * float.count + 4 * quantized.count
        guard file.tensors.count == expected else {
            throw .badFile(
                tensor: "dense_\(float.count + quantized.count + 1)",
                why: "\(file.tensors.count) tensors in the file, its layers need \(expected)")
        }
        try self.init(floatLayers: float, quantizedLayers: quantized, activations: activations)
    }

    private static func floatLayer(
        _ name: String, in file: Safetensors
    ) throws(QuantizationError) -> DenseNetwork.Layer {
        let kernel = try tensor("\(name).kernel", in: file, dimensions: 2)
        let bias = try tensor("\(name).bias", in: file, shape: [kernel.shape[1]])
        return DenseNetwork.Layer(
            inputs: kernel.shape[0], outputs: kernel.shape[1],
            kernel: kernel.values.map { Float($0) }, bias: bias.values.map { Float($0) })
    }

    private static func quantizedLayer(
        _ name: String, in file: Safetensors
    ) throws(QuantizationError) -> QuantizedLayer {
        let weights = try tensor("\(name).weights", in: file, dimensions: 2)
        let largest = Double(Int8Matrix.largestWeight)
        guard weights.element == .int8, weights.values.allSatisfy({ abs($0) <= largest }) else {
            throw .badFile(tensor: "\(name).weights", why: "needs I8 of −127…127")
        }
        let inputScale = try tensor("\(name).input_scale", in: file, shape: [weights.shape[0]])
        let outputScale = try tensor("\(name).output_scale", in: file, shape: [weights.shape[1]])
        let bias = try tensor("\(name).bias", in: file, shape: [weights.shape[1]])
        return QuantizedLayer(
            weights: weights.values.map { Int8($0) },
            inputScale: inputScale.values.map { Float($0) },
            outputScale: outputScale.values.map { Float($0) },
            bias: bias.values.map { Float($0) })
    }

    private static func tensor(
        _ name: String, in file: Safetensors, shape: [Int]? = nil, dimensions: Int = 1
    ) throws(QuantizationError) -> Tensor {
        guard let tensor = file.tensors[name] else {
            throw .badFile(tensor: name, why: "missing: quantise again")
        }
        guard tensor.shape == (shape ?? tensor.shape),
            tensor.shape.count == (shape?.count ?? dimensions), !tensor.shape.contains(0)
        else {
            throw .badFile(tensor: name, why: "shape \(tensor.shape) does not fit its layer")
        }
        return tensor
    }
}
