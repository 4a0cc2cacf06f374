import Configuration
import Instruments
import Quantities
import Rig
import RunLog
import World

/// Runs a campaign on real lines, in real time. Threads, the most urgent first: the rig thread
/// holds the instruments; the caller's becomes the steward, which keeps the campaign; one writes
/// the log and serves the control socket; one thinks.
public enum RealCampaign {
    /// How a run ended.
    public enum Ending: Equatable, Sendable {
        /// The campaign is over.
        case finished(String)
        /// A signal asked for the end.
        case stopped
    }

    /// Raw frames on their way to the disk at most: some seconds of the fastest spectrometers.
    static let frameRingCapacity = 512

    /// Runs `job`, or goes on with it, until the campaign is over or SIGTERM or SIGINT comes.
    /// `say` gets what was lost at the start (privileges, log damage), once each. With
    /// `configuration` the campaign takes up changes of it while it runs.
    ///
    /// - Throws: `AgentError` when it cannot start.
    public static func run(
        _ job: CampaignJob, version: String, observer: (any RecordObserver)?,
        configuration: ConfigurationSupply? = nil, say: (String) -> Void
    ) throws(AgentError) -> (ending: Ending, summary: Summary) {
        let world: RealWorld
        let listener: UnixListener
        let lock: InstanceLock
        var segments: SegmentOptions
        let sync: SyncService
        let bell: WakeHandle
        do throws(WorldError) {
            try Files.makeDirectories(job.logDirectory)
        } catch { throw .directory(error) }
        do throws(WorldError) {
            lock = try InstanceLock(path: job.logDirectory + "/lock")
        } catch { throw .alreadyRunning(error) }
        do throws(WorldError) {
            segments = try job.segments()
            world = try RealWorld(
                leavesPortsToAThread: true, priority: job.settings.realtime.priority,
                cpu: job.settings.realtime.cpu)
            bell = try WakeHandle()
            try StopSignal.install(waking: [bell])
            try ReloadSignal.install()
            let socket = job.settings.control.socket
            try Files.makeDirectories(Files.parent(of: socket))
            listener = try UnixListener(path: socket)
        } catch { throw .control(error) }
        sync = try SyncService(job)
        segments.signer = sync.identity

        let names = job.settings.pumps.map(\.name)
        let mailbox = ControlMailbox(pumpNames: names, stewardWaker: bell)
        var first = Status()
        first.campaign = job.settings.campaign.name
        first.state = "starting"
        mailbox.show(first)
        let control = ControlServer(listener: listener, mailbox: mailbox)
        let rigBell = world.waker
        let frames =
            job.settings.log.rawFrames
            ? FrameRing(
                capacity: frameRingCapacity, pixelLimit: job.settings.spectrometer.pixelCount)
            : nil
        var room: LogRoom?
        let parts = Session.Parts(
            archive: { log throws(WorldError) in
                observer?.takeUp(log.resumed)
                let made = LogRoom(
                    directory: job.logDirectory, settings: job.settings.log,
                    signer: sync.identity, frames: frames,
                    acknowledged: { sync.pulled(of: log.segments.logIdentifier) })
                room = made
                return try ThreadedArchive(
                    log: log.segments, observer: observer, control: control, room: made)
            },
            thinker: { BackgroundThinker(planner: $0, waker: bell) }, segments: segments,
            clock: KernelClock(), bells: (rigBell, bell))
        let session = try Session(world: world, job: job, version: version, parts: parts)
        session.rig.frames = frames
        if let damage = session.log.damage { say(damage) }
        let lookout = try lookout(job, session, mailbox, sync, version: version)
        defer { lookout.stop() }
        try sync.start()
        defer { sync.stop() }
        let desk = configuration.map {
            ReloadDesk($0, job: job, director: session.director, mailbox: mailbox, room: room)
        }
        defer { desk?.finish() }
        var steward = Steward(
            session: session, mailbox: mailbox, bell: bell, sync: sync, lookout: lookout,
            desk: desk)
        do throws(WorldError) {
            try steward.run(settings: job.settings.realtime, say: say)
        } catch { throw .control(error) }
        if let failure = session.logFailure { say(failure) }
        let ending: Ending =
            session.director.isFinished
            ? .finished(session.director.campaign.phase.description) : .stopped
        withExtendedLifetime(lock) {}
        return (ending, session.summary())
    }

    /// Whoever looks at disk and board, and writes the numbers for monitoring; started.
    private static func lookout(
        _ job: CampaignJob, _ session: Session, _ mailbox: ControlMailbox, _ sync: SyncService,
        version: String
    ) throws(AgentError) -> Lookout {
        let meter = session.meter
        let directory = job.logDirectory
        let log = session.log.segments.logIdentifier
        let isServed = sync.status != nil
        mailbox.tellNumbers { [weak mailbox] in
            AgentMetrics.text(
                mailbox?.status ?? Status(), lateness: meter.lateness, version: version,
                now: Clocks.wallTime)
        }
        do throws(WorldError) {
            let lookout = try Lookout(
                settings: job.settings.metrics,
                look: {
                    Surroundings(
                        directory: directory, isPulled: isServed ? sync.pulled(of: log) : nil)
                }, text: { mailbox.numbers })
            try lookout.start()
            return lookout
        } catch { throw .control(error) }
    }
}

