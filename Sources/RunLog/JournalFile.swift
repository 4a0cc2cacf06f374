import World

/// An append-only file as the journal needs it. Offsets and sizes are bytes.
public protocol JournalFile: AnyObject {
    /// Writes all of `bytes` at the end, or throws; after a throw some of them may be there.
    func append(_ bytes: [UInt8]) throws(WorldError)
    /// Returns when everything appended would survive a power cut.
    func sync() throws(WorldError)
    /// How long the file is.
    var size: Int64 { get }
    /// Cuts the file to `size` bytes.
    func truncate(to size: Int64) throws(WorldError)
    /// Closes it; later calls throw. Safe to repeat.
    func close()
}

/// Bytes that can be read at any offset.
public protocol JournalSource: AnyObject {
    /// How many bytes there are now; may grow.
    var size: Int64 { get }
    /// At most `count` bytes from `offset` on; fewer, or none, at the end.
    func read(at offset: Int64, count: Int) throws(WorldError) -> [UInt8]
}

/// Bytes in memory, to read a journal from.
public final class MemoryJournalSource: JournalSource {
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
