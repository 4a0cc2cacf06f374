import Campaign

/// What came of a campaign, for a table or a program.
public struct Summary: Equatable, Sendable {
    /// One run.
    public struct Run: Equatable, Sendable {
        /// Run number, from 1.
        public var run: Int
        /// How its recipes were chosen.
        public var method: String
        /// Conditions that gave data, and those given up.
        public var complete: Int
        /// Conditions given up.
        public var failed: Int
        /// Best condition loss of the run.
        public var bestLoss: Double?
        /// Median condition loss of the run.
        public var medianLoss: Double?
        /// Best condition loss so far.
        public var bestSoFar: Double?

        init(_ row: Campaign.RunSummary) {
            run = row.run
            method = row.method.rawValue
            complete = row.complete
            failed = row.failed
            bestLoss = row.bestLoss
            medianLoss = row.medianLoss
            bestSoFar = row.bestLossSoFar
        }
    }
    /// One proposer's recipes in one run.
    public struct Proposer: Equatable, Sendable {
        /// Run number, from 1.
        public var run: Int
        /// Its name.
        public var name: String
        /// Conditions that gave data.
        public var complete: Int
        /// Best of their losses.
        public var bestLoss: Double
        /// Median of their losses.
        public var medianLoss: Double

        init(_ row: Campaign.ProposerSummary) {
            run = row.run
            name = row.proposer.rawValue
            complete = row.complete
            bestLoss = row.bestLoss
            medianLoss = row.medianLoss
        }
    }
    /// All runs.
    public var runs: [Run]
    /// The proposers compared, run by run.
    public var proposers: [Proposer]
    /// Number, loss and recipe of the best condition.
    public var best: (condition: Int, loss: Double, recipe: [Double])?
    /// Droplets that counted.
    public var droplets: Int
    /// Time on the rig's own clock, in seconds.
    public var rigSeconds: Double
    /// Why it ended.
    public var ending: String
    /// Whether it came to the end it was meant to have: the threshold, or all runs.
    public var isComplete: Bool
    /// The directory the log lies in.
    public var logPath: String
    /// Hash of the log's last segment, which through the chain stands for all of them; empty
    /// when that could not be sealed.
    public var logSHA256: String

    /// Equal when log and runs are: time and place do not count.
    public static func == (a: Summary, b: Summary) -> Bool {
        a.runs == b.runs && a.proposers == b.proposers && a.logSHA256 == b.logSHA256
            && a.ending == b.ending
    }

    init(
        campaign: Campaign, droplets: Int, rigSeconds: Double, logPath: String, logSHA256: String
    ) {
        runs = campaign.summary.map(Run.init)
        proposers = campaign.comparison.map(Proposer.init)
        best = campaign.best.flatMap { best in
            best.loss.map { (best.number, $0, best.recipe) }
        }
        self.droplets = droplets
        self.rigSeconds = rigSeconds
        ending = campaign.phase.description
        switch campaign.phase {
        case .thresholdReached, .regressionSettled, .runLimitReached: isComplete = true
        case .awaitingDecision, .running, .failed: isComplete = false
        }
        self.logPath = logPath
        self.logSHA256 = logSHA256
    }
}
