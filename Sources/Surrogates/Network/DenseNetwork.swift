/// A stack of dense layers: rectified linear units between them, a linear last layer.
///
/// Any sizes; the numbers are kept in single precision, as they are published, and summed in
/// single precision too, so that a prediction equals what the training program would give to
/// about seven digits.
public struct DenseNetwork: Equatable, Sendable {
    /// One layer: `outputs = kernelᵀ inputs + bias`.
    public struct Layer: Equatable, Sendable {
        /// How many numbers go in.
        public let inputs: Int
        /// How many come out.
        public let outputs: Int
        /// Weights, `[inputs, outputs]`, first dimension slowest.
        public let kernel: [Float]
        /// One per output.
        public let bias: [Float]

        /// A layer; `kernel` and `bias` must have the sizes `inputs` and `outputs` ask for.
        public init(inputs: Int, outputs: Int, kernel: [Float], bias: [Float]) {
            precondition(kernel.count == inputs * outputs, "the kernel must be inputs × outputs")
            precondition(bias.count == outputs, "one bias per output")
            self.inputs = inputs
            self.outputs = outputs
            self.kernel = kernel
            self.bias = bias
        }
    }

    /// The layers, first to last; each takes what the one before gives.
    public let layers: [Layer]

    /// Most layers that are loaded.
    public static let maximumLayers = 64

    /// Numbers in.
    public var inputCount: Int { layers[0].inputs }
    /// Numbers out.
    public var outputCount: Int { layers[layers.count - 1].outputs }

    /// A network of at least one layer. Throws when neighbours do not fit each other.
    public init(layers: [Layer]) throws(DenseNetworkError) {
        guard !layers.isEmpty else { throw .noLayers }
        for index in layers.indices.dropFirst()
        where layers[index].inputs != layers[index - 1].outputs {
            throw .sizesDisagree(
                layer: index + 1, expected: layers[index - 1].outputs,
                found: layers[index].inputs)
        }
        self.layers = layers
    }

    /// The network stored as `dense_1.kernel` `[in, out]`, `dense_1.bias` `[out]`,
    /// `dense_2.kernel` … without gaps; other tensors are ignored.
    public init(_ file: Safetensors) throws(DenseNetworkError) {
        var layers: [Layer] = []
        while layers.count < Self.maximumLayers {
            let number = layers.count + 1
            let kernelName = "dense_\(number).kernel"
            let biasName = "dense_\(number).bias"
            guard let kernel = file.tensors[kernelName] else {
                if file.tensors[biasName] != nil { throw .missing(tensor: kernelName) }
                break
            }
            guard let bias = file.tensors[biasName] else { throw .missing(tensor: biasName) }
            guard kernel.shape.count == 2, !kernel.shape.contains(0) else {
                throw .wrongShape(tensor: kernelName, expected: "[in, out]", found: kernel.shape)
            }
            guard bias.shape == [kernel.shape[1]] else {
                throw .wrongShape(
                    tensor: biasName, expected: "[\(kernel.shape[1])]", found: bias.shape)
            }
            layers.append(
                Layer(
                    inputs: kernel.shape[0], outputs: kernel.shape[1],
                    kernel: kernel.values.map { Float($0) }, bias: bias.values.map { Float($0) }))
        }
        let highest = file.tensors.keys.compactMap(Self.layerNumber).max() ?? 0
        guard highest <= layers.count else {
            throw .missing(tensor: "dense_\(layers.count + 1).kernel")
        }
        try self.init(layers: layers)
    }

    /// The tensors this network is read from, in single precision.
    public func safetensors(metadata: [String: String] = [:]) -> Safetensors {
        var tensors: [String: Tensor] = [:]
        for (index, layer) in layers.enumerated() {
            tensors["dense_\(index + 1).kernel"] = Tensor(
                shape: [layer.inputs, layer.outputs], values: layer.kernel.map { Double($0) })
            tensors["dense_\(index + 1).bias"] = Tensor(
                shape: [layer.outputs], values: layer.bias.map { Double($0) })
        }
        return Safetensors(tensors: tensors, metadata: metadata)
    }

    private static func layerNumber(_ name: String) -> Int? {
        let parts = name.split(separator: ".")
        guard parts.count == 2, parts[0].hasPrefix("dense_"),
            parts[1] == "kernel" || parts[1] == "bias"
        else { return nil }
        return Int(parts[0].dropFirst(6))
    }

    /// The outputs for `inputs` (`inputCount` numbers).
    public func predict(_ inputs: [Float]) -> [Float] {
        precondition(inputs.count == inputCount, "the network takes \(inputCount) numbers")
        var values = inputs
        for (index, layer) in layers.enumerated() {
            values = layer.apply(values, rectified: index < layers.count - 1)
        }
        return values
    }

    /// The outputs for `inputs`, for callers that calculate in double precision.
    public func predict(_ inputs: [Double]) -> [Double] {
        predict(inputs.map { Float($0) }).map { Double($0) }
    }
}

extension DenseNetwork.Layer {
    /// Goes through the kernel in the order it lies in memory, one input at a time: the inner
    /// loop then runs over outputs, which the compiler turns into vector instructions without
    /// changing the order of any sum. Inputs a rectifier has silenced are skipped.
    fileprivate func apply(_ values: [Float], rectified: Bool) -> [Float] {
        var sums = bias
        sums.withUnsafeMutableBufferPointer { sums in
            kernel.withUnsafeBufferPointer { kernel in
                for input in 0..<inputs where values[input] != 0 {
                    let value = values[input]
                    let row = input * outputs
                    for output in 0..<outputs { sums[output] += value * kernel[row + output] }
                }
            }
            if rectified { for output in 0..<outputs where sums[output] < 0 { sums[output] = 0 } }
        }
        return sums
    }
}

/// Why tensors do not make a dense network.
public enum DenseNetworkError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no `dense_1.kernel`.
    case noLayers
    /// A layer lacks one of its two tensors, or a number in the row is left out.
    case missing(tensor: String)
    /// A tensor has another shape than its place asks for.
    case wrongShape(tensor: String, expected: String, found: [Int])
    /// A layer takes another count of numbers than the layer before gives.
    case sizesDisagree(layer: Int, expected: Int, found: Int)
    /// Inputs that are not a whole number of rows; `found` numbers are left over.
    case inputsDisagree(expected: Int, found: Int)
    /// An input that is NaN or infinite.
    case inputNotFinite(row: Int)

    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .noLayers: "no layers: name the tensors dense_1.kernel, dense_1.bias, …"
        case .missing(let tensor): "tensor \(tensor) is missing: save every layer, without gaps"
        case .wrongShape(let tensor, let expected, let found):
            "tensor \(tensor) has shape \(found), it should have \(expected)"
        case .sizesDisagree(let layer, let expected, let found):
            "layer \(layer) takes \(found) numbers, the layer before gives \(expected)"
        case .inputsDisagree(let expected, let found):
            "\(found) numbers are left over: give \(expected) numbers for each row"
        case .inputNotFinite(let row): "row \(row + 1) is not finite: leave it out"
        }
    }
}
