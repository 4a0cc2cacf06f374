import CCBOR

/// Appends CBOR (RFC 8949) in its deterministic form: shortest heads, definite lengths, floats
/// always as float64, one NaN.
package struct CBORWriter {
    /// What has been written.
    package private(set) var bytes: [UInt8] = []

    /// A writer that has written `bytes` already.
    package init(after bytes: [UInt8] = []) { self.bytes = bytes }

    /// The head of an array, whose items follow.
    package mutating func array(_ count: Int) { head(CCBOR_ARRAY, UInt64(count)) }

    mutating func map(_ count: Int) { head(CCBOR_MAP, UInt64(count)) }

    /// A number from 0 on.
    package mutating func unsigned(_ value: UInt64) { head(CCBOR_UNSIGNED, value) }

    mutating func integer(_ value: Int64) {
        if value >= 0 {
            head(CCBOR_UNSIGNED, UInt64(value))
        } else {
            head(CCBOR_NEGATIVE, UInt64(-1 - value))
        }
    }

    /// A truth value.
    package mutating func boolean(_ value: Bool) { head(CCBOR_BOOLEAN, value ? 1 : 0) }

    mutating func null() { head(CCBOR_NULL, 0) }

    mutating func double(_ value: Double) {
        grow { ccbor_write_float(value, $0) }
    }

    /// A text.
    package mutating func text(_ value: String) {
        let utf8 = Array(value.utf8)
        head(CCBOR_TEXT, UInt64(utf8.count))
        bytes += utf8
    }

    mutating func doubles(_ values: [Double]) {
        array(values.count)
        for value in values { double(value) }
    }

    /// A byte string of little-endian float32, bit patterns as they are.
    mutating func floats(_ values: [Float]) {
        head(CCBOR_BYTES, UInt64(values.count * 4))
        bytes.reserveCapacity(bytes.count + values.count * 4)
        for value in values {
            let bits = value.bitPattern
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
            bytes.append(UInt8(truncatingIfNeeded: bits >> 24))
        }
    }

    /// A byte string.
    package mutating func byteString(_ content: some Collection<UInt8>) {
        head(CCBOR_BYTES, UInt64(content.count))
        bytes.append(contentsOf: content)
    }

    private mutating func head(_ kind: ccbor_kind, _ number: UInt64) {
        grow { ccbor_write(kind, number, $0) }
    }

    private mutating func grow(_ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Int(CCBOR_HEAD_LIMIT)) {
            guard let start = $0.baseAddress else { return }
            let size = write(start)
            bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: size))
        }
    }
}
