import Configuration
import Quantities
import RunLog
import World

/// What a rig has beside its campaign where days of a virtual clock pass: a log that is kept within
/// its room, offered to workstations over the real network, and somebody who comes every night.
public final class VirtualNights {
    private static let day = TimeSpan.seconds(86_400)

    private let days: Int
    private let sync: SyncService
    private let visit: (Night) -> Void
    private var begin = Instant.zero
    private var passed = 0

    /// A day that is over.
    public struct Night {
        /// From 1 on; one more than the days once the campaign has ended.
        public var number: Int
        /// Whether the campaign has ended.
        public var isLast: Bool
    }

    /// `days` days, after each of which, and at the end, `visit` is called while time stands
    /// still.
    public init(days: Int, sync: SyncService, visit: @escaping (Night) -> Void) {
        self.days = days
        self.sync = sync
        self.visit = visit
    }

    /// Who signs the log's segments.
    var signer: (any SegmentSigner)? { sync.identity }

    /// Who looks after the room of `log`.
    func room(of log: CampaignLog, _ job: CampaignJob) -> LogRoom {
        LogRoom(
            directory: job.logDirectory, settings: job.settings.log, signer: sync.identity,
            frames: nil,
            acknowledged: { [sync] in sync.pulled(of: log.segments.logIdentifier) })
    }

    func begin(at now: Instant) throws(AgentError) {
        begin = now
        try sync.start()
    }

    /// False once all days have passed.
    func pass(_ session: Session, at now: Instant) -> Bool {
        sync.report(to: session.director)
        guard now - begin >= Self.day * Int64(passed + 1) else { return true }
        passed += 1
        visit(Night(number: passed, isLast: false))
        return passed < days
    }

    /// The log is whole: the last visit.
    func end() {
        visit(Night(number: passed + 1, isLast: true))
        sync.stop()
    }
}

extension CampaignJob {
    /// Segments of a log that workstations fetch.
    func segments(for nights: VirtualNights) throws(AgentError) -> SegmentOptions {
        do throws(WorldError) {
            var options = try segments()
            options.signer = nights.signer
            return options
        } catch { throw .directory(error) }
    }
}
