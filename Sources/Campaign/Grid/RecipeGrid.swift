/// The recipes a grid search looks at: every combination of evenly spaced values, without those
/// whose reagents add up to more than their cap.
public struct RecipeGrid: Equatable, Sendable {
    /// One variable's values: `count` of them, evenly from `low` through `high` (percent of the
    /// aqueous flow, or µL/min).
    public struct Axis: Equatable, Sendable {
        /// Least value.
        public var low: Double
        /// Largest value.
        public var high: Double
        /// How many; one means `low` alone.
        public var count: Int

        /// `count` values from `low` through `high`.
        public init(low: Double, high: Double, count: Int) {
            self.low = low
            self.high = high
            self.count = count
        }
    }

    /// The values of every variable, rising.
    public let values: [[Double]]
    /// The variables that count in the sum.
    public let cappedVariables: [Int]
    /// The sum's largest value, in the variables' unit; infinite when there is no cap.
    public let cap: Double
    /// All combinations, also those the cap forbids.
    public let pointCount: Int

    /// Variables at most.
    public static let maximumVariables = 12
    /// Combinations at most.
    public static let maximumPoints = 1 << 28
    /// How far a sum of decimal fractions may miss its cap through binary rounding.
    static let roundingAllowance = RecipeCheck.roundingAllowance

    /// The grid of `axes` under the cap. Throws when it is empty or too large.
    public init(
        axes: [Axis], cappedVariables: [Int] = [], cap: Double = .infinity
    ) throws(GridError) {
        guard 1...Self.maximumVariables ~= axes.count else {
            throw .variables(found: axes.count, most: Self.maximumVariables)
        }
        guard cappedVariables.allSatisfy(axes.indices.contains), !cap.isNaN else { throw .badCap }
        var points = 1
        for (variable, axis) in axes.enumerated() {
            guard axis.low.isFinite, axis.high.isFinite, axis.low <= axis.high, axis.count >= 1,
                (axis.high - axis.low).isFinite, abs(axis.low) <= Self.largestValue,
                abs(axis.high) <= Self.largestValue
            else { throw .badAxis(variable: variable) }
            let (product, overflow) = points.multipliedReportingOverflow(by: axis.count)
            guard !overflow, product <= Self.maximumPoints else {
                throw .tooManyPoints(most: Self.maximumPoints)
            }
            points = product
        }
        pointCount = points
        values = axes.map { axis in
            (0..<axis.count).map { step in
                axis.count == 1
                    ? axis.low
                    : axis.low + (axis.high - axis.low) * Double(step) / Double(axis.count - 1)
            }
        }
        self.cappedVariables = cappedVariables
        self.cap = cap
    }

    /// Largest size of a value: what single precision still squares without overflow.
    static let largestValue = 1e18

    /// How many variables.
    public var dimension: Int { values.count }

    /// The recipe with number `index`; the last variable changes fastest.
    public func recipe(at index: Int) -> [Double] {
        var rest = index
        var recipe = [Double](repeating: 0, count: dimension)
        for variable in values.indices.reversed() {
            recipe[variable] = values[variable][rest % values[variable].count]
            rest /= values[variable].count
        }
        return recipe
    }

    /// Whether `recipe` keeps the cap.
    public func keepsCap(_ recipe: [Double]) -> Bool {
        var sum = 0.0
        for variable in cappedVariables { sum += recipe[variable] }
        return sum <= cap + Self.roundingAllowance
    }

    /// The number of the recipe at `steps`.
    func index(of steps: SIMD16<Int32>) -> Int {
        var index = 0
        for variable in values.indices {
            index = index * values[variable].count + Int(steps[variable])
        }
        return index
    }

    /// The steps of the recipe with number `index`.
    func steps(of index: Int) -> SIMD16<Int32> {
        var rest = index
        var steps = SIMD16<Int32>()
        for variable in values.indices.reversed() {
            steps[variable] = Int32(rest % values[variable].count)
            rest /= values[variable].count
        }
        return steps
    }

    /// The recipe at `steps`.
    func recipe(at steps: SIMD16<Int32>) -> [Double] {
        values.indices.map { values[$0][Int(steps[$0])] }
    }

    /// Whether the recipe at `steps` keeps the cap. Rounded addition never falls when a term
    /// rises: where the least corner of a box breaks the cap, every recipe in it does.
    func keepsCap(_ steps: SIMD16<Int32>) -> Bool {
        var sum = 0.0
        for variable in cappedVariables { sum += values[variable][Int(steps[variable])] }
        return sum <= cap + Self.roundingAllowance
    }
}

/// A box of grid points: the steps from `low` through `high` of every variable.
struct GridBox {
    var low: SIMD16<Int32>
    var high: SIMD16<Int32>

    /// The whole of `grid`.
    init(_ grid: RecipeGrid) {
        low = SIMD16()
        high = SIMD16()
        for variable in grid.values.indices {
            high[variable] = Int32(grid.values[variable].count - 1)
        }
    }

    /// Points along `variable`.
    func count(_ variable: Int) -> Int { Int(high[variable] - low[variable]) + 1 }

    /// All points, also those the cap forbids.
    func pointCount(_ dimension: Int) -> Int {
        var product = 1
        for variable in 0..<dimension { product *= count(variable) }
        return product
    }

    /// The two halves along `variable`, which has at least two points.
    func halves(_ variable: Int) -> (GridBox, GridBox) {
        var first = self
        var second = self
        let middle = (low[variable] + high[variable]) / 2
        first.high[variable] = middle
        second.low[variable] = middle + 1
        return (first, second)
    }
}

/// Why a grid search cannot be done, or was not finished.
public enum GridError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No variables, or too many.
    case variables(found: Int, most: Int)
    /// An axis is not finite, huge, reversed or has no values.
    case badAxis(variable: Int)
    /// The cap is not a number, or counts a variable that is not there.
    case badCap
    /// More combinations than are searched.
    case tooManyPoints(most: Int)
    /// The network takes another count of numbers than the grid has variables.
    case inputs(expected: Int, found: Int)
    /// The network gives another count of numbers than the loss compares.
    case outputs(expected: Int, found: Int)
    /// The network holds a number that is not finite.
    case notFinite
    /// The network has more units in a layer than a search takes.
    case tooWide(most: Int)
    /// None, or too many, best recipes are asked for.
    case bestCount(most: Int)
    /// No recipe of the grid keeps the cap, or none has a loss.
    case empty
    /// The caller asked to stop.
    case stopped

    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .variables(let found, let most): "\(found) variables; a grid has 1 to \(most)"
        case .badAxis(let variable):
            "axis \(variable + 1): give finite low ≤ high and at least one value"
        case .badCap: "the cap must be a number over variables the grid has"
        case .tooManyPoints(let most): "more than \(most) combinations: ask for fewer values"
        case .inputs(let expected, let found):
            "the network takes \(found) numbers, the recipes have \(expected)"
        case .outputs(let expected, let found):
            "the network gives \(found) numbers, the loss compares \(expected)"
        case .notFinite: "the network holds numbers that are not finite: train it again"
        case .tooWide(let most): "a layer has more than \(most) units: use a smaller network"
        case .bestCount(let most): "ask for 1 to \(most) best recipes"
        case .empty: "no recipe keeps the cap and has a loss: widen the bounds"
        case .stopped: "stopped before the search was finished"
        }
    }
}
