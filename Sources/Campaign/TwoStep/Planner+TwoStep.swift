import Configuration
import Numerics
import Surrogates

/// The second step beside the first.
///
/// `Decision.model` additionally holds, where a network was trained: `network.stability`
/// (`NetworkStep.stability`) and `network.error`, and `network.predictedLoss.<n>` of the n-th
/// recipe where that is the network's.
extension Planner {
    /// Names of what `Campaign` looks at to stop.
    static let stabilityName = "network.stability"
    static let errorName = "network.error"

    /// Recipes of a batch that are the network's once both propose.
    var networkCount: Int {
        guard settings.batch > 1 else { return 0 }
        let wanted = Int((settings.networkShare * Double(settings.batch)).rounded())
        return min(max(wanted, 1), settings.batch - 1)
    }

    /// The network's part in planning this run; nil where the method has none, or there is too
    /// little to learn from. It is trained before it may propose as well: it then tells how far
    /// it can be trusted, and what is to be seen of the recipes others propose.
    func networkStep(
        _ request: PlanRequest, _ history: [Observation], _ space: RecipeSpace
    ) throws(PlannerError) -> NetworkStep? {
        guard settings.method == .twoStep, let loss else { return nil }
        let evidence = NetworkEvidence(history, loss: loss)
        guard evidence.count >= NetworkStep.leastConditions else { return nil }
        let lastRun = evidence.observations.reduce(0) { max($0, $1.run) }
        let seed = SeededGenerator(seed: settings.seed).split("network", request.run)
        do throws(TrainingError) {
            return try NetworkStep(
                evidence, lastRun: lastRun, space: space, loss: loss, training: training,
                seed: seed)
        } catch {
            throw .network(error)
        }
    }

    /// Whether `step` proposes in `run`: from the run set, or earlier where stability or
    /// accuracy were asked for and are there.
    func takesPart(_ step: NetworkStep, in run: Int) -> Bool {
        guard networkCount > 0 else { return false }
        if run >= settings.handOverRun { return true }
        let asksStability = settings.handOverStability < 1
        let asksError = settings.handOverError > 0
        guard asksStability || asksError else { return false }
        let isStable = (step.stability ?? -1) >= settings.handOverStability
        let isAccurate = (step.error ?? .infinity) <= settings.handOverError
        return (!asksStability || isStable) && (!asksError || isAccurate)
    }

    /// Adds the `count` recipes of `step` to `decision`.
    func append(
        _ count: Int, of step: NetworkStep, _ space: RecipeSpace, _ history: [Observation],
        to decision: inout Decision
    ) {
        let root = SeededGenerator(seed: settings.seed)
        var generator = root.split("network-batch", decision.run)
        let order = history.indices.sorted {
            (history[$0].loss, $0) < (history[$1].loss, $1)
        }
        let found = step.within(space).propose(
            count, made: order.map { space.unit(history[$0].recipe) },
            besides: decision.recipes + history.map(\.recipe), using: &generator)
        for (recipe, loss) in zip(found.recipes, found.losses) {
            decision.recipes.append(recipe)
            decision.proposers.append(.network)
            decision.model.append(
                ModelValue(name: "network.predictedLoss.\(decision.recipes.count)", value: loss))
        }
        decision.method = .twoStep
    }
}

extension NetworkStep {
    /// What a decision says about it.
    var notes: [ModelValue] {
        var notes: [ModelValue] = []
        if let stability {
            notes.append(ModelValue(name: Planner.stabilityName, value: stability))
        }
        if let error { notes.append(ModelValue(name: Planner.errorName, value: error)) }
        return notes
    }
}
