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
        let units = candidates(near: best, &generator)
        var scores = scores(units)
        let penalization = LocalPenalization(
            model: model, region: space.region, scales: model.parameters.lengthScales,
            minimum: improvement.best, probes: units, climbs: effort.climbs)
        let seen = PenaltyField(points: units, scales: penalization.scales)
        var balls = PenaltyField(capacity: count, scales: penalization.scales)
        let probe = GaussianProbe(model)
        var recipes: [[Double]] = []
        for _ in 0..<count {
            let found = climb(from: units, scores, probe, balls)
            let recipe = firstNew(found, then: units, scores, besides: recipes)
            recipes.append(recipe)
            // The rounded recipe is the one that will be made.
            var center = space.unit(recipe)
            space.region.project(&center)
            let ball = penalization.ball(around: center, probe.predict(center))
            balls.append(ball)
            seen.add(ball, to: &scores)
        }
        return Batch(recipes: recipes, slope: penalization.slope)
    }

    /// Uniform points of the region, and points near the best observations.
    private func candidates(
        near best: [[Double]], _ generator: inout SeededGenerator
    ) -> [[Double]] {
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
        return units
    }

    /// The logarithm of expected improvement at every one of `units`.
    private func scores(_ units: [[Double]]) -> [Double] {
        let (means, variances) = model.predict(points: units.flatMap { $0 })
        return means.indices.map {
            improvement.logarithm(
                GaussianPrediction(mean: means[$0], variance: variances[$0]))
        }
    }

    /// Follows the best candidates uphill; the results, best first. `scores` are the logarithms
    /// of expected improvement and of all penalties so far.
    private func climb(
        from units: [[Double]], _ scores: [Double], _ probe: GaussianProbe, _ balls: PenaltyField
    ) -> [[Double]] {
        var method = ProjectedGradient()
        method.iterationLimit = effort.steps
        method.tolerance = 1e-4
        method.leastGain = 1e-5
        let starts = scores.indices.largest(max(1, effort.climbs)) { scores[$0] }
        let ends = starts.map { index in
            method.minimize(from: units[index], over: space.region) { unit, gradient in
                unit.withUnsafeBufferPointer { point in
                    if let point = point.baseAddress { probe.look(at: point, .gradients) }
                }
                var score = improvement.logarithm(of: probe, gradient: &gradient)
                score += balls.logFactor(at: unit, addingTo: &gradient)
                for index in gradient.indices { gradient[index] = -gradient[index] }
                return -score
            }
        }
        let ranked = ends.indices.sorted { (ends[$0].value, $0) < (ends[$1].value, $1) }
        return ranked.map { ends[$0].point }
    }

    /// The first recipe of `found`, then of the candidates by score, that is not among `taken`.
    private func firstNew(
        _ found: [[Double]], then units: [[Double]], _ scores: [Double],
        besides taken: [[Double]]
    ) -> [Double] {
        for unit in found {
            let recipe = space.recipe(unit)
            if !taken.contains(recipe) { return recipe }
        }
        for index in scores.indices.largest(scores.count, by: { scores[$0] }) {
            let recipe = space.recipe(units[index])
            if !taken.contains(recipe) { return recipe }
        }
        // A space with fewer recipes than the batch: repeating the best one is all that is left.
        return space.recipe(found.first ?? space.region.lower)
    }
}

extension Range<Int> {
    /// The `count` indices with the largest values, largest first; equal ones in their order.
    func largest(_ count: Int, by value: (Int) -> Double) -> [Int] {
        guard count < 16 else {
            return Array(sorted { (value($1), $0) < (value($0), $1) }.prefix(count))
        }
        var best: [Int] = []
        for index in self {
            let here = value(index)
            if best.count == count {
                guard let last = best.last, here > value(last) else { continue }
                best.removeLast()
            }
            let place = best.firstIndex { value($0) < here } ?? best.endIndex
            best.insert(index, at: place)
        }
        return best
    }
}
