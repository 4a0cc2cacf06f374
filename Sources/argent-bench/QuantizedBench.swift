import Glibc
import Numerics
import Surrogates
import World

/// Quantised networks and the products they are made of.
var quantizedBenchmarks: [Benchmark] { int8Kernels + quantizedNetworks }

/// The largest layer that is read in full, as one row and as four, by every kernel that runs.
private var int8Kernels: [Benchmark] {
    Int8Kernel.runnable.flatMap { kernel in
        [1, Int8Codes.together].map { rows in
            Benchmark(
                name: "int8/\(kernel.name)/200x500x\(rows)", work: Double(rows * 200 * 500),
                unit: "madd"
            ) {
                var random = SeededGenerator(seed: 1)
                let weights = (0..<200 * 500).map { _ in Int8(random.below(255) - 127) }
                let matrix = Int8Matrix(inputs: 200, outputs: 500, weights: weights)
                let values = (0..<rows * 200).map { _ in Float(random.uniform(0.1, 1)) }
                let codes = Int8Codes(width: 200)
                codes.encode(
                    values, rows: rows, width: 200, stride: 200,
                    largest: [Float](repeating: 1, count: rows),
                    largestCode: matrix.largestCode, fine: true, kernel: kernel)
                var sums = [Int32](repeating: 0, count: rows * matrix.paddedOutputs)
                return {
                    sums.withUnsafeMutableBufferPointer { sums in
                        guard let start = sums.baseAddress else { return }
                        matrix.multiply(codes, kernel: kernel, into: start)
                    }
                }
            }
        }
    }
}

private let rowsTogether = 4_096
/// Recipes that single predictions take turns with, so that no branch is learnt by heart.
private let rowsInTurn = 256

private var quantizedNetworks: [Benchmark] {
    // A seeded network has few silent units to skip; the name says that it was one.
    let jobs: [(String, QuantizationSettings)] = [
        ("int8", .fine), ("int8fast", .fast),
    ]
    return jobs.flatMap { name, settings in
        [1, rowsTogether].map { count in
            Benchmark(
                name: "network/\(name)/\(count)\(PlannerBench.suffix)", work: Double(count),
                unit: "rows"
            ) { try predictions(settings: settings, count: count) }
        }
    }
}

private func predictions(settings: QuantizationSettings, count: Int) throws -> (() -> Void) {
    let network = try PlannerBench.network()
    var settings = settings
    // Errors are tested elsewhere; here any network is timed.
    settings.limit = .none
    let quantized = try QuantizedNetwork(
        quantizing: network, calibration: benchRecipes(512, seed: 2), settings: settings)
    let predictor = QuantizedPredictor(quantized)
    let rows = max(count, rowsInTurn)
    let inputs = benchRecipes(rows, seed: 3).flatMap { $0 }
    var outputs = [Float](repeating: 0, count: count * network.outputCount)
    var turn = 0
    return {
        inputs.withUnsafeBufferPointer { inputs in
            outputs.withUnsafeMutableBufferPointer { outputs in
                guard let from = inputs.baseAddress, let to = outputs.baseAddress else { return }
                if count == 1 {
                    try? predictor.predict(from + turn * network.inputCount, into: to)
                    turn = (turn + 1) % rowsInTurn
                } else {
                    try? predictor.predict(rows: from, count: count, into: to)
                }
            }
        }
    }
}

/// Recipes in the box of the grid search: per cent of four flows, together at most 90, and µL/min.
private func benchRecipes(_ count: Int, seed: UInt64) -> [[Float]] {
    var random = SeededGenerator(seed: seed)
    var recipes: [[Float]] = []
    while recipes.count < count {
        let flows = [
            random.uniform(4, 45), random.uniform(10, 40), random.uniform(0.5, 30),
            random.uniform(0.5, 20),
        ]
        let total = random.uniform(200, 1_000)
        if flows.reduce(0, +) <= 90 { recipes.append((flows + [total]).map { Float($0) }) }
    }
    return recipes
}
