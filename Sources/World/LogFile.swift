/// A file that only grows, but for cutting off a tail that did not make it.
public protocol LogFile: AnyObject {
    /// Writes all of `bytes` at the end, or throws; after a throw `size` tells how many of them
    /// are there.
    func append(_ bytes: [UInt8]) throws(WorldError)
    /// Returns when everything appended would survive a power cut (fdatasync(2)). After a
    /// failure nothing since the last success may be relied on.
    func sync() throws(WorldError)
    /// How long the file is, in bytes.
    var size: Int64 { get }
    /// Cuts the file to `size` bytes.
    func truncate(to size: Int64) throws(WorldError)
    /// Closes it; later calls throw. Safe to repeat. Does not sync.
    func close()
}

/// Bytes that can be read at any offset.
public protocol ByteSource: AnyObject {
    /// How many bytes there are now; may grow.
    var size: Int64 { get }
    /// At most `count` bytes from `offset` on; fewer, or none, at the end.
    func read(at offset: Int64, count: Int) throws(WorldError) -> [UInt8]
}

/// Bytes in memory, to read from as from a file.
public final class MemorySource: ByteSource {
    private let bytes: [UInt8]

    /// A source of `bytes`.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// How many bytes there are.
    public var size: Int64 { Int64(bytes.count) }

    /// At most `count` bytes from `offset` on.
    public func read(at offset: Int64, count: Int) -> [UInt8] {
        guard offset >= 0, offset < size, count > 0 else { return [] }
        let start = Int(offset)
        return Array(bytes[start..<min(bytes.count, start + min(count, bytes.count - start))])
    }
}
