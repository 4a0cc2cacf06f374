import World

/// What opening a log found and did. Nothing is dropped without being counted here.
public struct LogRecovery: Equatable, Sendable {
    /// A loss and the segment it is in, or before.
    public struct Gap: Equatable, Sendable {
        /// Number of the segment.
        public var segment: UInt64
        /// The loss.
        public var gap: JournalGap
    }
    /// Whether a log was there before.
    public var existed = false
    /// Intact records this program understands.
    public var records = 0
    /// Intact records it does not understand (unknown type, or unreadable).
    public var notUnderstood = 0
    /// Losses, the first `JournalRecovery.gapLimit` of them.
    public var gaps: [Gap] = []
    /// All losses.
    public var gapCount = 0
    /// Bytes cut off at the end, where a write was torn.
    public var droppedBytes: Int64 = 0
    /// Sealed segments that are damaged, and why.
    public var damaged: [UnreadableSegment] = []
    /// Segments that wait to be sealed.
    public var unsealed = 0
    /// Files thrown away: half-sealed ones, and active ones whose sealed twin is whole.
    public var removedFiles = 0

    mutating func count(_ entry: JournalEntry, segment: UInt64) {
        switch entry {
        case .record: records += 1
        case .unknown, .unreadable: notUnderstood += 1
        case .gap(let gap):
            gapCount += 1
            if gaps.count < JournalRecovery.gapLimit {
                gaps.append(Gap(segment: segment, gap: gap))
            }
        }
    }
}

/// A log in order, as its directory leaves it.
struct RecoveredLog {
    var recovery = LogRecovery()
    /// Active segments that wait to be sealed, ascending.
    var closed: [UInt64] = []
    var nextNumber: UInt64 = 1
    var nextSequence: UInt64 = 1
    var lastSealed: SealedSegment?
    var logIdentifier: LogIdentifier?

    /// Brings the files in `storage` in order and hands every entry to `visit`. Doing it twice,
    /// or being cut anywhere and doing it again, gives the same.
    init(
        _ storage: any LogStorage, visit: (JournalEntry) -> Void
    ) throws(JournalError) {
        var listing = try LogListing(storage)
        recovery.existed = !listing.isEmpty
        try Self.takeOver(&listing, storage)
        try removeUnfinished(listing, storage)
        try removeTwins(&listing, storage)

        var reader = try LogReader(storage)
        var firstPayload: [UInt8]?
        while let entry = try reader.nextRaw() {
            if firstPayload == nil, case .payload(_, let payload) = entry { firstPayload = payload }
            let decoded = entry.decoded
            recovery.count(decoded, segment: reader.segment)
            visit(decoded)
        }
        recovery.damaged = reader.damaged
        logIdentifier = reader.logIdentifier
        if logIdentifier == nil, let firstPayload {
            // Version 1 has no identifier: its first record says which log it is.
            logIdentifier = LogIdentifier(derivedFrom: firstPayload)
        }
        nextSequence = reader.lastSequence + 1
        nextNumber = (listing.numbers.last ?? 0) + 1
        closed = listing.active
        if let last = listing.sealed.last {
            lastSealed = try? LogDirectory.sealedSegment(last, in: storage)
        }
        if let end = reader.lastActive, end.number == listing.numbers.last {
            try Self.makeSafe(end, storage)
            recovery.droppedBytes = end.size - end.intactEnd
            if !end.hasRecords {
                closed.removeLast()
                nextNumber = end.number
            }
        }
        recovery.unsealed = closed.count
    }

    /// The one file of version 1 becomes segment 1.
    private static func takeOver(
        _ listing: inout LogListing, _ storage: any LogStorage
    ) throws(JournalError) {
        guard listing.hasLegacy else { return }
        guard listing.numbers.isEmpty else { throw .twoLogs(directory: storage.path) }
        let source: any ByteSource
        do throws(WorldError) {
            source = try storage.openForReading(SegmentName.legacy)
        } catch { throw .notRead(error) }
        var reader = JournalReader(source)
        _ = try reader.readHead()
        do throws(WorldError) {
            try storage.rename(SegmentName.legacy, to: SegmentName.active(1))
            try storage.syncDirectory()
        } catch { throw .notWritten(error) }
        listing.active = [1]
    }

    private mutating func removeUnfinished(
        _ listing: LogListing, _ storage: any LogStorage
    ) throws(JournalError) {
        for name in listing.unfinished {
            do throws(WorldError) { try storage.remove(name) } catch { throw .notWritten(error) }
            recovery.removedFiles += 1
        }
    }

    /// Where a segment is there active and sealed, a crash came between the two steps that end
    /// the sealing: the active one goes, once the sealed one is known to be whole and safe.
    private mutating func removeTwins(
        _ listing: inout LogListing, _ storage: any LogStorage
    ) throws(JournalError) {
        for number in listing.active where listing.sealed.contains(number) {
            if try Self.isWhole(number, storage) {
                do throws(WorldError) {
                    try storage.syncDirectory()
                    try storage.remove(SegmentName.active(number))
                } catch { throw .notWritten(error) }
                listing.active.removeAll { $0 == number }
            } else {
                // Not what was sealed: out of the way, it will be sealed again.
                do throws(WorldError) {
                    try storage.rename(
                        SegmentName.sealed(number), to: SegmentName.unfinished(number))
                    try storage.remove(SegmentName.unfinished(number))
                } catch { throw .notWritten(error) }
                listing.sealed.removeAll { $0 == number }
            }
            recovery.removedFiles += 1
        }
    }

    /// Whether the sealed segment is sound and ends no earlier than its active twin.
    private static func isWhole(
        _ number: UInt64, _ storage: any LogStorage
    ) throws(JournalError) -> Bool {
        let segment: SealedSegment
        do throws(SegmentError) {
            let source = try LogDirectory.open(SegmentName.sealed(number), in: storage)
            let report = try SegmentVerifier.verify(source)
            guard report.isSound, let found = report.segment, found.number == number else {
                return false
            }
            segment = found
        } catch {
            guard case .disk(let error) = error else { return false }
            throw .notRead(error)
        }
        let source: any ByteSource
        do throws(WorldError) {
            source = try storage.openForReading(SegmentName.active(number))
        } catch { throw .notRead(error) }
        var reader = JournalReader(
            source,
            assuming: JournalHeader(
                logIdentifier: segment.logIdentifier, number: number,
                firstSequence: segment.firstSequence))
        while let entry = try? reader.nextRaw() {
            if case .payload(let sequence, _) = entry, sequence > segment.lastSequence {
                return false
            }
        }
        return true
    }

    /// Cuts the torn end off and makes sure that what was read is on the disk: a process may
    /// have been killed before its last sync, and what was replayed must not go away later.
    private static func makeSafe(
        _ end: LogReader.ActiveEnd, _ storage: any LogStorage
    ) throws(JournalError) {
        guard end.hasRecords || end.size > end.intactEnd else { return }
        do throws(WorldError) {
            let file = try storage.openForAppend(SegmentName.active(end.number))
            defer { file.close() }
            if file.size > end.intactEnd { try file.truncate(to: end.intactEnd) }
            try file.sync()
        } catch { throw .notWritten(error) }
    }
}