/// What the caller's thread does while the rig thread holds the rig.
private struct Steward {
    /// How often the picture for `argent status` is renewed.
    private static let picturePeriod = TimeSpan.milliseconds(200)
    /// How often it looks around when nobody rings.
    private static let lookPeriod = TimeSpan.milliseconds(100)
    /// Time beyond the rig's own after which a rig thread that does not end is left alone.
    private static let endSlack = TimeSpan.seconds(5)

    let session: Session
    let mailbox: ControlMailbox
    let bell: WakeHandle
    let sync: SyncService
    let lookout: Lookout
    let desk: ReloadDesk?
    private let startedAt = Double(Clocks.wallTime.unixNanoseconds) / 1e9
    private var toldProblem: String?
    private let service = ServiceManager().map { ServiceReport($0, now: Clocks.now) }
    private var turnsSeen = 0
    private var shownAt = Instant.zero
    private var told = 0

    init(
        session: Session, mailbox: ControlMailbox, bell: WakeHandle, sync: SyncService,
        lookout: Lookout, desk: ReloadDesk?
    ) {
        self.lookout = lookout
        self.session = session
        self.mailbox = mailbox
        self.bell = bell
        self.sync = sync
        self.desk = desk
    }

    /// Runs the campaign to its end, or until somebody asks to stop.
    mutating func run(
        settings: RealtimeSettings, say: (String) -> Void
    ) throws(WorldError) {
        let director = session.director
        let rig = RigThread(rig: session.rig, link: session.link, settings: settings)
        try rig.start()
        var poller = Poller(waker: bell)
        while !director.isFinished, !isAskedToStop {
            turn(settings, say)
            _ = poller.wait(timeout: Self.lookPeriod)
        }
        let reason = session.endReason(wasStopped: isAskedToStop)
        service?.stopping()
        director.haltForEnd(reason)
        let limit = Clocks.now + RigLoop.restLimit + Self.endSlack
        while !rig.isOver, Clocks.now < limit {
            turn(settings, say)
            _ = poller.wait(timeout: Self.lookPeriod)
        }
        guard rig.isOver else {
            // It hangs in the kernel; its lines close when the process ends, and so does it.
            say("the rig thread does not come to an end; look at its serial adapters")
            _ = Unmanaged.passRetained(rig)
            return session.finish(atRest: false, reason: reason, closesLines: false)
        }
        rig.join()
        director.turn()
        session.finish(atRest: director.endedAtRest ?? false, reason: reason)
    }

    private var isAskedToStop: Bool { StopSignal.received.map { $0 != 1 } ?? false }

    private mutating func turn(_ settings: RealtimeSettings, _ say: (String) -> Void) {
        let director = session.director
        while let request = mailbox.requests.pop() {
            if request.isReload {
                reload(asker: "an operator", ticket: request.number)
            } else {
                director.operate(request.actions, ticket: request.number)
            }
        }
        if desk?.isAsked == true { reload(asker: "SIGHUP", ticket: nil) }
        director.turn()
        desk?.turn()
        for answer in director.answers where answer.ticket > 0 {
            let isDone = !answer.text.hasPrefix("cannot ")
            _ = mailbox.answers.push(
                OperatorAnswer(number: answer.ticket, ok: isDone, text: answer.text))
        }
        if !director.answers.isEmpty { mailbox.wakeServer() }
        director.answers.removeAll()
        for text in director.lost.dropFirst(told) { say(text) }
        told = director.lost.count
        sync.report(to: director)
        if lookout.problem != toldProblem {
            toldProblem = lookout.problem
            let text = toldProblem ?? "[metrics] file is written again"
            say(text)
            director.record(.event(kind: "metrics", text: text))
        }
        let now = Clocks.now
        reportService(at: now)
        guard now - shownAt >= Self.picturePeriod else { return }
        shownAt = now
        var status = session.status()
        status.realtime = Status.Realtime(
            session.meter, settings: settings, lost: director.lost)
        status.sync = sync.status
        status.surroundings = lookout.surroundings
        status.startedAt = startedAt
        status.configuration = desk?.status
        mailbox.show(status)
        service?.show(status)
    }

    /// Reads the configuration again; the service manager sees when.
    private mutating func reload(asker: String, ticket: Int?) {
        guard let desk, !session.director.isEnding else {
            guard let ticket else { return }
            return session.director.answers.append((ticket, "cannot reload: it is ending"))
        }
        service?.reloading()
        if ticket == nil {
            desk.reloadForSignal()
        } else {
            desk.reload(asker: asker, ticket: ticket)
        }
        service?.reloaded()
        // Whoever asks now sees what came of it.
        shownAt = .zero
    }

    /// The service manager hears only of a rig thread that has turned since the last time: one
    /// that stands still, or never comes out of a turn, falls silent.
    private mutating func reportService(at now: Instant) {
        guard let service, session.meter.turns != turnsSeen else { return }
        turnsSeen = session.meter.turns
        let picture = session.director.picture
        service.turned(at: now, isKnown: { picture?.isKnown(session.director.settings) ?? false })
    }
}
