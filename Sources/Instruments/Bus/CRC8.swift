/// CRC-8 with polynomial 0x31, initial value 0xFF, no reflection and no final XOR, as Sensirion's
/// sensors put behind every two bytes (SLF3S-1300F datasheet, section "Checksum Calculation";
/// DEVICES 7.1: BE EF gives 92).
public enum CRC8 {
    /// The checksum of `bytes`.
    public static func sensirion(_ bytes: some Sequence<UInt8>) -> UInt8 {
        var crc: UInt8 = 0xFF
        for byte in bytes {
            crc ^= byte
            for _ in 0..<8 {
                crc = crc & 0x80 != 0 ? (crc << 1) ^ 0x31 : crc << 1
            }
        }
        return crc
    }
}
