import Configuration
import Numerics
import Spectra
import Surrogates

/// Decides which recipes a run makes. A value without state: the same settings and request give
/// the same decision, bit for bit, on any thread and after any restart (on one machine; the C
/// library's `exp` and `log` may differ in the last bit between machines).
///
/// Run 1 is a Latin hypercube. Later runs learn from whole spectra where `method` and the history
/// allow it (see `decideSpectrally`), with a network beside them from the hand-over on (see
/// `networkStep`).
///
/// Of more than `learns_from` conditions, models see those of `LearningSet`.
///
/// Where only losses are known, or `method` says so, they fit a Gaussian process to all
/// conditions known (inputs scaled to the unit box of the bounds in force, losses standardised)
/// and take a batch by expected improvement with local penalisation. The improvement is over the
/// least predicted mean at a condition made so far, which one lucky droplet run cannot fake; its
/// margin, `exploration_jitter`, is in standard deviations of the losses known, as in GPyOpt.
///
/// When at least `widening_share` of a batch sits on a bound, that bound moves and the batch is
/// chosen again within the new bounds, once per run: the run that asked for room gets it, and no
/// run leaps from the first bounds to the limits unseen.
///
/// `Decision.model` holds, in loss units where not said otherwise: `lengthScale.<variable>` (of
/// the unit box), `signalVariance`, `noiseVariance`, `logMarginalLikelihood` (of standardised
/// losses), `lossMean`, `lossScale`, `bestLoss` (measured), `bestPredicted`, `slope` (standard
/// deviations per length scale), `widenedLow.<variable>` and `widenedHigh.<variable>` (the new
/// bound), and `expectedImprovement.<n>`, `predictedLoss.<n>` of the n-th recipe.
public struct Planner: Sendable {
    /// What recipes are checked against.
    public let check: RecipeCheck
    /// The campaign's settings.
    public let settings: CampaignSettings
    /// Whether a history may hold recipes beyond limits and cap: made elsewhere, or under other
    /// settings. What is proposed keeps to them all the same.
    public var acceptsAnyHistory = false

    /// How far a spectrum is from the wanted one; nil where only losses are known.
    public let loss: Loss?

    var effort = BatchSearch.Effort()
    var spectralEffort = SpectralSearch.Effort()
    var training = NetworkStep.training
    var fit = MaternFit()
    var hypercube = LatinHypercube()

    /// Variables at most.
    public static let variableLimit = 32
    /// Recipes per run at most.
    public static let batchLimit = 200
    /// Observations at most, learnt from (see `LearningSet`) or not: their spectra are in memory.
    public static let observationLimit = 2_500

    /// A planner for the campaign, recipe and variables of `settings`. Throws what makes
    /// planning impossible. With `loss` it can learn from spectra as well as from losses.
    public init(settings: Settings, loss: Loss? = nil) throws(PlannerError) {
        self.settings = settings.campaign
        self.loss = loss
        check = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
        try checkVariables()
        try checkSettings()
    }

    /// The decision that follows from `request`. The order of its history does not matter.
    public func decide(_ request: PlanRequest) throws(PlannerError) -> Decision {
        guard request.run >= 1 else { throw .runNumber(request.run) }
        let known = try checked(request.history)
        let space = try space(request.bounds)
        let learning = LearningSet(limit: settings.learnsFrom)
        let history = learning.chosen(from: known) { bend.bent(space.unit($0)) }
        var decision = try decide(request, from: history, in: space)
        decision.basedOn = known.map(\.number)
        return decision
    }

