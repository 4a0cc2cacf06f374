import Quantities
import World

/// When segments end, and how they are sealed.
public struct SegmentOptions: Sendable {
    /// Bytes of the active segment at which it ends.
    public var size: Int64 = 16_000_000
    /// Age of the active segment's first record at which it ends; nil: never.
    public var age: TimeSpan? = .seconds(900)
    /// Level of compression on zstd's own scale. Most bytes are spectra, whose noise no level
    /// takes out: 19 makes segments 0.8 % smaller than 3, and takes twenty times as long.
    public var level: Int32 = 3
    /// Who signs; nil: nobody.
    public var signer: (any SegmentSigner)?
    /// What a log is called that begins now; one that is there keeps its own.
    public var newIdentifier: LogIdentifier

    /// The documented defaults, for a log that would be called `newIdentifier`.
    public init(newIdentifier: LogIdentifier) { self.newIdentifier = newIdentifier }
}

/// The run log being written, by one thread: an active segment that takes records, and sealed
/// ones behind it.
///
/// `append` then `sync` is the acknowledgement, as with `Journal`. `maintain` ends the active
/// segment when it is due and seals ended ones, a small step per call; when the disk refuses that,
/// appending goes on as before and sealing is tried again later.
public final class SegmentedLog {
    /// Time between two tries to seal what could not be sealed.
    public static let retryPeriod = TimeSpan.seconds(10)

    private let storage: any LogStorage
    private var options: SegmentOptions
    private var journal: Journal?
    private var closed: [UInt64]
    /// Bytes of each of them.
    private var closedBytes: [UInt64: Int64] = [:]
    private var sealer: Sealer?
    private var nextNumber: UInt64
    private var firstAppendAt: Instant?
    private var retryAt: Instant?

    /// What opening found.
    public let recovery: LogRecovery
    /// What this log is called.
    public let logIdentifier: LogIdentifier
    /// The last sealed segment; nil before the first.
    public private(set) var lastSealed: SealedSegment?
    /// The number the next record will have, from 1.
    public private(set) var nextSequence: UInt64
    /// Why segments are not sealed at the moment; nil when they are.
    public private(set) var sealingProblem: String?
    /// Segments sealed by this object, since `takeSealed` was last called.
    private var newlySealed: [SealedSegment] = []

    /// Opens the log in `storage`, or begins one: brings its files in order and hands every entry
    /// to `visit`. Nothing is written where nothing is wrong.
    ///
    /// - Throws: `JournalError`; nothing was lost, and opening may be tried again.
    public init(
        _ storage: any LogStorage, options: SegmentOptions,
        visit: (JournalEntry) -> Void = { _ in }
    ) throws(JournalError) {
        self.storage = storage
        self.options = options
        let found = try RecoveredLog(storage, visit: visit)
        recovery = found.recovery
        closed = found.closed
        nextNumber = found.nextNumber
        nextSequence = found.nextSequence
        lastSealed = found.lastSealed
        logIdentifier = found.logIdentifier ?? options.newIdentifier
        for number in closed {
            closedBytes[number] = try? storage.openForReading(SegmentName.active(number)).size
        }
    }

    /// The directory.
    public var path: String { storage.path }
    /// Whether appended records wait for a sync.
    public var hasUnsynced: Bool { journal?.hasUnsynced ?? false }
    /// Bytes of appended records that wait for a sync.
    public var unsyncedBytes: Int { journal?.unsyncedBytes ?? 0 }
    /// Bytes of the segment that takes records.
    public var activeBytes: Int64 { journal?.size ?? 0 }
    /// Bytes of all segments that are not sealed yet.
    public var unsealedBytes: Int64 { closedBytes.values.reduce(activeBytes, +) }
    /// Bytes of the copy that sealing writes at the moment, beside those of the segment itself.
    public var sealingBytes: Int64 { sealer?.bytes ?? 0 }
    /// Whether ended segments wait to be sealed.
    public var hasUnsealed: Bool { !closed.isEmpty }
    /// Number of the segment that takes the next record.
    public var activeNumber: UInt64 { nextNumber }

    /// Adds `records` in order, all or none. They are not safe before the next `sync`. Begins a
    /// segment when there is none. Returns the sequence number of the first.
    @discardableResult
    public func append(_ records: [Record]) throws(JournalError) -> UInt64 {
        guard let first = records.first else { return nextSequence }
        let journal: Journal
        if let current = self.journal { journal = current } else { journal = try begin() }
        let number = try journal.append(records)
        nextSequence = journal.nextSequence
        if firstAppendAt == nil { firstAppendAt = first.at }
        return number
    }

