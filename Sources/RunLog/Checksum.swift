/// CRC-32C (Castagnoli; RFC 3720 appendix B.4): reflected, polynomial 0x1EDC6F41, begins and ends
/// inverted. `123456789` gives 0xE3069283.
public enum Checksum {
    /// Row 0 is the step of one byte; row k that of a byte with k zero bytes after it, so that
    /// eight bytes are taken at once.
    private static let table: [UInt32] = {
        var rows = (0..<256).map { index in
            var value = UInt32(index)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            return value
        }
        for index in 256..<2_048 {
            let before = rows[index - 256]
            rows.append(rows[Int(before & 0xFF)] ^ before >> 8)
        }
        return rows
    }()

    /// The checksum of `bytes`, or of what `previous` is the checksum of with `bytes` after it.
    public static func crc32c(_ bytes: ArraySlice<UInt8>, after previous: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBufferPointer { crc32c($0, after: previous) }
    }

    /// The checksum of `bytes`, or of what `previous` is the checksum of with `bytes` after it.
    public static func crc32c(
        _ bytes: UnsafeBufferPointer<UInt8>, after previous: UInt32 = 0
    ) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            var value = ~previous
            var place = 0
            while bytes.count - place >= 8 {
                let eight = UnsafeRawBufferPointer(bytes).loadUnaligned(
                    fromByteOffset: place, as: UInt64.self
                ).littleEndian
                let mixed = eight ^ UInt64(value)
                value = 0
                for index in 0..<8 {
                    let byte = Int(truncatingIfNeeded: mixed >> UInt64(8 * index) & 0xFF)
                    value ^= table[(7 - index) << 8 | byte]
                }
                place += 8
            }
            for byte in bytes[place...] {
                value = table[Int((value ^ UInt32(byte)) & 0xFF)] ^ value >> 8
            }
            return ~value
        }
    }
}
