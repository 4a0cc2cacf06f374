import World

/// The constants of sealed segments, and the three skippable frames that are ours.
public enum SegmentFormat {
    /// Version of the format of sealed segments.
    public static let version: UInt64 = 2
    /// Content of a zstd frame: once it is this large, the frame ends. Compressing it is the most
    /// that one step of sealing computes.
    public static let frameTarget = 256 * 1024
    /// Content of a zstd frame at most: a little less than the target, and one largest record.
    static let frameLimit = frameTarget + RecordCodec.sizeLimit
    /// Frames of a segment at most.
    static let frameCountLimit = 65_536
    /// Bytes of the head and of the seal at most; of the index at most.
    static let smallBlockLimit = 4_096
    static let indexLimit = 16 * 1024 * 1024

    static let headMagic: UInt32 = 0x184D_2A5A
    static let indexMagic: UInt32 = 0x184D_2A5B
    static let sealMagic: UInt32 = 0x184D_2A5C

    /// Bytes of a block beside its content: magic and size before it, checksum behind it.
    static let blockFrame = 12
    /// Bytes behind the seal's content: length of the index block, length of the seal block, and
    /// the checksum every block has.
    static let trailerSize = 12
    /// Hash of the segment before the first.
    static let noHash = [UInt8](repeating: 0, count: 32)

    /// What is signed: these words and the segment's hash, so that no signature made for another
    /// purpose fits here, nor the other way round.
    static func signedText(hash: [UInt8]) -> [UInt8] { Array("argent segment 2\n".utf8) + hash }

    /// A block: a zstd skippable frame with a checksum at its end.
    static func block(_ magic: UInt32, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + blockFrame)
        bytes.append(littleEndian: magic)
        bytes.append(littleEndian: UInt32(content.count + 4))
        bytes += content
        bytes.append(littleEndian: Checksum.crc32c(bytes[...]))
        return bytes
    }

    /// The content of the block that `bytes` are, whole.
    static func content(
        of bytes: [UInt8], _ magic: UInt32, _ part: SegmentError.Part, at: Int64
    ) throws(SegmentError) -> [UInt8] {
        let count = bytes.count
        guard count >= blockFrame, bytes.littleEndian32(at: 0) == magic,
            Int(bytes.littleEndian32(at: 4)) == count - 8,
            bytes.littleEndian32(at: count - 4) == Checksum.crc32c(bytes[..<(count - 4)])
        else { throw .damaged(part, at: at) }
        return Array(bytes[8..<(count - 4)])
    }
}

extension ByteSource {
    /// Exactly `count` bytes from `offset` on; nil when there are fewer.
    func exactly(_ count: Int, at offset: Int64) throws(SegmentError) -> [UInt8]? {
        do throws(WorldError) {
            var bytes = try read(at: offset, count: count)
            while bytes.count < count {
                let more = try read(at: offset + Int64(bytes.count), count: count - bytes.count)
                if more.isEmpty { return nil }
                bytes += more
            }
            return bytes
        } catch { throw .disk(error) }
    }
}
