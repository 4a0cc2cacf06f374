import Campaign

extension Campaign.Phase {
    /// Where the campaign stands, in words.
    var description: String {
        switch self {
        case .awaitingDecision(let run): "run \(run) is being decided"
        case .running(let run): "run \(run)"
        case .thresholdReached(let condition, let loss):
            "condition \(condition) reached a loss of \(short(loss)), below the threshold"
        case .regressionSettled(let run, let reason): "run \(run) is not needed: \(reason)"
        case .runLimitReached: "all runs are made"
        case .failed(let run, let reason): "stuck in run \(run): \(reason)"
        }
    }

    /// The run it stands in; 0 when it is over.
    var run: Int {
        switch self {
        case .awaitingDecision(let run), .running(let run), .failed(let run, _): run
        case .thresholdReached, .regressionSettled, .runLimitReached: 0
        }
    }
}
