import Numerics

/// Makes the layers of a dense network into whole numbers, one after the other.
///
/// Rounding every weight to the nearest step would be far off (5 % and more for the network
/// published for the silver prisms): numbers of hundreds cancel each other in it. So
///
/// 1. hidden units are put in the order of how often they are active on the calibration recipes;
/// 2. each input of a layer is scaled so that its weights use the full range (`Equalization`);
/// 3. the weights are first corrected for what the layers before have got wrong: with X the
///    inputs as the quantised network gives them and F the float ones, W + (XᵀX + λ)⁻¹ Xᵀ(F − X) W
///    is the regularised least-squares answer to "X W′ ≈ F W";
/// 4. they are rounded input by input, each one's error handed on to those still to be rounded
///    in the way that keeps ‖X (W′ − Q)‖ small (`SecondMoments.round`);
/// 5. the mean error that is left goes into the bias.
struct Quantizer {
    let settings: QuantizationSettings
    /// The network with its hidden units in order of business.
    let layers: [DenseNetwork.Layer]
    /// Numbers that enter the layer at hand, in the float network and in the quantised one.
    private var float: Rows
    private var quantized: Rows

    /// Recipes from which on the mean error is believed in full: with n of them, n / (n + this)
    /// of it goes into the bias.
    private static let biasTrustRecipes = 16.0

    init(
        network: DenseNetwork, calibration: [[Float]], settings: QuantizationSettings
    ) throws(QuantizationError) {
        try Self.check(network, calibration, settings)
        self.settings = settings
        float = Rows(calibration)
        quantized = float
        layers = UnitOrder.busiestFirst(network.layers, on: float)
    }

    private static func check(
        _ network: DenseNetwork, _ calibration: [[Float]], _ settings: QuantizationSettings
    ) throws(QuantizationError) {
        guard settings.floatLayers >= 1, settings.floatLayers < network.layers.count else {
            throw .nothingToQuantize(
                layers: network.layers.count, floatLayers: settings.floatLayers)
        }
        guard settings.damping > 0, settings.damping <= 1 else {
            throw .badSetting(name: "damping", why: "needs a number above 0, at most 1")
        }
        for (index, layer) in network.layers.enumerated() {
            let widest = max(layer.inputs, layer.outputs)
            guard widest <= Int8Matrix.maximumSize, min(layer.inputs, layer.outputs) > 0 else {
                throw .tooWide(layer: index + 1, size: widest, limit: Int8Matrix.maximumSize)
            }
            guard layer.kernel.allSatisfy({ $0.isFinite }), layer.bias.allSatisfy({ $0.isFinite })
            else { throw .weightNotFinite(layer: index + 1) }
        }
        guard (1...QuantizedNetwork.maximumCalibration).contains(calibration.count) else {
            throw .badCalibration(
                why: "give 1 to \(QuantizedNetwork.maximumCalibration), not \(calibration.count)")
        }
        for recipe in calibration {
            guard recipe.count == network.inputCount else {
                throw .badCalibration(
                    why: "\(recipe.count) numbers in one, the network takes \(network.inputCount)")
            }
            guard recipe.allSatisfy({ $0.isFinite }) else {
                throw .badCalibration(why: "one has a number that is not finite")
            }
        }
    }

    /// All layers, first to last.
    mutating func run() throws(QuantizationError) -> (
        float: [DenseNetwork.Layer], quantized: [QuantizedLayer]
    ) {
        var done: [QuantizedLayer] = []
        for (index, layer) in layers.enumerated() {
            let rectified = index < layers.count - 1
            if index < settings.floatLayers {
                float = float.through(layer, rectified: rectified)
                quantized = float
            } else {
                done.append(next(layer, rectified: rectified))
            }
            let limit = Double(Float.greatestFiniteMagnitude)
            guard float.values.allSatisfy({ abs($0) <= limit }) else {
                throw .badCalibration(why: "layer \(index + 1) overflows on one")
            }
        }
        return (Array(layers.prefix(settings.floatLayers)), done)
    }

    private mutating func next(_ layer: DenseNetwork.Layer, rectified: Bool) -> QuantizedLayer {
        let scale = Equalization.inputScales(layer)
        let target = float.through(layer, rectified: false)
        let wanted = float.scaled(by: scale)
        let given = quantized.scaled(by: scale)
        var moments = SecondMoments(given, wanted, damping: settings.damping)
        var weights = Equalization.divide(layer, by: scale)
        moments.correct(&weights, columns: layer.outputs)
        let steps = Equalization.outputSteps(weights, columns: layer.outputs)
        let codes = moments.round(&weights, columns: layer.outputs, steps: steps)
        let largest = Self.largestCode(codes, columns: layer.outputs, settings.activations)
        let rounded = DenseNetwork.Layer(
            inputs: layer.inputs, outputs: layer.outputs,
            kernel: codes.indices.map { Float(codes[$0]) * steps[$0 % layer.outputs] },
            bias: layer.bias)
        var found = given.coded(largestCode: largest).through(rounded, rectified: false)
        let trust = Double(found.count) / (Double(found.count) + Self.biasTrustRecipes)
        let shift = target.meanDifference(from: found).map { $0 * trust }
        found.add(shift)
        float = rectified ? target.rectified() : target
        quantized = rectified ? found.rectified() : found
        return QuantizedLayer(
            weights: codes, inputScale: scale, outputScale: steps,
            bias: layer.bias.indices.map { Float(Double(layer.bias[$0]) + shift[$0]) })
    }

    /// The code of the largest number of a row; `Int8Matrix.largestCode` for the same weights.
    private static func largestCode(
        _ codes: [Int8], columns: Int, _ activations: QuantizationSettings.Activations
    ) -> Int {
        var sums = [Int](repeating: 0, count: columns)
        for (index, code) in codes.enumerated() { sums[index % columns] += abs(Int(code)) }
        let widest = activations == .fine ? Int8Codes.finest : Int8Codes.coarsest
        return min(widest, Int(Int32.max) / max(1, sums.max() ?? 1))
    }
}

/// The order of hidden units.
enum UnitOrder {
    /// The same function with each layer's hidden units in the order of how often they are
    /// active on `recipes`.
    static func busiestFirst(
        _ layers: [DenseNetwork.Layer], on recipes: Rows
    ) -> [DenseNetwork.Layer] {
        var result: [DenseNetwork.Layer] = []
        var rows = recipes
        var order = Array(0..<layers[0].inputs)
        for (index, layer) in layers.enumerated() {
            let hidden = index < layers.count - 1
            rows = rows.through(layer, rectified: hidden)
            let active = rows.activeCounts()
            let outputs =
                hidden
                ? (0..<layer.outputs).sorted {
                    active[$0] != active[$1] ? active[$0] > active[$1] : $0 < $1
                } : Array(0..<layer.outputs)
            var kernel: [Float] = []
            kernel.reserveCapacity(layer.kernel.count)
            for input in order {
                for output in outputs {
                    kernel.append(layer.kernel[input * layer.outputs + output])
                }
            }
            result.append(
                DenseNetwork.Layer(
                    inputs: layer.inputs, outputs: layer.outputs, kernel: kernel,
                    bias: outputs.map { layer.bias[$0] }))
            order = outputs
        }
        return result
    }
}
