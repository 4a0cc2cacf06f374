import Quantities

/// A record with its number in the log, or what is known of one from a newer program.
public enum NumberedRecord: Equatable, Sendable {
    /// A record this program knows.
    case record(sequence: UInt64, Record)
    /// A well-formed record of a type this program does not know.
    case unknown(sequence: UInt64, type: UInt64, at: Instant, wall: WallTime)

    /// Its number in the log, from 1.
    public var sequence: UInt64 {
        switch self {
        case .record(let sequence, _), .unknown(let sequence, _, _, _): sequence
        }
    }
}

/// Record ↔ CBOR, as FORMAT.md in this folder writes it down: an array of sequence number, type,
/// monotonic time, wall time, and a map of the type's fields under small keys. Deterministic: one
/// record has one encoding. Forgiving: unknown types and keys are passed over, so that an older
/// program reads a newer log.
public enum RecordCodec {
    /// Most bytes of one record.
    public static let sizeLimit = 4 * 1024 * 1024

    /// The bytes of `record` as number `sequence`. Throws `tooLarge`.
    public static func encode(
        _ record: Record, sequence: UInt64
    ) throws(RecordError) -> [UInt8] {
        var writer = CBORWriter()
        writer.array(5)
        writer.unsigned(sequence)
        writer.unsigned(record.body.type)
        writer.integer(record.at.nanoseconds)
        writer.integer(record.wall.unixNanoseconds)
        record.body.write(into: &writer)
        guard writer.bytes.count <= sizeLimit else {
            throw .tooLarge(bytes: writer.bytes.count, limit: sizeLimit)
        }
        return writer.bytes
    }

    /// The record that `bytes` are. Throws what is wrong with them.
    public static func decode(_ bytes: [UInt8]) throws(RecordError) -> NumberedRecord {
        guard bytes.count <= sizeLimit else {
            throw .tooLarge(bytes: bytes.count, limit: sizeLimit)
        }
        var reader = CBORReader(bytes)
        // A later version may add items after the fifth; these are passed over.
        let items = try reader.array()
        guard items >= 5 else { throw .tooShort(at: 0) }
        let sequence = try reader.unsigned()
        let type = try reader.unsigned()
        let at = Instant(nanoseconds: try reader.integer())
        let wall = WallTime(unixNanoseconds: try reader.integer())
        let fields = try RecordFields(type: type, &reader)
        for _ in 5..<items { try reader.skip(depth: 1) }
        guard reader.offset == bytes.count else { throw .trailingBytes(at: reader.offset) }
        guard let body = try Record.Body(type: type, fields) else {
            return .unknown(sequence: sequence, type: type, at: at, wall: wall)
        }
        return .record(sequence: sequence, Record(at: at, wall: wall, body: body))
    }

    /// The sequence number of a payload that starts like a record; nil when it does not.
    static func sequence(of bytes: [UInt8]) -> UInt64? {
        var reader = CBORReader(bytes)
        guard let items = try? reader.array(), items >= 5 else { return nil }
        return try? reader.unsigned()
    }
}

/// Where each field of a record's map lies.
struct RecordFields {
    private let type: UInt64
    private let bytes: [UInt8]
    private var places: [(key: UInt64, offset: Int)] = []

    /// Fields a record has at most; today's largest type has eleven.
    private static let countLimit = 64

    /// Reads the map at the reader, keys strictly ascending, and moves past it.
    init(type: UInt64, _ reader: inout CBORReader) throws(RecordError) {
        self.type = type
        bytes = reader.bytes
        let count = try reader.map()
        guard count <= Self.countLimit else { throw .outOfRange(at: reader.offset) }
        for _ in 0..<count {
            let start = reader.offset
            let key = try reader.unsigned()
            if let last = places.last, last.key >= key { throw .keysOutOfOrder(at: start) }
            places.append((key, reader.offset))
            try reader.skip(depth: 2)
        }
    }

    /// Whether the map has `key`: later programs write more than earlier ones.
    func has(_ key: UInt64) -> Bool { places.contains { $0.key == key } }

    /// A reader at the value of `key`.
    private func reader(_ key: UInt64) throws(RecordError) -> CBORReader {
        for place in places where place.key == key { return CBORReader(bytes, at: place.offset) }
        throw .missingField(type: type, key: key)
    }

