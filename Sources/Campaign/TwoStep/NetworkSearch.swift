import Numerics
import Surrogates

extension NetworkStep {
    /// Points of the box that are looked at.
    private static let candidates = 3_000
    /// Best recipes made so far that are looked around.
    private static let anchors = 4
    /// Points looked at around each of them.
    private static let neighbours = 60
    /// Rounds of refinement, steps tried in each, and what each round's are of those before.
    private static let rounds = 8
    private static let trials = 24
    private static let shrinkage = 0.5
    /// Recipes of one batch lie at least this far apart in the unit box, so that the kink where
    /// droplets absorb just enough is met from both sides.
    private static let distance = 0.06

    /// A point of the unit box with the loss the network predicts.
    private struct Place {
        var unit: [Double]
        var loss: Double
    }

    /// The `count` recipes with the least predicted losses, a little apart from each other and
    /// not among `taken`; `made` are the units of the recipes so far, best first.
    func propose(
        _ count: Int, made: [[Double]], besides taken: [[Double]],
        using generator: inout SeededGenerator
    ) -> (recipes: [[Double]], losses: [Double]) {
        var units = space.region.uniformPoints(Self.candidates, using: &generator)
        for anchor in made.prefix(Self.anchors) {
            for _ in 0..<Self.neighbours { units.append(step(from: anchor, 0.1, &generator)) }
        }
        let pool = places(units).sorted { $0.loss < $1.loss }
        var chosen: [Place] = []
        var recipes: [[Double]] = []
        var reach = Self.distance
        // Where the box is too small for that many recipes so far apart, they come closer.
        while recipes.count < count, reach > 1e-6 {
            for start in pool where recipes.count < count {
                guard Self.isApart(start.unit, from: chosen, by: reach) else { continue }
                let end = refined(start, apart: reach, from: chosen, &generator)
                let recipe = space.recipe(end.unit)
                guard !recipes.contains(recipe), !taken.contains(recipe) else { continue }
                chosen.append(end)
                recipes.append(recipe)
            }
            reach *= 0.25
        }
        while recipes.count < count { recipes.append(space.recipe(pool[0].unit)) }
        return (recipes, NetworkStep.losses(network, recipes, lossFunction))
    }

    private func places(_ units: [[Double]]) -> [Place] {
        let losses = NetworkStep.losses(network, units.map(space.recipeExact), lossFunction)
        return zip(units, losses).map { Place(unit: $0, loss: $1) }
    }

    private func refined(
        _ start: Place, apart reach: Double, from chosen: [Place],
        _ generator: inout SeededGenerator
    ) -> Place {
        var best = start
        var size = Self.distance
        for _ in 0..<Self.rounds {
            let units = (0..<Self.trials).map { _ in step(from: best.unit, size, &generator) }
            for place in places(units.filter { Self.isApart($0, from: chosen, by: reach) })
            where place.loss < best.loss {
                best = place
            }
            size *= Self.shrinkage
        }
        return best
    }

    private func step(
        from unit: [Double], _ size: Double, _ generator: inout SeededGenerator
    ) -> [Double] {
        var result = unit
        for index in result.indices { result[index] += size * generator.normal() }
        space.region.project(&result)
        return result
    }

    private static func isApart(_ unit: [Double], from chosen: [Place], by reach: Double) -> Bool {
        chosen.allSatisfy { other in
            var square = 0.0
            for (a, b) in zip(unit, other.unit) { square += (a - b) * (a - b) }
            return square >= reach * reach
        }
    }
}
