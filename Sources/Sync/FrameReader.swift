/// Takes length-prefixed messages out of a stream, piece by piece as it comes.
public struct FrameReader: Sendable {
    /// Bytes in front of a message: its length, low byte first.
    public static let prefixSize = 4
    /// Consumed bytes at the front, from which on the rest is moved there.
    private static let compactAt = 64 * 1_024

    private let limit: Int
    private var bytes: [UInt8] = []
    private var start = 0

    /// A reader of messages of at most `limit` bytes.
    public init(limit: Int) { self.limit = limit }

    /// Bytes that came and were not taken yet.
    public var count: Int { bytes.count - start }

    /// Takes what came.
    public mutating func append(_ content: some Collection<UInt8>) {
        bytes.append(contentsOf: content)
    }

    /// The next complete message without its length; nil when more must come first. Throws as
    /// soon as a length is not permitted, whether or not the message is there.
    public mutating func next() throws(MessageError) -> [UInt8]? {
        guard count >= Self.prefixSize else { return nil }
        var length = 0
        for place in 0..<Self.prefixSize { length |= Int(bytes[start + place]) << (8 * place) }
        guard length > 0, length <= limit else { throw .length(length, limit: limit) }
        guard count >= Self.prefixSize + length else { return nil }
        let first = start + Self.prefixSize
        let message = Array(bytes[first..<first + length])
        start = first + length
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        } else if start >= Self.compactAt {
            bytes.removeFirst(start)
            start = 0
        }
        return message
    }
}
