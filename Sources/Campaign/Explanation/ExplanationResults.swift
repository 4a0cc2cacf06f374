/// What each variable of each recipe adds to its predicted loss.
public struct ShapleyValues: Equatable, Sendable {
    /// Mean predicted loss of the background.
    public var base: Double
    /// Predicted loss of every recipe: `base` plus the sum of its values.
    public var predicted: [Double]
    /// One list per recipe, one value per variable.
    public var values: [[Double]]

    /// Mean size of every variable's values over the recipes.
    public var meanSizes: [Double] {
        guard let dimension = values.first?.count else { return [] }
        return (0..<dimension).map { variable in
            values.reduce(0) { $0 + abs($1[variable]) } / Double(values.count)
        }
    }

    /// Shapley's formula: the mean, over all orders of the variables, of what a variable changes
    /// when it joins those before it. `worth` has one number per coalition, variable k in it
    /// where bit k is set.
    static func values(_ worth: [Double], dimension: Int) -> [Double] {
        // s! (d − s − 1)! / d! = 1 / (d · C(d − 1, s)).
        var weights: [Double] = []
        var ways = 1.0
        for size in 0..<dimension {
            weights.append(1 / (Double(dimension) * ways))
            ways = ways * Double(dimension - 1 - size) / Double(size + 1)
        }
        return (0..<dimension).map { variable in
            var sum = 0.0
            for coalition in worth.indices where coalition >> variable & 1 == 0 {
                let joined = worth[coalition | 1 << variable]
                sum += weights[coalition.nonzeroBitCount] * (joined - worth[coalition])
            }
            return sum
        }
    }
}

/// Values a variable goes through.
public struct Sweep: Equatable, Sendable {
    /// Index of the variable.
    public var variable: Int
    /// Its values, percent or µL/min.
    public var values: [Double]

    /// Values at most.
    public static let mostValues = 4_096

    /// `values` of the variable with index `variable`.
    public init(variable: Int, values: [Double]) {
        self.variable = variable
        self.values = values
    }
}

/// Predicted losses over two variables.
public struct LossMap: Equatable, Sendable {
    /// The variable that changes from row to row.
    public var rows: Sweep
    /// The variable that changes within a row.
    public var columns: Sweep
    /// `losses[row][column]`.
    public var losses: [[Double]]
}

/// Predicted spectra along one variable.
public struct SpectraAlong: Equatable, Sendable {
    /// The variable and its values.
    public var sweep: Sweep
    /// nm.
    public var wavelengths: [Double]
    /// One spectrum per value.
    public var absorbances: [[Double]]
    /// One loss per value; nil where the spectrum has no shape.
    public var losses: [Double?]
}

/// Why nothing can be explained.
public enum ExplanationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The network takes no variables, or too many.
    case variables(found: Int, most: Int)
    /// The network gives another count of numbers than the loss compares.
    case outputs(expected: Int, found: Int)
    /// The network holds a number that is not finite.
    case networkNotFinite
    /// A list is empty.
    case none(what: String)
    /// A recipe has another count of numbers, or one that is not finite or huge.
    case badRecipe(what: String, expected: Int)
    /// A sweep names a variable that is not there, or has no values, too many or unusable ones.
    case badSweep(most: Int)
    /// A map needs two different variables.
    case sameVariable
    /// More predictions than are made.
    case tooMuch(most: Int)
    /// The caller asked to stop.
    case stopped

    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .variables(let found, let most):
            "the network takes \(found) variables; 1 to \(most) can be explained"
        case .outputs(let expected, let found):
            "the network gives \(found) numbers, the loss compares \(expected)"
        case .networkNotFinite: "the network holds numbers that are not finite: train it again"
        case .none(let what): "give at least one \(what)"
        case .badRecipe(let what, let expected):
            "every \(what) needs \(expected) finite numbers, one per variable"
        case .badSweep(let most):
            "a sweep needs a variable of the recipe and 1 to \(most) finite values"
        case .sameVariable: "choose two different variables"
        case .tooMuch(let most):
            "more than \(most) predictions: take fewer recipes or a smaller background"
        case .stopped: "stopped before it was finished"
        }
    }
}
