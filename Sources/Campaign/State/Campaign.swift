import Configuration
import Numerics

/// The state of a campaign: what was decided, what has been made, what comes next, when to stop.
///
/// A pure state machine. Its inputs are decisions and the ends of conditions, both of which are
/// in the run log: feeding them again in the logged order restores the very same state. It never
/// decides anything itself; `planRequest` says when, and with what, to ask `Planner.decide`.
///
///     awaiting run n ── adopt(decision) ──▶ running run n ── last condition ended ──▶
///         awaiting run n+1 | finished(run limit) | failed (nothing in the run succeeded)
///     any condition below the threshold ──▶ finished(threshold), at once: its loss is a median
///         over droplets already, and every further recipe would spend reagents for nothing
public struct Campaign: Equatable, Sendable {
    /// How a condition ended.
    public enum Outcome: Equatable, Sendable {
        /// Measured; the median loss of its droplets.
        case complete(medianLoss: Double)
        /// Tried and given up: no data.
        case failed(reason: String)

        /// The outcome of a condition with these droplet losses: complete when at least
        /// `minimumDroplets` of them are finite, failed otherwise.
        public init(dropletLosses: [Double], minimumDroplets: Int) {
            let finite = dropletLosses.filter(\.isFinite)
            if finite.count >= max(1, minimumDroplets), let median = median(of: finite) {
                self = .complete(medianLoss: median)
            } else {
                let needed = max(1, minimumDroplets)
                self = .failed(reason: "\(finite.count) droplets with a loss, \(needed) needed")
            }
        }
    }

    /// Where a condition stands.
    public enum ConditionState: Equatable, Sendable {
        /// Not begun, or begun and interrupted.
        case pending
        /// Being made.
        case running
        /// Made or given up.
        case ended(Outcome)
    }

    /// One recipe of one run.
    public struct Condition: Equatable, Sendable {
        /// Number from 1, across runs.
        public var number: Int
        /// Its run, from 1.
        public var run: Int
        /// One number per variable (percent or µL/min).
        public var recipe: [Double]
        /// Who proposed it.
        public var proposer: Decision.Proposer
        /// Where it stands.
        public var state: ConditionState
        /// Pointwise median absorbance of its droplets, once it is complete; empty where it is
        /// not known.
        public var spectrum: [Float] = []

        /// Its median loss, when it has one.
        public var loss: Double? {
            if case .ended(.complete(let loss)) = state { return loss }
            return nil
        }

        /// Equal in every bit, so that spectra with invalid points compare as well.
        public static func == (a: Condition, b: Condition) -> Bool {
            a.number == b.number && a.run == b.run && a.recipe == b.recipe
                && a.proposer == b.proposer && a.state == b.state
                && a.spectrum.elementsEqual(b.spectrum) { $0.bitPattern == $1.bitPattern }
        }
    }

    /// Where the campaign stands.
    public enum Phase: Equatable, Sendable {
        /// The recipes of this run are to be decided.
        case awaitingDecision(run: Int)
        /// The recipes of this run are being made.
        case running(run: Int)
        /// Done: the median loss of this condition is below the threshold.
        case thresholdReached(condition: Int, loss: Double)
        /// Done before this run was begun: what the network says has settled, in words.
        case regressionSettled(run: Int, reason: String)
        /// Done: all runs were made.
        case runLimitReached
        /// Stuck: no condition of this run gave data, so planning on would be blind.
        case failed(run: Int, reason: String)

        /// Whether nothing more will be decided or made.
        public var isOver: Bool {
            switch self {
            case .awaitingDecision, .running: false
            case .thresholdReached, .regressionSettled, .runLimitReached, .failed: true
            }
        }
    }

    /// Where the campaign stands.
    public private(set) var phase: Phase
    /// All conditions decided so far; the one numbered n is at index n − 1.
    public private(set) var conditions: [Condition] = []
    /// All decisions so far; the one of run n is at index n − 1.
    public private(set) var decisions: [Decision] = []
    /// The bounds in force.
    public private(set) var bounds: RecipeBounds

