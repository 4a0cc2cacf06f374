import Configuration
import Quantities
import RunLog
import Sync
import Synchronization
import World

/// What the archive thread does for the log beside writing records: raw frames into blocks, and
/// the disk kept within its budget. Belongs to that thread; others may only read `shortage` and
/// call `adopt`.
final class LogRoom: @unchecked Sendable {
    private let frames: FrameRecorder?
    private let keeper: LogKeeper
    private let acknowledged: () -> (UInt64) -> Bool
    private let lack = Mutex<String?>(nil)
    private let change = Mutex<LogSettings?>(nil)

    /// What is lacking, in words, once room has run so short that bulk is not kept any more; nil
    /// while there is room.
    var shortage: String? { lack.withLock { $0 } }

    /// Looks after the log at `directory`. `frames` may come from the rig's thread;
    /// `acknowledged` looks up which sealed segments were pulled.
    init(
        directory: String, settings: LogSettings, signer: (any SegmentSigner)?,
        frames: FrameRing?, acknowledged: @escaping () -> (UInt64) -> Bool
    ) {
        self.frames = frames.map { FrameRecorder($0, kind: "scan") }
        self.acknowledged = acknowledged
        keeper = LogKeeper(
            DirectoryStorage(directory),
            Retention(
                budget: Int64(settings.diskBudget), reserve: Int64(settings.diskReserve)),
            isReplayed: true, signer: signer,
            freeBytes: {
                // A file system that does not tell is not a reason to give records up.
                (try? Files.space(directory)).map { Int64(clamping: $0.free) } ?? .max
            })
    }

    /// Any thread: budget, reserve and the ends of segments are those of `settings` from the next
    /// look on.
    func adopt(_ settings: LogSettings) { change.withLock { $0 = settings } }

    /// Appends the blocks of frames that are due.
    func collect(at now: Instant, isLast: Bool, into records: inout [Record]) {
        frames?.collect(at: now, wall: Clocks.wallTime, isLast: isLast, into: &records)
    }

    /// Looks at the disk, or gives up the next piece of `log`, when it is time. What happened is
    /// appended.
    func keep(_ log: SegmentedLog, at now: Instant, into records: inout [Record]) {
        let changed = change.withLock { change in
            defer { change = nil }
            return change
        }
        if let changed {
            keeper.adopt(
                Retention(
                    budget: Int64(changed.diskBudget), reserve: Int64(changed.diskReserve)))
            log.end(atSize: Int64(changed.segmentSize), age: changed.segmentAge)
        }
        for event in keeper.turn(
            at: now, active: log.unsealedBytes, sealing: log.sealingBytes,
            acknowledged: acknowledged)
        {
            records.append(
                Record(
                    at: now, wall: Clocks.wallTime,
                    body: .event(kind: "log-room", text: event.text)))
            guard case .level(let level, _, _, _) = event else { continue }
            frames?.isKeeping = level < .scarce
            lack.withLock { $0 = level < .scarce ? nil : event.text }
        }
    }

    /// A segment was sealed.
    func sealed() { keeper.sealed() }

    /// Whether `keep` has more to do at once.
    var isBusy: Bool { keeper.isBusy }

    /// Gives up what is unfinished; the next process begins it anew.
    func close() { keeper.close() }
}

extension SyncService {
    /// Looks up who is accepted, and tells which sealed segments of the log called `log` all of
    /// them have. Where nobody is accepted, or nobody listens, none was pulled.
    func pulled(of log: LogIdentifier) -> (UInt64) -> Bool {
        guard let acknowledgements, let peers = try? peerStore.peers().map(\.fingerprint) else {
            return { _ in false }
        }
        return { acknowledgements.everyHas(peers, segment: $0, of: log.bytes) }
    }
}
