import RunLog

/// A sealed segment as the rig tells of it.
public struct SegmentEntry: Equatable, Sendable {
    /// Its number within the log, from 1.
    public var number: UInt64
    /// Bytes of the file.
    public var size: UInt64
    /// Sequence number of its first record.
    public var firstSequence: UInt64
    /// Records in it.
    public var records: UInt64
    /// What the next segment's head names: the SHA-256 of all of it before its seal, when it was
    /// sealed.
    public var hash: [UInt8]
    /// Hash of the segment before it; zeros in the first.
    public var previousHash: [UInt8]
    /// SHA-256 of all of it before its seal as it is now: another than `hash` once its spectra
    /// were taken out to save room.
    public var contentHash: [UInt8]

    /// A segment.
    public init(
        number: UInt64, size: UInt64, firstSequence: UInt64, records: UInt64, hash: [UInt8],
        previousHash: [UInt8], contentHash: [UInt8]
    ) {
        self.number = number
        self.size = size
        self.firstSequence = firstSequence
        self.records = records
        self.hash = hash
        self.previousHash = previousHash
        self.contentHash = contentHash
    }
}

/// The sealed segments of a rig's log, or a part of them.
public struct SegmentListing: Equatable, Sendable {
    /// The log's identifier: 16 bytes, or none where there is no log yet.
    public var log: [UInt8]
    /// Segments in ascending order.
    public var entries: [SegmentEntry]
    /// Whether there are more after the last of them.
    public var hasMore: Bool

    /// A listing.
    public init(log: [UInt8], entries: [SegmentEntry], hasMore: Bool) {
        self.log = log
        self.entries = entries
        self.hasMore = hasMore
    }
}

/// Why the rig refuses something.
public enum RefusalCode: UInt64, Sendable {
    /// The peer's key is not among the accepted ones.
    case unknownPeer = 1
    /// No common version.
    case version = 2
    /// A message that the protocol does not have, or not there.
    case malformed = 3
    /// There is no such log or segment (any more), or not so much of it.
    case noSuchSegment = 4
    /// The acknowledged hash is not the segment's.
    case otherHash = 5
    /// All places are taken.
    case busy = 6
    /// The peer was too slow.
    case tooSlow = 7
    /// The rig's disk.
    case disk = 8
}

/// One message, as PROTOCOL.md describes it.
public enum SyncMessage: Equatable, Sendable {
    /// The versions the sender speaks, and its name; the first message both ways.
    case hello(lowest: UInt64, highest: UInt64, name: String)
    /// Asks for the sealed segments after this number.
    case list(after: UInt64)
    /// The answer to `list`.
    case listing(SegmentListing)
    /// Asks for bytes of a segment.
    case fetch(log: [UInt8], number: UInt64, offset: UInt64, length: UInt64)
    /// A part of the answer to `fetch`.
    case piece(number: UInt64, offset: UInt64, bytes: [UInt8])
    /// The sender has this segment, verified and safe on its disk.
    case acknowledge(log: [UInt8], number: UInt64, hash: [UInt8])
    /// The answer to `acknowledge`: it is written down.
    case acknowledged(number: UInt64)
    /// The sender is done.
    case bye
    /// Something is refused; the code may be newer than `RefusalCode` knows.
    case error(code: UInt64, text: String)

    /// The version spoken here.
    public static let version: UInt64 = 1
    /// Longest message to a rig, in bytes, without its length.
    public static let requestLimit = 4_096
    /// Longest message from a rig.
    public static let replyLimit = 512 * 1_024
    /// Longest content of a piece.
    public static let pieceLimit = replyLimit - 64
    /// Segments in one listing at most.
    public static let listingLimit = 256
    /// Longest text, in bytes of UTF-8.
    public static let textLimit = 500
    /// Largest number of a segment, so that adding to one never overflows…
    public static let numberLimit: UInt64 = 999_999_999_999
    /// …and most bytes and records of one, so that adding up all of them never does.
    public static let sizeLimit: UInt64 = 1 << 40
    /// Bytes of a log identifier.
    public static let logSize = 16
    /// Bytes of a SHA-256.
    public static let hashSize = 32

    enum Kind: UInt64 {
        case hello = 1
        case list, listing, fetch, piece, acknowledge, acknowledged, bye, error
    }

    /// The message with its length in front.
    public var framed: [UInt8] {
        var writer = CBORWriter(after: [0, 0, 0, 0])
        write(to: &writer)
        var bytes = writer.bytes
        let length = UInt32(bytes.count - 4)
        for place in 0..<4 { bytes[place] = UInt8(truncatingIfNeeded: length >> (8 * place)) }
        return bytes
    }

    private func write(to writer: inout CBORWriter) {
        func head(_ kind: Kind, _ items: Int) {
            writer.array(items + 1)
            writer.unsigned(kind.rawValue)
        }
        switch self {
        case .hello(let lowest, let highest, let name):
            head(.hello, 3)
            writer.unsigned(lowest)
            writer.unsigned(highest)
            writer.text(Self.clipped(name))
        case .list(let after):
            head(.list, 1)
            writer.unsigned(after)
        case .listing(let listing):
            head(.listing, 3)
            writer.byteString(listing.log)
            writer.boolean(listing.hasMore)
            writer.array(listing.entries.count)
            for entry in listing.entries { Self.write(entry, to: &writer) }
        case .fetch(let log, let number, let offset, let length):
            head(.fetch, 4)
            writer.byteString(log)
            for value in [number, offset, length] { writer.unsigned(value) }
        case .piece(let number, let offset, let bytes):
            head(.piece, 3)
            writer.unsigned(number)
            writer.unsigned(offset)
            writer.byteString(bytes)
        case .acknowledge(let log, let number, let hash):
            head(.acknowledge, 3)
            writer.byteString(log)
            writer.unsigned(number)
            writer.byteString(hash)
        case .acknowledged(let number):
            head(.acknowledged, 1)
            writer.unsigned(number)
        case .bye: head(.bye, 0)
        case .error(let code, let text):
            head(.error, 2)
            writer.unsigned(code)
            writer.text(Self.clipped(text))
        }
    }

    private static func write(_ entry: SegmentEntry, to writer: inout CBORWriter) {
        writer.array(7)
        for value in [entry.number, entry.size, entry.firstSequence, entry.records] {
            writer.unsigned(value)
        }
        for hash in [entry.hash, entry.previousHash, entry.contentHash] { writer.byteString(hash) }
    }

    /// `text`, cut to what a message may hold.
    private static func clipped(_ text: String) -> String {
        guard text.utf8.count > textLimit else { return text }
        var cut = ""
        for character in text {
            guard cut.utf8.count + character.utf8.count <= textLimit else { break }
            cut.append(character)
        }
        return cut
    }
}
