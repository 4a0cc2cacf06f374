import Campaign
import Configuration
import Numerics
import Quantities
import Rig
import RunLog
import World

/// Brings campaign and rig together: gives the rig the next condition, gives the campaign what
/// came of it, asks the thinker for the next run, and writes down everything in between. It works
/// on the steward thread, below the rig's, and knows of the rig only what comes over the link.
final class Director {
    var settings: Settings
    var campaign: Campaign
    /// The latest picture of the rig; nil before the first.
    private(set) var picture: RigPicture?
    /// What the rig thread runs without; one line each.
    private(set) var lost: [String] = []
    /// Whether every pump confirmed that it stands still at the end; nil before the end.
    private(set) var endedAtRest: Bool?
    /// Answers to operators, for whoever passes them on and empties it.
    var answers: [(ticket: Int, text: String)] = []

    /// Settings that wait for their moment; see `Director+Change`.
    var awaited: AwaitedChange?
    /// Those that came into force, for whoever passes that on and empties it.
    var adopted: [AwaitedChange] = []

    private let link: RigLink
    let archive: any Archive
    let thinker: any Thinker
    let clock: any Timekeeper
    private var recorder: Recorder

    /// Orders of each condition so far, whatever became of them.
    private var attempts: [Int: Int]
    /// Orders of each condition that failed.
    private var failures: [Int: Int]
    private var gathering = SpectrumGathering()
    private(set) var isThinking = false
    private(set) var isEnding = false
    /// The rig said that it wants an order, and got none since.
    private(set) var isOrderWanted = false
    /// Requests the rig had no room for.
    private var unsent: [RigRequest] = []
    /// The last requests: kept, so that it is never the rig thread that gives their memory back.
    private var sent: [RigRequest] = []
    private static let sentKept = 2 * RigLink.requestCapacity
    private var toldFailure: String?
    private var toldShortage: String?
    /// Droplets of the running condition, and of the whole process.
    private(set) var dropletsInCondition = 0
    private(set) var dropletsCounted = 0
    /// The last one, and how often each hazard was told of, for the status.
    private var lastDroplet: MeasuredDroplet?
    private var faultsTold: [Hazard: Int] = [:]
    private var startedAt: Instant
    private var conditionsThisProcess = 0
    /// When a record was last made sure of; records are flushed at the latest this often.
    private var flushedAt: Instant
    private static let flushPeriod = TimeSpan.seconds(1)

    init(
        settings: Settings, link: RigLink, clock: any Timekeeper, resumed: ResumedCampaign,
        archive: any Archive, thinker: any Thinker
    ) {
        self.settings = settings
        self.link = link
        self.archive = archive
        self.thinker = thinker
        self.clock = clock
        campaign = resumed.campaign
        attempts = resumed.attempts
        failures = resumed.failures
        recorder = Recorder(settings: settings, clock: clock)
        startedAt = clock.now
        flushedAt = clock.now
    }

    /// Whether the campaign is over.
    var isFinished: Bool { campaign.phase.isOver }

    /// Writes `body` down, now.
    func record(_ body: Record.Body) { archive.append(recorder.record(body)) }

    /// One turn: what the rig said, what follows from it, what the rig is to do next.
    func turn() {
        if let step = recorder.clockStep() {
            archive.append(step)
            if case .clockStep(let nanoseconds) = step.body {
                ask(.clockStepped(by: TimeSpan(nanoseconds: nanoseconds)))
            }
        }
        let now = clock.now
        takeNews()
        collectDecision()
        offerChange()
        if !isEnding, isOrderWanted, !isHeldForChange { giveOrder() }
        if archive.failure != toldFailure {
            toldFailure = archive.failure
            ask(.log(failure: toldFailure))
        }
        if archive.shortage != toldShortage {
            toldShortage = archive.shortage
            ask(.logBudget(shortage: toldShortage))
        }
        if !unsent.isEmpty { sendRest() }
        picture = link.pictures.latest(instead: picture)
        if now - flushedAt >= Self.flushPeriod {
            archive.flush()
            flushedAt = now
        }
    }

    /// Brings the rig to rest for the end of the process; a condition that runs is broken off.
    func haltForEnd(_ reason: String) {
        isEnding = true
        if let awaited { giveUp(awaited, "the campaign ended before the next boundary") }
        ask(.halt(reason: reason))
    }

