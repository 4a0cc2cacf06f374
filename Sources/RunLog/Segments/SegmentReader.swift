import World

/// Reads the records of a sealed segment, a frame at a time. Each frame is checked by its
/// checksum and against the index; whether the file is the one that was sealed is for
/// `SegmentVerifier` to say.
public struct SegmentReader {
    /// What the segment says of itself.
    public let segment: SealedSegment
    /// Its index.
    public let index: SegmentIndex

    private let source: any ByteSource
    private let decompressor = ZstandardDecompressor()
    private var nextFrame = 0
    private var ready: [RawEntry] = []
    private var readyAt = 0

    /// Sequence number of the last record that was handed out; before the first, the one before
    /// the first of the segment.
    public private(set) var lastSequence: UInt64

    /// A reader of the segment in `source`; `path` is for messages.
    public init(_ source: any ByteSource, path: String = "") throws(SegmentError) {
        self.init(source, try SegmentMap(source, path: path))
    }

    /// A reader of the segment in `source`, whose map was read before.
    init(_ source: any ByteSource, _ map: SegmentMap) {
        self.source = source
        segment = map.segment
        index = map.index
        lastSequence = map.head.firstSequence - 1
    }

    /// The records of frame `number` (from 0) as they stand there, each one CBOR item.
    ///
    /// - Throws: `damaged` when the frame is not what the index says.
    public func payloads(
        ofFrame number: Int
    ) throws(SegmentError) -> [(sequence: UInt64, bytes: [UInt8])] {
        guard index.frames.indices.contains(number) else { throw .damaged(.index, at: 0) }
        let frame = index.frames[number]
        let damage = SegmentError.damaged(.frames, at: frame.offset)
        guard let bytes = try source.exactly(frame.length, at: frame.offset) else { throw damage }
        guard let content = decompressor.content(of: bytes[...], limit: frame.contentLength),
            content.count == frame.contentLength,
            let records = RecordSplitter.split(content), records.count == frame.records,
            records.first?.sequence == frame.firstSequence,
            records.last?.sequence == frame.lastSequence
        else { throw damage }
        return records
    }

    /// The next entry; nil at the end. A frame that is damaged, and records missing before the
    /// segment was sealed, are gaps; in a thinned segment missing numbers are as they should be.
    public mutating func next() throws(SegmentError) -> JournalEntry? { try nextRaw()?.decoded }

    /// As `next`, without taking records apart.
    public mutating func nextRaw() throws(SegmentError) -> RawEntry? {
        while readyAt == ready.count {
            guard nextFrame < index.frames.count else { return nil }
            try load(nextFrame)
            nextFrame += 1
        }
        defer { readyAt += 1 }
        if case .payload(let sequence, _) = ready[readyAt] { lastSequence = sequence }
        return ready[readyAt]
    }

    /// Moves on to the first frame that holds `sequence` or a later number.
    public mutating func seek(to sequence: UInt64) {
        var low = 0
        var high = index.frames.count
        while low < high {
            let middle = (low + high) / 2
            if index.frames[middle].lastSequence < sequence {
                low = middle + 1
            } else {
                high = middle
            }
        }
        nextFrame = low
        ready = []
        readyAt = 0
        if low > 0 { lastSequence = index.frames[low - 1].lastSequence }
    }

    private mutating func load(_ number: Int) throws(SegmentError) {
        ready.removeAll(keepingCapacity: true)
        readyAt = 0
        let frame = index.frames[number]
        let records: [(sequence: UInt64, bytes: [UInt8])]
        do throws(SegmentError) { records = try payloads(ofFrame: number) } catch {
            guard case .damaged = error else { throw error }
            let missing = frame.lastSequence - lastSequence
            let bytes = frame.offset..<(frame.offset + Int64(frame.length))
            ready.append(.gap(JournalGap(bytes: bytes, missingRecords: missing)))
            lastSequence = frame.lastSequence
            return
        }
        var expected = lastSequence + 1
        for record in records {
            if record.sequence > expected, !segment.isThinned {
                let gap = JournalGap(
                    bytes: frame.offset..<frame.offset, missingRecords: record.sequence - expected)
                ready.append(.gap(gap))
            }
            ready.append(.payload(sequence: record.sequence, record.bytes))
            expected = record.sequence + 1
        }
    }
}

/// Cuts a frame's content into its records.
enum RecordSplitter {
    /// The records, numbers ascending; nil when the content is anything else.
    static func split(_ content: [UInt8]) -> [(sequence: UInt64, bytes: [UInt8])]? {
        var reader = CBORReader(content)
        var records: [(sequence: UInt64, bytes: [UInt8])] = []
        var last: UInt64 = 0
        while reader.offset < content.count {
            let start = reader.offset
            guard (try? reader.skip(limit: RecordFacts.depthLimit)) != nil,
                reader.offset - start <= SegmentFormat.frameLimit
            else { return nil }
            let bytes = Array(content[start..<reader.offset])
            guard let sequence = RecordCodec.sequence(of: bytes), sequence > last,
                sequence <= JournalReader.sequenceLimit
            else { return nil }
            records.append((sequence, bytes))
            last = sequence
        }
        return records
    }
}
