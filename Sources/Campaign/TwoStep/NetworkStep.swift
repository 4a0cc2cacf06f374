import Glibc
import Numerics
import Spectra
import Surrogates

/// The second step of the two-step method: a network learns spectra from recipes, and recipes
/// are proposed where the loss of its prediction is least.
///
/// Two trainings every time: one on all conditions before the last run, and one on all, begun
/// from the first. So the second is warm-started by what was known a run ago, the first tells how
/// well the last run's fresh conditions were foreseen, both together how far the regression has
/// settled, and nothing but the history and the seed is needed to do it again.
struct NetworkStep: Sendable {
    /// Trained on everything.
    let network: DenseNetwork
    /// Mean cosine of both networks' predictions over a fixed set of recipes; nil without an
    /// earlier network.
    let stability: Double?
    /// Mean distance of the loss the earlier network foresaw and the loss measured, over the
    /// last run's conditions; nil without an earlier network.
    let error: Double?
    /// How far a droplet usually is from the network's forecast, |A − forecast| / |forecast|:
    /// the median of the earlier network's over the last run's conditions, and what droplets of
    /// one condition scatter by themselves; nil without an earlier network.
    let spread: Double?

    private(set) var space: RecipeSpace
    let lossFunction: Loss

    /// How a network is trained within a campaign.
    static var training: TrainingSettings {
        var settings = TrainingSettings()
        settings.hidden = [64, 128]
        settings.epochs = 300
        return settings
    }
    /// Recipes predicted at once.
    private static let portion = 128
    /// Recipes whose predictions are compared.
    private static let comparedRecipes = 256
    /// What droplets of one condition scatter about their median in amplitude, as published.
    private static let dropletScatter = 0.05
    /// A network usually this far off is no guide to what droplets should look like.
    static let worthlessSpread = 0.5
    /// Fewest conditions a network is trained on.
    static let leastConditions = 10

    /// Learns from `evidence`, whose last run is `lastRun`.
    init(
        _ evidence: NetworkEvidence, lastRun: Int, space: RecipeSpace, loss: Loss,
        training: TrainingSettings, seed: SeededGenerator
    ) throws(TrainingError) {
        self.space = space
        lossFunction = loss
        var settings = training
        var seeds = seed.split("weights")
        settings.seed = seeds.next()
        let earlier = evidence.observations.filter { $0.run < lastRun }
        var before: DenseNetwork?
        if earlier.count >= Self.leastConditions {
            before = try NetworkTrainer(
                try evidence.trainingSet(upTo: lastRun - 1), settings: settings
            ).train().network
        }
        network = try NetworkTrainer(
            try evidence.trainingSet(), settings: settings, warmStart: before
        ).train().network
        guard let before else {
            stability = nil
            error = nil
            spread = nil
            return
        }
        var draws = seed.split("compared recipes")
        let units = space.region.uniformPoints(Self.comparedRecipes, using: &draws)
        stability = Self.similarity(before, network, units.map(space.recipeExact))
        let fresh = evidence.observations.filter { $0.run >= lastRun }
        var sum = 0.0
        for observation in fresh {
            let foreseen = Self.losses(before, [observation.recipe], loss)[0]
            sum += abs(foreseen - observation.loss)
        }
        error = fresh.isEmpty ? nil : sum / Double(fresh.count)
        let distances = fresh.map { Self.distance(of: $0.spectrum, from: before, $0.recipe) }
        spread = median(of: distances.filter(\.isFinite)).map {
            ($0 * $0 + Self.dropletScatter * Self.dropletScatter).squareRoot()
        }
    }

    /// |A − forecast| / |forecast| where A is valid; not a number where that is nowhere.
    private static func distance(
        of spectrum: [Float], from network: DenseNetwork, _ recipe: [Double]
    ) -> Double {
        let forecast = network.predict(recipe)
        guard forecast.count == spectrum.count else { return .nan }
        var difference = 0.0
        var size = 0.0
        for (measured, foreseen) in zip(spectrum, forecast) where measured.isFinite {
            difference += (Double(measured) - foreseen) * (Double(measured) - foreseen)
            size += foreseen * foreseen
        }
        return (difference / size).squareRoot()
    }

    /// What is to be seen of `recipes` on the loss grid.
    func forecasts(_ recipes: [[Double]]) -> [[Float]] {
        recipes.map { network.predict($0.map { Float($0) }) }
    }

    /// The same within other bounds.
    func within(_ space: RecipeSpace) -> NetworkStep {
        var result = self
        result.space = space
        return result
    }

    /// Mean cosine between two networks' predictions for `recipes`.
    private static func similarity(
        _ a: DenseNetwork, _ b: DenseNetwork, _ recipes: [[Double]]
    ) -> Double {
        let rows = recipes.flatMap { $0.map { Float($0) } }
        guard let left = try? a.predict(rows: rows), let right = try? b.predict(rows: rows),
            !recipes.isEmpty
        else { return 0 }
        let width = a.outputCount
        var sum = 0.0
        for row in recipes.indices {
            var product = 0.0
            var leftSquare = 0.0
            var rightSquare = 0.0
            for index in (row * width)..<((row + 1) * width) {
                product += Double(left[index]) * Double(right[index])
                leftSquare += Double(left[index]) * Double(left[index])
                rightSquare += Double(right[index]) * Double(right[index])
            }
            let scale = (leftSquare * rightSquare).squareRoot()
            sum += scale > 0 ? product / scale : 0
        }
        return sum / Double(recipes.count)
    }

    /// The losses a network predicts; 1, as for a droplet without any likeness, where a
    /// prediction has no shape.
    static func losses(_ network: DenseNetwork, _ recipes: [[Double]], _ loss: Loss) -> [Double] {
        let width = network.outputCount
        var losses: [Double] = []
        losses.reserveCapacity(recipes.count)
        // In portions: thousands of spectra at once would be most of the program's memory.
        for start in stride(from: 0, to: recipes.count, by: Self.portion) {
            let part = recipes[start..<min(start + Self.portion, recipes.count)]
            let rows = part.flatMap { $0.map { Float($0) } }
            guard let spectra = try? network.predict(rows: rows) else {
                losses += [Double](repeating: 1, count: part.count)
                continue
            }
            for row in 0..<part.count {
                let spectrum = spectra[(row * width)..<((row + 1) * width)].map(Double.init)
                losses.append((try? loss.of(spectrum)) ?? 1)
            }
        }
        return losses
    }
}
