import World

/// Bytes of a log that are no intact record although intact records follow, or records that are
/// missing where no byte is damaged.
public struct JournalGap: Equatable, Sendable {
    /// The damaged bytes; empty when only a sequence number tells of the loss.
    public var bytes: Range<Int64>
    /// How many records are missing, by the sequence numbers around them.
    public var missingRecords: UInt64

    /// A gap.
    public init(bytes: Range<Int64>, missingRecords: UInt64) {
        self.bytes = bytes
        self.missingRecords = missingRecords
    }
}

/// What a reader meets, in the order of the file.
public enum JournalEntry: Equatable, Sendable {
    /// An intact record.
    case record(sequence: UInt64, Record)
    /// An intact record of a type this program does not know.
    case unknown(sequence: UInt64, type: UInt64)
    /// An intact frame whose payload this program cannot read.
    case unreadable(sequence: UInt64, RecordError)
    /// A loss.
    case gap(JournalGap)
}

/// What a reader meets before a record is taken apart.
public enum RawEntry: Equatable, Sendable {
    /// The CBOR of an intact record.
    case payload(sequence: UInt64, [UInt8])
    /// A loss.
    case gap(JournalGap)

    /// The entry with its record taken apart.
    public var decoded: JournalEntry {
        switch self {
        case .gap(let gap): return .gap(gap)
        case .payload(let sequence, let payload):
            do throws(RecordError) {
                switch try RecordCodec.decode(payload) {
                case .record(let sequence, let record):
                    return .record(sequence: sequence, record)
                case .unknown(let sequence, let type, _, _):
                    return .unknown(sequence: sequence, type: type)
                }
            } catch {
                return .unreadable(sequence: sequence, error)
            }
        }
    }
}

/// Reads an active segment (or a log of version 1) from its start, holding at most one frame and
/// one piece of the file in memory.
///
/// Only frames with a right checksum and a sequence number beyond the last count; what lies
/// between two of them is reported as a gap, never guessed at.
public struct JournalReader {
    /// Bytes read from the source at once.
    static let pieceSize = 64 * 1024
    /// Bytes whose checksum is computed at most in search of one frame.
    static let searchLimit = 64 * 1024 * 1024

    /// Largest sequence number: far beyond any log, and adding to it cannot overflow.
    static let sequenceLimit = UInt64(Int64.max)

    private let source: any ByteSource
    private let isLive: Bool
    private let expected: JournalHeader?
    private var piece: [UInt8] = []
    private var pieceStart: Int64 = 0
    private var position: Int64 = 0
    private var pending: RawEntry?

    /// What the file's head says; nil before `next` was asked, and while it is not all there.
    public private(set) var header: JournalHeader?

    /// The sequence number of the last intact frame; before the first, the one before the first
    /// of the segment.
    public private(set) var lastSequence: UInt64 = 0
    /// Where the last intact frame (or the header) ends.
    public private(set) var intactEnd: Int64 = 0

    /// A reader of `source`. With `isLive` the file may still be growing: an unfinished frame at
    /// its end is waited for, and `next` may be asked again after it returned nil.
    public init(_ source: any ByteSource, isLive: Bool = false) {
        self.init(source, isLive: isLive, assuming: nil)
    }

    /// A reader of a segment whose head, were it damaged, can only have been `expected`: a head
    /// that differs from it in no more than `JournalHeader.damageLimit` bits is then reported as
    /// a damaged stretch, and the records are read all the same.
    public init(_ source: any ByteSource, isLive: Bool = false, assuming expected: JournalHeader?) {
        self.source = source
        self.isLive = isLive
        self.expected = expected
    }

    /// What the head says; nil when it is not all there.
    ///
    /// - Throws: `notAJournal`, `newerFormat`, `damagedHeader`, `notRead`.
    public mutating func readHead() throws(JournalError) -> JournalHeader? {
        if header == nil { _ = try readHeader() }
        return header
    }

    /// The next entry; nil at the end. Bytes from `intactEnd` to the end of the source are then
    /// no intact record.
    public mutating func next() throws(JournalError) -> JournalEntry? { try nextRaw()?.decoded }

    /// As `next`, without taking records apart.
    public mutating func nextRaw() throws(JournalError) -> RawEntry? {
        if let entry = pending {
            pending = nil
            return entry
        }
        if header == nil {
            guard try readHeader() else { return nil }
            if pending != nil { return try nextRaw() }
        }
        let start = position
        guard let frame = try nextFrame() else {
            // What was read ahead of a writer may be taken back and written anew.
            if isLive { piece = [] }
            return nil
        }
        let missing = frame.sequence - lastSequence - 1
        let entry = RawEntry.payload(sequence: frame.sequence, frame.payload)
        position = frame.end
        intactEnd = frame.end
        lastSequence = frame.sequence
        guard frame.start > start || missing > 0 else { return entry }
        pending = entry
        return .gap(JournalGap(bytes: start..<frame.start, missingRecords: missing))
    }

    /// The next intact frame at or after the position.
    private mutating func nextFrame() throws(JournalError) -> Frame? {
        let end = source.size
        guard position < end else { return nil }
        switch try frame(at: position, end: end) {
        case .intact(let found): return found
        case .unfinished where isLive: return nil
        case .unfinished, .none: return try search(from: position + 1, end: end)
        }
    }

