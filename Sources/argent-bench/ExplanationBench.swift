import Campaign
import Numerics
import Surrogates

/// Shapley values of the size the published campaign has, and the kernels they are made of, in
/// the sizes that has them in: 40 columns, 90 neurons on, a leaf of 32 recipes.
var explanationBenchmarks: [Benchmark] {
    [
        Benchmark(
            name: "shapley/135x50" + PlannerBench.suffix, work: 135 * 50 * 32, unit: "mixtures"
        ) {
            let bench = try PlannerBench.load()
            let explanation = try Explanation(network: bench.network, loss: bench.loss)
            var random = SeededGenerator(seed: 1).split("bench recipes")
            let ranges = [(4.0, 45.0), (10, 40), (0.5, 30), (0.5, 20), (200, 1_000)]
            let draw = { ranges.map { random.uniform($0.0, $0.1) } }
            let recipes = try PlannerBench.recipes(else: (0..<135).map { _ in draw() })
            let background = Array(recipes.prefix(50))
            return { keep(try? explanation.shapley(recipes: recipes, background: background)) }
        },
        cellKernel("combine/90x18x512", work: 90 * 18 * 512) { numbers, target in
            let units = (0..<90).map { Int32($0) }
            return {
                units.withUnsafeBufferPointer { units in
                    guard let names = units.baseAddress else { return }
                    let forms = CellKernels.Forms(
                        base: numbers, stride: 18, columns: 18, units: names, count: 90)
                    CellKernels.combine(forms, numbers, width: 528, into: target)
                }
            }
        },
        cellKernel("evaluate/4x40x32", work: 4 * 40 * 32) { numbers, target in
            let rows = CellKernels.Rows(
                coefficients: numbers, width: 128, columns: 40, values: numbers, capacity: 1_040)
            return {
                CellKernels.evaluate(
                    rows, neurons: (1, 7, 60, 99), count: 32, into: target, distance: 32)
            }
        },
        cellKernel("tops/128x40", work: 2 * 128 * 40) { numbers, target in
            let rows = CellKernels.Rows(
                coefficients: numbers, width: 128, columns: 40, values: numbers, capacity: 1_040)
            return {
                CellKernels.tops(
                    rows, count: 128, middles: numbers, halves: numbers + 64, into: target)
            }
        },
        Benchmark(name: "shapley-kernel/spectra/2x5x421", work: 2 * 5 * 421, unit: "products") {
            var random = SeededGenerator(seed: 2).split("bench spectra")
            var kernel: [Float] = []
            for _ in 0..<(50 * 421) { kernel.append(Float(random.normal())) }
            let layer = DenseNetwork.Layer(
                inputs: 50, outputs: 421, kernel: kernel,
                bias: [Float](repeating: 0.1, count: 421))
            let shape = SpectrumShape(
                layer: layer, target: (0..<421).map { Double($0 % 100) })
            let units: [Int32] = [3, 8, 21, 30, 49]
            let values = [Float](repeating: 0.7, count: 10)
            return { keep(shape.parts(units: units, values: values, count: 5, level: 0)) }
        },
    ]
}

/// A kernel of cells that is made on many numbers and writes to as many.
private func cellKernel(
    _ name: String, work: Double,
    make: @escaping (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> () -> Void
) -> Benchmark {
    Benchmark(name: "shapley-kernel/" + name, work: work, unit: "products") {
        let count = 1 << 17
        var random = SeededGenerator(seed: 1).split("bench cells")
        let numbers = CellBenchBuffer(count)
        for place in 0..<count { numbers.base[place] = Float(random.uniform(-1, 1)) }
        let target = CellBenchBuffer(count)
        let body = make(UnsafePointer(numbers.base), target.base)
        return {
            body()
            keep(target.base[0] + numbers.base[0])
        }
    }
}

/// Memory of a kernel's benchmark, zero at first.
private final class CellBenchBuffer {
    let base: UnsafeMutablePointer<Float>

    init(_ count: Int) {
        base = .allocate(capacity: count)
        base.initialize(repeating: 0, count: count)
    }

    deinit { base.deallocate() }
}
