import Numerics
import Surrogates
import TestSupport
import Testing

/// Predictions of many rows against the same sums in double precision.
@Suite struct BatchPredictionTests {
    static func network(_ sizes: [Int], seed: UInt64) throws -> DenseNetwork {
        var generator = SeededGenerator(seed: seed)
        return try DenseNetwork(
            layers: (1..<sizes.count).map { layer in
                DenseNetwork.Layer(
                    inputs: sizes[layer - 1], outputs: sizes[layer],
                    kernel: (0..<sizes[layer - 1] * sizes[layer]).map { _ in
                        Float(generator.normal())
                    }, bias: (0..<sizes[layer]).map { _ in Float(generator.normal()) })
            })
    }

    /// Outputs of one row in double precision, and a bound for any single-precision order of the
    /// sums: e' = |W|ᵀ(e + γ(n + 8)(|x| + e)) + γ(n + 8)|b|, which the rectifier cannot raise.
    static func exact(
        _ network: DenseNetwork, _ row: ArraySlice<Float>
    ) -> (values: [Double], bounds: [Double]) {
        var values = row.map { Double($0) }
        var errors = values.map { _ in 0.0 }
        for (index, layer) in network.layers.enumerated() {
            let total = Double(layer.inputs + 8) * 0x1p-24
            let gamma = total / (1 - total)
            var sums = layer.bias.map { Double($0) }
            var bounds = sums.map { gamma * abs($0) }
            for input in 0..<layer.inputs {
                let size = errors[input] + gamma * (abs(values[input]) + errors[input])
                for output in 0..<layer.outputs {
                    let weight = Double(layer.kernel[input * layer.outputs + output])
                    sums[output] += weight * values[input]
                    bounds[output] += abs(weight) * size
                }
            }
            if index < network.layers.count - 1 { sums = sums.map { max($0, 0) } }
            (values, errors) = (sums, bounds)
        }
        return (values, errors)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 17, 241])
    func everyRowIsWithinItsBound(_ count: Int) throws {
        let network = try Self.network([3, 7, 20, 9], seed: 1)
        var generator = SeededGenerator(seed: 2)
        let rows = (0..<count * 3).map { _ in Float(generator.normal()) }
        let given = try network.predict(rows: rows)
        #expect(given.count == count * 9)
        for row in 0..<count {
            let wanted = Self.exact(network, rows[row * 3..<row * 3 + 3])
            for output in 0..<9 {
                let off = abs(Double(given[row * 9 + output]) - wanted.values[output])
                #expect(off <= wanted.bounds[output])
            }
            let one = network.predict(Array(rows[row * 3..<row * 3 + 3]))
            for output in 0..<9 {
                let off = abs(Double(one[output]) - wanted.values[output])
                #expect(off <= wanted.bounds[output])
            }
        }
    }

    @Test func oneScratchServesNarrowerNetworksAndMayBeUsedAgain() throws {
        let wide = try Self.network([2, 30, 4], seed: 3)
        let narrow = try Self.network([2, 5, 6, 4], seed: 4)
        let scratch = PredictionScratch(for: wide)
        let rows: [Float] = [1, 2, -1, 0.5, 0, 3, 2, 2, -2, 1]
        for network in [wide, narrow, wide] {
            let again = try network.predict(rows: rows, scratch: scratch)
            #expect(try again == network.predict(rows: rows))
        }
    }

    @Test func badRowsAreNamed() throws {
        let network = try Self.network([2, 3, 1], seed: 5)
        #expect(throws: DenseNetworkError.inputsDisagree(expected: 2, found: 1)) {
            try network.predict(rows: [1, 2, 3])
        }
        #expect(throws: DenseNetworkError.inputNotFinite(row: 1)) {
            try network.predict(rows: [1, 2, 3, .infinity])
        }
        #expect(try network.predict(rows: []).isEmpty)
    }

    /// The file, byte by byte after the format's description: no reader of this project is asked.
    @Test func aWrittenNetworkHasTheDescribedBytes() throws {
        let network = try DenseNetwork(layers: [
            DenseNetwork.Layer(inputs: 1, outputs: 2, kernel: [1, -2.5], bias: [0.5, 0])
        ])
        let header =
            #"{"dense_1.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
            + #""dense_1.kernel":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}"#
        let padded = Array(header.utf8) + [UInt8](repeating: 0x20, count: -header.utf8.count & 7)
        // 0.5, 0, 1 and −2.5 in IEEE single precision, least significant byte first.
        let data: [UInt8] = [
            0, 0, 0, 0x3F, 0, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0,
        ]
        let length = (0..<8).map { UInt8(truncatingIfNeeded: padded.count >> (8 * $0)) }
        #expect(network.safetensors().encoded() == length + padded + data)
    }

    @Test func aWrittenNetworkReadsBackBitForBit() throws {
        let network = try Self.network([4, 6, 3], seed: 6)
        let bytes = network.safetensors(metadata: ["run": "7"]).encoded()
        #expect(try DenseNetwork(Safetensors(bytes: bytes)) == network)
    }
}
