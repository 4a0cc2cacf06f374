import Configuration
import Numerics
import Spectra
import Surrogates

/// Planning from whole spectra.
///
/// `Decision.model` then holds: `amplitude.` and `shape.` with `lengthScale.<variable>` (of the
/// bent unit box), `signalVariance`, `noiseVariance` (of standardised values) and
/// `logMarginalLikelihood`; `usableSpectra`, `bestLoss` (measured), `bestPredicted`,
/// `widenedLow.<variable>`, `widenedHigh.<variable>`, and `expectedImprovement.<n>` (what the
/// n-th recipe adds to the recipes before it, in loss units), `predictedLoss.<n>`.
extension Planner {
    /// A model from fewer spectra than this is worth less than one from all losses.
    static let leastSpectralShare = 0.5

    var bend: BentBox { BentBox(offset: settings.logOffset) }

    /// Whether the settings and what is known of the target allow learning from spectra.
    var learnsFromSpectra: Bool { settings.method != .gaussianProcess && loss != nil }

    /// What can be learnt from the spectra in `history`; nil when the settings do not want it or
    /// too few observations have one.
    func spectralEvidence(_ history: [Observation]) -> SpectralEvidence? {
        guard learnsFromSpectra, let loss else { return nil }
        let evidence = SpectralEvidence(history, loss: loss)
        let needed = Self.leastSpectralShare * Double(history.count)
        guard evidence.count >= 2, Double(evidence.count) >= needed else { return nil }
        return evidence
    }

    private struct SpectralProposal {
        var model: SpectralModel
        var batch: SpectralSearch.Batch
    }

    /// The decision from `evidence`; nil when its model has no factor.
    func decideSpectrally(
        _ request: PlanRequest, _ history: [Observation], _ evidence: SpectralEvidence,
        _ space: RecipeSpace
    ) throws(PlannerError) -> Decision? {
        let step = try networkStep(request, history, space)
        let shared = step.map { takesPart($0, in: request.run) } ?? false
        let count = settings.batch - (shared ? networkCount : 0)
        guard var proposal = try propose(request, evidence, space, count) else { return nil }
        var moves: [RecipeBounds.Move] = []
        if settings.widensBounds {
            var bounds = request.bounds
            moves = bounds.widen(
                where: proposal.batch.recipes, share: settings.wideningShare,
                step: settings.wideningStep, limits: check.variables)
            if !moves.isEmpty {
                guard
                    let wider = try propose(request, evidence, try self.space(bounds), count)
                else { return nil }
                proposal = wider
            }
        }
        var decision = Decision(
            run: request.run, method: .spectralProcess, bounds: proposal.model.space.bounds,
            recipes: proposal.batch.recipes, basedOn: history.map(\.number),
            model: notes(proposal, history, moves))
        if let step {
            decision.model += step.notes
            if shared {
                append(networkCount, of: step, proposal.model.space, history, to: &decision)
            }
            if let spread = step.spread, spread <= NetworkStep.worthlessSpread {
                decision.expected = step.forecasts(decision.recipes)
                decision.expectedSpread = spread
            }
        }
        return decision
    }

    private func propose(
        _ request: PlanRequest, _ evidence: SpectralEvidence, _ space: RecipeSpace, _ count: Int
    ) throws(PlannerError) -> SpectralProposal? {
        guard let loss else { return nil }
        let root = SeededGenerator(seed: settings.seed)
        var fitting = root.split("spectral-hyperparameters", request.run)
        var searching = root.split("spectral-batch", request.run)
        let model: SpectralModel
        do throws(GaussianProcessError) {
            model = try SpectralModel(
                evidence, space: space, bend: bend, composition: LossComposition(loss), fit: fit,
                using: &fitting)
        } catch {
            throw .surrogate(error)
        }
        let search = SpectralSearch(model: model, effort: spectralEffort)
        return search.batch(count, using: &searching).map {
            SpectralProposal(model: model, batch: $0)
        }
    }

    private func notes(
        _ proposal: SpectralProposal, _ history: [Observation], _ moves: [RecipeBounds.Move]
    ) -> [ModelValue] {
        var notes: [ModelValue] = []
        func note(_ name: String, _ value: Double) {
            notes.append(ModelValue(name: name, value: value))
        }
        for (part, process) in zip(["amplitude", "shape"], proposal.model.processes) {
            for (variable, scale) in zip(check.variables, process.parameters.lengthScales) {
                note("\(part).lengthScale.\(variable.name)", scale)
            }
            note("\(part).signalVariance", process.parameters.signalVariance)
            note("\(part).noiseVariance", process.parameters.noiseVariance)
            note("\(part).logMarginalLikelihood", process.logMarginalLikelihood)
        }
        note("usableSpectra", Double(proposal.model.evidence.count))
        if let best = history.map(\.loss).min() { note("bestLoss", best) }
        note("bestPredicted", proposal.batch.best)
        for move in moves {
            let name = check.variables[move.variable].name
            note(move.isHigh ? "widenedHigh.\(name)" : "widenedLow.\(name)", move.to)
        }
        for index in proposal.batch.recipes.indices {
            note("expectedImprovement.\(index + 1)", proposal.batch.gains[index])
            note("predictedLoss.\(index + 1)", proposal.batch.predictions[index])
        }
        return notes
    }
}
