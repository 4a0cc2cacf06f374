import Campaign
import Configuration
import Export
import Quantities
import Rig
import RunLog
import World

/// The steward's hand on the configuration: reads it again when somebody asks, lets it come into
/// force whole or not at all, and keeps the last one that worked.
final class ReloadDesk {
    private let supply: ConfigurationSupply
    private let director: Director
    private let mailbox: ControlMailbox
    private let keeper: LastGoodKeeper?
    /// The log's room, which has settings of its own.
    private let room: LogRoom?
    private var job: CampaignJob
    /// What `argent status` shows.
    private(set) var status = ConfigurationStatus()
    /// Since the beginning of the process: what came while it started counts too.
    private var signalsSeen: Int32 = 0
    /// Reloads that came while another was between steward and rig, and how many at most.
    private var deferred: [(asker: String, ticket: Int?)] = []
    private static let deferredLimit = 16
    /// The configuration in force is not yet kept as the last good one.
    private var mustKeep: Bool

    init(
        _ supply: ConfigurationSupply, job: CampaignJob, director: Director,
        mailbox: ControlMailbox, room: LogRoom?
    ) {
        self.supply = supply
        self.job = job
        self.director = director
        self.mailbox = mailbox
        self.room = room
        keeper = supply.lastGood.map(LastGoodKeeper.init)
        mustKeep = supply.substituteReason.isEmpty
        status.path = supply.path
        status.isLastGood = !supply.substituteReason.isEmpty
        status.problem = supply.substituteReason
        for notice in supply.notices { note("configuration-changed", notice, .notice) }
        for doubt in supply.doubts { note("configuration-doubt", doubt, .warning) }
        if status.isLastGood {
            note(
                "last-good",
                "the configuration cannot be used: \(supply.substituteReason); the campaign goes "
                    + "on with the last good one. Mend it, then `argent reload`", .error)
        }
        show()
    }

    /// Whether a reload is to be looked at.
    var isAsked: Bool { ReloadSignal.count != signalsSeen }

    /// Looks after what waits; once in every turn of the steward.
    func turn() {
        for change in director.adopted { cameIntoForce(change) }
        director.adopted.removeAll()
        if director.awaited?.isOffered != true, !deferred.isEmpty {
            let next = deferred.removeFirst()
            reload(asker: next.asker, ticket: next.ticket)
        }
        let waiting = director.awaited?.changes.map(\.description) ?? []
        if waiting != status.waiting {
            status.waiting = waiting
            show()
        }
        if let problem = keeper?.takeProblem() {
            note("last-good", "the last good configuration was not kept: \(problem)", .warning)
        }
        guard mustKeep, let keeper, isWorking else { return }
        if keeper.keep(job.settings) { mustKeep = false }
    }

    /// Waits for what is on its way to the disk.
    func finish() { keeper?.finish() }

    /// SIGHUP came.
    func reloadForSignal() {
        signalsSeen = ReloadSignal.count
        reload(asker: "SIGHUP", ticket: nil)
    }

    /// Reads the configuration and lets it come into force as soon as it may. The answer goes to
    /// the operator with `ticket`, and into the log.
    func reload(asker: String, ticket: Int?) {
        guard director.awaited?.isOffered != true else {
            // The rig is being asked; it answers within a turn.
            guard deferred.count < Self.deferredLimit else {
                return refuse(asker, ticket, "too many reloads at once", "", .warning)
            }
            return deferred.append((asker, ticket))
        }
        let supplied: SuppliedConfiguration
        switch supply.read() {
        case .success(let good): supplied = good
        case .failure(let failure):
            status.problem = failure.first
            return refuse(
                asker, ticket,
                "the configuration is broken, the one before stays in force: "
                    + failure.first, failure.report, .error)
        }
        for doubt in supplied.doubts { note("configuration-doubt", doubt, .warning) }
        let changes = SettingsChange.between(
            job.settings, and: supplied.job.settings, places: supplied.places)
        guard !changes.isEmpty else { return unchanged(asker, ticket, supplied) }
        propose(changes, supplied, asker, ticket)
    }

