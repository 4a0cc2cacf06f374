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
    /// Pointwise median absorbance of its droplets on the loss grid, NaN where invalid; empty
    /// where only the loss is known.
    public var spectrum: [Float]
    /// The run it was made in, from 1; 0 where that is not known.
    public var run: Int
    /// Who proposed it; nil where that is not known.
    public var proposer: Decision.Proposer?

    /// An observation; without a spectrum where none is given.
    public init(
        number: Int, recipe: [Double], loss: Double, spectrum: [Float] = [], run: Int = 0,
        proposer: Decision.Proposer? = nil
    ) {
        self.number = number
        self.recipe = recipe
        self.loss = loss
        self.spectrum = spectrum
        self.run = run
        self.proposer = proposer
    }

    /// Equal in every bit, so that spectra with invalid points compare as well.
    public static func == (a: Observation, b: Observation) -> Bool {
        a.number == b.number && a.recipe == b.recipe && a.loss == b.loss && a.run == b.run
            && a.proposer == b.proposer
            && a.spectrum.elementsEqual(b.spectrum) { $0.bitPattern == $1.bitPattern }
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
        /// Gaussian processes of what the loss is made of, from whole spectra.
        case spectralProcess = "spectral-process"
        /// More than one proposer; see `Decision.proposers`.
        case twoStep = "two-step"
    }
    /// Who thought of a recipe.
    public enum Proposer: String, CaseIterable, Sendable {
        /// The space-filling design of a first run.
        case latinHypercube = "latin-hypercube"
        /// The Gaussian process of the loss.
        case gaussianProcess = "gaussian-process"
        /// The Gaussian processes of the spectrum's parts.
        case spectralProcess = "spectral-process"
        /// The spectrum network.
        case network
    }
    /// Run number, from 1.
    public var run: Int
    /// How its recipes were chosen.
    public var method: Method
    /// The bounds in force, widened already where they were.
    public var bounds: RecipeBounds
    /// The recipes in the order they are to be made.
    public var recipes: [[Double]]
    /// Who proposed each of them, in the same order.
    public var proposers: [Proposer]
    /// Numbers of the conditions that were known, ascending.
    public var basedOn: [Int]
    /// Parameters of the model and of the choice, by name; see `Planner`.
    public var model: [ModelValue]
    /// Absorbance on the loss grid that a network foresees for each recipe, so that droplets can
    /// be compared with it as they pass; empty without a network that was tried before.
    public var expected: [[Float]] = []
    /// How far such a forecast usually is from a droplet: |A − expected| / |expected| over the
    /// grid; 0 without one.
    public var expectedSpread = 0.0

    /// A decision. Without `proposers` all recipes are the method's own.
    public init(
        run: Int, method: Method, bounds: RecipeBounds, recipes: [[Double]], basedOn: [Int],
        model: [ModelValue], proposers: [Proposer]? = nil
    ) {
        self.run = run
        self.method = method
        self.bounds = bounds
        self.recipes = recipes
        self.basedOn = basedOn
        self.model = model
        self.proposers =
            proposers ?? [Proposer](repeating: method.soleProposer, count: recipes.count)
    }
}

extension Decision.Method {
    /// Whose recipes a decision of this method holds when it does not say.
    var soleProposer: Decision.Proposer {
        switch self {
        case .latinHypercube: .latinHypercube
        case .gaussianProcess: .gaussianProcess
        case .spectralProcess, .twoStep: .spectralProcess
        }
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
