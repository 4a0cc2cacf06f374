import Campaign
import Configuration
import Quantities
import Rig
import RunLog
import Spectra
import World

/// Everything one process needs to run a campaign: the log replayed, the rig set up, the
/// director beside it, the link between them. On a board each of the two has a thread; under the
/// virtual clock `run` takes turns.
final class Session {
    let director: Director
    /// The rig. While a thread of its own holds it, nobody else touches it.
    let rig: RigLoop
    let link: RigLink
    let log: CampaignLog
    let meter: RigMeter
    private let world: any World
    private let archive: any Archive
    private let startedAt: Instant

    /// What differs between a board and the virtual clock.
    struct Parts {
        var archive: (CampaignLog) throws(WorldError) -> any Archive
        var thinker: (Planner) -> any Thinker
        var segments: SegmentOptions
        /// The steward's clock; nil: the world's.
        var clock: (any Timekeeper)?
        /// Doorbells of rig and steward, where they are threads.
        var bells: (rig: WakeHandle, steward: WakeHandle)?
    }

    init(
        world: any World, job: CampaignJob, version: String, parts: Parts
    ) throws(AgentError) {
        self.world = world
        let settings = job.settings
        log = try CampaignLog(
            directory: job.logDirectory, settings: settings, options: parts.segments)
        if let seed = log.resumed.seed, seed != settings.campaign.seed {
            throw .otherSeed(path: log.path, seed: seed, now: settings.campaign.seed)
        }
        if let digest = log.resumed.targetDigest, !job.targetText.isEmpty,
            digest != Digest.sha256(job.targetText)
        {
            throw .otherTarget(path: log.path)
        }
        let planner: Planner
        do throws(PlannerError) { planner = try Planner(settings: settings, loss: job.loss) } catch
        {
            throw .planner(error)
        }
        meter = RigMeter()
        do throws(LineSetupError) {
            rig = try RigLoop(
                world: world, settings: settings, loss: job.loss,
                remaining: log.resumed.remaining, meter: meter)
        } catch {
            throw .lines("\(error)")
        }
        do throws(WorldError) { archive = try parts.archive(log) } catch {
            throw .control(error)
        }
        link = RigLink(
            settings: settings, rigWaker: parts.bells?.rig, stewardWaker: parts.bells?.steward)
        director = Director(
            settings: settings, link: link, clock: parts.clock ?? world, resumed: log.resumed,
            archive: archive, thinker: parts.thinker(planner))
        startedAt = world.now

        director.record(
            .start(
                version: version, bootIdentifier: world.bootIdentifier,
                seed: settings.campaign.seed, continues: log.resumed.records > 0))
        let text = job.configurationText
        director.record(.configuration(text: text, sha256: Digest.sha256(text)))
        if !job.targetText.isEmpty {
            let digest = Digest.sha256(job.targetText)
            director.record(.event(kind: ResumedCampaign.targetEvent, text: digest))
        }
        if let damage = log.damage { director.record(.event(kind: "recovery", text: damage)) }
        archive.flush()
    }

    // MARK: - One thread for both

    /// One turn of the rig, and of the director after it, as often as they have something to
    /// say to each other.
    func turn() {
        rig.turn()
        rig.handOver(to: link)
        director.turn()
        exchange()
    }

    /// What an operator asks for, done and written down; returns the answer.
    func operate(_ command: OperatorCommand, kind: String, text: String) -> String {
        director.operate([OperatorAction(command: command, kind: kind, text: text)], ticket: 1)
        exchange()
        return director.answers.popLast()?.text ?? ""
    }

    private func exchange() {
        while link.requests.count > 0 {
            rig.serve(link)
            rig.handOver(to: link)
            director.takeNews()
        }
    }

    /// Runs until the campaign is over or `shouldStop`, calling `between` after every turn.
    func run(shouldStop: () -> Bool, between: () -> Void = {}) {
        while !director.isFinished, !shouldStop() {
            turn()
            between()
            world.wait(until: rig.deadline)
        }
        director.haltForEnd(endReason(wasStopped: shouldStop()))
        exchange()
        while !rig.isOver(at: world.now) {
            turn()
            world.wait(until: rig.deadline)
        }
        finish(atRest: rig.controller.isAtRest, reason: endReason(wasStopped: shouldStop()))
    }

    // MARK: - The end

    /// Why the session ends, for the log.
    func endReason(wasStopped: Bool) -> String {
        wasStopped ? "asked to stop" : director.campaign.phase.description
    }

    /// Writes down how it ended, and closes the log; the lines too, where no thread holds them
    /// any more.
    func finish(atRest: Bool, reason: String, closesLines: Bool = true) {
        if !atRest {
            director.record(
                .fault(
                    kind: "pump-disobedient",
                    text: "not every pump confirmed that it stopped", latched: false))
        }
        director.record(.stop(reason: reason))
        archive.close()
        if closesLines { rig.close() }
    }

