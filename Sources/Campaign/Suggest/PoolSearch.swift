import Configuration
import Numerics
import Surrogates

/// Chooses a batch among given recipes by expected improvement: one after the other, each as if
/// those before it had come out as the model expects (the kriging believer of Ginsbourger, Le
/// Riche and Carraro, 2010). Believing the mean leaves all means as they are and takes away
/// variance around the chosen one, so that only variances have to be kept up to date: one row
/// more of the Cholesky factor per recipe chosen, and no model is fitted again.
struct PoolSearch {
    let space: RecipeSpace
    let check: RecipeCheck
    let settings: CampaignSettings
    var fit = MaternFit()

    /// Candidates kept for the sequential choice, the most promising ones by themselves.
    private static let shortlist = 2_000

    /// What is known of one candidate.
    private struct State {
        var index: Int
        var unit: [Double]
        var mean: Double
        var variance: Double
        /// L⁻¹ k, lengthened by one number per recipe chosen.
        var explained: [Double]
    }

    func choose(
        from pool: RecipePool, _ history: [Observation]
    ) throws(PlannerError) -> PoolChoice {
        var fitting = SeededGenerator(seed: settings.seed).split("hyperparameters", 2)
        let losses = Standardization(of: history.map(\.loss))
        let units = history.map { space.unit($0.recipe) }
        let targets = history.map { losses.standardized($0.loss) }
        let model: GaussianProcess
        do throws(GaussianProcessError) {
            model = try fit.fit(inputs: units, targets: targets, using: &fitting)
        } catch { throw .surrogate(error) }
        // What was made and may be made again is what a row has to beat.
        let possible = history.indices.filter { (try? check.check(history[$0].recipe)) != nil }
        let made = possible.isEmpty ? Array(history.indices) : possible
        let best = made.reduce(Double.infinity) { min($0, model.mean(units[$1])) }
        var improvement = ExpectedImprovement(best: best, margin: settings.explorationJitter)
        var states = try shortlist(pool, model, improvement, units)
        var items: [PoolChoice.Item] = []
        while items.count < settings.batch, let place = Self.best(states, improvement) {
            let chosen = states.remove(at: place)
            let prediction = GaussianPrediction(mean: chosen.mean, variance: chosen.variance)
            items.append(
                PoolChoice.Item(
                    row: pool.candidates[chosen.index].row,
                    recipe: pool.candidates[chosen.index].recipe,
                    predictedLoss: losses.restored(chosen.mean),
                    expectedImprovement: improvement.value(prediction) * losses.scale))
            improvement.best = min(improvement.best, chosen.mean)
            Self.believe(chosen, model.parameters, &states)
        }
        return PoolChoice(items: items, bestPredicted: losses.restored(best))
    }

    /// The most promising candidates with all that the sequential choice needs, in the order of
    /// the pool.
    private func shortlist(
        _ pool: RecipePool, _ model: GaussianProcess, _ improvement: ExpectedImprovement,
        _ inputs: [[Double]]
    ) throws(PlannerError) -> [State] {
        var chosen = Array(pool.candidates.indices)
        if chosen.count > Self.shortlist {
            let scores = pool.candidates.map {
                improvement.logarithm(model.predict(space.unit($0.recipe)))
            }
            chosen.sort { (scores[$1], $0) < (scores[$0], $1) }
            chosen = chosen.prefix(max(Self.shortlist, settings.batch)).sorted()
        }
        let parameters = model.parameters
        var covariance = Matrix(rows: inputs.count, columns: inputs.count)
        for row in inputs.indices {
            for column in 0...row {
                covariance[row, column] = Self.covariance(inputs[row], inputs[column], parameters)
            }
            covariance[row, row] += parameters.noiseVariance
        }
        let factor: Cholesky
        do throws(Cholesky.Failure) { factor = try Cholesky(covariance) } catch {
            throw .surrogate(.notFactorable(error))
        }
        return chosen.map { index in
            let unit = space.unit(pool.candidates[index].recipe)
            var explained = inputs.map { Self.covariance($0, unit, parameters) }
            factor.solveLower(&explained)
            let left = explained.reduce(parameters.signalVariance) { $0 - $1 * $1 }
            return State(
                index: index, unit: unit, mean: model.mean(unit),
                variance: Self.positive(left, parameters), explained: explained)
        }
    }

    /// Where the largest expected improvement is, the first of equals; nil when none is left.
    private static func best(_ states: [State], _ improvement: ExpectedImprovement) -> Int? {
        var found: Int?
        var largest = -Double.infinity
        for (place, state) in states.enumerated() {
            let score = improvement.logarithm(
                GaussianPrediction(mean: state.mean, variance: state.variance))
            if found == nil || score > largest {
                found = place
                largest = score
            }
        }
        return found
    }

    /// Takes away what observing `chosen` would explain.
    private static func believe(
        _ chosen: State, _ parameters: MaternParameters, _ states: inout [State]
    ) {
        let deviation = (chosen.variance + parameters.noiseVariance).squareRoot()
        for place in states.indices {
            var shared = covariance(states[place].unit, chosen.unit, parameters)
            for (a, b) in zip(states[place].explained, chosen.explained) { shared -= a * b }
            let pull = shared / deviation
            states[place].explained.append(pull)
            states[place].variance = positive(states[place].variance - pull * pull, parameters)
        }
    }

    /// Rounding must not make a variance negative, and its root is divided by.
    private static func positive(_ variance: Double, _ parameters: MaternParameters) -> Double {
        max(variance, 1e-12 * parameters.signalVariance)
    }

    private static func covariance(
        _ a: [Double], _ b: [Double], _ parameters: MaternParameters
    ) -> Double {
        var square = 0.0
        for index in a.indices {
            let difference = (a[index] - b[index]) / parameters.lengthScales[index]
            square += difference * difference
        }
        return parameters.signalVariance * Matern.value(squaredDistance: square).covariance
    }

    /// The candidate nearest to every one of `points` (of the unit box), none twice.
    static func nearest(to points: [[Double]], in pool: RecipePool, _ space: RecipeSpace)
        -> PoolChoice
    {
        var left = pool.candidates.indices.map { ($0, space.unit(pool.candidates[$0].recipe)) }
        var items: [PoolChoice.Item] = []
        for point in points {
            var nearest: (place: Int, square: Double)?
            for (place, (_, unit)) in left.enumerated() {
                var square = 0.0
                for (a, b) in zip(unit, point) { square += (a - b) * (a - b) }
                if square < nearest?.square ?? .infinity { nearest = (place, square) }
            }
            guard let nearest else { break }
            let candidate = pool.candidates[left.remove(at: nearest.place).0]
            items.append(PoolChoice.Item(row: candidate.row, recipe: candidate.recipe))
        }
        return PoolChoice(items: items)
    }
}
