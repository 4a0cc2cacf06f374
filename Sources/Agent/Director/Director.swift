import Campaign
import Configuration
import Numerics
import Quantities
import Rig
import RunLog
import World

/// Brings campaign and rig together: gives the rig the next condition, gives the campaign what
/// came of it, asks the thinker for the next run, and writes down everything in between.
final class Director {
    let settings: Settings
    let rig: RigLoop
    private(set) var campaign: Campaign
    private let archive: any Archive
    private let thinker: any Thinker
    private var recorder: Recorder
    private let world: any World

    /// Orders of each condition so far, whatever became of them.
    private var attempts: [Int: Int]
    /// Orders of each condition that failed.
    private var failures: [Int: Int]
    private var gathering = SpectrumGathering()
    private var isThinking = false
    private var isEnding = false
    /// Droplets of the running condition, and of the whole process.
    private(set) var dropletsInCondition = 0
    private(set) var dropletsCounted = 0
    private var startedAt: Instant
    private var conditionsThisProcess = 0
    /// When a record was last made sure of; records are flushed at the latest this often.
    private var flushedAt: Instant
    private static let flushPeriod = TimeSpan.seconds(1)

    init(
        settings: Settings, rig: RigLoop, resumed: ResumedCampaign, archive: any Archive,
        thinker: any Thinker
    ) {
        self.settings = settings
        self.rig = rig
        self.archive = archive
        self.thinker = thinker
        world = rig.world
        campaign = resumed.campaign
        attempts = resumed.attempts
        failures = resumed.failures
        recorder = Recorder(settings: settings, world: rig.world)
        startedAt = rig.world.now
        flushedAt = rig.world.now
    }

    /// Whether the campaign is over.
    var isFinished: Bool { campaign.phase.isOver }

    /// Writes `body` down, now.
    func record(_ body: Record.Body) { archive.append(recorder.record(body)) }

    /// One turn: the rig first, then what follows from it.
    func turn() {
        rig.turn()
        if let step = recorder.clockStep() { archive.append(step) }
        let now = world.now
        takeReports()
        collectDecision()
        if !isEnding, rig.controller.state == .ready, rig.controller.wantsOrder {
            giveOrder(at: now)
            rig.carryOut(at: now)
            takeReports()
        }
        rig.controller.log(failure: archive.failure, at: now)
        if now - flushedAt >= Self.flushPeriod {
            archive.flush()
            flushedAt = now
        }
    }

    /// Brings the rig to rest for the end of the process; a condition that runs is broken off.
    func haltForEnd(_ reason: String) {
        isEnding = true
        rig.controller.halt(reason: reason, at: world.now)
        rig.carryOut(at: world.now)
        takeReports()
    }

    /// What an operator asks for, done and written down; returns the answer.
    func operate(_ command: OperatorCommand, kind: String, text: String) -> String {
        record(.operatorAction(kind: kind, text: text))
        let answer = rig.controller.operate(command, at: world.now)
        rig.carryOut(at: world.now)
        takeReports()
        archive.flush()
        return answer
    }

    /// A picture of the moment, without the log's path.
    func status() -> Status {
        var status = Status()
        let controller = rig.controller
        status.campaign = settings.campaign.name
        status.state = controller.state.rawValue
        status.holdReason = controller.holdReason
        status.run = campaign.phase.run
        status.runs = settings.campaign.runs
        status.condition = controller.order?.number
        status.conditionsDone = campaign.history.count
        status.conditionsPlanned = settings.campaign.runs * settings.campaign.batch
        status.droplets = controller.losses.count
        status.dropletsWanted = settings.rig.droplets
        status.flags = controller.flags.all
        status.bestLoss = campaign.best?.loss
        status.bestCondition = campaign.best?.number
        status.proposers = campaign.comparison.map(Summary.Proposer.init)
        if conditionsThisProcess > 0 {
            let pace = (world.now - startedAt).seconds / Double(conditionsThisProcess)
            status.secondsLeft =
                pace * Double(max(0, status.conditionsPlanned - status.conditionsDone))
        }
        let states = rig.pumpStates
        status.pumps = settings.pumps.indices.map { index in
            Status.Pump(
                name: settings.pumps[index].name, state: states[index],
                commanded: controller.commanded[index],
                remaining: controller.ledger.remaining[index])
        }
        status.faults = controller.faults.all.map { fault in
            var shown = Status.Fault()
            shown.kind = fault.kind
            shown.text = fault.text
            shown.active = fault.active
            return shown
        }
        status.finished = campaign.phase.isOver ? campaign.phase.description : ""
        return status
    }