    /// Why records did not get into the log; nil when all did.
    var logFailure: String? { archive.failure }

    /// A picture of the moment.
    func status() -> Status {
        var status = director.status()
        status.logPath = log.path
        return status
    }

    /// What came of it, after `run`.
    func summary() -> Summary {
        Summary(
            campaign: director.campaign, droplets: director.dropletsCounted,
            rigSeconds: (world.now - startedAt).seconds, logPath: log.path,
            logSHA256: log.segments.lastSealed.map { Hexadecimal.text($0.hash) } ?? "")
    }
}

/// A campaign to run: its configuration and where its log lies.
public struct CampaignJob {
    /// The checked configuration.
    public var settings: Settings
    /// The same as text, as it will stand in the log.
    public var configurationText: String
    /// The wanted spectrum as it was given, to notice when another one takes its place in the
    /// middle of a campaign; empty: not watched.
    public var targetText: String
    /// How far a spectrum is from the wanted one.
    public var loss: Loss
    /// Where the log lies.
    public var logDirectory: String

    /// A campaign to run.
    public init(
        settings: Settings, configurationText: String, targetText: String = "", loss: Loss,
        logDirectory: String
    ) {
        self.settings = settings
        self.configurationText = configurationText
        self.targetText = targetText
        self.loss = loss
        self.logDirectory = logDirectory
    }
}

extension CampaignJob {
    /// Segments as the configuration says, for a log that begins now with a name nobody else has.
    func segments() throws(WorldError) -> SegmentOptions {
        var options = SegmentOptions(
            newIdentifier: LogIdentifier(derivedFrom: try Entropy.bytes(LogIdentifier.size)))
        options.size = Int64(settings.log.segmentSize)
        options.age = settings.log.segmentAge
        return options
    }

    /// The same under a virtual clock: the name follows from the configuration, so that the same
    /// job gives the same bytes. Such a clock has no nights in which a workstation asks, so only
    /// the size ends a segment.
    var virtualSegments: SegmentOptions {
        let text = "argent\n\(settings.campaign.seed)\n\(targetText)\n\(configurationText)"
        var options = SegmentOptions(newIdentifier: LogIdentifier(derivedFrom: text.utf8))
        options.size = Int64(settings.log.segmentSize)
        options.age = nil
        return options
    }
}

/// Runs campaigns in the caller's thread, under the clock of `world`.
public enum VirtualCampaign {
    /// Runs `job` to its end and returns what came of it; with `nights`, until these are over.
    ///
    /// - Throws: `AgentError` when it cannot start.
    public static func run(
        _ job: CampaignJob, world: any World, version: String,
        observer: (any RecordObserver)? = nil, attendant: (any Attendant)? = nil,
        nights: VirtualNights? = nil
    ) throws(AgentError) -> Summary {
        let parts = Session.Parts(
            archive: { log in
                observer?.takeUp(log.resumed)
                return DirectArchive(
                    log: log.segments, observer: observer, room: nights?.room(of: log, job))
            },
            thinker: { DirectThinker(planner: $0) },
            segments: try nights.map(job.segments(for:)) ?? job.virtualSegments, clock: nil,
            bells: nil)
        let session = try Session(world: world, job: job, version: version, parts: parts)
        try nights?.begin(at: world.now)
        var visits = Visits(attendant: attendant)
        var isOver = false
        session.run(
            shouldStop: { isOver },
            between: {
                isOver = !visits.look(at: session, now: world.now)
                if nights?.pass(session, at: world.now) == false { isOver = true }
            })
        nights?.end()
        return session.summary()
    }
}

/// The person who looks after a rig, where nobody is: asked some time after the rig was held.
public protocol Attendant: AnyObject {
    /// The rig is held for `reason`. Returns what to do; nothing when it cannot be helped.
    func attend(held reason: String) -> [OperatorCommand]
}

/// When the attendant comes, and whether coming helps.
private struct Visits {
    let attendant: (any Attendant)?
    private var heldSince: Instant?
    /// How long a person takes to come.
    private let delay = TimeSpan.seconds(300)

    init(attendant: (any Attendant)?) { self.attendant = attendant }

    /// False when the rig stands still and nobody can help it: waiting on would be for ever.
    mutating func look(at session: Session, now: Instant) -> Bool {
        let state = session.rig.controller.state
        guard state == .held || state == .safe else {
            heldSince = nil
            return true
        }
        guard let since = heldSince else {
            heldSince = now
            return true
        }
        guard now - since >= delay else { return true }
        heldSince = nil
        let commands =
            state == .held
            ? attendant?.attend(held: session.rig.controller.holdReason) ?? [] : []
        for command in commands {
            _ = session.operate(command, kind: "attendant", text: "\(command)")
        }
        return !commands.isEmpty
    }
}
