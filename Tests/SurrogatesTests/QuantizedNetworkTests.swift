import Numerics
import Testing

@testable import Surrogates

/// Networks for the tests of quantisation.
enum SmallNetworks {
    /// Seeded weights of the spread that keeps numbers at about the same size from layer to layer.
    static func seeded(_ sizes: [Int], seed: UInt64 = 1) throws -> DenseNetwork {
        var random = SeededGenerator(seed: seed)
        return try DenseNetwork(
            layers: (1..<sizes.count).map { index in
                let spread = (2 / Double(sizes[index - 1])).squareRoot()
                return DenseNetwork.Layer(
                    inputs: sizes[index - 1], outputs: sizes[index],
                    kernel: normals(sizes[index - 1] * sizes[index], spread, &random),
                    bias: normals(sizes[index], 0.1, &random))
            })
    }

    private static func normals(
        _ count: Int, _ spread: Double, _ random: inout SeededGenerator
    ) -> [Float] {
        var values: [Float] = []
        for _ in 0..<count { values.append(Float(random.normal() * spread)) }
        return values
    }

    static func rows(_ count: Int, _ width: Int, seed: UInt64) -> [[Float]] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in normals(width, 1, &random) }
    }

    /// Many rows at once, as one flat array.
    static func predict(_ predictor: QuantizedPredictor, _ rows: [[Float]]) throws -> [Float] {
        var outputs = [Float](repeating: -77, count: rows.count * predictor.network.outputCount)
        let inputs = rows.flatMap { $0 }
        try outputs.withUnsafeMutableBufferPointer { outputs in
            try inputs.withUnsafeBufferPointer { inputs in
                guard let from = inputs.baseAddress, let to = outputs.baseAddress else { return }
                try predictor.predict(rows: from, count: rows.count, into: to)
            }
        }
        return outputs
    }
}

@Suite struct QuantizedNetworkTests {
    /// Ragged everywhere, deeper and shallower, wide enough for groups of four blocks.
    static let stacks = [[1, 1, 1], [3, 7, 5], [5, 13, 41, 9], [4, 8, 33, 16, 70, 3]]