    /// Returns when everything appended so far is safe. Throws `notSynced`; call again to retry.
    public func sync() throws(JournalError) { try journal?.sync() }

    private func begin() throws(JournalError) -> Journal {
        let header = JournalHeader(
            logIdentifier: logIdentifier, number: nextNumber, firstSequence: nextSequence)
        let file: any StoredFile
        do throws(WorldError) {
            file = try storage.openForAppend(SegmentName.active(nextNumber))
        } catch { throw .notWritten(error) }
        do throws(JournalError) {
            let begun = try Journal.create(file: file, header: header)
            journal = begun
            return begun
        } catch {
            file.close()
            throw error
        }
    }

    /// Does what is due at `now`: ends the active segment, seals what was ended, a step at a time.
    /// Returns whether there is more to do at once. Never throws: see `sealingProblem`.
    @discardableResult
    public func maintain(at now: Instant) -> Bool {
        if isDue(at: now), (try? journal?.sync()) != nil { end() }
        guard !closed.isEmpty else { return false }
        if let retryAt, now < retryAt, retryAt - now <= Self.retryPeriod { return false }
        retryAt = nil
        do throws(SegmentError) {
            try sealStep()
        } catch {
            giveUp(error)
            retryAt = now + Self.retryPeriod
        }
        return !closed.isEmpty && retryAt == nil
    }

    /// From here on the active segment ends at this size, or at this age where there is one.
    public func end(atSize size: Int64, age: TimeSpan?) {
        options.size = size
        options.age = age
    }

    private func isDue(at now: Instant) -> Bool {
        guard let journal, let first = firstAppendAt else { return false }
        if journal.size >= options.size { return true }
        guard let age = options.age else { return false }
        // A clock that jumped back starts the age anew.
        if now < first { firstAppendAt = now }
        return now - first >= age
    }

    /// Ends the active segment, all of which is safe. The next record begins another.
    private func end() {
        guard let journal else { return }
        closedBytes[nextNumber] = journal.size
        journal.close()
        self.journal = nil
        firstAppendAt = nil
        closed.append(nextNumber)
        nextNumber += 1
    }

    private func sealStep() throws(SegmentError) {
        guard let number = closed.first else { return }
        let current: Sealer
        if let sealer {
            current = sealer
        } else {
            current = try makeSealer(number)
            sealer = current
        }
        guard case .sealed(let segment) = try current.step() else { return }
        sealer = nil
        sealingProblem = nil
        closedBytes[closed.removeFirst()] = nil
        if segment.number > lastSealed?.number ?? 0 { lastSealed = segment }
        newlySealed.append(segment)
    }

    private func makeSealer(_ number: UInt64) throws(SegmentError) -> Sealer {
        var previous = lastSealed
        if number > 1, previous?.number != number - 1 {
            previous = try? LogDirectory.sealedSegment(number - 1, in: storage)
        }
        let expected = JournalHeader(
            logIdentifier: logIdentifier, number: number,
            firstSequence: (previous?.lastSequence ?? 0) + 1)
        return try Sealer(
            number: number, logIdentifier: logIdentifier,
            previousHash: number > 1
                ? previous?.hash ?? SegmentFormat.noHash
                : SegmentFormat.noHash,
            expected: expected, storage: storage, level: options.level, signer: options.signer)
    }

    private func giveUp(_ error: SegmentError) {
        sealer?.abandon()
        sealer = nil
        sealingProblem = "segment \(closed.first ?? 0) cannot be sealed: \(error)"
    }

    /// Ends and seals everything, for the end of a process: syncs first. What cannot be sealed is
    /// sealed at the next start.
    ///
    /// - Throws: `notSynced` when the last records are not safe; sealing was not tried then.
    public func sealAll() throws(JournalError) {
        try journal?.sync()
        end()
        while !closed.isEmpty {
            do throws(SegmentError) { try sealStep() } catch {
                giveUp(error)
                return
            }
        }
    }

    /// The segments sealed since this was last asked.
    public func takeSealed() -> [SealedSegment] {
        defer { newlySealed = [] }
        return newlySealed
    }

    /// Closes the files. What was not synced may be lost.
    public func close() {
        sealer?.abandon()
        sealer = nil
        journal?.close()
        journal = nil
    }
}
