/// The container's constants and its two pieces, as FORMAT.md writes them down.
enum JournalFormat {
    /// First bytes of every run log: one no text starts with, a name, and the two line ends that
    /// a transfer in text mode would change.
    static let magic: [UInt8] = [
        0x89, 0x41, 0x52, 0x47, 0x4C, 0x4F, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0,
    ]
    /// Version of the container.
    static let version: UInt32 = 1
    /// Bytes of the file header: magic, version, checksum of both.
    static let headerSize = 20
    /// Bytes in front of a frame's payload: length and checksum.
    static let frameHeadSize = 8
    /// Fewest bytes of a payload: five items in an array, the last an empty map.
    static let smallestPayload = 6

    /// The file header.
    static var header: [UInt8] {
        var bytes = magic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: Checksum.crc32c(bytes[...]))
        return bytes
    }

    /// A frame around `payload`, whose size the codec has checked.
    static func frame(_ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(frameHeadSize + payload.count)
        bytes.append(littleEndian: UInt32(payload.count))
        let checksum = Checksum.crc32c(payload[...], after: Checksum.crc32c(bytes[...]))
        bytes.append(littleEndian: checksum)
        return bytes + payload
    }
}