    @Test(arguments: stacks)
    func everyKernelAndEveryCountOfRowsGivesTheSameBits(sizes: [Int]) throws {
        let network = try SmallNetworks.seeded(sizes)
        for settings in [QuantizationSettings.fine, .fast] {
            var settings = settings
            settings.floatLayers = 1
            settings.limit = .none
            let quantized = try QuantizedNetwork(
                quantizing: network, calibration: SmallNetworks.rows(40, sizes[0], seed: 2),
                settings: settings)
            let rows = SmallNetworks.rows(9, sizes[0], seed: 3)
            let alone = try rows.flatMap { row in try quantized.predict(row) }
            for kernel in Int8Kernel.runnable {
                let predictor = QuantizedPredictor(quantized, kernel: kernel)
                for count in 1...rows.count {
                    let together = try SmallNetworks.predict(predictor, Array(rows.prefix(count)))
                    #expect(
                        together == Array(alone.prefix(together.count)), "\(kernel.name) \(count)")
                }
            }
        }
    }

    /// The formula of `QuantizedLayer` in double precision, without codes. Bound: a code is off
    /// by half a step, largest / (2 × largestCode), plus 2⁻²² of the number for its arithmetic in
    /// single precision; an error e of the inputs becomes Σ |w| e; and each layer's own
    /// arithmetic adds (inputs + 4) 2⁻²⁴ of the sum of all magnitudes.
    @Test(arguments: stacks, [QuantizationSettings.Activations.fine, .coarse])
    func aPredictionIsWhatTheLayersSay(
        sizes: [Int], activations: QuantizationSettings.Activations
    ) throws {
        let network = try SmallNetworks.seeded(sizes, seed: 4)
        let quantized = try QuantizedNetwork(
            quantizing: network, calibration: SmallNetworks.rows(40, sizes[0], seed: 5),
            settings: QuantizationSettings(activations: activations, limit: .none))
        let code = activations == .fine ? 16_383.0 : 127.0
        for row in SmallNetworks.rows(12, sizes[0], seed: 6) {
            let first = quantized.floatLayers[0]
            var values = row.map(Double.init)
            var errors = values.map { _ in 0.0 }
            func layer(_ outputs: Int, _ bias: [Float], _ last: Bool, _ w: (Int, Int) -> Double) {
                var next: [Double] = []
                var nextErrors: [Double] = []
                for output in 0..<outputs {
                    var (sum, error) = (Double(bias[output]), 0.0)
                    var size = abs(sum)
                    for input in values.indices {
                        sum += w(input, output) * values[input]
                        size += abs(w(input, output)) * (abs(values[input]) + errors[input])
                        error += abs(w(input, output)) * errors[input]
                    }
                    next.append(last ? sum : max(0, sum))
                    nextErrors.append(error + Double(values.count + 4) * 0x1p-24 * size)
                }
                (values, errors) = (next, nextErrors)
            }
            layer(first.outputs, first.bias, false) { input, output in
                Double(first.kernel[input * first.outputs + output])
            }
            for (index, quant) in quantized.quantizedLayers.enumerated() {
                let last = index == quantized.quantizedLayers.count - 1
                // In the units in which inputs are cut.
                let scale = quant.inputScale.map(Double.init)
                for input in values.indices {
                    values[input] *= scale[input]
                    errors[input] *= scale[input]
                }
                let largest = zip(values, errors).map { $0 + $1 }.max() ?? 0
                for input in values.indices {
                    errors[input] += largest * (0.5 / code + 0x1p-22)
                }
                layer(quant.outputs, quant.bias, last) { input, output in
                    Double(quant.weights[input * quant.outputs + output])
                        * Double(quant.outputScale[output])
                }
            }
            for (found, (expected, bound)) in zip(try quantized.predict(row), zip(values, errors)) {
                #expect(abs(Double(found) - expected) <= bound)
            }
        }
    }

    @Test func quantisingKeepsASeededNetworkWithinTheLimitOnUnseenRows() throws {
        let network = try SmallNetworks.seeded([6, 40, 51, 30])
        let quantized = try QuantizedNetwork(
            quantizing: network, calibration: SmallNetworks.rows(200, 6, seed: 7))
        let report = try QuantizationReport(
            of: quantized, against: network, recipes: SmallNetworks.rows(100, 6, seed: 8))
        #expect(report.recipes == 100)
        try report.check(.fine)
        // Weights of eight bits do leave a trace: a report of nothing would be a wrong report.
        #expect(report.relativeRMSE > 1e-4)
    }

    @Test func sameInputsGiveTheSameNetwork() throws {
        let network = try SmallNetworks.seeded([5, 30, 20, 10])
        let rows = SmallNetworks.rows(50, 5, seed: 9)
        let first = try QuantizedNetwork(quantizing: network, calibration: rows)
        let second = try QuantizedNetwork(quantizing: network, calibration: rows)
        #expect(first.quantizedLayers == second.quantizedLayers)
        #expect(first.floatLayers == second.floatLayers)
    }

    @Test func networksOfZerosAndSilentUnitsStayFinite() throws {
        let zeros = try DenseNetwork(layers: [
            .init(inputs: 2, outputs: 3, kernel: [0, 0, 0, 0, 0, 0], bias: [-1, 0, 2]),
            .init(inputs: 3, outputs: 2, kernel: [0, 0, 0, 0, 0, 0], bias: [0.5, -0.25]),
        ])
        let quantized = try QuantizedNetwork(quantizing: zeros, calibration: [[1, 2]])
        #expect(try quantized.predict([3, -4]) == [0.5, -0.25])
        // No unit is ever active: weights are rounded to the nearest, and the bias is left.
        let silent = try DenseNetwork(layers: [
            .init(inputs: 1, outputs: 2, kernel: [1, 1], bias: [-9, -9]),
            .init(inputs: 2, outputs: 1, kernel: [1, 0.5], bias: [7]),
        ])
        let quiet = try QuantizedNetwork(quantizing: silent, calibration: [[1], [2]])
        #expect(try quiet.predict([2]) == [7])
        // 20 − 9 = 11 through weights 1 and 0.5, each to half of one 127th.
        let found: Float = try quiet.predict([20])[0]
        let expected: Float = 7 + 16.5
        let bound: Float = 11 * 2 * 0.5 / 127 + 1e-3
        #expect(abs(found - expected) <= bound)
    }
}