    /// What an operator asks for, passed on and written down; the answer comes with `ticket`.
    func operate(_ actions: [OperatorAction], ticket: Int) {
        for action in actions {
            record(.operatorAction(kind: action.kind, text: action.text))
        }
        ask(.operate(actions.map(\.command), ticket: ticket))
        archive.flush()
    }

    func ask(_ request: RigRequest) {
        if sent.count >= Self.sentKept { sent.removeFirst() }
        sent.append(request)
        guard unsent.isEmpty, link.ask(request) else { return unsent.append(request) }
    }

    private func sendRest() {
        while let first = unsent.first, link.ask(first) { unsent.removeFirst() }
    }

    /// A picture of the moment, without the log's path.
    func status() -> Status {
        var status = Status()
        status.campaign = settings.campaign.name
        status.run = campaign.phase.run
        status.runs = settings.campaign.runs
        status.conditionsDone = campaign.history.count
        status.conditionsPlanned = settings.campaign.runs * settings.campaign.batch
        status.dropletsWanted = settings.rig.droplets
        status.bestLoss = campaign.best?.loss
        status.bestCondition = campaign.best?.number
        status.proposers = campaign.comparison.map(Summary.Proposer.init)
        if conditionsThisProcess > 0 {
            let pace = (clock.now - startedAt).seconds / Double(conditionsThisProcess)
            status.secondsLeft =
                pace * Double(max(0, status.conditionsPlanned - status.conditionsDone))
        }
        status.runResults = campaign.summary.map(Summary.Run.init)
        status.lastDroplet = lastDroplet.map { Status.Droplet($0, grid: settings.loss) }
        status.dropletsCounted = dropletsCounted
        status.faultsTold = faultsTold
        status.sensors = settings.sensors.map(Status.Sensor.init)
        if let picture { status.show(picture, names: settings.pumps.map(\.name)) }
        status.finished = campaign.phase.isOver ? campaign.phase.description : ""
        return status
    }

    /// Takes what the rig said since the last time.
    func takeNews() {
        while let item = link.news.pop() {
            switch item.news {
            case .report(let report): take(report, at: item.at)
            case .wantsOrder: isOrderWanted = true
            case .declined(let condition): declined(condition)
            case .adopted(let isDone): changeAnswered(isDone)
            case .answered(let ticket, let text): answers.append((ticket, text.description))
            case .missedTurns(let count, let worst):
                record(
                    .event(
                        kind: "missed-turns",
                        text: "\(count) turns of the rig's schedule were left out; the latest "
                            + "began \(short(worst.milliseconds)) ms after its time"),
                    at: item.at)
            case .lost(let what):
                lost.append(what)
                record(.event(kind: "realtime", text: what), at: item.at)
            case .ended(let atRest): endedAtRest = atRest
            }
        }
    }

    private func record(_ body: Record.Body, at then: Instant) {
        archive.append(recorder.record(body, at: then))
    }

    private func take(_ report: RigReport, at then: Instant) {
        for body in recorder.bodies(of: report) {
            record(body, at: then)
            if case .droplet(let droplet) = body { gathering.add(droplet) }
        }
        switch report {
        case .droplet(let droplet):
            lastDroplet = droplet
            dropletsInCondition += 1
            dropletsCounted += 1
        case .conditionBegan: dropletsInCondition = 0
        case .conditionEnded(let order, let outcome): ended(order, outcome)
        case .fault(let fault):
            faultsTold[fault.hazard, default: 0] += 1
            archive.flush()
        default: break
        }
    }

    /// The rig had something else to do when the order came; it will ask again.
    private func declined(_ number: Int) {
        attempts[number, default: 1] -= 1
        do throws(CampaignError) { try campaign.conditionAbandoned(number: number) } catch {
            record(.event(kind: "inconsistent", text: "\(error)"))
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
                    try finish(order, .failed(reason: reason.description))
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

    private func giveOrder() {
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
            isOrderWanted = false
            ask(.run(order))
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
        ask(.operate([.hold(reason: why)], ticket: 0))
    }
}

/// Something an operator does, and how it is written down.
struct OperatorAction: Sendable {
    var command: OperatorCommand
    var kind: String
    var text: String
}

extension SpectrumGathering {
    /// Takes a droplet as the log keeps it.
    mutating func add(_ droplet: DropletRecord) {
        add(
            condition: droplet.condition, attempt: droplet.attempt,
            absorbance: droplet.absorbance)
    }
}
