import World

/// Finds what is left in a sealed segment whose head, index or seal is damaged: every zstd frame
/// that is whole, wherever it lies.
struct SegmentSalvage {
    /// Largest file that is searched.
    static let sizeLimit: Int64 = 256 * 1024 * 1024

    private let bytes: [UInt8]
    private let decompressor = ZstandardDecompressor()
    private var offset = 0
    private var damagedFrom = 0
    private var lastSequence: UInt64
    private var ready: [RawEntry] = []
    private var readyAt = 0

    /// A search in `source` for records after number `lastSequence`.
    init(_ source: any ByteSource, after lastSequence: UInt64) throws(SegmentError) {
        let size = source.size
        guard size <= Self.sizeLimit else { throw .tooLarge(.frames, bytes: size) }
        bytes = try source.exactly(Int(size), at: 0) ?? []
        self.lastSequence = lastSequence
    }

    /// The next record or damaged stretch; nil at the end.
    mutating func nextRaw() -> RawEntry? {
        while readyAt == ready.count {
            ready.removeAll(keepingCapacity: true)
            readyAt = 0
            if offset >= bytes.count {
                guard damagedFrom < bytes.count else { return nil }
                let gap = JournalGap(
                    bytes: Int64(damagedFrom)..<Int64(bytes.count), missingRecords: 0)
                damagedFrom = bytes.count
                return .gap(gap)
            }
            step()
        }
        defer { readyAt += 1 }
        return ready[readyAt]
    }

    private mutating func step() {
        let start = offset
        if let length = blockLength() {
            offset += length
            if damagedFrom == start { damagedFrom = offset }
            return
        }
        guard let length = ZstandardDecompressor.frameLength(bytes[start...]),
            let content = decompressor.content(
                of: bytes[start..<(start + length)], limit: SegmentFormat.frameLimit),
            let records = RecordSplitter.split(content), let first = records.first,
            first.sequence > lastSequence
        else {
            offset += 1
            return
        }
        var damaged = Int64(damagedFrom)..<Int64(start)
        for record in records {
            let missing = record.sequence - lastSequence - 1
            if missing > 0 || !damaged.isEmpty {
                ready.append(.gap(JournalGap(bytes: damaged, missingRecords: missing)))
                damaged = Int64(start)..<Int64(start)
            }
            ready.append(.payload(sequence: record.sequence, record.bytes))
            lastSequence = record.sequence
        }
        offset = start + length
        damagedFrom = offset
    }

    /// Length of the intact block at the offset; nil when there is none.
    private func blockLength() -> Int? {
        guard bytes.count - offset >= SegmentFormat.blockFrame else { return nil }
        let magic = bytes.littleEndian32(at: offset)
        guard magic >= SegmentFormat.headMagic, magic <= SegmentFormat.sealMagic else { return nil }
        let length = Int(bytes.littleEndian32(at: offset + 4)) + 8
        guard length <= bytes.count - offset else { return nil }
        let block = Array(bytes[offset..<(offset + length)])
        let content = try? SegmentFormat.content(of: block, magic, .head, at: Int64(offset))
        return content == nil ? nil : length
    }
}
