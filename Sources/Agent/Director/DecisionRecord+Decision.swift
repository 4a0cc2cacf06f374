import Campaign
import RunLog

extension DecisionRecord {
    /// The record of `decision`, taken with `comparison` at hand.
    init(_ decision: Decision, comparison: [Campaign.ProposerSummary] = []) {
        self.init(
            run: decision.run, method: decision.method.rawValue, lows: decision.bounds.lows,
            highs: decision.bounds.highs, recipes: decision.recipes, basedOn: decision.basedOn,
            model: decision.model.map { NamedValue(name: $0.name, value: $0.value) },
            proposers: decision.proposers.map(\.rawValue),
            comparison: comparison.map {
                ProposerRecord(
                    run: $0.run, proposer: $0.proposer.rawValue, conditions: $0.complete,
                    bestLoss: $0.bestLoss, medianLoss: $0.medianLoss)
            }, expected: decision.expected.flatMap { $0 },
            expectedSpread: decision.expectedSpread)
    }
}

extension Decision {
    /// The decision that `record` keeps. A forecast that does not part evenly among the recipes
    /// is left out: droplets are then judged by their neighbours alone.
    init(_ record: DecisionRecord) {
        self.init(
            run: record.run,
            method: Method(rawValue: record.method) ?? .gaussianProcess,
            bounds: RecipeBounds(lows: record.lows, highs: record.highs),
            recipes: record.recipes, basedOn: record.basedOn,
            model: record.model.map { ModelValue(name: $0.name, value: $0.value) },
            proposers: record.proposers.isEmpty
                ? nil : record.proposers.map { Proposer(rawValue: $0) ?? .gaussianProcess })
        let count = record.recipes.count
        guard count > 0, !record.expected.isEmpty, record.expected.count % count == 0 else {
            return
        }
        let points = record.expected.count / count
        expected = (0..<count).map { Array(record.expected[($0 * points)..<(($0 + 1) * points)]) }
        expectedSpread = record.expectedSpread
    }
}
