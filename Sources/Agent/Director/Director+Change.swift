import Campaign
import Configuration
import Quantities
import Rig
import RunLog

/// Settings that were found good and wait for the moment at which they may come into force.
final class AwaitedChange {
    /// The campaign as it goes on.
    let job: CampaignJob
    /// What changes, with the places.
    let changes: [SettingsChange]
    /// Who asked for it, for the log.
    let asker: String
    /// Operators who wait for an answer.
    var tickets: [Int]
    let rig: RigChange
    let planner: Planner
    /// The rig was asked and has not answered.
    fileprivate(set) var isOffered = false
    fileprivate var retryAt = Instant.zero

    /// Time from one refusal of the rig to the next offer: it may be held for days.
    fileprivate static let retryPeriod = TimeSpan.milliseconds(200)

    init(
        job: CampaignJob, changes: [SettingsChange], asker: String, tickets: [Int],
        rig: RigChange, planner: Planner
    ) {
        self.job = job
        self.changes = changes
        self.asker = asker
        self.tickets = tickets
        self.rig = rig
        self.planner = planner
    }

    /// All of it on one line.
    var text: String { changes.map(\.description).joined(separator: "; ") }
}

/// Other settings for a campaign that runs: first the rig takes all of them, between two of its
/// turns, then everything here follows at once. Until the rig has answered it gets no order.
extension Director {
    /// Whether the rig gets no order because settings are to change before the next one.
    var isHeldForChange: Bool {
        guard let awaited else { return false }
        return awaited.isOffered || awaited.rig.needsBoundary
    }

    /// Offers the settings that wait to the rig, where the moment is right.
    func offerChange() {
        guard let change = awaited, !change.isOffered, !isEnding, clock.now >= change.retryAt else {
            return
        }
        if change.rig.needsBoundary {
            // A decision under way is still one of the old settings.
            let isStill = picture?.state == .held || picture?.state == .connecting
            guard !isThinking, isOrderWanted || isStill else { return }
        }
        if let objection = campaign.objection(to: change.job.settings) {
            return giveUp(change, objection)
        }
        change.isOffered = true
        ask(.adopt(change.rig))
    }

    /// The rig goes by them now, or cannot yet.
    func changeAnswered(_ isDone: Bool) {
        guard let change = awaited, change.isOffered else { return }
        change.isOffered = false
        guard isDone else {
            change.retryAt = clock.now + AwaitedChange.retryPeriod
            if !change.rig.needsBoundary { giveUp(change, "the rig is coming to its end") }
            return
        }
        awaited = nil
        settings = change.job.settings
        campaign.adopt(settings)
        // What takes effect at once is nothing that the planner knows.
        if change.rig.needsBoundary { thinker.use(change.planner) }
        let text = change.job.configurationText
        record(.configuration(text: text, sha256: Digest.sha256(text)))
        record(.event(kind: "reload", text: "reloaded (\(change.asker)): \(change.text)"))
        archive.flush()
        for ticket in change.tickets {
            answers.append((ticket, "reloaded; in force now:\n" + Self.list(change.changes)))
        }
        adopted.append(change)
    }

    /// What waited will not come into force.
    func giveUp(_ change: AwaitedChange, _ why: String) {
        awaited = nil
        record(.event(kind: "reload", text: "cannot reload (\(change.asker)): \(why)"))
        for ticket in change.tickets { answers.append((ticket, "cannot reload: \(why)")) }
    }

    /// One change a line, with place and class.
    static func list(_ changes: [SettingsChange]) -> String {
        changes.map { "\($0.place): \($0.description) (\($0.kind.words))" }
            .joined(separator: "\n")
    }
}
