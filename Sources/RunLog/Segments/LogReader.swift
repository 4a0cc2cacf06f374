import World

/// Reads all records of a log directory, oldest first: sealed segments, then active ones. Also
/// while a rig is writing it: a segment that is sealed or removed meanwhile is found again.
///
/// Losses are entries, never guessed at: a damaged stretch, a missing segment, missing records.
public struct LogReader {
    private let storage: any LogStorage
    private let isLive: Bool
    private var plan: [UInt64] = []
    private var place = -1
    private var inner: Inner?
    private var pending: RawEntry?
    private let from: UInt64
    private var isAfterThinned = false

    private enum Inner {
        case sealed(SegmentReader)
        case active(JournalReader, size: Int64)
        case salvage(SegmentSalvage)
    }

    /// Sequence number of the last record there is sign of so far; 0 before the first.
    public private(set) var lastSequence: UInt64 = 0
    /// The log's identifier, as soon as a segment told it.
    public private(set) var logIdentifier: LogIdentifier?
    /// Number of the segment the last entry came from; 0 before the first.
    public private(set) var segment: UInt64 = 0
    /// Sealed segments that could not be read as they should, and why.
    public private(set) var damaged: [UnreadableSegment] = []
    /// The last active segment that was read to its end.
    private(set) var lastActive: ActiveEnd?

    /// How an active segment ended.
    struct ActiveEnd: Equatable {
        var number: UInt64
        var header: JournalHeader?
        var intactEnd: Int64
        var size: Int64
        var hasRecords: Bool
    }

    /// A reader of the log in `storage`, from the record numbered `from` on. With `isLive` an
    /// unfinished record at the very end is waited for, and `next` may be asked again after it
    /// returned nil.
    public init(
        _ storage: any LogStorage, isLive: Bool = false, from: UInt64 = 1
    ) throws(JournalError) {
        self.storage = storage
        self.isLive = isLive
        self.from = from
        plan = try LogListing(storage).numbers
    }

    /// A reader of the log in the directory at `path`.
    public init(directory path: String, isLive: Bool = false) throws(JournalError) {
        try self.init(DirectoryStorage(path), isLive: isLive)
    }

    /// The next entry; nil at the end.
    public mutating func next() throws(JournalError) -> JournalEntry? { try nextRaw()?.decoded }

    /// As `next`, without taking records apart.
    public mutating func nextRaw() throws(JournalError) -> RawEntry? {
        while true {
            if let entry = pending {
                pending = nil
                return entry
            }
            if inner == nil {
                guard try openNext() else { return nil }
                continue
            }
            if let entry = try nextOfInner() {
                guard accept(entry) else { continue }
                return entry
            }
            if isLive, place == plan.count - 1, case .active = inner {
                guard try hasGrown() else { return nil }
                // It was closed meanwhile: what was appended before that comes first.
                if let entry = try nextOfInner(), accept(entry) { return entry }
            }
            closeInner()
        }
    }

    /// Whether `entry` is to be handed out: not what was there already, nor before `from`.
    private mutating func accept(_ entry: RawEntry) -> Bool {
        guard case .payload(let sequence, _) = entry else { return true }
        guard sequence > lastSequence else { return false }
        lastSequence = sequence
        return sequence >= from
    }

    private mutating func nextOfInner() throws(JournalError) -> RawEntry? {
        // The copy in `inner` goes first: two holders would copy what the reader holds.
        let current = inner
        inner = nil
        switch current {
        case .none: return nil
        case .active(var reader, let size):
            defer { inner = .active(reader, size: size) }
            return try reader.nextRaw()
        case .sealed(var reader):
            defer { inner = .sealed(reader) }
            do throws(SegmentError) { return try reader.nextRaw() } catch {
                throw Self.error(error)
            }
        case .salvage(var reader):
            defer { inner = .salvage(reader) }
            return reader.nextRaw()
        }
    }

    private static func error(_ error: SegmentError) -> JournalError {
        if case .disk(let error) = error { return .notRead(error) }
        return .damagedHeader
    }

    /// Opens the next segment of the plan; false when there is none.
    private mutating func openNext() throws(JournalError) -> Bool {
        while place + 1 < plan.count {
            place += 1
            segment = plan[place]
            // Sealed and removed since it was listed, or removed: the second look tells, and in
            // the end the sequence numbers do.
            if try openSealed(segment) { return true }
            if try openActive(segment) { return true }
            if try openSealed(segment) { return true }
            if try openDamaged(segment) { return true }
        }
        return false
    }

