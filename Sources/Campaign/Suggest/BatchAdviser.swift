import Configuration
import Numerics
import Surrogates

/// Plans one batch from a table instead of a campaign: recipes made anywhere, any number of
/// variables, losses of any sign and scale. The same history, settings and seed give the same
/// batch, whatever the order of the rows.
///
/// Recipes stay within the `bounds` of the variables, or within their `limits` where those are
/// asked for; bounds never widen by themselves, because a table does not tell which ones were in
/// force. History from beyond them counts all the same.
public struct BatchAdviser: Sendable {
    /// Where recipes may lie.
    public enum Room: Sendable {
        /// Within the first bounds.
        case bounds
        /// Within the limits.
        case limits
    }

    let settings: Settings
    let bounds: RecipeBounds

    /// Rows of the history at least.
    public static let leastHistory = 2
    /// A recipe farther than this many ranges outside the bounds counts as this far: nothing
    /// inside is learned from either, and squares stay finite.
    private static let farthest = 1e3
    /// The run that a history leads to: the planner's first is a design without a model.
    private static let run = 2

    /// Plans `batch` recipes for the variables of `settings`.
    public init(settings: Settings, batch: Int, seed: UInt64, room: Room = .bounds) {
        var settings = settings
        settings.campaign.batch = batch
        settings.campaign.seed = seed
        settings.campaign.runs = 1
        settings.campaign.widensBounds = false
        if room == .limits {
            for index in settings.variables.indices {
                let variable = settings.variables[index]
                settings.variables[index].low = min(variable.low, variable.lowLimit)
                settings.variables[index].high = max(variable.high, variable.highLimit)
            }
        }
        self.settings = settings
        bounds = RecipeBounds(of: settings.variables)
    }

    /// A Latin hypercube, for want of a history. Throws what makes planning impossible.
    public func design() throws(PlannerError) -> Decision {
        try Planner(settings: settings).decide(PlanRequest(run: 1, history: [], bounds: bounds))
    }

    /// The batch that follows from `history`, whose losses must be known. Throws what makes
    /// planning impossible.
    public func advise(_ history: HistoryTable) throws(PlannerError) -> Decision {
        let (settings, observations) = prepared(history)
        var planner = try Planner(settings: settings)
        planner.acceptsAnyHistory = true
        return try planner.decide(
            PlanRequest(run: Self.run, history: observations, bounds: bounds))
    }

    /// Rows of `pool`, best first, and what a model says about them. Throws what makes planning
    /// impossible. Without a history the rows are those nearest to a Latin hypercube.
    public func choose(
        from pool: RecipePool, _ history: HistoryTable?
    ) throws(PlannerError) -> PoolChoice {
        guard let history else {
            let space = try Planner(settings: settings).space(bounds)
            var generator = SeededGenerator(seed: settings.campaign.seed).split("pool")
            let wanted = min(settings.campaign.batch, pool.candidates.count)
            let points = LatinHypercube().points(wanted, in: space.region, using: &generator)
            return PoolSearch.nearest(to: points, in: pool, space)
        }
        let (settings, observations) = prepared(history)
        let space = try Planner(settings: settings).space(bounds)
        let check = RecipeCheck(variables: self.settings.variables, recipe: settings.recipe)
        return try PoolSearch(space: space, check: check, settings: settings.campaign)
            .choose(from: pool, observations)
    }

    /// Settings whose limits embrace the history, and the history as the planner takes it.
    private func prepared(_ history: HistoryTable) -> (Settings, [Observation]) {
        var settings = settings
        var observations = history.sorted
        for index in settings.variables.indices {
            let (low, high) = (bounds.lows[index], bounds.highs[index])
            let reach = Self.farthest * (high > low ? high - low : max(1, abs(low)))
            for row in observations.indices {
                let value = min(max(observations[row].recipe[index], low - reach), high + reach)
                observations[row].recipe[index] = value
                let variable = settings.variables[index]
                settings.variables[index].lowLimit = min(variable.lowLimit, variable.low, value)
                settings.variables[index].highLimit = max(variable.highLimit, variable.high, value)
            }
        }
        return (settings, observations)
    }
}
