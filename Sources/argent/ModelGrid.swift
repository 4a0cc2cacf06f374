import Agent
import Campaign
import Configuration

/// `argent model grid`: the recipes of a grid that a network expects the least losses of.
enum ModelGrid {
    static let use = "grid --network N.safetensors --config C.toml [--points 20] [--best 15]"
    /// Values per variable where nothing else is said.
    private static let usualPoints = 20
    /// Recipes where nothing else is said.
    private static let usualBest = 15

    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "model grid", options: ModelFile.options + ["points", "best"],
            flags: ["limits", "refine", "quiet"])
        guard arguments.values["config"] != nil else {
            throw CommandFailure(.usage, "use: argent model \(use)")
        }
        let points = try arguments.integer("points") ?? usualPoints
        let bestCount = try arguments.integer("best") ?? usualBest
        let model = try ModelFile(arguments, use: use)
        let network = try model.neededFloat()
        let loss = try model.neededLoss()
        let variables = model.settings.variables
        let usesLimits = arguments.flags.contains("limits")
        let axes = variables.map { variable in
            let low = usesLimits ? min(variable.low, variable.lowLimit) : variable.low
            let high = usesLimits ? max(variable.high, variable.highLimit) : variable.high
            return RecipeGrid.Axis(low: low, high: high, count: low == high ? 1 : points)
        }
        let result: GridResult
        let grid: RecipeGrid
        var best: [(recipe: [Double], loss: Double)]
        let start = RealTime.seconds
        do throws(GridError) {
            grid = try RecipeGrid(
                axes: axes, cappedVariables: variables.indices.filter { variables[$0].isReagent },
                cap: 100 * model.settings.recipe.maximumReagentShare)
            let search = try GridSearch(grid: grid, bestCount: bestCount)
            result = try search.search(network: network, loss: loss)
            best = result.top.map { ($0.recipe, $0.loss) }
            if arguments.flags.contains("refine") {
                best = []
                for entry in result.top {
                    let refined = try search.refine(entry, network: network, loss: loss)
                    best.append((refined.recipe, refined.loss))
                }
                // Neighbours on the grid may end in the same valley, in another order.
                best.sort { $0.loss < $1.loss }
            }
        } catch { throw CommandFailure(.badInput, "\(error)") }
        let seconds = RealTime.seconds - start
        var text = variables.map { TableFile.field($0.name) }.joined(separator: ",") + ",loss\n"
        for entry in best {
            text +=
                (entry.recipe + [entry.loss]).map(TableFile.single).joined(separator: ",") + "\n"
        }
        Output.raw(text)
        guard !arguments.flags.contains("quiet") else { return }
        Output.error(
            "the best \(result.top.count) of \(grid.pointCount) grid points, as if all had been "
                + "tried; \(result.counters.evaluated) had to be, in \(short(seconds)) s")
    }
}
