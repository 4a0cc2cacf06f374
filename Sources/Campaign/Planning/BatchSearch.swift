import Numerics
import Surrogates

/// Chooses the recipes of one batch: one after the other, each where the logarithm of expected
/// improvement plus that of all penalties so far is largest.
struct BatchSearch: Sendable {
    /// How much is spent on one batch.
    struct Effort: Equatable, Sendable {
        /// Uniform points of the capped box that are looked at.
        var candidates = 600
        /// Points near each of the best observations that are looked at as well.
        var neighbours = 20
        /// Best observations that get neighbours.
        var anchors = 5
        /// Best candidates followed uphill, per recipe.
        var climbs = 3
        /// Steps of one climb.
        var steps = 30
    }

    let model: GaussianProcess
    let space: RecipeSpace
    let improvement: ExpectedImprovement
    var effort = Effort()

    /// Neighbours of an observation lie about this far from it in the unit box.
    private static let neighbourhood = 0.08

    /// A point that was looked at.
    private struct Candidate {
        var unit: [Double]
        /// Logarithm of expected improvement and of all penalties so far.
        var score: Double
    }

    /// What a search found.
    struct Batch: Equatable, Sendable {
        var recipes: [[Double]]
        /// The slope the penalties used.
        var slope: Double
    }

    /// `count` recipes, no two alike as long as the space has that many. `best` are points of
    /// the unit box with the smallest losses so far, best first.
    func batch(_ count: Int, near best: [[Double]], using generator: inout SeededGenerator) -> Batch
    {
        var candidates = candidates(near: best, &generator)
        let penalization = LocalPenalization(
            model: model, region: space.region, scales: model.parameters.lengthScales,
            minimum: improvement.best, probes: candidates.map(\.unit), climbs: effort.climbs)
        var balls: [LocalPenalization.Ball] = []
        var recipes: [[Double]] = []
        var nothing: [Double] = []
        for _ in 0..<count {
            let found = climb(from: candidates, penalization, balls)
            let recipe = firstNew(found, then: candidates, besides: recipes)
            recipes.append(recipe)
            // The rounded recipe is the one that will be made.
            var center = space.unit(recipe)
            space.region.project(&center)
            let ball = penalization.ball(around: center, model.predict(center))
            balls.append(ball)
            for index in candidates.indices {
                candidates[index].score += penalization.logFactor(
                    ball, at: candidates[index].unit, addingTo: &nothing)
            }
        }
        return Batch(recipes: recipes, slope: penalization.slope)
    }

    private func candidates(
        near best: [[Double]], _ generator: inout SeededGenerator
    ) -> [Candidate] {
        var units = space.region.uniformPoints(max(1, effort.candidates), using: &generator)
        for anchor in best.prefix(effort.anchors) {
            var inside = anchor
            space.region.project(&inside)
            units.append(inside)
            for _ in 0..<effort.neighbours {
                var unit = anchor
                for index in unit.indices { unit[index] += Self.neighbourhood * generator.normal() }
                space.region.project(&unit)
                units.append(unit)
            }
        }
        return units.map {
            Candidate(unit: $0, score: improvement.logarithm(model.predict($0)))
        }
    }

    /// Follows the best candidates uphill; the results, best first.
    private func climb(
        from candidates: [Candidate], _ penalization: LocalPenalization,
        _ balls: [LocalPenalization.Ball]
    ) -> [[Double]] {
        var method = ProjectedGradient()
        method.iterationLimit = effort.steps
        method.tolerance = 1e-4
        method.leastGain = 1e-5
        let order = candidates.indices.sorted {
            (candidates[$1].score, $0) < (candidates[$0].score, $1)
        }
        let ends = order.prefix(max(1, effort.climbs)).map { index in
            method.minimize(from: candidates[index].unit, over: space.region) { unit, gradient in
                let prediction = model.predict(unit, gradients: true)
                var score = improvement.logarithm(prediction)
                gradient = improvement.logarithmGradient(prediction)
                for ball in balls {
                    score += penalization.logFactor(ball, at: unit, addingTo: &gradient)
                }
                for index in gradient.indices { gradient[index] = -gradient[index] }
                return -score
            }
        }
        let ranked = ends.indices.sorted { (ends[$0].value, $0) < (ends[$1].value, $1) }
        return ranked.map { ends[$0].point }
    }

    /// The first recipe of `found`, then of `candidates` by score, that is not among `taken`.
    private func firstNew(
        _ found: [[Double]], then candidates: [Candidate], besides taken: [[Double]]
    ) -> [Double] {
        for unit in found {
            let recipe = space.recipe(unit)
            if !taken.contains(recipe) { return recipe }
        }
        let order = candidates.indices.sorted {
            (candidates[$1].score, $0) < (candidates[$0].score, $1)
        }
        for index in order {
            let recipe = space.recipe(candidates[index].unit)
            if !taken.contains(recipe) { return recipe }
        }
        // A space with fewer recipes than the batch: repeating the best one is all that is left.
        return space.recipe(found.first ?? space.region.lower)
    }
}