    private func propose(
        _ changes: [SettingsChange], _ supplied: SuppliedConfiguration, _ asker: String,
        _ ticket: Int?
    ) {
        let refused = changes.filter { $0.kind == .refused }
        guard refused.isEmpty else {
            status.problem =
                "refused mid-run: " + refused.map(\.description).joined(separator: "; ")
            return refuse(
                asker, ticket,
                "refused mid-run, nothing was changed: "
                    + refused.map(\.description).joined(separator: "; ")
                    + " (takes a restart: `systemctl restart argent`)", Director.list(refused),
                .warning)
        }
        if let objection = director.campaign.objection(to: supplied.job.settings) {
            return refuse(asker, ticket, "nothing was changed: \(objection)", "", .warning)
        }
        guard let rig = RigChange(from: job.settings, to: supplied.job.settings) else {
            return refuse(
                asker, ticket,
                "refused mid-run, nothing was changed: other reactions for other "
                    + "things (takes a restart)", "", .warning)
        }
        let planner: Planner
        do throws(PlannerError) {
            planner = try Planner(settings: supplied.job.settings, loss: job.loss)
        } catch { return refuse(asker, ticket, "\(error)", "", .error) }
        status.problem = ""
        var job = supplied.job
        // The target may not change, so that the distance from it is the same too.
        job.loss = self.job.loss
        let change = AwaitedChange(
            job: job, changes: changes, asker: asker,
            tickets: rig.needsBoundary ? [] : ticket.map { [$0] } ?? [], rig: rig,
            planner: planner)
        replaceAwaited(by: change)
        if rig.needsBoundary {
            let text = "takes effect at the next boundary between conditions, all of it together"
            director.record(
                .event(kind: "reload", text: "accepted (\(asker)), \(text): \(change.text)"))
            if let ticket {
                director.answers.append(
                    (ticket, "accepted; \(text):\n" + Director.list(changes)))
            }
        }
        director.offerChange()
    }

    private func unchanged(_ asker: String, _ ticket: Int?, _ supplied: SuppliedConfiguration) {
        replaceAwaited(by: nil)
        if status.isLastGood { mustKeep = true }
        status.isLastGood = false
        status.problem = ""
        // Comments, and values that mean the same, may differ: the log holds the text in force.
        if supplied.job.configurationText != job.configurationText {
            job.configurationText = supplied.job.configurationText
            let text = job.configurationText
            director.record(.configuration(text: text, sha256: Digest.sha256(text)))
        }
        director.record(.event(kind: "reload", text: "reloaded (\(asker)): nothing changes"))
        if let ticket { director.answers.append((ticket, "nothing changes")) }
        show()
    }

    /// Of two reloads that wait for the same boundary the later one counts.
    private func replaceAwaited(by change: AwaitedChange?) {
        if let old = director.awaited {
            director.giveUp(old, "a later reload takes its place")
        }
        director.awaited = change
    }

    private func cameIntoForce(_ change: AwaitedChange) {
        let before = job.settings.log
        job = change.job
        if job.settings.log != before { room?.adopt(job.settings.log) }
        status.isLastGood = false
        status.problem = ""
        mustKeep = true
        show()
    }

    private func refuse(
        _ asker: String, _ ticket: Int?, _ text: String, _ report: String, _ urgency: Urgency
    ) {
        show()
        note("reload-refused", "cannot reload (\(asker)): \(text)", urgency)
        if let ticket {
            let more = report.isEmpty ? "" : "\n" + report
            director.answers.append((ticket, "cannot reload: \(text)\(more)"))
        }
    }

    private func note(_ kind: String, _ text: String, _ urgency: Urgency) {
        director.record(.event(kind: kind, text: text))
        director.archive.flush()
        supply.tell(urgency, text)
    }

    /// Whether every instrument answered as configured, and the rig does something.
    private var isWorking: Bool {
        switch director.picture?.state {
        case nil, .connecting, .ramping, .held, .safe: false
        default: true
        }
    }

    /// Leaves the configuration in force for whoever asks at the control socket.
    private func show() {
        status.sha256 = Digest.sha256(job.configurationText)
        let settings = SettingsWriter.text(job.settings, comments: false)
        mailbox.show(
            configuration: JSONText.object { json in
                json.member("ok", true)
                status.write(to: &json)
                json.member("settings", settings)
            })
    }
}
