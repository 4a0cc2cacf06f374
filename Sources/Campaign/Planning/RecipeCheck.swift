import Configuration

/// Why a recipe cannot be made.
public enum RecipeError: Error, Equatable, CustomStringConvertible {
    /// Not one number per variable.
    case count(found: Int, expected: Int)
    /// A number that is not finite.
    case notFinite(variable: String)
    /// Outside the variable's limits (percent of the aqueous flow, or µL/min).
    case outsideLimits(variable: String, value: Double, low: Double, high: Double)
    /// The reagents take more of the aqueous flow than they may, in percent.
    case tooMuchReagent(sum: Double, maximum: Double)

    /// What is wrong, and what to do about it.
    public var description: String {
        switch self {
        case .count(let found, let expected):
            "a recipe has \(expected) numbers, one per variable; this one has \(found)"
        case .notFinite(let variable): "\(variable) is not a finite number"
        case .outsideLimits(let variable, let value, let low, let high):
            "\(variable) = \(value) is outside its limits \(low)…\(high)"
        case .tooMuchReagent(let sum, let maximum):
            "the reagents add up to \(sum) % of the aqueous flow; at most \(maximum) % may be "
                + "reagent: lower some of them"
        }
    }
}

/// Says whether a recipe can be made: a number per variable, finite, within its widest limits,
/// reagents within their share. Whatever reaches the pumps passes through here.
public struct RecipeCheck: Equatable, Sendable {
    /// The variables of a recipe, in order.
    public let variables: [VariableSettings]
    /// The largest sum of reagents, in percent of the aqueous flow.
    public let maximumReagentPercent: Double

    /// How far a sum of decimal fractions may miss its cap through binary rounding, in percent.
    static let roundingAllowance = 1e-9

    /// A check against `variables` and `recipe`.
    public init(variables: [VariableSettings], recipe: RecipeSettings) {
        self.variables = variables
        maximumReagentPercent = recipe.maximumReagentShare * 100
    }

    /// Throws the first thing that is wrong with `recipe` (percent or µL/min, one number per
    /// variable).
    ///
    /// Without `withinLimits` any finite recipe of the right length passes: data are data.
    public func check(_ recipe: [Double], withinLimits: Bool = true) throws(RecipeError) {
        guard recipe.count == variables.count else {
            throw .count(found: recipe.count, expected: variables.count)
        }
        for (variable, value) in zip(variables, recipe) {
            guard value.isFinite else { throw .notFinite(variable: variable.name) }
            guard withinLimits else { continue }
            let low = min(variable.lowLimit, variable.low)
            let high = max(variable.highLimit, variable.high)
            guard value >= low, value <= high else {
                throw .outsideLimits(variable: variable.name, value: value, low: low, high: high)
            }
        }
        guard withinLimits else { return }
        let sum = reagentPercent(recipe)
        guard sum <= maximumReagentPercent + Self.roundingAllowance else {
            throw .tooMuchReagent(sum: sum, maximum: maximumReagentPercent)
        }
    }

    /// The sum of the reagents in `recipe`, in percent of the aqueous flow.
    public func reagentPercent(_ recipe: [Double]) -> Double {
        var sum = 0.0
        for (variable, value) in zip(variables, recipe) where variable.isReagent { sum += value }
        return sum
    }
}
