import Configuration
import Instruments
import Quantities
import Rig
import RunLog
import World

/// Runs a campaign on real lines, in real time: the caller's thread becomes the rig thread.
public enum RealCampaign {
    /// How a run ended.
    public enum Ending: Equatable, Sendable {
        /// The campaign is over.
        case finished(String)
        /// A signal asked for the end.
        case stopped
    }

    /// Runs `job`, or goes on with it, until the campaign is over or SIGTERM or SIGINT comes.
    /// `say` gets what was lost at the start (privileges, log damage), once each.
    ///
    /// - Throws: `AgentError` when it cannot start.
    public static func run(
        _ job: CampaignJob, version: String, observer: (any RecordObserver)?,
        say: (String) -> Void
    ) throws(AgentError) -> (ending: Ending, summary: Summary) {
        let world: RealWorld
        let listener: UnixListener
        let lock: InstanceLock
        var segments: SegmentOptions
        let sync: SyncService
        do throws(WorldError) {
            try Files.makeDirectories(job.logDirectory)
        } catch { throw .directory(error) }
        do throws(WorldError) {
            lock = try InstanceLock(path: job.logDirectory + "/lock")
        } catch { throw .alreadyRunning(error) }
        do throws(WorldError) {
            segments = try job.segments()
            world = try RealWorld()
            try StopSignal.install(waking: [world.waker])
            let socket = job.settings.control.socket
            try Files.makeDirectories(Files.parent(of: socket))
            listener = try UnixListener(path: socket)
        } catch { throw .control(error) }
        sync = try SyncService(job)
        segments.signer = sync.identity

        let names = job.settings.pumps.map(\.name)
        let mailbox = ControlMailbox(pumpNames: names, rigWaker: world.waker)
        var first = Status()
        first.campaign = job.settings.campaign.name
        first.state = "starting"
        mailbox.show(first)
        let control = ControlServer(listener: listener, mailbox: mailbox)
        let parts = Session.Parts(
            archive: { log throws(WorldError) in
                observer?.takeUp(log.resumed)
                return try ThreadedArchive(
                    log: log.segments, observer: observer, control: control)
            },
            thinker: { BackgroundThinker(planner: $0, waker: world.waker) }, segments: segments)
        let session = try Session(world: world, job: job, version: version, parts: parts)
        if let damage = session.log.damage { say(damage) }
        try sync.start()
        defer { sync.stop() }

        let service = ServiceManager().map { ServiceReport($0, now: world.now) }
        var shownAt = Instant.zero
        session.run(
            shouldStop: { StopSignal.received.map { $0 != 1 } ?? false },
            latest: { service?.deadline ?? .distantFuture },
            between: { director in
                serve(mailbox, director)
                sync.report(to: director)
                let now = world.now
                service?.turned(at: now, isKnown: { director.rig.isKnown })
                if StopSignal.received.map({ $0 != 1 }) ?? false { service?.stopping() }
                guard now - shownAt >= picturePeriod else { return }
                shownAt = now
                var status = session.status()
                status.sync = sync.status
                mailbox.show(status)
                service?.show(status)
            })
        if let failure = session.logFailure { say(failure) }
        let isOver = session.director.isFinished
        let ending: Ending =
            isOver ? .finished(session.director.campaign.phase.description) : .stopped
        withExtendedLifetime(lock) {}
        return (ending, session.summary())
    }

    /// How often the picture for `argent status` is renewed.
    private static let picturePeriod = TimeSpan.milliseconds(200)

    private static func serve(_ mailbox: ControlMailbox, _ director: Director) {
        while let request = mailbox.requests.pop() {
            var text = director.operate(request.command, kind: request.kind, text: request.text)
            let isDone = !text.hasPrefix("cannot ")
            if request.thenResumes {
                text += "; " + director.operate(.resume, kind: "resume", text: "after refilling")
            }
            _ = mailbox.answers.push(OperatorAnswer(number: request.number, ok: isDone, text: text))
        }
    }
}
