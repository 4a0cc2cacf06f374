import Numerics

extension Campaign {
    /// One line of the table of runs.
    public struct RunSummary: Equatable, Sendable {
        /// Run number, from 1.
        public var run: Int
        /// How its recipes were chosen.
        public var method: Decision.Method
        /// Conditions that gave data.
        public var complete: Int
        /// Conditions that were given up.
        public var failed: Int
        /// Conditions still to be ended.
        public var open: Int
        /// Number of its best condition; nil while none is complete.
        public var bestCondition: Int?
        /// Smallest condition loss of the run.
        public var bestLoss: Double?
        /// Median condition loss of the run.
        public var medianLoss: Double?
        /// Smallest condition loss of this and all earlier runs.
        public var bestLossSoFar: Double?
    }

    /// What came of every run so far, in order.
    public var summary: [RunSummary] {
        var rows: [RunSummary] = []
        var soFar: Double?
        // In one pass: whoever watches a long campaign asks several times a second.
        let batches = Dictionary(grouping: conditions, by: \.run)
        for decision in decisions {
            let batch = batches[decision.run] ?? []
            let losses = batch.compactMap(\.loss)
            let best = Self.best(of: batch)
            if let loss = best?.loss { soFar = min(soFar ?? loss, loss) }
            var failed = 0
            for condition in batch {
                if case .ended(.failed) = condition.state { failed += 1 }
            }
            rows.append(
                RunSummary(
                    run: decision.run, method: decision.method, complete: losses.count,
                    failed: failed, open: batch.count - losses.count - failed,
                    bestCondition: best?.number, bestLoss: best?.loss,
                    medianLoss: median(of: losses), bestLossSoFar: soFar))
        }
        return rows
    }

    /// What came of one proposer's recipes in one run.
    public struct ProposerSummary: Equatable, Sendable {
        /// Run number, from 1.
        public var run: Int
        /// Who proposed them.
        public var proposer: Decision.Proposer
        /// Conditions that gave data; at least one.
        public var complete: Int
        /// Smallest of their losses.
        public var bestLoss: Double
        /// Median of their losses.
        public var medianLoss: Double
    }

    /// The proposers compared, run by run: those with at least one condition that gave data.
    public var comparison: [ProposerSummary] {
        var rows: [ProposerSummary] = []
        let batches = Dictionary(grouping: conditions, by: \.run)
        for decision in decisions {
            let batch = batches[decision.run] ?? []
            for proposer in Decision.Proposer.allCases {
                let losses = batch.filter { $0.proposer == proposer }.compactMap(\.loss)
                guard let best = losses.min(), let middle = median(of: losses) else { continue }
                rows.append(
                    ProposerSummary(
                        run: decision.run, proposer: proposer, complete: losses.count,
                        bestLoss: best, medianLoss: middle))
            }
        }
        return rows
    }
}
