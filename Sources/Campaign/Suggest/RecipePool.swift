import Configuration

/// Recipes to choose among, row by row of a table.
public struct RecipePool: Sendable {
    /// One recipe that may be chosen.
    public struct Candidate: Equatable, Sendable {
        /// Its row in the table, from 0.
        public var row: Int
        /// One number per variable.
        public var recipe: [Double]
    }

    /// What may be chosen: every recipe once, the first row that has it.
    public let candidates: [Candidate]
    /// Rows whose recipe is in the history.
    public let known: Int
    /// Rows whose recipe an earlier row has.
    public let repeated: Int
    /// Rows outside the limits of a variable, or with too much reagent.
    public let impossible: [Int]

    /// Rows of a pool at most.
    public static let rowLimit = 200_000

    /// The rows of `table` that can be made, and are not in `history` yet. Throws, with the
    /// place, for a column that is missing and for what is no finite number.
    public init(
        _ table: DataTable, settings: Settings, history: HistoryTable?
    ) throws(TableError) {
        let check = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
        let made = Set(history?.recipes ?? [])
        var seen: Set<[Double]> = []
        var candidates: [Candidate] = []
        var known = 0
        var repeated = 0
        var impossible: [Int] = []
        for (row, recipe) in try table.recipes(settings.variables).enumerated() {
            if made.contains(recipe) {
                known += 1
            } else if (try? check.check(recipe)) == nil {
                impossible.append(row)
            } else if seen.insert(recipe).inserted {
                candidates.append(Candidate(row: row, recipe: recipe))
            } else {
                repeated += 1
            }
        }
        self.candidates = candidates
        self.known = known
        self.repeated = repeated
        self.impossible = impossible
    }
}

/// Rows of a pool that were chosen, the most promising first.
public struct PoolChoice: Equatable, Sendable {
    /// One of them.
    public struct Item: Equatable, Sendable {
        /// Its row in the table, from 0.
        public var row: Int
        /// Its recipe.
        public var recipe: [Double]
        /// The loss the model expects; nil without a model.
        public var predictedLoss: Double?
        /// By how much it is expected to beat the best, in loss units; nil without a model.
        public var expectedImprovement: Double?
    }
    /// What was chosen.
    public var items: [Item]
    /// The least predicted loss among recipes made; nil without a model.
    public var bestPredicted: Double?
}
