import Campaign
import Configuration
import Quantities
import Rig
import RunLog

/// The campaign as its log leaves it: replayed record by record, it is in the very state in
/// which it was, and its next decision is the very one it would have made.
struct ResumedCampaign {
    /// The campaign.
    private(set) var campaign: Campaign
    /// Orders of each condition so far.
    private(set) var attempts: [Int: Int] = [:]
    /// Orders of each condition that failed.
    private(set) var failures: [Int: Int] = [:]
    /// What the syringes held when it was last written down, less what the condition that was
    /// running then may have used.
    private(set) var remaining: [Volume?]
    /// Seed of the log's first start; nil for an empty log.
    private(set) var seed: UInt64?
    /// SHA-256 of the wanted spectrum the log's losses were computed with; nil: not noted.
    private(set) var targetDigest: String?
    /// The event that notes it.
    static let targetEvent = "target"
    /// Records replayed.
    private(set) var records = 0

    private let settings: Settings
    private var running: [Double]?
    private var gathering = SpectrumGathering()

    /// A campaign with nothing in its log yet.
    init(settings: Settings) {
        self.settings = settings
        campaign = Campaign(settings: settings)
        remaining = Array(repeating: nil, count: settings.pumps.count)
    }

    /// Takes up the next record of the log.
    ///
    /// - Throws: `CampaignError` when log and configuration contradict each other, e.g. because
    ///   the variables were changed in the middle of a campaign.
    mutating func replay(_ body: Record.Body) throws(CampaignError) {
        records += 1
        switch body {
        case .start(_, _, let seed, _): if self.seed == nil { self.seed = seed }
        case .event(Self.targetEvent, let digest): targetDigest = digest
        case .decision(let record):
            try campaign.adopt(Decision(record))
        case .recipe(_, let number, let attempt, let values):
            attempts[number] = max(attempt, attempts[number, default: 0])
            running = values
            try campaign.conditionStarted(number: number)
        case .droplet(let droplet): gathering.add(droplet)
        case .conditionEnd(let end): try replay(end)
        case .readings(let readings):
            for (index, pump) in settings.pumps.enumerated() {
                let name = Recorder.remainingPrefix + pump.name
                if let reading = readings.first(where: { $0.name == name })?.value {
                    remaining[index] = Volume(microliters: reading)
                    running = nil
                }
            }
        default: break
        }
    }

    private mutating func replay(_ end: ConditionRecord) throws(CampaignError) {
        let number = end.condition
        if end.outcome == ConditionRecord.complete, let loss = end.medianLoss {
            let spectrum = gathering.take(condition: number, attempt: end.attempt)
            try finish(number, .complete(medianLoss: loss), spectrum)
        } else if end.outcome == ConditionRecord.failed {
            failures[number, default: 0] += 1
            if failures[number, default: 0] > settings.rig.conditionRetries {
                try finish(number, .failed(reason: end.reason))
            } else {
                try campaign.conditionAbandoned(number: number)
            }
        } else {
            try campaign.conditionAbandoned(number: number)
        }
    }

    private mutating func finish(
        _ number: Int, _ outcome: Campaign.Outcome, _ spectrum: [Float] = []
    ) throws(CampaignError) {
        guard number >= 1, number <= campaign.conditions.count else {
            throw .unknownCondition(number: number)
        }
        try campaign.conditionFinished(
            number: number, recipe: campaign.conditions[number - 1].recipe, outcome: outcome,
            spectrum: spectrum)
    }

    /// The log is at its end: a condition that was running is to be made again, and what it may
    /// have used of the syringes is taken for used.
    mutating func finishReplay() throws(CampaignError) {
        for condition in campaign.conditions where condition.state == .running {
            try campaign.conditionAbandoned(number: condition.number)
        }
        guard let running, let setpoints = try? Setpoints(recipe: running, settings: settings)
        else { return }
        let span =
            setpoints.total.time(
                for: Volume(
                    microliters: settings.rig.deadVolume.microliters
                        * settings.rig.settleResidences)) + settings.rig.collectLimit
        for (index, rate) in setpoints.rates.enumerated() {
            guard let left = remaining[index] else { continue }
            let used = rate.volume(in: span).microliters
            remaining[index] = Volume(microliters: max(0, left.microliters - used))
        }
        self.running = nil
    }
}
