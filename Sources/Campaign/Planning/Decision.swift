/// A number with a name.
public struct ModelValue: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// The number.
    public var value: Double

    /// A number with a name.
    public init(name: String, value: Double) {
        self.name = name
        self.value = value
    }
}

/// A recipe that was made and what came of it.
public struct Observation: Equatable, Sendable {
    /// Number of the condition, from 1, across runs.
    public var number: Int
    /// One number per variable (percent or µL/min).
    public var recipe: [Double]
    /// Median loss of its droplets.
    public var loss: Double

    /// An observation.
    public init(number: Int, recipe: [Double], loss: Double) {
        self.number = number
        self.recipe = recipe
        self.loss = loss
    }
}

/// The planner's choice of one run, and what it rests on.
public struct Decision: Equatable, Sendable {
    /// How recipes were chosen.
    public enum Method: String, CaseIterable, Sendable {
        /// Space-filling, without a model.
        case latinHypercube = "latin-hypercube"
        /// Gaussian process, expected improvement, local penalisation.
        case gaussianProcess = "gaussian-process"
    }
    /// Run number, from 1.
    public var run: Int
    /// How its recipes were chosen.
    public var method: Method
    /// The bounds in force, widened already where they were.
    public var bounds: RecipeBounds
    /// The recipes in the order they are to be made.
    public var recipes: [[Double]]
    /// Numbers of the conditions that were known, ascending.
    public var basedOn: [Int]
    /// Parameters of the model and of the choice, by name; see `Planner`.
    public var model: [ModelValue]

    /// A decision.
    public init(
        run: Int, method: Method, bounds: RecipeBounds, recipes: [[Double]], basedOn: [Int],
        model: [ModelValue]
    ) {
        self.run = run
        self.method = method
        self.bounds = bounds
        self.recipes = recipes
        self.basedOn = basedOn
        self.model = model
    }
}

/// Everything a decision depends on besides the settings: hand it to `Planner.decide`, on any
/// thread, before or after a restart, and the same decision comes back.
public struct PlanRequest: Equatable, Sendable {
    /// The run to plan, from 1.
    public var run: Int
    /// What is known, by condition number.
    public var history: [Observation]
    /// The bounds in force so far.
    public var bounds: RecipeBounds

    /// A request.
    public init(run: Int, history: [Observation], bounds: RecipeBounds) {
        self.run = run
        self.history = history
        self.bounds = bounds
    }
}
