import Campaign
import Configuration
import Glibc
import Numerics
import Spectra
import Surrogates
import World

/// The spectrum network, target and grid the planner's jobs are timed with.
///
/// `$ARGENT_BENCH_NETWORK` names a network to load (safetensors), `$ARGENT_BENCH_TARGET` a target
/// (CSV). Without them a seeded network of the same shape and a made-up band stand in, and the
/// benchmarks' names say so.
struct PlannerBench {
    var network: DenseNetwork
    var loss: Loss
    /// Goes behind a benchmark's name.
    var suffix: String

    /// Largest file that is read.
    static let fileLimit = 1 << 26

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Empty with a network of the user's, `/seeded` without.
    static var suffix: String { environment("ARGENT_BENCH_NETWORK") == nil ? "/seeded" : "" }

    /// The network of the user's, or the seeded one.
    static func network() throws -> DenseNetwork {
        guard let path = environment("ARGENT_BENCH_NETWORK") else { return try seeded() }
        return try DenseNetwork(Safetensors(bytes: Files.read(path, limit: fileLimit)))
    }

    static func load() throws -> PlannerBench {
        let target: TargetSpectrum
        if let path = environment("ARGENT_BENCH_TARGET") {
            let text = try Files.read(path, limit: fileLimit)
            target = try TargetSpectrum.parse(String(decoding: text, as: UTF8.self))
        } else {
            let wavelengths = (380...800).map(Double.init)
            target = try TargetSpectrum(
                wavelengths: wavelengths,
                values: wavelengths.map { exp(-($0 - 640) * ($0 - 640) / 4_000) })
        }
        return PlannerBench(
            network: try network(), loss: try Loss(target: target, settings: LossSettings()),
            suffix: suffix)
    }

    /// A network of the published shape with random weights: every input scaled to its range,
    /// outputs smooth in the wavelength.
    static func seeded() throws -> DenseNetwork {
        var random = SeededGenerator(seed: 1).split("bench network")
        let sizes = [5, 50, 100, 200, 500, 421]
        let ranges = [45.0, 40, 30, 20, 1_000]
        var layers: [DenseNetwork.Layer] = []
        for number in 1..<sizes.count {
            let (inputs, outputs) = (sizes[number - 1], sizes[number])
            let scale = (2 / Double(inputs)).squareRoot()
            var kernel: [Float] = []
            if number < sizes.count - 1 {
                for input in 0..<inputs {
                    let unit = number == 1 ? 1 / ranges[input] : 1
                    for _ in 0..<outputs { kernel.append(Float(random.normal() * scale * unit)) }
                }
            } else {
                for _ in 0..<inputs {
                    let place = random.uniform(0, Double(outputs))
                    let height = random.normal() * scale
                    for output in 0..<outputs {
                        let away = (Double(output) - place) / 40
                        kernel.append(Float(height * exp(-away * away / 2)))
                    }
                }
            }
            layers.append(
                DenseNetwork.Layer(
                    inputs: inputs, outputs: outputs, kernel: kernel,
                    bias: [Float](repeating: 0.1, count: outputs)))
        }
        return try DenseNetwork(layers: layers)
    }

    /// The first 135 recipes of `$ARGENT_BENCH_CONDITIONS` (CSV with a header, the recipe in the
    /// third to seventh field), or `others` where it is not set.
    static func recipes(else others: [[Double]]) throws -> [[Double]] {
        guard let path = environment("ARGENT_BENCH_CONDITIONS") else { return others }
        let text = String(decoding: try Files.read(path, limit: fileLimit), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline).dropFirst().prefix(135)
        return lines.map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).dropFirst(2).prefix(5)
                .compactMap { Double($0) }
        }
    }

    /// The published grid: 20 values of every variable, reagents up to 90 %.
    static func grid(_ count: Int) throws(GridError) -> RecipeGrid {
        let ranges = [(4.0, 45.0), (10, 40), (0.5, 30), (0.5, 20), (200, 1_000)]
        return try RecipeGrid(
            axes: ranges.map { RecipeGrid.Axis(low: $0.0, high: $0.1, count: count) },
            cappedVariables: [0, 1, 2, 3], cap: 90)
    }
}

/// The grid search of step 2. A random network leaves the bounds little to hold on to, so that the
/// stand-in gets a coarser grid.
var gridBenchmarks: [Benchmark] {
    let count = PlannerBench.suffix.isEmpty ? 20 : 6
    let points = count * count * count * count * count
    return [
        Benchmark(
            name: "grid/\(points)" + PlannerBench.suffix, work: Double(points), unit: "recipes"
        ) {
            let bench = try PlannerBench.load()
            let search = try GridSearch(grid: PlannerBench.grid(count))
            return { keep(try? search.search(network: bench.network, loss: bench.loss)) }
        }
    ]
}
