import World

/// What opening a journal found and did. Nothing is dropped without being counted here.
public struct JournalRecovery: Equatable, Sendable {
    /// Intact records this program understands.
    public var records = 0
    /// Intact records it does not understand (unknown type, or unreadable).
    public var notUnderstood = 0
    /// Losses before the end, the first `JournalRecovery.gapLimit` of them.
    public var gaps: [JournalGap] = []
    /// All losses before the end.
    public var gapCount = 0
    /// Bytes cut off at the end, where a write was torn.
    public var droppedBytes: Int64 = 0
    /// Whether the log was there before.
    public var existed = false

    /// Gaps listed at most.
    public static let gapLimit = 100
}

/// The active segment being written: one append-only file, of one thread.
///
/// `append` then `sync` is the acknowledgement: what `sync` has returned for survives a power
/// cut. A failed append leaves the log as it was. After a failed sync the records since the last
/// good one are kept in memory and written again, because the kernel may have forgotten the
/// pages it could not write.
public final class Journal {
    /// Bytes that may wait for a sync.
    public static let unsyncedLimit = 16 * 1024 * 1024

    private let file: any LogFile
    private var end: Int64
    private var syncedEnd: Int64
    private var unsynced: [UInt8] = []
    private var damage = Damage.none

    /// What the end of the file needs before the next write.
    private enum Damage {
        case none
        /// A failed append may have left bytes beyond `end`.
        case tail
        /// Nothing beyond `syncedEnd` can be relied on.
        case unsynced
    }

    /// The number the next record will have, from 1.
    public private(set) var nextSequence: UInt64

    /// Length of the log in bytes, without what a failed append may have left.
    public var size: Int64 { end }

    /// Whether appended records wait for a sync.
    public var hasUnsynced: Bool { !unsynced.isEmpty }

    /// Bytes of appended records that wait for a sync.
    public var unsyncedBytes: Int { unsynced.count }

    private init(file: any LogFile, end: Int64, nextSequence: UInt64) {
        self.file = file
        self.end = end
        self.syncedEnd = end
        self.nextSequence = nextSequence
    }

    /// Opens the segment in `file`, which `source` reads: hands every entry to `visit`, cuts a
    /// torn end off, and makes sure that what is left is on the disk. A damaged stretch with
    /// intact records after it stays in the file and is reported. Opening again gives the same
    /// bytes. An empty file, or one whose head did not get in whole, begins with `header`.
    /// Throws without changing anything when the file is not a log this program knows.
    public static func open(
        file: any LogFile, source: any ByteSource, header: JournalHeader,
        visit: (JournalEntry) -> Void = { _ in }
    ) throws(JournalError) -> (journal: Journal, recovery: JournalRecovery) {
        var recovery = JournalRecovery()
        recovery.existed = file.size > 0
        var reader = JournalReader(source)
        while let entry = try reader.next() {
            switch entry {
            case .record: recovery.records += 1
            case .unknown, .unreadable: recovery.notUnderstood += 1
            case .gap(let gap):
                recovery.gapCount += 1
                if recovery.gaps.count < JournalRecovery.gapLimit { recovery.gaps.append(gap) }
            }
            visit(entry)
        }
        recovery.droppedBytes = file.size - reader.intactEnd
        let next = reader.header == nil ? header.firstSequence : reader.lastSequence + 1
        let journal = Journal(file: file, end: reader.intactEnd, nextSequence: next)
        try journal.prepare(dropping: recovery.droppedBytes, header: header.bytes)
        return (journal, recovery)
    }

    /// Begins a new segment in `file`; whatever is in it goes. Nothing counts before this
    /// returns.
    static func create(
        file: any LogFile, header: JournalHeader
    ) throws(JournalError) -> Journal {
        let journal = Journal(file: file, end: 0, nextSequence: header.firstSequence)
        try journal.prepare(dropping: file.size, header: header.bytes)
        return journal
    }

    private func prepare(dropping dropped: Int64, header: [UInt8]) throws(JournalError) {
        do throws(WorldError) {
            if dropped > 0 { try file.truncate(to: end) }
            if end == 0 {
                try file.append(header)
                end = Int64(header.count)
                syncedEnd = end
            }
        } catch {
            throw .notWritten(error)
        }
        do throws(WorldError) { try file.sync() } catch { throw .notSynced(error) }
    }

    /// Adds `records` in order, all or none. They are not safe before the next `sync`.
    /// Returns the sequence number of the first.
    @discardableResult
    public func append(_ records: [Record]) throws(JournalError) -> UInt64 {
        let first = nextSequence
        var bytes: [UInt8] = []
        for (index, record) in records.enumerated() {
            do throws(RecordError) {
                bytes += JournalFormat.frame(
                    try RecordCodec.encode(record, sequence: first + UInt64(index)))
            } catch {
                throw .notEncoded(error)
            }
        }
        guard !bytes.isEmpty else { return first }
        guard unsynced.count + bytes.count <= Self.unsyncedLimit else {
            throw .tooMuchUnsynced(limit: Self.unsyncedLimit)
        }
        do throws(WorldError) {
            try repair()
            try file.append(bytes)
        } catch {
            if damage == .none { damage = .tail }
            // Best at once; what fails here is tried again before the next write.
            try? repair()
            throw .notWritten(error)
        }
        end += Int64(bytes.count)
        unsynced += bytes
        nextSequence += UInt64(records.count)
        return first
    }

    /// Returns when everything appended so far is safe. Throws `notSynced`; call again to retry.
    public func sync() throws(JournalError) {
        do throws(WorldError) {
            try repair()
            try file.sync()
        } catch {
            // Also when only the repair failed: writing too much again does no harm.
            damage = .unsynced
            throw .notSynced(error)
        }
        syncedEnd = end
        unsynced.removeAll(keepingCapacity: true)
    }

    /// Puts the end of the file in order.
    private func repair() throws(WorldError) {
        switch damage {
        case .none: return
        case .tail: try file.truncate(to: end)
        case .unsynced:
            try file.truncate(to: syncedEnd)
            if !unsynced.isEmpty { try file.append(unsynced) }
        }
        damage = .none
    }

    /// Closes the file. What was not synced may be lost.
    public func close() { file.close() }
}