    private var runLimit: Int
    private var lossThreshold: Double
    private let stopStability: Double
    private let stopError: Double
    private var check: RecipeCheck

    /// A campaign at its very beginning.
    public init(settings: Settings) {
        runLimit = settings.campaign.runs
        lossThreshold = settings.campaign.lossThreshold
        stopStability = settings.campaign.stopStability
        stopError = settings.campaign.stopError
        check = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
        bounds = RecipeBounds(of: settings.variables)
        phase = settings.campaign.runs >= 1 ? .awaitingDecision(run: 1) : .runLimitReached
    }

    /// Why this campaign cannot go on under `settings`, in words; nil when it can. What was made
    /// must be possible under them as well: a log is replayed under those in force then.
    public func objection(to settings: Settings) -> String? {
        let next = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
        for condition in conditions {
            do throws(RecipeError) { try next.check(condition.recipe) } catch {
                return "condition \(condition.number) was decided already: \(error)"
            }
        }
        for (index, variable) in settings.variables.enumerated()
        where bounds.lows.indices.contains(index) {
            let low = min(variable.low, variable.lowLimit)
            let high = max(variable.high, variable.highLimit)
            if bounds.lows[index] < low || bounds.highs[index] > high {
                return "the bounds of \(variable.name) have widened beyond these limits already"
            }
        }
        if let best, let loss = best.loss, loss < settings.campaign.lossThreshold {
            return "condition \(best.number) has a loss of \(loss) already: with this "
                + "loss_threshold the campaign would be over; end it instead"
        }
        let begun = decisions.count
        if case .awaitingDecision(let run) = phase, run > settings.campaign.runs {
            return "run \(run) is due already; runs = \(settings.campaign.runs) is past"
        }
        if begun > settings.campaign.runs {
            return "run \(begun) was begun already; runs = \(settings.campaign.runs) is past"
        }
        return nil
    }

    /// Goes on under `settings`, to which there must be no `objection`.
    public mutating func adopt(_ settings: Settings) {
        runLimit = settings.campaign.runs
        lossThreshold = settings.campaign.lossThreshold
        check = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
    }

    /// What to ask the planner now; nil unless a decision is awaited.
    public var planRequest: PlanRequest? {
        guard case .awaitingDecision(let run) = phase else { return nil }
        return PlanRequest(run: run, history: history, bounds: bounds)
    }

    /// What is known, by condition number.
    public var history: [Observation] {
        conditions.compactMap { condition in
            condition.loss.map {
                Observation(
                    number: condition.number, recipe: condition.recipe, loss: $0,
                    spectrum: condition.spectrum, run: condition.run,
                    proposer: condition.proposer)
            }
        }
    }

    /// The condition to make next: the first that is pending, in the order decided; nil when the
    /// run has none left or the campaign is over.
    public var nextCondition: Condition? {
        guard case .running = phase else { return nil }
        return conditions.first { $0.state == .pending }
    }

    /// The complete condition with the smallest loss; the earlier one of equals.
    public var best: Condition? { Self.best(of: conditions) }

    /// The complete condition with the smallest loss among `conditions`.
    static func best(of conditions: [Condition]) -> Condition? {
        var result: Condition?
        for condition in conditions {
            guard let loss = condition.loss else { continue }
            if let least = result?.loss, least <= loss { continue }
            result = condition
        }
        return result
    }

