import Configuration
import Numerics

/// The recipes within the bounds in force, seen as a unit box with the reagents' cap cut off.
/// Models and searches work in the unit box, people and pumps outside it.
struct RecipeSpace: Equatable, Sendable {
    let bounds: RecipeBounds
    /// The unit box with the cap.
    let region: CappedBox
    /// Largest sum of reagents, in percent.
    let maximumReagentPercent: Double
    private let isReagent: [Bool]
    /// The distance that counts as 1 in the unit box, per variable; 0 where nothing may move.
    private let ranges: [Double]

    /// The space of `check`'s variables within `bounds`; nil when no recipe is in it.
    init?(_ check: RecipeCheck, bounds: RecipeBounds) {
        let variables = check.variables
        guard bounds.lows.count == variables.count, bounds.highs.count == variables.count else {
            return nil
        }
        isReagent = variables.map(\.isReagent)
        maximumReagentPercent = check.maximumReagentPercent
        self.bounds = bounds
        var weights: [Double] = []
        var ranges: [Double] = []
        var cap = check.maximumReagentPercent
        for index in variables.indices {
            let range = bounds.highs[index] - bounds.lows[index]
            weights.append(isReagent[index] ? range : 0)
            if isReagent[index] { cap -= bounds.lows[index] }
            // A variable that is held still may have been elsewhere before: its limits tell how
            // much that was.
            ranges.append(
                range > 0 ? range : variables[index].highLimit - variables[index].lowLimit)
        }
        self.ranges = ranges
        // Lower bounds that add up to the cap exactly may miss it by a rounding.
        if cap < 0, cap >= -RecipeCheck.roundingAllowance { cap = 0 }
        let dimension = variables.count
        // A variable that cannot move has a side of length 0.
        let upper = (0..<dimension).map { bounds.highs[$0] > bounds.lows[$0] ? 1.0 : 0.0 }
        guard
            let region = CappedBox(
                lower: [Double](repeating: 0, count: dimension), upper: upper, weights: weights,
                cap: cap)
        else { return nil }
        self.region = region
    }

    /// Number of variables.
    var dimension: Int { region.dimension }

    /// Where `recipe` is in the unit box (outside it when it is outside the bounds).
    func unit(_ recipe: [Double]) -> [Double] {
        var result = recipe
        for index in result.indices {
            let range = ranges[index]
            result[index] = range > 0 ? (recipe[index] - bounds.lows[index]) / range : 0
        }
        return result
    }

    /// Those of `units`, points that were made, that could be made again. The best of them is
    /// what a proposal has to beat: one outside today's bounds teaches the model, but nobody may
    /// go back to it. When all are outside, the nearest points inside stand for them.
    func reachable(_ units: [[Double]]) -> [[Double]] {
        let inside = units.filter { region.contains($0, tolerance: 1e-9) }
        guard inside.isEmpty else { return inside }
        return units.map { unit in
            var nearest = unit
            region.project(&nearest)
            return nearest
        }
    }

    /// The recipe at `unit` as it is, for models: not rounded.
    func recipeExact(_ unit: [Double]) -> [Double] {
        unit.indices.map { index in
            bounds.lows[index] + unit[index] * (bounds.highs[index] - bounds.lows[index])
        }
    }

    /// The recipe at `unit`, rounded to four significant digits. Bounds and cap still hold:
    /// where rounding would break the cap, reagents are rounded down.
    func recipe(_ unit: [Double]) -> [Double] {
        let exact = unit.indices.map { index in
            bounds.lows[index] + unit[index] * (bounds.highs[index] - bounds.lows[index])
        }
        let rounded = tidied(exact, reagents: .toNearestOrAwayFromZero)
        var sum = 0.0
        for index in rounded.indices where isReagent[index] { sum += rounded[index] }
        return sum <= maximumReagentPercent ? rounded : tidied(exact, reagents: .down)
    }

    private func tidied(_ recipe: [Double], reagents: FloatingPointRoundingRule) -> [Double] {
        recipe.indices.map { index in
            let rule = isReagent[index] ? reagents : .toNearestOrAwayFromZero
            // Rounding down stops at the bound, which is never above the exact value.
            let value = recipe[index].tidied(rule)
            let low = bounds.lows[index]
            if isReagent[index], reagents == .down { return max(value, low) }
            return recipe[index].tidied(within: low...bounds.highs[index], rule)
        }
    }
}