    /// Checks the header; false when it is not all there yet.
    private mutating func readHeader() throws(JournalError) -> Bool {
        let bytes = try read(at: 0, count: JournalFormat.headerSize)
        let found: JournalHeader
        do throws(JournalError) {
            guard let header = try JournalHeader.read(bytes) else { return false }
            found = header
        } catch {
            guard let guess = expected?.completed(by: bytes), guess.isMeant(by: bytes) else {
                throw error
            }
            found = guess
            let gap = JournalGap(bytes: 0..<Int64(guess.bytes.count), missingRecords: 0)
            pending = .gap(gap)
        }
        header = found
        position = Int64(found.bytes.count)
        intactEnd = position
        lastSequence = found.firstSequence - 1
        return true
    }

    /// An intact frame.
    private struct Frame {
        var start: Int64
        var payload: [UInt8]
        var sequence: UInt64

        var end: Int64 { start + Int64(JournalFormat.frameHeadSize + payload.count) }
    }

    private enum Finding {
        case intact(Frame)
        /// It would reach beyond the end.
        case unfinished
        case none
    }

    private mutating func frame(at start: Int64, end: Int64) throws(JournalError) -> Finding {
        var budget = Int.max
        return try frame(at: start, end: end, budget: &budget)
    }

    private mutating func frame(
        at start: Int64, end: Int64, budget: inout Int
    ) throws(JournalError) -> Finding {
        let headSize = JournalFormat.frameHeadSize
        guard end - start >= Int64(headSize) else { return .unfinished }
        try load(start, count: headSize)
        var place = Int(start - pieceStart)
        guard piece.count - place >= headSize else { return .unfinished }
        let length = Int(piece.littleEndian32(at: place))
        guard length >= JournalFormat.smallestPayload, length <= RecordCodec.sizeLimit else {
            return .none
        }
        guard end - start - Int64(headSize) >= Int64(length) else { return .unfinished }
        // The first byte and the sequence number sort out nearly all chance finds cheaply.
        try load(start, count: headSize + min(length, 16))
        place = Int(start - pieceStart)
        guard piece.count - place >= headSize + JournalFormat.smallestPayload else {
            return .unfinished
        }
        guard piece[place + headSize] & 0xE0 == 0x80 else { return .none }
        budget -= length
        guard budget > 0 else { throw .tooDamaged(at: start) }
        try load(start, count: headSize + length)
        place = Int(start - pieceStart)
        guard piece.count - place >= headSize + length else { return .unfinished }
        let checksum = piece.littleEndian32(at: place + 4)
        let payload = piece[(place + headSize)..<(place + headSize + length)]
        guard
            checksum
                == Checksum.crc32c(payload, after: Checksum.crc32c(piece[place..<(place + 4)]))
        else { return .none }
        let bytes = Array(payload)
        guard let sequence = RecordCodec.sequence(of: bytes), sequence > lastSequence,
            sequence <= Self.sequenceLimit
        else { return .none }
        return .intact(Frame(start: start, payload: bytes, sequence: sequence))
    }

    /// The first intact frame that starts at `from` or later.
    private mutating func search(from: Int64, end: Int64) throws(JournalError) -> Frame? {
        var budget = Self.searchLimit
        var start = from
        let least = Int64(JournalFormat.frameHeadSize + JournalFormat.smallestPayload)
        while end - start >= least {
            if case .intact(let found) = try frame(at: start, end: end, budget: &budget) {
                return found
            }
            start += 1
        }
        return nil
    }

    /// Makes the piece in memory hold `count` bytes from `start` on, or all there are.
    private mutating func load(_ start: Int64, count: Int) throws(JournalError) {
        let held = pieceStart + Int64(piece.count)
        if start >= pieceStart && start + Int64(count) <= held { return }
        if start < pieceStart || start > held {
            piece = []
            pieceStart = start
        } else {
            piece.removeFirst(Int(start - pieceStart))
            pieceStart = start
        }
        while piece.count < count {
            let more = try read(
                at: pieceStart + Int64(piece.count), count: max(Self.pieceSize, count - piece.count)
            )
            if more.isEmpty { return }
            piece += more
        }
    }

    private func read(at offset: Int64, count: Int) throws(JournalError) -> [UInt8] {
        do throws(WorldError) {
            return try source.read(at: offset, count: count)
        } catch {
            throw .notRead(error)
        }
    }
}

extension JournalReader {
    /// The last `count` entries of `source`, oldest first, and how many there are in all.
    public static func tail(
        _ count: Int, of source: any ByteSource
    ) throws(JournalError) -> (entries: [JournalEntry], total: Int) {
        var reader = JournalReader(source)
        var ring: [JournalEntry] = []
        var total = 0
        while let entry = try reader.next() {
            if ring.count < max(count, 0) {
                ring.append(entry)
            } else if !ring.isEmpty {
                ring[total % ring.count] = entry
            }
            total += 1
        }
        let turn = ring.isEmpty ? 0 : total % ring.count
        return (Array(ring[turn...] + ring[..<turn]), total)
    }
}
