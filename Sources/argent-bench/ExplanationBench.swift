import Campaign
import Numerics

/// Shapley values of the size the published campaign has.
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
        }
    ]
}