    private func decide(
        _ request: PlanRequest, from history: [Observation], in space: RecipeSpace
    ) throws(PlannerError) -> Decision {
        let root = SeededGenerator(seed: settings.seed)
        guard request.run > 1, !history.isEmpty else {
            var generator = root.split("latin-hypercube", request.run)
            var points = hypercube.points(settings.batch, in: space.region, using: &generator)
            if learnsFromSpectra { points = points.map(bend.straight) }
            return Decision(
                run: request.run, method: .latinHypercube, bounds: request.bounds,
                recipes: points.map { space.recipe($0) }, basedOn: history.map(\.number), model: [])
        }
        if let evidence = spectralEvidence(history),
            let decision = try decideSpectrally(request, history, evidence, space)
        {
            return decision
        }
        let first = try propose(request, history, space)
        guard settings.widensBounds else { return decision(request, history, first, []) }
        var bounds = request.bounds
        let moves = bounds.widen(
            where: first.batch.recipes, share: settings.wideningShare,
            step: settings.wideningStep, limits: check.variables)
        guard !moves.isEmpty else { return decision(request, history, first, []) }
        let second = try propose(request, history, try self.space(bounds))
        return decision(request, history, second, moves)
    }

    /// A batch with all that led to it.
    private struct Proposal {
        var space: RecipeSpace
        var model: GaussianProcess
        var losses: Standardization
        var improvement: ExpectedImprovement
        var batch: BatchSearch.Batch
    }

    private func propose(
        _ request: PlanRequest, _ history: [Observation], _ space: RecipeSpace
    ) throws(PlannerError) -> Proposal {
        let root = SeededGenerator(seed: settings.seed)
        var fitting = root.split("hyperparameters", request.run)
        var searching = root.split("acquisition", request.run)
        let losses = Standardization(of: history.map(\.loss))
        let units = history.map { space.unit($0.recipe) }
        let targets = history.map { losses.standardized($0.loss) }
        let model: GaussianProcess
        do {
            model = try fit.fit(inputs: units, targets: targets, using: &fitting)
        } catch {
            throw .surrogate(error)
        }
        let made = space.reachable(units)
        let means = made.map { model.mean($0) }
        let order = means.indices.sorted { (means[$0], $0) < (means[$1], $1) }
        let improvement = ExpectedImprovement(
            best: means[order[0]], margin: settings.explorationJitter)
        let search = BatchSearch(
            model: model, space: space, improvement: improvement, effort: effort)
        let batch = search.batch(settings.batch, near: order.map { made[$0] }, using: &searching)
        return Proposal(
            space: space, model: model, losses: losses, improvement: improvement, batch: batch)
    }

    private func decision(
        _ request: PlanRequest, _ history: [Observation], _ proposal: Proposal,
        _ moves: [RecipeBounds.Move]
    ) -> Decision {
        let parameters = proposal.model.parameters
        let losses = proposal.losses
        var model: [ModelValue] = []
        func note(_ name: String, _ value: Double) {
            model.append(ModelValue(name: name, value: value))
        }
        for (variable, scale) in zip(check.variables, parameters.lengthScales) {
            note("lengthScale.\(variable.name)", scale)
        }
        note("signalVariance", parameters.signalVariance)
        note("noiseVariance", parameters.noiseVariance)
        note("logMarginalLikelihood", proposal.model.logMarginalLikelihood)
        note("lossMean", losses.mean)
        note("lossScale", losses.scale)
        note("bestLoss", history.map(\.loss).min() ?? losses.mean)
        note("bestPredicted", losses.restored(proposal.improvement.best))
        note("slope", proposal.batch.slope)
        for move in moves {
            let name = check.variables[move.variable].name
            note(move.isHigh ? "widenedHigh.\(name)" : "widenedLow.\(name)", move.to)
        }
        for (index, recipe) in proposal.batch.recipes.enumerated() {
            let prediction = proposal.model.predict(proposal.space.unit(recipe))
            let gain = proposal.improvement.value(prediction) * losses.scale
            note("expectedImprovement.\(index + 1)", gain)
            note("predictedLoss.\(index + 1)", losses.restored(prediction.mean))
        }
        return Decision(
            run: request.run, method: .gaussianProcess, bounds: proposal.space.bounds,
            recipes: proposal.batch.recipes, basedOn: history.map(\.number), model: model)
    }
}
