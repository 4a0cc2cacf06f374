import Numerics

/// A dense network whose weights are whole numbers of eight bits, except in its first layers.
///
/// Made from a `DenseNetwork` and recipes that show what numbers occur in it; see `Quantizer`
/// for how. Hidden units stand in another order than in the float network: the busiest first, so
/// that silent ones share quads, which a prediction then skips.
public struct QuantizedNetwork: Sendable {
    /// First layers, in single precision.
    public let floatLayers: [DenseNetwork.Layer]
    /// The layers after them.
    public let quantizedLayers: [QuantizedLayer]
    /// How finely the numbers between layers are cut.
    public let activations: QuantizationSettings.Activations
    let packedFloat: [PackedFloatLayer]
    let packedInt8: [PackedInt8Layer]

    /// Numbers in.
    public var inputCount: Int { floatLayers[0].inputs }
    /// Numbers out.
    public var outputCount: Int { quantizedLayers[quantizedLayers.count - 1].outputs }

    /// Most calibration recipes.
    public static let maximumCalibration = 65_536

    /// Quantises `network` so that it errs least on `calibration`, recipes in the network's own
    /// input units, and refuses the result if on them it errs more than `settings.limit` allows;
    /// `judge` says what to measure besides the relative error.
    public init(
        quantizing network: DenseNetwork, calibration: [[Float]],
        settings: QuantizationSettings = .fine, judge: QuantizationJudge = .outputsOnly
    ) throws(QuantizationError) {
        var quantizer = try Quantizer(
            network: network, calibration: calibration, settings: settings)
        let layers = try quantizer.run()
        try self.init(
            floatLayers: layers.float, quantizedLayers: layers.quantized,
            activations: settings.activations)
        let report = try QuantizationReport(
            of: self, against: network, recipes: calibration, judge: judge)
        try report.check(settings.limit)
    }

    /// A network of ready layers; `floatLayers` and `quantizedLayers` have one at least, and each
    /// takes what the one before gives.
    public init(
        floatLayers: [DenseNetwork.Layer], quantizedLayers: [QuantizedLayer],
        activations: QuantizationSettings.Activations
    ) throws(QuantizationError) {
        guard !floatLayers.isEmpty, !quantizedLayers.isEmpty else {
            throw .nothingToQuantize(
                layers: floatLayers.count + quantizedLayers.count, floatLayers: floatLayers.count)
        }
        try Self.check(floatLayers, quantizedLayers)
        self.floatLayers = floatLayers
        self.quantizedLayers = quantizedLayers
        self.activations = activations
        packedFloat = floatLayers.indices.map { index in
            PackedFloatLayer(
                floatLayers[index],
                times: index == floatLayers.count - 1 ? quantizedLayers[0].inputScale : nil)
        }
        packedInt8 = quantizedLayers.indices.map { index in
            PackedInt8Layer(
                quantizedLayers[index], fine: activations == .fine,
                times: index + 1 < quantizedLayers.count
                    ? quantizedLayers[index + 1].inputScale : nil)
        }
    }

    private static func check(
        _ float: [DenseNetwork.Layer], _ quantized: [QuantizedLayer]
    ) throws(QuantizationError) {
        let sizes =
            float.map { ($0.inputs, $0.outputs) } + quantized.map { ($0.inputs, $0.outputs) }
        for (index, size) in sizes.enumerated() {
            let widest = max(size.0, size.1)
            guard min(size.0, size.1) > 0, widest <= Int8Matrix.maximumSize else {
                throw .tooWide(layer: index + 1, size: widest, limit: Int8Matrix.maximumSize)
            }
            guard index == 0 || sizes[index - 1].1 == size.0 else {
                throw .wrongCount(
                    what: "inputs of layer \(index + 1)", expected: sizes[index - 1].1,
                    found: size.0)
            }
        }
        for (index, layer) in float.enumerated()
        where !(layer.kernel + layer.bias).allSatisfy({ $0.isFinite }) {
            throw .weightNotFinite(layer: index + 1)
        }
        for (index, layer) in quantized.enumerated() {
            let scales = layer.inputScale + layer.outputScale
            guard scales.allSatisfy({ $0.isFinite && $0 >= 0 }),
                layer.bias.allSatisfy({ $0.isFinite }), !layer.weights.contains(.min)
            else { throw .weightNotFinite(layer: float.count + index + 1) }
        }
    }

    /// The outputs for one recipe. For more than a few, make a `QuantizedPredictor` once.
    public func predict(_ inputs: [Float]) throws(QuantizationError) -> [Float] {
        guard inputs.count == inputCount else {
            throw .wrongCount(what: "a recipe", expected: inputCount, found: inputs.count)
        }
        var outputs = [Float](repeating: 0, count: outputCount)
        try QuantizedPredictor(self).predict(inputs, into: &outputs)
        return outputs
    }
}
