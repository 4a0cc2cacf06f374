import Surrogates

/// Why nothing can be planned.
public enum PlannerError: Error, Equatable, CustomStringConvertible {
    /// A recipe needs 1…32 variables.
    case variableCount(Int)
    /// Bounds or limits of this variable are not finite or not in order.
    case boundsOutOfOrder(variable: String)
    /// Even at all lower bounds the reagents exceed their share (percent).
    case noRoomForReagents(leastSum: Double, maximum: Double)
    /// A setting is outside the range the planner can work with.
    case setting(name: String, value: Double, allowed: String)
    /// A run must be numbered from 1.
    case runNumber(Int)
    /// More observations than an exact Gaussian process is sensible for.
    case tooManyObservations(count: Int, limit: Int)
    /// Two observations have this number.
    case repeatedObservation(number: Int)
    /// The observation of this number cannot be used.
    case observation(number: Int, RecipeError)
    /// The loss of the observation of this number is not finite.
    case lossNotFinite(number: Int)
    /// No model fits the observations.
    case surrogate(GaussianProcessError)
    /// No network could be trained on the observations.
    case network(TrainingError)

    /// What is wrong, and what to do about it.
    public var description: String {
        switch self {
        case .variableCount(let count):
            "a recipe has 1…\(Planner.variableLimit) variables, not \(count); "
                + "write a [[variable]] for each"
        case .boundsOutOfOrder(let variable):
            "\(variable): low_limit ≤ low ≤ high ≤ high_limit must hold, all finite"
        case .noRoomForReagents(let sum, let maximum):
            "the lower bounds of the reagents add up to \(sum) %, more than the \(maximum) % "
                + "they may be together; lower some of them"
        case .setting(let name, let value, let allowed):
            "\(name) = \(value) cannot be used; allowed: \(allowed)"
        case .runNumber(let run): "run \(run) cannot be planned; runs are numbered from 1"
        case .tooManyObservations(let count, let limit):
            "\(count) observations; the planner works with at most \(limit): start a new campaign"
        case .repeatedObservation(let number): "condition \(number) was observed twice"
        case .observation(let number, let error): "condition \(number): \(error)"
        case .lossNotFinite(let number): "the loss of condition \(number) is not finite"
        case .network(let error): "no network fits the observations: \(error)"
        case .surrogate(let error): "no model fits the observations: \(error)"
        }
    }
}
