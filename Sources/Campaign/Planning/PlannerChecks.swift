import Configuration

/// What must hold before anything is planned.
extension Planner {
    func checkVariables() throws(PlannerError) {
        guard (1...Self.variableLimit).contains(check.variables.count) else {
            throw .variableCount(check.variables.count)
        }
        for variable in check.variables {
            let all = [variable.lowLimit, variable.low, variable.high, variable.highLimit]
            guard all.allSatisfy({ $0.isFinite && abs($0) <= 1e15 }), all == all.sorted() else {
                throw .boundsOutOfOrder(variable: variable.name)
            }
        }
        _ = try space(RecipeBounds(of: check.variables))
    }

    func checkSettings() throws(PlannerError) {
        func demand(
            _ name: String, _ value: Double, in range: ClosedRange<Double>
        ) throws(PlannerError) {
            guard range.contains(value) else {
                throw .setting(
                    name: name, value: value, allowed: "\(range.lowerBound)…\(range.upperBound)")
            }
        }
        try demand("batch", Double(settings.batch), in: 1...Double(Self.batchLimit))
        try demand("runs", Double(settings.runs), in: 1...Double(Self.observationLimit))
        try demand(
            "learns_from", Double(settings.learnsFrom),
            in: Double(CampaignSettings.leastLearntFrom)...Double(Self.observationLimit))
        try demand("exploration_jitter", settings.explorationJitter, in: 0...100)
        try demand("widening_share", settings.wideningShare, in: 0.001...1)
        try demand("widening_step", settings.wideningStep, in: 0.001...1)
        let planned = settings.batch * settings.runs
        guard planned <= Self.observationLimit else {
            throw .tooManyObservations(count: planned, limit: Self.observationLimit)
        }
    }

    /// The space within `bounds`, or why there is none.
    func space(_ bounds: RecipeBounds) throws(PlannerError) -> RecipeSpace {
        guard bounds.lows.count == check.variables.count, bounds.highs.count == bounds.lows.count
        else { throw .variableCount(bounds.lows.count) }
        for (index, variable) in check.variables.enumerated() {
            let low = bounds.lows[index]
            let high = bounds.highs[index]
            guard low.isFinite, high.isFinite, variable.lowLimit <= low, low <= high,
                high <= variable.highLimit
            else { throw .boundsOutOfOrder(variable: variable.name) }
        }
        guard let space = RecipeSpace(check, bounds: bounds) else {
            throw .noRoomForReagents(
                leastSum: check.reagentPercent(bounds.lows),
                maximum: check.maximumReagentPercent)
        }
        return space
    }

    /// The history by condition number, every observation usable.
    func checked(_ history: [Observation]) throws(PlannerError) -> [Observation] {
        guard history.count <= Self.observationLimit else {
            throw .tooManyObservations(count: history.count, limit: Self.observationLimit)
        }
        let sorted = history.sorted { $0.number < $1.number }
        for (index, observation) in sorted.enumerated() {
            if index > 0, sorted[index - 1].number == observation.number {
                throw .repeatedObservation(number: observation.number)
            }
            guard observation.loss.isFinite else {
                throw .lossNotFinite(number: observation.number)
            }
            do {
                try check.check(observation.recipe, withinLimits: !acceptsAnyHistory)
            } catch {
                throw .observation(number: observation.number, error)
            }
        }
        return sorted
    }
}
