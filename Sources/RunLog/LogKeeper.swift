import Quantities
import World

/// What keeping a log within its room did or found; for the log itself and for people.
public enum KeepingEvent: Equatable, Sendable {
    /// A segment lost its spectra blocks: how many bytes that freed.
    case thinned(number: UInt64, freed: Int64)
    /// A segment was removed: its hash in hexadecimal.
    case removed(number: UInt64, hash: String)
    /// The room is filled as far as this: of how many bytes, how many are used, and how many of
    /// these nobody has pulled yet.
    case level(Retention.Level, used: Int64, room: Int64, unacknowledged: Int64)
    /// It could not be done.
    case failed(String)

    /// What happened and what to do, for people.
    public var text: String {
        switch self {
        case .thinned(let number, let freed):
            "segment \(number) was pulled and gave up its spectra blocks: \(freed) bytes free"
        case .removed(let number, let hash):
            "segment \(number) was pulled and is removed; its hash was \(hash)"
        case .level(.roomy, let used, let room, _):
            "the log has room again: \(used) of \(room) bytes used"
        case .level(let level, let used, let room, let unacknowledged):
            "\(used) of \(room) bytes for the log are used, \(unacknowledged) of them were not "
                + "pulled yet: " + advice(level)
        case .failed(let text): "the log could not be kept within its room: \(text)"
        }
    }

    private func advice(_ level: Retention.Level) -> String {
        switch level {
        case .roomy: ""
        case .low: "pull the log (`argent-workstation pull`), or raise [log] disk_budget"
        case .scarce: "spectra blocks are not kept any more; pull the log now"
        case .full: "there is no room for the next record; pull the log, or make room on the disk"
        }
    }
}

/// Keeps a log within its disk budget, on the thread that writes it: looks now and then how full
/// it is, and gives up what `Retention` allows, a small step per call.
public final class LogKeeper {
    /// Time between two looks at the disk while there is room.
    public static let period = TimeSpan.seconds(10)
    /// The same while room is short: somebody waits for it.
    public static let shortPeriod = TimeSpan.seconds(1)
    /// Share of the room by which the active segment may grow before there is a look all the
    /// same: so that little room does not end between two of them.
    public static let growthShare = 0.01

    private let storage: any LogStorage
    private var retention: Retention
    private let isReplayed: Bool
    private let level: Int32
    private let signer: (any SegmentSigner)?
    private let freeBytes: () -> Int64
    private var candidates: [Retention.Candidate] = []
    private var mustList = true
    private var thinner: (SegmentThinner, before: Int64)?
    private var nextLook: Instant?
    /// Size of the active segment from which on there is a look.
    private var growthLimit = Int64.max
    private var failed: Set<UInt64> = []

    /// How full the log's room was at the last look.
    public private(set) var filling = Retention.Level.roomy
    /// Bytes of the log at the last look.
    public private(set) var used: Int64 = 0

    /// A keeper of the log in `storage`. `isReplayed`: its campaign is not over, so that a
    /// restart needs every record but spectra blocks. `freeBytes` tells what the file system has
    /// left.
    public init(
        _ storage: any LogStorage, _ retention: Retention, isReplayed: Bool, level: Int32 = 6,
        signer: (any SegmentSigner)? = nil, freeBytes: @escaping () -> Int64
    ) {
        self.storage = storage
        self.retention = retention
        self.isReplayed = isReplayed
        self.level = level
        self.signer = signer
        self.freeBytes = freeBytes
    }

    /// Goes by `new` from here on, and looks at once.
    public func adopt(_ new: Retention) {
        retention = new
        growthLimit = 0
    }

    /// A segment was sealed: it will be looked at, at once.
    public func sealed() {
        mustList = true
        growthLimit = 0
    }

