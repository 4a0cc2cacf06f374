import Spectra
import Surrogates

/// Finds the recipes of a grid with the smallest loss a network predicts: the very ones that
/// trying all of them with `DenseNetwork.predict` and `Loss.of` would find, in the same order,
/// for a small part of the work.
///
/// Branch and bound: a box of recipes whose loss cannot come down to the worst of the best found
/// so far is left out whole, else it is halved. The bounds cover rounding in single precision;
/// what is not left out is predicted and compared as it would be one by one.
public struct GridSearch: Equatable, Sendable {
    /// Where to look.
    public let grid: RecipeGrid
    /// How many best recipes are wanted.
    public let bestCount: Int

    /// Best recipes at most.
    public static let mostBest = 4_096
    /// Units of a layer at most.
    public static let mostUnits = 4_096
    /// Points of the boxes the network is first cut down for.
    static let regionPoints = 32_768
    /// Points of a first box.
    static let blockPoints = 4_096
    /// Halvings at which boxes are enclosed with their networks cut down on the way: closer, but
    /// dearer where little is left to cut.
    static let fusedDepths = 3
    /// Points of a box that may be left out: larger ones never are, and are not tried.
    static let boundedPoints = 4_096

    /// A search for the `bestCount` best recipes of `grid`.
    public init(grid: RecipeGrid, bestCount: Int = 15) throws(GridError) {
        guard 1...Self.mostBest ~= bestCount else { throw .bestCount(most: Self.mostBest) }
        self.grid = grid
        self.bestCount = bestCount
    }

    /// The best recipes for `network`, best first, equal ones in the order of the grid.
    /// `shouldStop` is asked now and then; when it says yes the search ends with `stopped`.
    public func search(
        network: DenseNetwork, loss: Loss, shouldStop: () -> Bool = { false }
    ) throws(GridError) -> GridResult {
        try check(network, loss)
        // Without a rectifier there is nothing to bound, and little to calculate.
        guard network.layers.count > 1 else {
            return try exhaustive(network: network, loss: loss, shouldStop: shouldStop)
        }
        let tree = GridTree(self, network: network, loss: loss)
        try tree.descend(shouldStop)
        return try tree.best.result(grid)
    }

    /// The same by trying every recipe: the scalar twin of `search`.
    public func exhaustive(
        network: DenseNetwork, loss: Loss, shouldStop: () -> Bool = { false }
    ) throws(GridError) -> GridResult {
        try check(network, loss)
        var best = BestRecipes(count: bestCount)
        for index in 0..<grid.pointCount {
            if index & 0xff == 0, shouldStop() { throw .stopped }
            let recipe = grid.recipe(at: index)
            guard grid.keepsCap(recipe) else { continue }
            best.counters.evaluated += 1
            if let value = Self.loss(of: recipe, network, loss) { best.insert(index, value) }
        }
        return try best.result(grid)
    }

    /// The predicted loss of `recipe`, nil when the prediction has none (a flat spectrum).
    static func loss(of recipe: [Double], _ network: DenseNetwork, _ loss: Loss) -> Double? {
        do throws(SpectraError) {
            let value = try loss.of(network.predict(recipe))
            return value.isFinite ? value : nil
        } catch { return nil }
    }

    func check(_ network: DenseNetwork, _ loss: Loss) throws(GridError) {
        guard network.inputCount == grid.dimension else {
            throw .inputs(expected: grid.dimension, found: network.inputCount)
        }
        guard network.outputCount == loss.wavelengths.count else {
            throw .outputs(expected: loss.wavelengths.count, found: network.outputCount)
        }
        for layer in network.layers {
            guard layer.outputs <= Self.mostUnits else { throw .tooWide(most: Self.mostUnits) }
            guard layer.kernel.allSatisfy(\.isFinite), layer.bias.allSatisfy(\.isFinite) else {
                throw .notFinite
            }
        }
    }
}

/// What a grid search found.
public struct GridResult: Equatable, Sendable {
    /// One recipe.
    public struct Entry: Equatable, Sendable {
        /// Its number in the grid.
        public var index: Int
        /// Percent of the aqueous flow, or µL/min, one number per variable.
        public var recipe: [Double]
        /// The predicted loss.
        public var loss: Double
    }

    /// What it took.
    public struct Counters: Equatable, Sendable {
        /// Recipes that were predicted.
        public var evaluated = 0
        /// Boxes whose bounds were worked out.
        public var boxes = 0
        /// Boxes left out for their bounds.
        public var prunedBoxes = 0
        /// Recipes in them, with those the cap forbids.
        public var prunedPoints = 0
    }

    /// The best recipes, best first.
    public var top: [Entry]
    /// What it took.
    public var counters: Counters
}

/// The best recipes so far, in order.
struct BestRecipes {
    let count: Int
    private(set) var entries: [(index: Int, loss: Double)] = []
    var counters = GridResult.Counters()

    init(count: Int) { self.count = count }

    /// The loss a recipe must not exceed to matter.
    var threshold: Double { entries.count < count ? .infinity : entries[count - 1].loss }

    /// Takes a recipe in when it is among the best.
    mutating func insert(_ index: Int, _ loss: Double) {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            let other = entries[middle]
            if other.loss < loss || (other.loss == loss && other.index < index) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low < count else { return }
        entries.insert((index, loss), at: low)
        if entries.count > count { entries.removeLast() }
    }

    func result(_ grid: RecipeGrid) throws(GridError) -> GridResult {
        guard !entries.isEmpty else { throw .empty }
        return GridResult(
            top: entries.map {
                GridResult.Entry(
                    index: $0.index, recipe: grid.recipe(at: $0.index), loss: $0.loss)
            },
            counters: counters)
    }
}
