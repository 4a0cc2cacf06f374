import Quantities

/// Makes the bytes of a sealed segment, a piece at a time: the same records give the same bytes.
struct SegmentBuilder {
    private let head: SegmentHead
    private let compressor: ZstandardCompressor
    private let digest = RunningDigest()
    private var index = SegmentIndex()
    private var offset: Int64 = 0
    private var content: [UInt8] = []
    private var summary = Self.emptySummary
    private var lastSequence: UInt64

    private static let emptySummary = FrameSummary(
        offset: 0, length: 0, contentLength: 0, firstSequence: 0, lastSequence: 0, records: 0,
        earliest: WallTime(unixNanoseconds: .max), latest: WallTime(unixNanoseconds: .min),
        types: [])

    /// A builder of the segment with this head, and the bytes of that.
    init(head: SegmentHead, level: Int32) {
        self.head = head
        compressor = ZstandardCompressor(level: level)
        content.reserveCapacity(SegmentFormat.frameTarget)
        lastSequence = head.firstSequence - 1
    }

    /// The first bytes of the file. Call once, first.
    mutating func begin() -> [UInt8] { hashed(head.bytes) }

    /// Whether enough was added for a frame.
    var hasFrame: Bool { content.count >= SegmentFormat.frameTarget }

    /// Whether another frame would be more than a segment has.
    var isFull: Bool { index.frames.count >= SegmentFormat.frameCountLimit - 1 }

    /// Adds a record as it stood in the active segment. A payload that is no CBOR item is kept
    /// as a record of type 0, so that whatever reads the segment as CBOR does not lose its way.
    mutating func add(sequence: UInt64, _ payload: [UInt8]) {
        let facts = RecordFacts(payload)
        content += facts == nil ? RecordFacts.wrapped(payload, sequence: sequence) : payload
        let type = facts?.type ?? 0
        if summary.records == 0 { summary.firstSequence = sequence }
        summary.lastSequence = sequence
        summary.records += 1
        if let wall = facts?.wall {
            summary.earliest = min(summary.earliest, wall)
            summary.latest = max(summary.latest, wall)
        }
        if let place = summary.types.firstIndex(where: { $0.type == type }) {
            summary.types[place].count += 1
        } else if summary.types.count < FrameSummary.typeLimit {
            summary.types.append(FrameSummary.TypeCount(type: type, count: 1))
        }
        lastSequence = sequence
    }

    /// Notes a loss.
    mutating func add(_ gap: JournalGap) {
        guard index.gaps.count < SegmentIndex.gapLimit else { return }
        index.gaps.append(
            SealedGap(
                sequence: lastSequence + 1, records: gap.missingRecords,
                bytes: Int64(gap.bytes.count)))
    }

    /// Keeps a loss that was noted when the segment was sealed first.
    mutating func keep(_ gap: SealedGap) {
        if index.gaps.count < SegmentIndex.gapLimit { index.gaps.append(gap) }
    }

    /// What was added since the last frame, as a frame; nothing when nothing was.
    ///
    /// - Throws: `noMemory`.
    mutating func frame() throws(SegmentError) -> [UInt8] {
        guard summary.records > 0 else { return [] }
        guard let frame = compressor.frame(content) else { throw .noMemory }
        summary.offset = offset
        summary.length = frame.count
        summary.contentLength = content.count
        summary.types.sort { $0.type < $1.type }
        if summary.earliest > summary.latest {
            summary.earliest = WallTime(unixNanoseconds: 0)
            summary.latest = summary.earliest
        }
        index.frames.append(summary)
        summary = Self.emptySummary
        content.removeAll(keepingCapacity: true)
        return hashed(frame)
    }

    /// The last bytes of the file: index and seal. Call once, last.
    ///
    /// - Throws: `notSigned`.
    mutating func finish(signer: (any SegmentSigner)?) throws(SegmentError) -> [UInt8] {
        let indexBytes = hashed(index.bytes)
        var seal = OriginalSeal(hash: digest.finishBytes(), publicKey: nil, signature: nil)
        if let signer {
            let signature = signer.sign(SegmentFormat.signedText(hash: seal.hash))
            guard signature.count == Ed25519.signatureSize,
                signer.publicKey.count == Ed25519.keySize
            else { throw .notSigned }
            seal.publicKey = signer.publicKey
            seal.signature = signature
        }
        let sealBytes = SegmentSeal(seal).bytes(indexLength: indexBytes.count)
        sealed = (seal, offset + Int64(sealBytes.count))
        return indexBytes + sealBytes
    }

    private var sealed: (seal: OriginalSeal, size: Int64)?

    /// What was built, once it is finished.
    func segment(path: String) -> SealedSegment? {
        sealed.map {
            SealedSegment(head: head, index: index, seal: $0.seal, size: $0.size, path: path)
        }
    }

    private mutating func hashed(_ bytes: [UInt8]) -> [UInt8] {
        digest.add(bytes)
        offset += Int64(bytes.count)
        return bytes
    }
}

/// What the index wants to know of a record.
struct RecordFacts: Equatable {
    var type: UInt64
    var wall: WallTime

    /// Items within each other in a record at most, of whatever program wrote it.
    static let depthLimit = 64

    /// Nil when the payload is no record: not one whole CBOR item that begins like one.
    init?(_ payload: [UInt8]) {
        var whole = CBORReader(payload)
        guard (try? whole.skip(limit: Self.depthLimit)) != nil, whole.offset == payload.count else {
            return nil
        }
        var reader = CBORReader(payload)
        guard let items = try? reader.array(), items >= 5, (try? reader.unsigned()) != nil,
            let type = try? reader.unsigned(), (try? reader.integer()) != nil,
            let wall = try? reader.integer()
        else { return nil }
        self.type = type
        self.wall = WallTime(unixNanoseconds: wall)
    }

    /// A record of type 0 that holds `payload` as a byte string.
    static func wrapped(_ payload: [UInt8], sequence: UInt64) -> [UInt8] {
        var writer = CBORWriter()
        writer.array(5)
        writer.unsigned(sequence)
        for _ in 0..<3 { writer.unsigned(0) }
        writer.map(1)
        writer.unsigned(1)
        writer.byteString(payload)
        return writer.bytes
    }
}
