/// The log's container constants and its two pieces, as FORMAT.md writes them down.
enum JournalFormat {
    /// First bytes of every run log: one no text starts with, a name, and the two line ends that
    /// a transfer in text mode would change.
    static let magic: [UInt8] = [
        0x89, 0x41, 0x52, 0x47, 0x4C, 0x4F, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0,
    ]
    /// Version of the container that is written.
    static let version: UInt32 = 2
    /// Bytes of the header: magic, version, identifier, number, first sequence, checksum.
    static let headerSize = 52
    /// Bytes of the header of version 1: magic, version, checksum.
    static let firstHeaderSize = 20
    /// Bytes in front of a frame's payload: length and checksum.
    static let frameHeadSize = 8
    /// Fewest bytes of a payload: five items in an array, the last an empty map.
    static let smallestPayload = 6

    /// Bytes of the header of a version; nil for one this program does not know.
    static func headerSize(version: UInt32) -> Int? {
        switch version {
        case 1: firstHeaderSize
        case 2: headerSize
        default: nil
        }
    }

    /// A frame around `payload`, whose size the codec has checked.
    static func frame(_ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(frameHeadSize + payload.count)
        bytes.append(littleEndian: UInt32(payload.count))
        let checksum = Checksum.crc32c(payload[...], after: Checksum.crc32c(bytes[...]))
        bytes.append(littleEndian: checksum)
        return bytes + payload
    }
}

/// What tells one campaign's log from every other: 16 bytes, drawn once.
public struct LogIdentifier: Hashable, Sendable, CustomStringConvertible {
    /// How many bytes it has.
    public static let size = 16
    /// The bytes.
    public let bytes: [UInt8]

    /// An identifier; nil unless there are 16 bytes.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = Array(bytes)
    }

    /// An identifier that depends on `text` alone.
    public init(derivedFrom text: some Collection<UInt8>) {
        bytes = Array(Digest.sha256Bytes(text).prefix(Self.size))
    }

    /// Its 32 hexadecimal digits.
    public var description: String { Hexadecimal.text(bytes) }

    /// Its first 8 hexadecimal digits, for file names.
    public var short: String { Hexadecimal.text(bytes.prefix(4)) }
}

/// What the head of an active segment says.
public struct JournalHeader: Equatable, Sendable {
    /// Version of the container: 2, or 1 for the one-file log of the first programs.
    public var version: UInt32
    /// The log; nil in version 1.
    public var logIdentifier: LogIdentifier?
    /// Number of the segment, from 1.
    public var number: UInt64
    /// Sequence number its first record has.
    public var firstSequence: UInt64

    /// A header of the version that is written; without an identifier only to be looked for.
    public init(logIdentifier: LogIdentifier?, number: UInt64, firstSequence: UInt64) {
        version = JournalFormat.version
        self.logIdentifier = logIdentifier
        self.number = number
        self.firstSequence = firstSequence
    }

    /// The header of version 1: the only segment of a log without an identifier.
    static let first: JournalHeader = {
        var header = JournalHeader(
            logIdentifier: LogIdentifier(derivedFrom: []), number: 1, firstSequence: 1)
        header.version = 1
        header.logIdentifier = nil
        return header
    }()

    /// Its bytes.
    var bytes: [UInt8] {
        var bytes = JournalFormat.magic
        bytes.append(littleEndian: version)
        if version > 1 {
            bytes += logIdentifier?.bytes ?? []
            bytes.append(littleEndian64: number)
            bytes.append(littleEndian64: firstSequence)
        }
        bytes.append(littleEndian: Checksum.crc32c(bytes[...]))
        return bytes
    }

    /// Bits in which a damaged head may differ from the one that was meant.
    public static let damageLimit = 32

    /// Whether `found`, which is no right header, is this one with a few bits damaged.
    func isMeant(by found: [UInt8]) -> Bool {
        let meant = bytes
        guard found.count >= meant.count else { return false }
        let distance = zip(meant, found).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
        return distance <= Self.damageLimit
    }

    /// This header with the log's identifier as `found` has it, where nothing else tells of it.
    func completed(by found: [UInt8]) -> JournalHeader {
        guard version > 1, logIdentifier == nil, found.count >= JournalFormat.headerSize else {
            return self
        }
        var header = self
        header.logIdentifier = LogIdentifier(found[16..<32])
        return header
    }

    /// The header at the start of `bytes`; nil when there are too few.
    ///
    /// - Throws: `notAJournal`, `newerFormat`, `damagedHeader`.
    static func read(_ bytes: [UInt8]) throws(JournalError) -> JournalHeader? {
        let magic = JournalFormat.magic
        guard bytes.prefix(magic.count).elementsEqual(magic.prefix(bytes.count)) else {
            throw .notAJournal
        }
        guard bytes.count >= magic.count + 4 else { return nil }
        let version = bytes.littleEndian32(at: magic.count)
        guard version > 0 else { throw .damagedHeader }
        guard let size = JournalFormat.headerSize(version: version) else {
            throw .newerFormat(version: version)
        }
        guard bytes.count >= size else { return nil }
        guard bytes.littleEndian32(at: size - 4) == Checksum.crc32c(bytes[..<(size - 4)]) else {
            throw .damagedHeader
        }
        if version == 1 { return .first }
        guard let identifier = LogIdentifier(bytes[16..<32]) else { throw .damagedHeader }
        let header = JournalHeader(
            logIdentifier: identifier, number: bytes.littleEndian64(at: 32),
            firstSequence: bytes.littleEndian64(at: 40))
        guard SegmentName.numbers.contains(header.number), header.firstSequence > 0,
            header.firstSequence <= JournalReader.sequenceLimit
        else { throw .damagedHeader }
        return header
    }
}

extension [UInt8] {
    /// The little-endian number at `place`, which must have eight bytes.
    func littleEndian64(at place: Int) -> UInt64 {
        UInt64(littleEndian32(at: place)) | UInt64(littleEndian32(at: place + 4)) << 32
    }

    /// Appends `value`, low byte first.
    mutating func append(littleEndian64 value: UInt64) {
        append(littleEndian: UInt32(truncatingIfNeeded: value))
        append(littleEndian: UInt32(truncatingIfNeeded: value >> 32))
    }
}