    private func takeReports() {
        guard !rig.reports.isEmpty else { return }
        let reports = rig.reports
        rig.reports.removeAll(keepingCapacity: true)
        for report in reports {
            for body in recorder.bodies(of: report) {
                record(body)
                if case .droplet(let droplet) = body { gathering.add(droplet) }
            }
            switch report {
            case .droplet:
                dropletsInCondition += 1
                dropletsCounted += 1
            case .conditionBegan: dropletsInCondition = 0
            case .conditionEnded(let order, let outcome): ended(order, outcome)
            case .fault: archive.flush()
            default: break
            }
        }
    }

    private func ended(_ order: ConditionOrder, _ outcome: ConditionOutcome) {
        do throws(CampaignError) {
            switch outcome {
            case .complete(let losses):
                guard let loss = median(of: losses) else { return }
                conditionsThisProcess += 1
                let spectrum = gathering.take(condition: order.number, attempt: order.attempt)
                try finish(order, .complete(medianLoss: loss), spectrum)
            case .failed(let reason):
                // What was broken off by a hold or a fault does not count as a try.
                failures[order.number, default: 0] += 1
                if failures[order.number, default: 0] > settings.rig.conditionRetries {
                    try finish(order, .failed(reason: reason))
                } else {
                    try campaign.conditionAbandoned(number: order.number)
                }
            case .abandoned: try campaign.conditionAbandoned(number: order.number)
            }
        } catch {
            // Both sides are ours: this is a mistake in the program, said and survived.
            record(.event(kind: "inconsistent", text: "\(error)"))
        }
        archive.flush()
    }

    private func finish(
        _ order: ConditionOrder, _ outcome: Campaign.Outcome, _ spectrum: [Float] = []
    ) throws(CampaignError) {
        try campaign.conditionFinished(
            number: order.number, recipe: order.recipe, outcome: outcome, spectrum: spectrum)
        if campaign.phase.isOver {
            record(.event(kind: "finished", text: campaign.phase.description))
        }
    }

    private func giveOrder(at now: Instant) {
        if let condition = campaign.nextCondition {
            let number = condition.number
            attempts[number, default: 0] += 1
            let forecast = campaign.forecast(of: number)
            let order = ConditionOrder(
                run: condition.run, number: number, attempt: attempts[number, default: 1],
                recipe: condition.recipe, expectedSpectrum: forecast?.spectrum ?? [],
                expectedSpread: forecast?.spread ?? 0)
            do throws(CampaignError) { try campaign.conditionStarted(number: number) } catch {
                record(.event(kind: "inconsistent", text: "\(error)"))
            }
            rig.controller.run(order, at: now)
        } else if !isThinking, let request = campaign.planRequest {
            isThinking = true
            thinker.ask(request)
            collectDecision()
        }
    }

    private func collectDecision() {
        guard isThinking, let answer = thinker.takeAnswer() else { return }
        isThinking = false
        switch answer {
        case .success(let decision):
            record(.decision(DecisionRecord(decision, comparison: campaign.comparison)))
            archive.flush()
            do throws(CampaignError) { try campaign.adopt(decision) } catch {
                stopPlanning("the decision of run \(decision.run) cannot be used: \(error)")
            }
        case .failure(let error): stopPlanning("no decision: \(error)")
        }
    }

    /// Planning failed: nothing moves until a person looked at it.
    private func stopPlanning(_ why: String) {
        _ = rig.controller.operate(.hold(reason: why), at: world.now)
        rig.carryOut(at: world.now)
    }
}

extension SpectrumGathering {
    /// Takes a droplet as the log keeps it.
    mutating func add(_ droplet: DropletRecord) {
        add(
            condition: droplet.condition, attempt: droplet.attempt,
            absorbance: droplet.absorbance)
    }
}