    func text(_ key: UInt64) throws(RecordError) -> String {
        var reader = try reader(key)
        return try reader.text()
    }

    func unsigned(_ key: UInt64) throws(RecordError) -> UInt64 {
        var reader = try reader(key)
        return try reader.unsigned()
    }

    func integer(_ key: UInt64) throws(RecordError) -> Int64 {
        var reader = try reader(key)
        return try reader.integer()
    }

    func int(_ key: UInt64) throws(RecordError) -> Int {
        guard let value = Int(exactly: try integer(key)) else { throw .outOfRange(at: 0) }
        return value
    }

    func boolean(_ key: UInt64) throws(RecordError) -> Bool {
        var reader = try reader(key)
        return try reader.boolean()
    }

    func double(_ key: UInt64) throws(RecordError) -> Double {
        var reader = try reader(key)
        return try reader.double()
    }

    func optionalDouble(_ key: UInt64) throws(RecordError) -> Double? {
        var reader = try reader(key)
        return try reader.optionalDouble()
    }

    func doubles(_ key: UInt64) throws(RecordError) -> [Double] {
        var reader = try reader(key)
        return try reader.doubles()
    }

    func floats(_ key: UInt64) throws(RecordError) -> [Float] {
        var reader = try reader(key)
        return try reader.floats()
    }

    func rows(_ key: UInt64) throws(RecordError) -> [[Double]] {
        var reader = try reader(key)
        let count = try reader.array()
        var rows: [[Double]] = []
        for _ in 0..<count { rows.append(try reader.doubles()) }
        return rows
    }

    func ints(_ key: UInt64) throws(RecordError) -> [Int] {
        var reader = try reader(key)
        let count = try reader.array()
        var values: [Int] = []
        for _ in 0..<count {
            let start = reader.offset
            guard let value = Int(exactly: try reader.integer()) else {
                throw .outOfRange(at: start)
            }
            values.append(value)
        }
        return values
    }

    func integers(_ key: UInt64) throws(RecordError) -> [Int64] {
        var reader = try reader(key)
        let count = try reader.array()
        var values: [Int64] = []
        for _ in 0..<count { values.append(try reader.integer()) }
        return values
    }

    func bytes(_ key: UInt64) throws(RecordError) -> [UInt8] {
        var reader = try reader(key)
        return try reader.byteString()
    }

    func readings(_ key: UInt64) throws(RecordError) -> [NamedReading] {
        var reader = try reader(key)
        let count = try reader.array()
        var readings: [NamedReading] = []
        for _ in 0..<count {
            let start = reader.offset
            guard try reader.array() == 2 else {
                throw .wrongKind(at: start, expected: "pair of name and value")
            }
            let name = try reader.text()
            readings.append(NamedReading(name: name, value: try reader.optionalDouble()))
        }
        return readings
    }

    func values(_ key: UInt64) throws(RecordError) -> [NamedValue] {
        var values: [NamedValue] = []
        for reading in try readings(key) {
            guard let value = reading.value else { throw .missingField(type: type, key: key) }
            values.append(NamedValue(name: reading.name, value: value))
        }
        return values
    }

    func texts(_ key: UInt64) throws(RecordError) -> [String] {
        var reader = try reader(key)
        let count = try reader.array()
        var texts: [String] = []
        for _ in 0..<count { texts.append(try reader.text()) }
        return texts
    }

    func proposers(_ key: UInt64) throws(RecordError) -> [ProposerRecord] {
        var reader = try reader(key)
        let count = try reader.array()
        var rows: [ProposerRecord] = []
        for _ in 0..<count {
            let start = reader.offset
            guard try reader.array() == 5 else {
                throw .wrongKind(at: start, expected: "run, proposer, count, best, median")
            }
            let run = Int(exactly: try reader.integer())
            let proposer = try reader.text()
            let conditions = Int(exactly: try reader.integer())
            guard let run, let conditions else { throw .outOfRange(at: start) }
            rows.append(
                ProposerRecord(
                    run: run, proposer: proposer, conditions: conditions,
                    bestLoss: try reader.double(), medianLoss: try reader.double()))
        }
        return rows
    }
}
