import RunLog

/// Why bytes are no message.
public enum MessageError: Error, Equatable, CustomStringConvertible {
    /// Longer than permitted, or empty.
    case length(Int, limit: Int)
    /// Not CBOR, or not the items the kind has.
    case content(String)
    /// A kind of message this version does not know.
    case unknownKind(UInt64)

    /// What is wrong.
    public var description: String {
        switch self {
        case .length(let length, let limit):
            "a message of \(length) bytes, where 1 to \(limit) are permitted"
        case .content(let what): "a message that is not as it must be: \(what)"
        case .unknownKind(let kind): "a message of kind \(kind), which version 1 does not have"
        }
    }
}

extension SyncMessage {
    /// Takes the bytes of one message apart, without their length. Items after those known are
    /// passed over: a later version may add some.
    public init(_ bytes: [UInt8]) throws(MessageError) {
        var reader = CBORReader(bytes)
        let items: Int
        let number: UInt64
        do throws(RecordError) {
            items = try reader.array()
            number = try reader.unsigned()
        } catch { throw .content("\(error)") }
        guard let kind = Kind(rawValue: number) else { throw .unknownKind(number) }
        do throws(RecordError) {
            self = try Self.read(kind, items: items - 1, &reader)
        } catch { throw .content("\(error)") }
        guard reader.offset == bytes.count else { throw .content("bytes follow it") }
    }

    private static func read(
        _ kind: Kind, items: Int, _ reader: inout CBORReader
    ) throws(RecordError) -> SyncMessage {
        let known =
            switch kind {
            case .bye: 0
            case .list, .acknowledged: 1
            case .error: 2
            case .hello, .listing, .piece, .acknowledge: 3
            case .fetch: 4
            }
        guard items >= known else { throw .tooShort(at: 0) }
        let message = try body(kind, &reader)
        for _ in 0..<items - known { try reader.skip() }
        return message
    }

    private static func body(
        _ kind: Kind, _ reader: inout CBORReader
    ) throws(RecordError) -> SyncMessage {
        switch kind {
        case .hello:
            return .hello(
                lowest: try reader.unsigned(), highest: try reader.unsigned(),
                name: try text(&reader))
        case .list: return .list(after: try reader.unsigned())
        case .listing: return .listing(try listing(&reader))
        case .fetch:
            return .fetch(
                log: try bytes(&reader, logSize), number: try reader.unsigned(),
                offset: try reader.unsigned(), length: try reader.unsigned())
        case .piece:
            return .piece(
                number: try reader.unsigned(), offset: try reader.unsigned(),
                bytes: try reader.byteString())
        case .acknowledge:
            return .acknowledge(
                log: try bytes(&reader, logSize), number: try reader.unsigned(),
                hash: try bytes(&reader, hashSize))
        case .acknowledged: return .acknowledged(number: try reader.unsigned())
        case .bye: return .bye
        case .error: return .error(code: try reader.unsigned(), text: try text(&reader))
        }
    }

    private static func listing(
        _ reader: inout CBORReader
    ) throws(RecordError) -> SegmentListing {
        let place = reader.offset
        let log = try reader.byteString()
        guard log.isEmpty || log.count == logSize else { throw .outOfRange(at: place) }
        let hasMore = try reader.boolean()
        let count = try reader.array()
        guard count <= listingLimit, count > 0 || !hasMore else { throw .outOfRange(at: place) }
        var entries: [SegmentEntry] = []
        for _ in 0..<count {
            let start = reader.offset
            let items = try reader.array()
            guard items >= 7 else { throw .tooShort(at: start) }
            let entry = SegmentEntry(
                number: try reader.unsigned(), size: try reader.unsigned(),
                firstSequence: try reader.unsigned(), records: try reader.unsigned(),
                hash: try bytes(&reader, hashSize), previousHash: try bytes(&reader, hashSize),
                contentHash: try bytes(&reader, hashSize))
            for _ in 0..<items - 7 { try reader.skip() }
            guard entry.number > entries.last?.number ?? 0, entry.number <= numberLimit,
                entry.size > 0, entry.size <= sizeLimit, entry.records <= sizeLimit
            else { throw .outOfRange(at: start) }
            entries.append(entry)
        }
        return SegmentListing(log: log, entries: entries, hasMore: hasMore)
    }

    private static func bytes(
        _ reader: inout CBORReader, _ count: Int
    ) throws(RecordError) -> [UInt8] {
        let place = reader.offset
        let bytes = try reader.byteString()
        guard bytes.count == count else { throw .outOfRange(at: place) }
        return bytes
    }

    private static func text(_ reader: inout CBORReader) throws(RecordError) -> String {
        let place = reader.offset
        let text = try reader.text()
        guard text.utf8.count <= textLimit else { throw .outOfRange(at: place) }
        return text
    }
}
