import Numerics
import Testing

@testable import Surrogates

/// What quantisation refuses, and what it reports.
@Suite struct QuantizationErrorTests {
    private func small() throws -> (DenseNetwork, [[Float]]) {
        (try SmallNetworks.seeded([3, 6, 4]), SmallNetworks.rows(20, 3, seed: 2))
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity])
    func inputsThatAreNotFiniteAreRefused(bad: Float) throws {
        let (network, rows) = try small()
        let quantized = try QuantizedNetwork(
            quantizing: network, calibration: rows, settings: QuantizationSettings(limit: .none))
        #expect(throws: QuantizationError.inputNotFinite(row: 0)) {
            try quantized.predict([1, bad, 2])
        }
        var six = Array(rows.prefix(6))
        six[5][2] = bad
        #expect(throws: QuantizationError.inputNotFinite(row: 5)) {
            try SmallNetworks.predict(QuantizedPredictor(quantized), six)
        }
        six[2][0] = bad
        #expect(throws: QuantizationError.inputNotFinite(row: 2)) {
            try SmallNetworks.predict(QuantizedPredictor(quantized), six)
        }
    }

    @Test func inputsBeyondAllMeasureOverflowInsteadOfGivingGarbage() throws {
        let (network, rows) = try small()
        let quantized = try QuantizedNetwork(
            quantizing: network, calibration: rows, settings: QuantizationSettings(limit: .none))
        let huge = Float.greatestFiniteMagnitude
        #expect(throws: QuantizationError.overflow(row: 0)) {
            try quantized.predict([huge, -huge, huge])
        }
        // Large, but within range: ten thousand times the input is about as many times the output.
        let outputs = try quantized.predict([1e30, -1e30, 1e30])
        #expect(outputs.allSatisfy { $0.isFinite })
    }

    @Test func calibrationsThatSayNothingAreRefused() throws {
        let (network, rows) = try small()
        let bad: [[[Float]]] = [[], [[1, 2]], [[1, 2, 3], [1, .nan, 3]]]
        for recipes in bad {
            let caught = Self.error {
                _ = try QuantizedNetwork(quantizing: network, calibration: recipes)
            }
            guard case .badCalibration = caught else {
                Issue.record("\(recipes) was taken")
                continue
            }
        }
        #expect(throws: QuantizationError.self) {
            try QuantizedNetwork(
                quantizing: network, calibration: [[3e38, -3e38, 3e38]],
                settings: QuantizationSettings(limit: .none))
        }
        for (floatLayers, layers) in [(0, 2), (2, 2), (-1, 2)] {
            #expect(
                throws: QuantizationError.nothingToQuantize(
                    layers: layers, floatLayers: floatLayers)
            ) {
                try QuantizedNetwork(
                    quantizing: network, calibration: rows,
                    settings: QuantizationSettings(floatLayers: floatLayers))
            }
        }
        for damping in [0, -1, .nan, 2] {
            #expect(throws: QuantizationError.self) {
                try QuantizedNetwork(
                    quantizing: network, calibration: rows,
                    settings: QuantizationSettings(damping: damping))
            }
        }
    }

    @Test func weightsThatAreNotFiniteAreRefused() throws {
        let network = try DenseNetwork(layers: [
            .init(inputs: 1, outputs: 1, kernel: [1], bias: [0]),
            .init(inputs: 1, outputs: 1, kernel: [.nan], bias: [0]),
        ])
        #expect(throws: QuantizationError.weightNotFinite(layer: 2)) {
            try QuantizedNetwork(quantizing: network, calibration: [[1]])
        }
    }

    @Test func aNetworkThatErrsTooMuchIsRefused() throws {
        let (network, rows) = try small()
        let strict = QuantizationLimit(
            relativeRMSE: 1e-7, lossError: .infinity, peakDisplacementNm: .infinity)
        let caught = Self.error {
            _ = try QuantizedNetwork(
                quantizing: network, calibration: rows,
                settings: QuantizationSettings(limit: strict))
        }
        guard case .tooInexact(let measure, let found, let limit) = caught else {
            Issue.record("an error of 1e-7 cannot be kept with weights of eight bits")
            return
        }
        #expect(measure == "relative RMSE" && found > limit && limit == 1e-7)
    }

    private static func error(_ body: () throws -> Void) -> QuantizationError? {
        do {
            try body()
            return nil
        } catch {
            return error as? QuantizationError
        }
    }

    /// A quantised identity whose second output is 3 instead of 2, against a float one: by hand.
    @Test func aReportIsWhatOneCountsByHand() throws {
        let identity = DenseNetwork.Layer(
            inputs: 3, outputs: 3, kernel: [1, 0, 0, 0, 1, 0, 0, 0, 1], bias: [0, 0, 0])
        let network = try DenseNetwork(layers: [identity, identity])
        let codes: [Int8] = [127, 0, 0, 0, 127, 0, 0, 0, 127]
        let step: Float = 1 / 127
        let quantized = try QuantizedNetwork(
            floatLayers: [identity],
            quantizedLayers: [
                QuantizedLayer(
                    weights: codes, inputScale: [1, 1, 1], outputScale: [step, 1.5 * step, step],
                    bias: [0, 0, 0])
            ], activations: .fine)
        // (2, 2, 0) becomes (2, 3, 0): the peak moves one step of 5 nm, the largest output by 1.
        // (8, 0, 0) stays as it is.
        let judge = QuantizationJudge(wavelengths: [400, 405, 410]) { $0[1] }
        let report = try QuantizationReport(
            of: quantized, against: network, recipes: [[2, 2, 0], [8, 0, 0]], judge: judge)
        let near = { (a: Double?, b: Double) in abs((a ?? .nan) - b) < 1e-5 }
        #expect(near(report.relativeRMSE, (1.0 / 72).squareRoot()))
        #expect(near(report.largestOutputError, 0.5))
        #expect(near(report.peakDisplacementNmWorst, 5))
        #expect(near(report.peakDisplacementNm99, 4.95))
        #expect(near(report.lossError, 0.5) && near(report.lossErrorWorst, 1))
        #expect(throws: QuantizationError.self) { try report.check(.fine) }
        try report.check(
            QuantizationLimit(relativeRMSE: 0.12, lossError: 0.51, peakDisplacementNm: 5))
        #expect(throws: QuantizationError.self) {
            try report.check(
                QuantizationLimit(relativeRMSE: 0.12, lossError: 0.51, peakDisplacementNm: 4.9))
        }
        #expect(throws: QuantizationError.wrongCount(what: "wavelengths", expected: 3, found: 2)) {
            try QuantizationReport(
                of: quantized, against: network, recipes: [[2, 2, 0]],
                judge: QuantizationJudge(wavelengths: [400, 405]))
        }
    }

    @Test func aFileBringsTheNetworkBack() throws {
        let (network, rows) = try small()
        let quantized = try QuantizedNetwork(
            quantizing: network, calibration: rows, settings: QuantizationSettings(limit: .none))
        let file = quantized.safetensors()
        let back = try QuantizedNetwork(Safetensors(bytes: file.encoded()))
        #expect(back.quantizedLayers == quantized.quantizedLayers)
        #expect(back.floatLayers == quantized.floatLayers)
        #expect(back.activations == quantized.activations)
        for row in rows { #expect(try back.predict(row) == quantized.predict(row)) }
    }

    @Test func filesThatDoNotAddUpAreRefused() throws {
        let (network, rows) = try small()
        let file = try QuantizedNetwork(
            quantizing: network, calibration: rows, settings: QuantizationSettings(limit: .none)
        ).safetensors()
        for name in file.tensors.keys.sorted() {
            var without = file
            without.tensors[name] = nil
            #expect(throws: QuantizationError.self, "\(name)") { try QuantizedNetwork(without) }
            var bent = file
            bent.tensors[name] = Tensor(shape: [1, 2, 1], values: [1, 2])
            #expect(throws: QuantizationError.self, "\(name)") { try QuantizedNetwork(bent) }
        }
        let wrong: [(String, Double)] = [
            ("dense_2.input_scale", .nan), ("dense_2.output_scale", -1),
            ("dense_2.bias", .infinity), ("dense_1.kernel", .nan),
        ]
        for (name, value) in wrong {
            var bad = file
            let old = try #require(file.tensors[name])
            var values: [Double] = Array(old.values)
            values[0] = value
            bad.tensors[name] = Tensor(shape: old.shape, values: values)
            #expect(throws: QuantizationError.self, "\(name)") { try QuantizedNetwork(bad) }
        }
        var odd = file
        odd.metadata["activations"] = "rough"
        #expect(throws: QuantizationError.self) { try QuantizedNetwork(odd) }
        odd.metadata = [:]
        #expect(throws: QuantizationError.self) { try QuantizedNetwork(odd) }
        // A weight of −128 would let an 8-bit product saturate.
        var low = file
        let weights = try #require(file.tensors["dense_2.weights"])
        for value in [-128, 300, Double.nan] {
            var values: [Double] = Array(weights.values)
            values[0] = value
            low.tensors["dense_2.weights"] = Tensor(
                shape: weights.shape, element: .int8, values: values)
            #expect(throws: QuantizationError.self) { try QuantizedNetwork(low) }
        }
    }
}
