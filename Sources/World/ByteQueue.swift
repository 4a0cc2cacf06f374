/// First in, first out, with cheap removal at the front.
struct ByteQueue {
    private var bytes: [UInt8] = []
    private var head = 0
    private static let compactAt = 4096

    var count: Int { bytes.count - head }
    var isEmpty: Bool { bytes.count == head }

    mutating func append<Portion: Collection>(_ portion: Portion) where Portion.Element == UInt8 {
        bytes.append(contentsOf: portion)
    }

    /// The oldest `count` bytes, which stay.
    func first(_ count: Int) -> ArraySlice<UInt8> { bytes[head..<head + count] }

    mutating func drop(_ count: Int) {
        head += count
        if head == bytes.count {
            removeAll()
        } else if head >= Self.compactAt {
            bytes.removeFirst(head)
            head = 0
        }
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        head = 0
    }
}
