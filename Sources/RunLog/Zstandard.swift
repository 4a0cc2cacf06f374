import CZstd
import Synchronization

/// Whole zstd frames (RFC 8878), each with its content's length and checksum. A compressor keeps
/// its working memory from frame to frame.
package final class ZstandardCompressor {
    private let writer: OpaquePointer?

    /// A compressor at a level of zstd's own scale (1 fast … 19 small).
    package init(level: Int32) { writer = czstd_writer_new(level) }

    deinit { czstd_writer_free(writer) }

    /// One frame of `content`; nil when there is no memory for the work.
    package func frame(_ content: [UInt8]) -> [UInt8]? {
        guard let writer else { return nil }
        let frame = [UInt8](unsafeUninitializedCapacity: czstd_bound(content.count)) {
            out, filled in
            filled = content.withUnsafeBytes {
                czstd_compress(writer, out.baseAddress, out.count, $0.baseAddress, $0.count)
            }
        }
        return frame.isEmpty ? nil : frame
    }
}

/// Reads what a compressor wrote; total: any bytes give a content or nil.
final class ZstandardDecompressor {
    private let reader: OpaquePointer?

    /// Working memory nobody uses at present: 160 kB that come fresh from the kernel each time
    /// cost more than most segments' heads and indexes take to read.
    private struct Spare: @unchecked Sendable {
        static let limit = 4
        var readers: [OpaquePointer] = []
    }
    private static let spare = Mutex(Spare())

    /// A decompressor, with working memory another one is done with where there is any.
    init() {
        reader = Self.spare.withLock { $0.readers.popLast() } ?? czstd_reader_new()
    }

    deinit {
        guard let reader else { return }
        let isKept = Self.spare.withLock { spare in
            guard spare.readers.count < Spare.limit else { return false }
            spare.readers.append(reader)
            return true
        }
        if !isKept { czstd_reader_free(reader) }
    }

    /// The content of `frame`, which must be exactly one frame and say a content of at most
    /// `limit` bytes. Nothing is reserved before its length was checked.
    func content(of frame: ArraySlice<UInt8>, limit: Int) -> [UInt8]? {
        guard let reader else { return nil }
        return frame.withUnsafeBytes { bytes -> [UInt8]? in
            let length = Int(czstd_content_length(bytes.baseAddress, bytes.count))
            guard length >= 0, length <= limit else { return nil }
            var result: Int64 = -1
            let content = [UInt8](unsafeUninitializedCapacity: max(length, 1)) { out, filled in
                result = czstd_decompress(
                    reader, out.baseAddress, out.count, bytes.baseAddress, bytes.count)
                filled = max(0, Int(result))
            }
            return result == Int64(length) ? content : nil
        }
    }

    /// Length of the frame at the start of `bytes`; nil when there is none, or not all of it.
    static func frameLength(_ bytes: ArraySlice<UInt8>) -> Int? {
        let length = bytes.withUnsafeBytes { czstd_frame_length($0.baseAddress, $0.count) }
        return length > 0 ? length : nil
    }
}