    /// Takes up a decision, fresh from the planner or from the log.
    public mutating func adopt(_ decision: Decision) throws(CampaignError) {
        guard case .awaitingDecision(let run) = phase else {
            throw .decisionOutOfTurn(run: decision.run, awaited: nil)
        }
        guard decision.run == run else {
            throw .decisionOutOfTurn(run: decision.run, awaited: run)
        }
        let variables = check.variables.count
        guard decision.proposers.count == decision.recipes.count else {
            throw .decisionMalformed(
                "\(decision.recipes.count) recipes of \(decision.proposers.count) proposers")
        }
        guard (1...Planner.batchLimit).contains(decision.recipes.count) else {
            throw .decisionMalformed("\(decision.recipes.count) recipes")
        }
        let limits = decision.bounds.lows + decision.bounds.highs
        guard decision.bounds.lows.count == variables, limits.count == 2 * variables,
            limits.allSatisfy(\.isFinite)
        else { throw .decisionMalformed("bounds that are not one finite pair per variable") }
        for (index, recipe) in decision.recipes.enumerated() {
            do {
                try check.check(recipe)
            } catch {
                throw .decisionRecipe(index: index, error)
            }
        }
        let known = history.map(\.number)
        guard decision.basedOn == known else {
            throw .decisionBasis(found: decision.basedOn, known: known)
        }
        if let reason = settledReason(decision) {
            phase = .regressionSettled(run: run, reason: reason)
            return
        }
        for (recipe, proposer) in zip(decision.recipes, decision.proposers) {
            conditions.append(
                Condition(
                    number: conditions.count + 1, run: run, recipe: recipe, proposer: proposer,
                    state: .pending))
        }
        bounds = decision.bounds
        decisions.append(decision)
        phase = .running(run: run)
    }

    /// Why the network of `decision` makes further runs needless; nil when it does not.
    private func settledReason(_ decision: Decision) -> String? {
        func value(_ name: String) -> Double? {
            decision.model.first { $0.name == name }?.value
        }
        if stopStability < 1, let found = value(Planner.stabilityName), found >= stopStability {
            return "successive networks agree to a cosine of \(found), at least \(stopStability)"
        }
        if stopError > 0, let found = value(Planner.errorName), found <= stopError {
            return "fresh losses are foreseen with an error of \(found), at most \(stopError)"
        }
        return nil
    }

    /// The condition of this number is being made.
    public mutating func conditionStarted(number: Int) throws(CampaignError) {
        conditions[try openIndex(number)].state = .running
    }

    /// The condition of this number was interrupted and will be made again.
    public mutating func conditionAbandoned(number: Int) throws(CampaignError) {
        conditions[try openIndex(number)].state = .pending
    }

    /// The condition of this number, made with `recipe`, has ended; `spectrum` is the pointwise
    /// median absorbance of its droplets where it is known.
    public mutating func conditionFinished(
        number: Int, recipe: [Double], outcome: Outcome, spectrum: [Float] = []
    ) throws(CampaignError) {
        let index = try openIndex(number)
        guard conditions[index].recipe == recipe else { throw .recipeDiffers(number: number) }
        if case .complete(let loss) = outcome, !loss.isFinite {
            throw .lossNotFinite(number: number)
        }
        conditions[index].state = .ended(outcome)
        if case .complete = outcome { conditions[index].spectrum = spectrum }
        advance(after: conditions[index])
    }

    private func openIndex(_ number: Int) throws(CampaignError) -> Int {
        guard number >= 1, number <= conditions.count else {
            throw .unknownCondition(number: number)
        }
        if case .ended = conditions[number - 1].state { throw .conditionEnded(number: number) }
        return number - 1
    }

    private mutating func advance(after condition: Condition) {
        // After the end only a condition that was still running can come in; it changes nothing.
        guard case .running(let run) = phase else { return }
        if let loss = condition.loss, loss < lossThreshold {
            phase = .thresholdReached(condition: condition.number, loss: loss)
            return
        }
        let batch = conditions.filter { $0.run == run }
        var reasons: [String] = []
        for member in batch {
            guard case .ended(let outcome) = member.state else { return }
            if case .failed(let reason) = outcome { reasons.append(reason) }
        }
        if reasons.count == batch.count {
            let last = reasons.last ?? ""
            phase = .failed(
                run: run,
                reason: "none of the \(batch.count) conditions of run \(run) gave data; "
                    + "the last one failed with: \(last)")
        } else {
            phase = run < runLimit ? .awaitingDecision(run: run + 1) : .runLimitReached
        }
    }
}
