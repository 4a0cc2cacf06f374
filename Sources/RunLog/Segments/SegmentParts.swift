import Quantities

/// The seal a thinned segment had before its spectra blocks were taken out: the hash the next
/// segment's chain names, and the signature of it.
public struct OriginalSeal: Equatable, Sendable {
    /// SHA-256 of the segment as it was.
    public var hash: [UInt8]
    /// Who signed it; nil for nobody.
    public var publicKey: [UInt8]?
    /// The signature; nil for none.
    public var signature: [UInt8]?

    /// A seal.
    public init(hash: [UInt8], publicKey: [UInt8]?, signature: [UInt8]?) {
        self.hash = hash
        self.publicKey = publicKey
        self.signature = signature
    }
}

/// First block of a sealed segment.
public struct SegmentHead: Equatable, Sendable {
    /// The log it belongs to.
    public var logIdentifier: LogIdentifier
    /// Its number, from 1.
    public var number: UInt64
    /// Sequence number its first record has, or would have.
    public var firstSequence: UInt64
    /// Hash of the segment before it; 32 zeroes where there is none, or none that is known.
    public var previousHash: [UInt8]
    /// Where the segment was thinned: the seal it had.
    public var original: OriginalSeal?

    /// A head.
    public init(
        logIdentifier: LogIdentifier, number: UInt64, firstSequence: UInt64,
        previousHash: [UInt8], original: OriginalSeal? = nil
    ) {
        self.logIdentifier = logIdentifier
        self.number = number
        self.firstSequence = firstSequence
        self.previousHash = previousHash
        self.original = original
    }

    var bytes: [UInt8] {
        var writer = CBORWriter()
        writer.map(original == nil ? 5 : 6)
        writer.unsigned(1)
        writer.unsigned(SegmentFormat.version)
        writer.unsigned(2)
        writer.byteString(logIdentifier.bytes)
        writer.unsigned(3)
        writer.unsigned(number)
        writer.unsigned(4)
        writer.unsigned(firstSequence)
        writer.unsigned(5)
        writer.byteString(previousHash)
        if let original {
            writer.unsigned(6)
            writer.seal(original)
        }
        return SegmentFormat.block(SegmentFormat.headMagic, writer.bytes)
    }

    init(_ content: [UInt8]) throws(SegmentError) {
        let fields = try BlockFields(content, .head)
        let version = try fields.unsigned(1)
        guard version <= SegmentFormat.version else { throw .newerFormat(version: version) }
        guard let identifier = LogIdentifier(try fields.bytes(2)) else { throw fields.damage }
        logIdentifier = identifier
        number = try fields.unsigned(3)
        firstSequence = try fields.unsigned(4)
        previousHash = try fields.bytes(5, count: 32)
        if fields.has(6) { original = try OriginalSeal(BlockFields(try fields.map(6), .head)) }
        guard SegmentName.numbers.contains(number), firstSequence > 0,
            firstSequence <= JournalReader.sequenceLimit
        else { throw fields.damage }
    }
}

/// Last block of a sealed segment, without its trailer.
struct SegmentSeal: Equatable {
    var seal: OriginalSeal

    /// The block, behind an index block of `indexLength` bytes.
    func bytes(indexLength: Int) -> [UInt8] {
        var writer = CBORWriter()
        writer.seal(seal)
        var content = writer.bytes
        content.append(littleEndian: UInt32(indexLength))
        content.append(littleEndian: UInt32(content.count + 4 + SegmentFormat.blockFrame))
        return SegmentFormat.block(SegmentFormat.sealMagic, content)
    }

    init(_ seal: OriginalSeal) { self.seal = seal }

    /// The seal in a block's content, whose last eight bytes are lengths.
    init(_ content: [UInt8]) throws(SegmentError) {
        seal = try OriginalSeal(BlockFields(Array(content.dropLast(8)), .seal))
    }
}

extension OriginalSeal {
    fileprivate init(_ fields: BlockFields) throws(SegmentError) {
        hash = try fields.bytes(1, count: 32)
        publicKey = fields.has(2) ? try fields.bytes(2, count: Ed25519.keySize) : nil
        signature = fields.has(3) ? try fields.bytes(3, count: Ed25519.signatureSize) : nil
        guard (publicKey == nil) == (signature == nil) else { throw fields.damage }
    }
}

extension CBORWriter {
    fileprivate mutating func seal(_ seal: OriginalSeal) {
        map(seal.signature == nil ? 1 : 3)
        unsigned(1)
        byteString(seal.hash)
        if let signature = seal.signature {
            unsigned(2)
            byteString(seal.publicKey ?? [])
            unsigned(3)
            byteString(signature)
        }
    }
}

/// The fields of a block's map: strictly ascending unsigned keys; those a reader does not know
/// are passed over.
struct BlockFields {
    private let content: [UInt8]
    private let part: SegmentError.Part
    private var places: [(key: UInt64, range: Range<Int>)] = []
    private static let countLimit = 64

    init(_ content: [UInt8], _ part: SegmentError.Part) throws(SegmentError) {
        self.content = content
        self.part = part
        var reader = CBORReader(content)
        do throws(RecordError) {
            let count = try reader.map()
            guard count <= Self.countLimit else { throw .outOfRange(at: 0) }
            for _ in 0..<count {
                let key = try reader.unsigned()
                if let last = places.last, last.key >= key { throw .keysOutOfOrder(at: 0) }
                let start = reader.offset
                try reader.skip()
                places.append((key, start..<reader.offset))
            }
            guard reader.offset == content.count else { throw .trailingBytes(at: 0) }
        } catch { throw .damaged(part, at: Int64(reader.offset)) }
    }

    /// What to throw when a field is not what it should be.
    var damage: SegmentError { .damaged(part, at: 0) }

    func has(_ key: UInt64) -> Bool { places.contains { $0.key == key } }

    /// What `read` makes of the value of `key`.
    func value<Value>(
        _ key: UInt64, _ read: (inout CBORReader) throws(RecordError) -> Value
    ) throws(SegmentError) -> Value {
        guard let place = places.first(where: { $0.key == key }) else { throw damage }
        var reader = CBORReader(content, at: place.range.lowerBound)
        do throws(RecordError) { return try read(&reader) } catch { throw damage }
    }

    func unsigned(_ key: UInt64) throws(SegmentError) -> UInt64 {
        try value(key) { reader throws(RecordError) in try reader.unsigned() }
    }

    func bytes(_ key: UInt64, count: Int? = nil) throws(SegmentError) -> [UInt8] {
        let bytes = try value(key) { reader throws(RecordError) in try reader.byteString() }
        guard count == nil || bytes.count == count else { throw damage }
        return bytes
    }

    /// The bytes of the value of `key`.
    func map(_ key: UInt64) throws(SegmentError) -> [UInt8] {
        guard let place = places.first(where: { $0.key == key }) else { throw damage }
        return Array(content[place.range])
    }
}
