import Quantities
import World

/// What a sealed segment says of itself in its head, index and seal.
public struct SealedSegment: Equatable, Sendable {
    /// Its number, from 1.
    public var number: UInt64
    /// The log it belongs to.
    public var logIdentifier: LogIdentifier
    /// Bytes of its file.
    public var size: Int64
    /// Sequence number its first record has, or would have had.
    public var firstSequence: UInt64
    /// Sequence number of its last record.
    public var lastSequence: UInt64
    /// Records in it.
    public var records: Int
    /// SHA-256 of everything before the seal: the hash of this file.
    public var contentHash: [UInt8]
    /// The hash of the segment, which the next one names: `contentHash`, or what that was before
    /// the segment was thinned.
    public var hash: [UInt8]
    /// Hash of the segment before it; 32 zeroes where there is none.
    public var previousHash: [UInt8]
    /// Who signed it; nil for nobody.
    public var publicKey: [UInt8]?
    /// Ed25519 signature of `contentHash`; nil for none.
    public var signature: [UInt8]?
    /// Where its spectra blocks were taken out: the seal it had.
    public var original: OriginalSeal?
    /// The earliest time of day among its records; nil without any.
    public var earliest: WallTime?
    /// The latest one.
    public var latest: WallTime?
    /// Path of its file.
    public var path: String

    /// Whether its spectra blocks were taken out.
    public var isThinned: Bool { original != nil }
    /// Name of its file within a log directory.
    public var name: String { SegmentName.sealed(number) }

    init(head: SegmentHead, index: SegmentIndex, seal: OriginalSeal, size: Int64, path: String) {
        number = head.number
        logIdentifier = head.logIdentifier
        self.size = size
        firstSequence = head.firstSequence
        lastSequence = index.frames.last?.lastSequence ?? head.firstSequence - 1
        records = index.records
        contentHash = seal.hash
        hash = head.original?.hash ?? seal.hash
        previousHash = head.previousHash
        publicKey = seal.publicKey
        signature = seal.signature
        original = head.original
        earliest = index.frames.map(\.earliest).min()
        latest = index.frames.map(\.latest).max()
        self.path = path
    }

    /// Reads head, index and seal of the segment in `source`, each with its checksum; the frames
    /// between are not looked at. `path` is for messages.
    public init(_ source: any ByteSource, path: String) throws(SegmentError) {
        self = try SegmentMap(source, path: path).segment
    }
}

/// Head, index and seal of a segment, and where its parts lie.
struct SegmentMap {
    let head: SegmentHead
    let index: SegmentIndex
    let segment: SealedSegment
    /// Where the seal block starts: what is before it was hashed.
    let sealStart: Int64

    init(_ source: any ByteSource, path: String) throws(SegmentError) {
        let size = source.size
        let (head, framesStart) = try Self.head(of: source)
        let trailer = try source.exactly(
            SegmentFormat.trailerSize, at: size - Int64(SegmentFormat.trailerSize))
        guard let trailer else { throw .damaged(.seal, at: size) }
        let indexLength = Int64(trailer.littleEndian32(at: 0))
        let sealLength = Int64(trailer.littleEndian32(at: 4))
        guard sealLength <= SegmentFormat.smallBlockLimit else {
            throw .tooLarge(.seal, bytes: sealLength)
        }
        guard indexLength <= SegmentFormat.indexLimit else {
            throw .tooLarge(.index, bytes: indexLength)
        }
        let sealStart = size - sealLength
        let indexStart = sealStart - indexLength
        guard sealLength > SegmentFormat.trailerSize, indexStart >= framesStart,
            let sealBytes = try source.exactly(Int(sealLength), at: sealStart),
            let indexBytes = try source.exactly(Int(indexLength), at: indexStart)
        else { throw .damaged(.seal, at: sealStart) }
        let seal = try SegmentSeal(
            try SegmentFormat.content(of: sealBytes, SegmentFormat.sealMagic, .seal, at: sealStart))
        let content = try SegmentFormat.content(
            of: indexBytes, SegmentFormat.indexMagic, .index, at: indexStart)
        index = try SegmentIndex(content, frames: framesStart, to: indexStart)
        guard (index.frames.first?.firstSequence ?? head.firstSequence) >= head.firstSequence else {
            throw .damaged(.index, at: indexStart)
        }
        self.head = head
        self.sealStart = sealStart
        segment = SealedSegment(
            head: head, index: index, seal: seal.seal, size: size, path: path)
    }

    /// The head of the segment in `source`, and where the block ends.
    static func head(
        of source: any ByteSource
    ) throws(SegmentError) -> (head: SegmentHead, end: Int64) {
        guard let start = try source.exactly(8, at: 0),
            start.littleEndian32(at: 0) == SegmentFormat.headMagic
        else { throw .notASegment }
        let length = Int64(start.littleEndian32(at: 4)) + 8
        guard length <= SegmentFormat.smallBlockLimit else { throw .tooLarge(.head, bytes: length) }
        guard let bytes = try source.exactly(Int(length), at: 0) else {
            throw .damaged(.head, at: 0)
        }
        let content = try SegmentFormat.content(of: bytes, SegmentFormat.headMagic, .head, at: 0)
        return (try SegmentHead(content), length)
    }
}
