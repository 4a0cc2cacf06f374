import Glibc
import Numerics

/// Chooses the recipes of one batch one after the other, each where the joint improvement grows
/// most: among many points of the box first, then by ever smaller random steps from the best.
struct SpectralSearch: Sendable {
    /// How much is spent on one batch.
    struct Effort: Equatable, Sendable {
        /// Joint samples.
        var samples = 64
        /// Points of the capped box that are looked at, half of them uniform, half denser at the
        /// low ends.
        var candidates = 1_000
        /// Best observations that get neighbours.
        var anchors = 6
        /// Points near each of them.
        var neighbours = 40
        /// Best candidates refined, per recipe.
        var climbers = 4
        /// Rounds of refinement.
        var rounds = 6
        /// Steps tried from each of them, per round.
        var trials = 12
    }

    let model: SpectralModel
    var effort = Effort()

    /// Log offset of the candidates that are denser at the low ends.
    private static let lowEnds = BentBox(offset: 0.02)
    /// First step of a refinement, and what each round's is of the one before.
    private static let firstStep = 0.1
    private static let stepShrinkage = 0.4
    /// Share of the coordinates that one step moves: on a bound, the others must be able to go
    /// on alone.
    private static let movedShare = 0.6

    /// What a search found.
    struct Batch: Equatable, Sendable {
        var recipes: [[Double]]
        /// Improvement each recipe promised when it was chosen.
        var gains: [Double]
        /// Predicted loss of each.
        var predictions: [Double]
        /// Least predicted loss of the recipes that were made.
        var best: Double
    }

    /// `count` recipes; nil when the model has no factor.
    func batch(_ count: Int, using generator: inout SeededGenerator) -> Batch? {
        let made = model.inputs.map { model.predictedLoss($0) }
        let order = made.indices.sorted { (made[$0], $0) < (made[$1], $1) }
        guard let first = order.first else { return nil }
        guard
            var improvement = JointImprovement(
                model, best: made[first], fantasies: count, samples: effort.samples,
                using: &generator)
        else { return nil }
        let anchors = order.prefix(effort.anchors).map {
            model.space.unit(model.evidence.recipes[$0])
        }
        var candidates = starts(near: anchors, &generator).map { improvement.candidate($0) }
        var batch = Batch(recipes: [], gains: [], predictions: [], best: made[first])
        for step in 0..<count {
            let found = refine(candidates, improvement, &generator)
            let recipe = firstNew(found, then: candidates, batch.recipes)
            // The rounded recipe is the one that will be made.
            var unit = model.space.unit(recipe)
            model.space.region.project(&unit)
            let choice = improvement.candidate(unit)
            improvement.choose(choice)
            batch.recipes.append(recipe)
            batch.gains.append(max(0, choice.value))
            batch.predictions.append(model.predictedLoss(model.bend.bent(unit)))
            guard step + 1 < count else { break }
            for index in candidates.indices {
                improvement.refresh(&candidates[index], since: step)
            }
            candidates += found.prefix(effort.climbers).map { improvement.candidate($0.unit) }
        }
        return batch
    }

    private func starts(
        near anchors: [[Double]], _ generator: inout SeededGenerator
    ) -> [[Double]] {
        let region = model.space.region
        let half = max(1, effort.candidates / 2)
        var units = region.uniformPoints(half, using: &generator)
        units += region.uniformPoints(half, using: &generator).map(Self.lowEnds.straight)
        for anchor in anchors {
            for _ in 0..<effort.neighbours {
                let step = exp(generator.uniform(log(0.003), log(0.2)))
                var unit = anchor
                for index in unit.indices { unit[index] += step * generator.normal() }
                region.project(&unit)
                units.append(unit)
            }
        }
        return units
    }

    /// The best few of what random steps from the best of `candidates` lead to, best first.
    private func refine(
        _ candidates: [JointImprovement.Candidate], _ improvement: JointImprovement,
        _ generator: inout SeededGenerator
    ) -> [JointImprovement.Candidate] {
        var top = Self.best(of: candidates, effort.climbers)
        var step = Self.firstStep
        for _ in 0..<effort.rounds {
            var next = top
            for candidate in top {
                for _ in 0..<effort.trials {
                    var unit = candidate.unit
                    for index in unit.indices where generator.uniform() < Self.movedShare {
                        unit[index] += step * generator.normal()
                    }
                    model.space.region.project(&unit)
                    next.append(improvement.candidate(unit))
                }
            }
            top = Self.best(of: next, effort.climbers)
            step *= Self.stepShrinkage
        }
        return top
    }

    /// The `count` best of `candidates`, best first; equals in the order they have.
    private static func best(
        of candidates: [JointImprovement.Candidate], _ count: Int
    ) -> [JointImprovement.Candidate] {
        let order = candidates.indices.sorted {
            (candidates[$1].value, $0) < (candidates[$0].value, $1)
        }
        return order.prefix(max(1, count)).map { candidates[$0] }
    }

    /// The first recipe of `found`, then of `candidates` by value, that is not among `taken`.
    private func firstNew(
        _ found: [JointImprovement.Candidate], then candidates: [JointImprovement.Candidate],
        _ taken: [[Double]]
    ) -> [Double] {
        for candidate in found {
            let recipe = model.space.recipe(candidate.unit)
            if !taken.contains(recipe) { return recipe }
        }
        for candidate in Self.best(of: candidates, candidates.count) {
            let recipe = model.space.recipe(candidate.unit)
            if !taken.contains(recipe) { return recipe }
        }
        // A space with fewer recipes than the batch: repeating the best one is all that is left.
        return model.space.recipe(found.first?.unit ?? model.space.region.lower)
    }
}
