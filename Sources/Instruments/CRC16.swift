/// CRC-16 with polynomial 0x1021, initial value 0, no reflection and no final XOR ("XMODEM").
/// This is the "CCITT CRC-16" of New Era's Safe mode: the manual's own packet for `SAF0` carries
/// 0x5543, which only this variant gives (NE-1000 manual p. 33-34; DEVICES 2.3).
enum CRC16 {
    /// The checksum of `bytes`.
    static func xmodem(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 {
                crc = crc & 0x8000 != 0 ? (crc << 1) ^ 0x1021 : crc << 1
            }
        }
        return crc
    }
}
