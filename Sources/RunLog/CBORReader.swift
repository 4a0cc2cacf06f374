import CCBOR

/// Takes CBOR apart. Total: any bytes give values or a `RecordError`. Nothing is allocated on the
/// word of a length before the bytes it speaks of were seen.
package struct CBORReader {
    /// Arrays, maps and tags within each other, at most.
    package static let depthLimit = 8

    package let bytes: [UInt8]
    /// Where the next item starts.
    package private(set) var offset: Int

    /// A reader of `bytes` from `offset` on.
    package init(_ bytes: [UInt8], at offset: Int = 0) {
        self.bytes = bytes
        self.offset = offset
    }

    /// The next head, past which the reader moves (past its contents too for a string).
    private mutating func item() throws(RecordError) -> ccbor_item {
        var item = ccbor_item()
        let taken = bytes.withUnsafeBufferPointer { all -> Int in
            guard let start = all.baseAddress, offset < all.count else { return 0 }
            return ccbor_read(start + offset, all.count - offset, &item)
        }
        guard taken != 0 else { throw .tooShort(at: offset) }
        guard taken > 0 else { throw .notCBOR(at: offset) }
        item.offset += offset
        offset += taken
        return item
    }

    private mutating func item(_ kind: ccbor_kind, _ name: String) throws(RecordError) -> ccbor_item
    {
        let start = offset
        let item = try item()
        guard item.kind == kind else { throw .wrongKind(at: start, expected: name) }
        return item
    }

    /// A head that announces `number` items of at least `size` bytes each; fewer bytes than that
    /// remaining is an error before anything is reserved.
    private mutating func count(
        _ kind: ccbor_kind, _ name: String, size: Int
    ) throws(RecordError) -> Int {
        let start = offset
        let item = try item(kind, name)
        guard let count = Int(exactly: item.number), count <= (bytes.count - offset) / size else {
            throw .tooShort(at: start)
        }
        return count
    }

    /// The length of an array, whose items follow.
    package mutating func array() throws(RecordError) -> Int {
        try count(CCBOR_ARRAY, "array", size: 1)
    }

    mutating func map() throws(RecordError) -> Int { try count(CCBOR_MAP, "map", size: 2) }

    /// A number from 0 on.
    package mutating func unsigned() throws(RecordError) -> UInt64 {
        try item(CCBOR_UNSIGNED, "unsigned integer").number
    }

    mutating func integer() throws(RecordError) -> Int64 {
        let start = offset
        let item = try item()
        guard item.kind == CCBOR_UNSIGNED || item.kind == CCBOR_NEGATIVE else {
            throw .wrongKind(at: start, expected: "integer")
        }
        guard let number = Int64(exactly: item.number) else { throw .outOfRange(at: start) }
        return item.kind == CCBOR_UNSIGNED ? number : -1 - number
    }

    /// A truth value.
    package mutating func boolean() throws(RecordError) -> Bool {
        try item(CCBOR_BOOLEAN, "boolean").number != 0
    }

    mutating func double() throws(RecordError) -> Double {
        try item(CCBOR_FLOAT, "float").real
    }

    /// Nil for null.
    mutating func optionalDouble() throws(RecordError) -> Double? {
        let start = offset
        let item = try item()
        if item.kind == CCBOR_NULL { return nil }
        guard item.kind == CCBOR_FLOAT else { throw .wrongKind(at: start, expected: "float") }
        return item.real
    }

    /// A text of valid UTF-8.
    package mutating func text() throws(RecordError) -> String {
        let start = offset
        let item = try item(CCBOR_TEXT, "text")
        let content = bytes[item.offset..<offset]
        guard let text = String(validating: content, as: UTF8.self) else {
            throw .notUTF8(at: start)
        }
        return text
    }

    mutating func doubles() throws(RecordError) -> [Double] {
        let count = try count(CCBOR_ARRAY, "array of floats", size: 3)
        var values: [Double] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try double()) }
        return values
    }

    mutating func floats() throws(RecordError) -> [Float] {
        let start = offset
        let item = try item(CCBOR_BYTES, "byte string")
        guard item.number % 4 == 0 else { throw .outOfRange(at: start) }
        return stride(from: item.offset, to: offset, by: 4).map { place in
            Float(bitPattern: bytes.littleEndian32(at: place))
        }
    }

    /// A byte string.
    package mutating func byteString() throws(RecordError) -> [UInt8] {
        let item = try item(CCBOR_BYTES, "byte string")
        return Array(bytes[item.offset..<offset])
    }

    /// Moves past one item of any kind.
    package mutating func skip(depth: Int = 0, limit: Int = depthLimit) throws(RecordError) {
        let start = offset
        guard depth <= limit else { throw .tooDeep(at: start) }
        let item = try item()
        var children: UInt64 = 0
        switch item.kind {
        case CCBOR_ARRAY: children = item.number
        case CCBOR_MAP:
            guard item.number <= UInt64(bytes.count) else { throw .tooShort(at: start) }
            children = item.number * 2
        case CCBOR_TAG: children = 1
        case CCBOR_INDEFINITE: throw .notCBOR(at: start)
        default: return
        }
        guard children <= UInt64(bytes.count - offset) else { throw .tooShort(at: start) }
        for _ in 0..<children { try skip(depth: depth + 1, limit: limit) }
    }
}

extension [UInt8] {
    /// The little-endian number at `place`, which must have four bytes.
    func littleEndian32(at place: Int) -> UInt32 {
        UInt32(self[place]) | UInt32(self[place + 1]) << 8 | UInt32(self[place + 2]) << 16
            | UInt32(self[place + 3]) << 24
    }

    /// Appends `value`, low byte first.
    mutating func append(littleEndian value: UInt32) {
        append(UInt8(truncatingIfNeeded: value))
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value >> 16))
        append(UInt8(truncatingIfNeeded: value >> 24))
    }
}
