/// CRC-32C (Castagnoli; RFC 3720 appendix B.4): reflected, polynomial 0x1EDC6F41, begins and ends
/// inverted. `123456789` gives 0xE3069283.
public enum Checksum {
    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
        return value
    }

    /// The checksum of `bytes`, or of what `previous` is the checksum of with `bytes` after it.
    public static func crc32c(_ bytes: ArraySlice<UInt8>, after previous: UInt32 = 0) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            bytes.withUnsafeBufferPointer { bytes in
                var value = ~previous
                for byte in bytes {
                    value = table[Int((value ^ UInt32(byte)) & 0xFF)] ^ value >> 8
                }
                return ~value
            }
        }
    }
}
