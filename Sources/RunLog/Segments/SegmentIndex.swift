import Quantities

/// What a segment's index says of one zstd frame.
public struct FrameSummary: Equatable, Sendable {
    /// Where the frame starts, in bytes from the start of the segment.
    public var offset: Int64
    /// Its length.
    public var length: Int
    /// The length of its content.
    public var contentLength: Int
    /// Sequence numbers of its first and last record.
    public var firstSequence: UInt64
    /// Sequence number of its last record.
    public var lastSequence: UInt64
    /// Records in it.
    public var records: Int
    /// The earliest and latest time of day among its records.
    public var earliest: WallTime
    /// The latest time of day among its records.
    public var latest: WallTime
    /// How many records of which type, by ascending type.
    public var types: [TypeCount]

    /// How many records of a type.
    public struct TypeCount: Equatable, Sendable {
        /// Type number, as FORMAT.md lists them; 0: bytes that are no record.
        public var type: UInt64
        /// How many.
        public var count: Int
    }
}

/// A stretch of the active segment that was damaged when it was sealed, or missing.
public struct SealedGap: Equatable, Sendable {
    /// Sequence number of the first record that is missing; where none is, of the record after it.
    public var sequence: UInt64
    /// How many are missing.
    public var records: UInt64
    /// Damaged bytes that were not taken over.
    public var bytes: Int64
}

/// The index of a sealed segment: what is where, and what was lost before it was sealed.
public struct SegmentIndex: Equatable, Sendable {
    /// The frames, in order, one behind the other.
    public var frames: [FrameSummary] = []
    /// Losses, the first `gapLimit` of them.
    public var gaps: [SealedGap] = []
    /// Losses kept at most.
    public static let gapLimit = 1_000

    /// Records in all frames.
    public var records: Int { frames.reduce(0) { $0 + $1.records } }

    /// An index of nothing.
    public init() {}

    var bytes: [UInt8] {
        var writer = CBORWriter()
        writer.map(2)
        writer.unsigned(1)
        writer.array(frames.count)
        for frame in frames {
            writer.array(9)
            writer.integer(frame.offset)
            for number in [frame.length, frame.contentLength] { writer.integer(Int64(number)) }
            writer.unsigned(frame.firstSequence)
            writer.unsigned(frame.lastSequence)
            writer.integer(Int64(frame.records))
            writer.integer(frame.earliest.unixNanoseconds)
            writer.integer(frame.latest.unixNanoseconds)
            writer.array(frame.types.count * 2)
            for type in frame.types {
                writer.unsigned(type.type)
                writer.integer(Int64(type.count))
            }
        }
        writer.unsigned(2)
        writer.array(gaps.count)
        for gap in gaps {
            writer.array(3)
            writer.unsigned(gap.sequence)
            writer.unsigned(gap.records)
            writer.integer(gap.bytes)
        }
        return SegmentFormat.block(SegmentFormat.indexMagic, writer.bytes)
    }

    /// The index in a block's content, of frames that fill a file from `start` to `end`.
    init(_ content: [UInt8], frames start: Int64, to end: Int64) throws(SegmentError) {
        let fields = try BlockFields(content, .index)
        frames = try fields.value(1) { reader throws(RecordError) in
            let count = try reader.array()
            guard count <= SegmentFormat.frameCountLimit else { throw .outOfRange(at: 0) }
            var frames: [FrameSummary] = []
            for _ in 0..<count { frames.append(try FrameSummary(&reader)) }
            return frames
        }
        gaps = try fields.value(2) { reader throws(RecordError) in
            let count = try reader.array()
            guard count <= Self.gapLimit else { throw .outOfRange(at: 0) }
            var gaps: [SealedGap] = []
            for _ in 0..<count {
                let items = try reader.array()
                guard items >= 3 else { throw .outOfRange(at: 0) }
                gaps.append(
                    SealedGap(
                        sequence: try reader.unsigned(), records: try reader.unsigned(),
                        bytes: try reader.integer()))
                for _ in 3..<items { try reader.skip() }
            }
            return gaps
        }
        guard isConsistent(from: start, to: end) else { throw .damaged(.index, at: end) }
    }

    private func isConsistent(from start: Int64, to end: Int64) -> Bool {
        var place = start
        var sequence: UInt64 = 0
        for frame in frames {
            guard frame.offset == place, frame.length > 0, Int64(frame.length) <= end - place,
                frame.contentLength > 0, frame.contentLength <= SegmentFormat.frameLimit,
                frame.records > 0, frame.firstSequence > sequence,
                frame.lastSequence <= JournalReader.sequenceLimit,
                frame.lastSequence >= frame.firstSequence,
                frame.lastSequence - frame.firstSequence >= UInt64(frame.records - 1)
            else { return false }
            place += Int64(frame.length)
            sequence = frame.lastSequence
        }
        return place == end
    }
}

extension FrameSummary {
    /// Types of records told apart in one frame at most.
    static let typeLimit = 256

    fileprivate init(_ reader: inout CBORReader) throws(RecordError) {
        let start = reader.offset
        let items = try reader.array()
        guard items >= 9 else { throw .tooShort(at: start) }
        offset = try reader.integer()
        length = try reader.small()
        contentLength = try reader.small()
        firstSequence = try reader.unsigned()
        lastSequence = try reader.unsigned()
        records = try reader.small()
        earliest = WallTime(unixNanoseconds: try reader.integer())
        latest = WallTime(unixNanoseconds: try reader.integer())
        types = []
        let pairs = try reader.array()
        guard pairs % 2 == 0, pairs <= Self.typeLimit * 2 else { throw .outOfRange(at: start) }
        for _ in 0..<(pairs / 2) {
            types.append(TypeCount(type: try reader.unsigned(), count: try reader.small()))
        }
        for _ in 9..<items { try reader.skip() }
    }
}

extension CBORReader {
    /// A whole number from 0 to the largest file.
    fileprivate mutating func small() throws(RecordError) -> Int {
        let start = offset
        let number = try unsigned()
        guard number <= UInt64(UInt32.max) else { throw .outOfRange(at: start) }
        return Int(number)
    }
}
