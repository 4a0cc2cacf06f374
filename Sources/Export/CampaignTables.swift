import Quantities
import RunLog

/// The tables of a campaign, gathered from the entries of its log in their order: one row per
/// condition that ended and one per droplet, each with the recipe it was made with.
///
/// A log that is read from its middle on, because older segments are gone, gives rows with what
/// is known: recipes that were not seen leave their columns empty.
public struct CampaignTables {
    /// Finished CSV lines of the conditions, to be taken out.
    public var conditions = CSVText()
    /// Finished CSV lines of the droplets, to be taken out.
    public var droplets = CSVText()
    /// What the numbers mean, as far as the log has said.
    public private(set) var meaning = LogMeaning()

    private let withSpectra: Bool
    private var recipes: [Int: Recipe] = [:]
    private var decisions: [Int: Batch] = [:]
    private var columns: Int?
    private var points: Int?

    private struct Recipe {
        var run: Int
        var values: [Double]
        var began: WallTime
    }

    private struct Batch {
        var recipes: [[Double]]
        var proposers: [String]
    }

    /// Empty tables; `withSpectra` gives every droplet its absorbance as columns `A380`, `A381`…,
    /// which `argent loss` and `argent suggest` read.
    public init(withSpectra: Bool) { self.withSpectra = withSpectra }

    /// The run and recipe of `condition`, as far as the log has told.
    public func recipe(of condition: Int) -> (run: Int, values: [Double])? {
        recipes[condition].map { ($0.run, $0.values) }
    }

    /// Takes up the next record.
    public mutating func take(_ record: Record) {
        switch record.body {
        case .configuration(let text, _): meaning.take(configuration: text)
        case .decision(let decision):
            decisions[decision.run] = Batch(
                recipes: decision.recipes, proposers: decision.proposers)
        case .recipe(let run, let condition, _, let values):
            recipes[condition] = Recipe(run: run, values: values, began: record.wall)
        case .droplet(let droplet): add(droplet, at: record.wall)
        case .conditionEnd(let end): add(end, at: record.wall)
        default: break
        }
    }

    private mutating func add(_ end: ConditionRecord, at wall: WallTime) {
        let recipe = recipes[end.condition]
        if columns == nil { headConditions(recipe?.values.count ?? meaning.variables.count) }
        conditions.field(end.run)
        conditions.field(end.condition)
        conditions.field(end.attempt)
        conditions.field(proposer(of: end))
        addRecipe(recipe?.values, to: &conditions)
        conditions.field(end.outcome)
        conditions.field(end.droplets)
        conditions.field(end.medianLoss)
        conditions.field(recipe?.began.iso8601 ?? "")
        conditions.field(wall.iso8601)
        conditions.field(end.reason)
        conditions.endLine()
    }

    private mutating func add(_ droplet: DropletRecord, at wall: WallTime) {
        let recipe = recipes[droplet.condition]
        if columns == nil { headConditions(recipe?.values.count ?? meaning.variables.count) }
        if points == nil { headDroplets(droplet.absorbance.count) }
        droplets.field(recipe.map { String($0.run) } ?? "")
        droplets.field(droplet.condition)
        droplets.field(droplet.attempt)
        droplets.field(droplet.index)
        addRecipe(recipe?.values, to: &droplets)
        droplets.field(wall.iso8601)
        droplets.field((droplet.leftAt - droplet.enteredAt).seconds)
        droplets.field(droplet.plateau)
        droplets.field(droplet.loss)
        droplets.field(droplet.maximumAbsorbance)
        if withSpectra, let points {
            for index in 0..<points {
                droplets.field(
                    index < droplet.absorbance.count ? droplet.absorbance[index] : Float.nan)
            }
        }
        droplets.endLine()
    }

    /// Whose recipe it is: the decision of its run says so.
    private func proposer(of end: ConditionRecord) -> String {
        guard let decision = decisions[end.run], let recipe = recipes[end.condition],
            let place = decision.recipes.firstIndex(of: recipe.values),
            place < decision.proposers.count
        else { return "" }
        return decision.proposers[place]
    }

    private mutating func headConditions(_ count: Int) {
        columns = count
        conditions.head(["run", "condition", "attempt", "proposer"])
        conditions.head(meaning.names(for: count))
        conditions.head(
            ["outcome", "droplets", "median_loss", "began", "ended", "reason"])
        conditions.endLine()
    }

    private mutating func headDroplets(_ count: Int) {
        points = count
        droplets.head(["run", "condition", "attempt", "droplet"])
        droplets.head(meaning.names(for: columns ?? 0))
        droplets.head(["time", "passage_s", "spectra", "loss", "maximum_absorbance"])
        if withSpectra {
            droplets.head(
                (0..<count).map { index in
                    meaning.knowsWavelengths
                        ? "A" + meaning.name(ofPoint: index) : "point\(index + 1)"
                })
        }
        droplets.endLine()
    }

    private func addRecipe(_ values: [Double]?, to text: inout CSVText) {
        for index in 0..<(columns ?? 0) {
            text.field(values.flatMap { index < $0.count ? $0[index] : nil })
        }
    }
}