    private func source(_ name: String) throws(JournalError) -> (any ByteSource)? {
        do throws(WorldError) { return try storage.openForReading(name) } catch {
            if case .absent = error { return nil }
            throw .notRead(error)
        }
    }

    private mutating func openSealed(_ number: UInt64) throws(JournalError) -> Bool {
        let name = SegmentName.sealed(number)
        guard let source = try source(name) else { return false }
        do throws(SegmentError) {
            let reader = try SegmentReader(source, path: storage.path + "/" + name)
            guard reader.segment.number == number else { throw .damaged(.head, at: 0) }
            begin(.sealed(reader), at: reader.segment.firstSequence)
        } catch {
            if case .disk(let error) = error { throw .notRead(error) }
            if case .newerFormat(let version) = error {
                throw .newerFormat(version: UInt32(clamping: version))
            }
            return false
        }
        guard case .sealed(var reader) = inner else { return false }
        try check(reader.segment.logIdentifier, name)
        reader.seek(to: from)
        lastSequence = max(lastSequence, reader.lastSequence)
        inner = .sealed(reader)
        return true
    }

    private mutating func openActive(_ number: UInt64) throws(JournalError) -> Bool {
        let name = SegmentName.active(number)
        guard let source = try source(name) else { return false }
        let size = source.size
        let isLast = place == plan.count - 1
        let expected = JournalHeader(
            logIdentifier: logIdentifier, number: number, firstSequence: lastSequence + 1)
        var reader = JournalReader(source, isLive: isLive && isLast, assuming: expected)
        let header: JournalHeader?
        do throws(JournalError) { header = try reader.readHead() } catch {
            // A head that is damaged where nothing was ever behind it was not safe yet.
            guard size <= Int64(JournalFormat.headerSize) else { throw error }
            reader = JournalReader(MemorySource([]))
            header = nil
        }
        if let header {
            guard header.number == number else { throw .foreignSegment(name: name) }
            if let identifier = header.logIdentifier { try check(identifier, name) }
            begin(.active(reader, size: size), at: header.firstSequence)
            lastSequence = max(lastSequence, header.firstSequence - 1)
        } else {
            inner = .active(reader, size: size)
        }
        return true
    }

    private mutating func openDamaged(_ number: UInt64) throws(JournalError) -> Bool {
        let name = SegmentName.sealed(number)
        guard let source = try source(name) else { return false }
        do throws(SegmentError) {
            do throws(SegmentError) { _ = try SegmentMap(source, path: name) } catch {
                damaged.append(UnreadableSegment(number: number, error: error))
            }
            inner = .salvage(try SegmentSalvage(source, after: lastSequence))
        } catch { throw Self.error(error) }
        return true
    }

    /// Takes up `reader`, whose first record should be `firstSequence`; what is missing before
    /// that is a gap, but for what was taken out of a thinned segment.
    private mutating func begin(_ reader: Inner, at firstSequence: UInt64) {
        inner = reader
        let next = max(lastSequence + 1, from)
        guard firstSequence > next, !isAfterThinned else { return }
        pending = .gap(JournalGap(bytes: 0..<0, missingRecords: firstSequence - next))
    }

    private mutating func check(
        _ identifier: LogIdentifier, _ name: String
    ) throws(JournalError) {
        guard logIdentifier == nil || logIdentifier == identifier else {
            throw .foreignSegment(name: name)
        }
        logIdentifier = identifier
    }

    /// Done with the current segment.
    private mutating func closeInner() {
        isAfterThinned = false
        switch inner {
        case .active(let reader, let size):
            let first = reader.header?.firstSequence ?? 1
            lastActive = ActiveEnd(
                number: segment, header: reader.header, intactEnd: reader.intactEnd, size: size,
                hasRecords: reader.header != nil && reader.lastSequence >= first)
        case .sealed(let reader):
            lastSequence = max(lastSequence, reader.segment.lastSequence)
            isAfterThinned = reader.segment.isThinned
        case .salvage, .none: break
        }
        inner = nil
    }

    /// Looks for segments that were begun since; true when there are.
    private mutating func hasGrown() throws(JournalError) -> Bool {
        let newer = try LogListing(storage).numbers.filter { $0 > segment }
        plan += newer
        return !newer.isEmpty
    }
}