    /// Looks, or does the next step, when it is time; `active` is the size of what is not sealed
    /// yet, `sealing` that of its copy while it is being sealed, which does not count: one of the
    /// two goes. `acknowledged` looks up which segments were pulled. Returns what is to be noted.
    public func turn(
        at now: Instant, active: Int64, sealing: Int64 = 0,
        acknowledged: () -> (UInt64) -> Bool
    ) -> [KeepingEvent] {
        if thinner != nil { return thin() }
        let period = filling == .roomy ? Self.period : Self.shortPeriod
        let isGrown = active >= growthLimit
        if !isGrown, let nextLook, now < nextLook, nextLook - now <= period { return [] }
        nextLook = now + period
        var events: [KeepingEvent] = []
        do throws(JournalError) { try look() } catch { return [.failed("\(error)")] }
        var segments = candidates
        let isAcknowledged = acknowledged()
        for index in segments.indices {
            segments[index].isAcknowledged =
                isAcknowledged(segments[index].number) && !failed.contains(segments[index].number)
        }
        let (left, isBoundless) = freeBytes().addingReportingOverflow(sealing)
        let free = isBoundless ? .max : left
        used = segments.reduce(active) { $0 + $1.bytes }
        let room = retention.room(used: used, free: free)
        growthLimit = active + max(1, Int64(Double(room) * Self.growthShare))
        note(free: free, segments, into: &events)
        switch retention.step(segments, active: active, free: free) {
        case .none: break
        case .remove(let number): events += remove(number)
        case .thin(let number): events += begin(number)
        }
        return events
    }

    private func note(
        free: Int64, _ segments: [Retention.Candidate], into events: inout [KeepingEvent]
    ) {
        let level = retention.level(used: used, free: free)
        guard level != filling else { return }
        filling = level
        let open = segments.filter { !$0.isAcknowledged }.reduce(0) { $0 + $1.bytes }
        events.append(
            .level(
                level, used: used, room: retention.room(used: used, free: free),
                unacknowledged: open))
    }

    /// Reads heads and indexes of the segments that came since the last look.
    private func look() throws(JournalError) {
        guard mustList else { return }
        let known = Set(candidates.map(\.number))
        for number in try LogListing(storage).sealed where !known.contains(number) {
            guard let source = try? storage.openForReading(SegmentName.sealed(number)),
                let reader = try? SegmentReader(source)
            else { continue }
            candidates.append(
                Retention.Candidate(
                    number: number, bytes: reader.segment.size, isAcknowledged: false,
                    hasBulk: SegmentThinner.hasBulk(reader.index), isReplayed: isReplayed))
        }
        candidates.sort { $0.number < $1.number }
        mustList = false
    }

    /// What was known of segment `number` is so no more.
    private func forget(_ number: UInt64) {
        candidates.removeAll { $0.number == number }
        mustList = true
        nextLook = nil
    }

    private func remove(_ number: UInt64) -> [KeepingEvent] {
        let segment = try? LogDirectory.sealedSegment(number, in: storage)
        do throws(WorldError) {
            try storage.remove(SegmentName.sealed(number))
            try storage.syncDirectory()
        } catch {
            failed.insert(number)
            return [.failed("\(error)")]
        }
        forget(number)
        return [.removed(number: number, hash: segment.map { Hexadecimal.text($0.hash) } ?? "")]
    }

    private func begin(_ number: UInt64) -> [KeepingEvent] {
        let before = candidates.first { $0.number == number }?.bytes ?? 0
        do throws(SegmentError) {
            let begun = try SegmentThinner(
                number: number, storage: storage, level: level, signer: signer)
            thinner = (begun, before)
            return []
        } catch {
            failed.insert(number)
            return [.failed("\(error)")]
        }
    }

    private func thin() -> [KeepingEvent] {
        guard let (current, before) = thinner else { return [] }
        do throws(SegmentError) {
            guard let segment = try current.step() else { return [] }
            thinner = nil
            forget(segment.number)
            return [.thinned(number: segment.number, freed: before - segment.size)]
        } catch {
            current.abandon()
            thinner = nil
            failed.insert(current.number)
            return [.failed("\(error)")]
        }
    }

    /// Whether there is more to do at once.
    public var isBusy: Bool { thinner != nil || nextLook == nil }

    /// Gives up an unfinished step; the next process begins it anew.
    public func close() {
        thinner?.0.abandon()
        thinner = nil
    }
}
