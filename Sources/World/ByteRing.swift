import Synchronization

/// Bytes from exactly one thread to exactly one other, without locks, in room made once. As in
/// `BoundedQueue`, `head` is written by the consumer alone and `tail` by the producer alone.
final class ByteRing: @unchecked Sendable {
    /// How many bytes fit.
    let capacity: Int
    private let mask: Int
    private let bytes: UnsafeMutablePointer<UInt8>
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)

    /// A ring of at least `capacity` bytes, rounded up to a power of two (at most 2²⁰).
    init(capacity: Int) {
        var size = 2
        while size < min(capacity, 1 << 20) { size *= 2 }
        self.capacity = size
        mask = size - 1
        bytes = .allocate(capacity: size)
        // Touched now, not by the first bytes that arrive.
        bytes.initialize(repeating: 0, count: size)
    }

    deinit { bytes.deallocate() }

    /// Whether nothing waits. Consumer only.
    var isEmpty: Bool { head.load(ordering: .relaxed) == tail.load(ordering: .acquiring) }

    /// Lets `source` put bytes where there is room and takes in as many as it says it put; what it
    /// returns is returned, and nothing is taken in where that is not positive. Nil: there is no
    /// room. Producer only.
    func fill(_ source: (UnsafeMutablePointer<UInt8>, Int) -> Int) -> (put: Int, room: Int)? {
        let end = tail.load(ordering: .relaxed)
        let free = capacity - (end - head.load(ordering: .acquiring))
        let room = min(free, capacity - (end & mask))
        guard room > 0 else { return nil }
        let put = source(bytes + (end & mask), room)
        if put > 0 { tail.store(end + min(put, room), ordering: .releasing) }
        return (put, room)
    }

    /// Appends the oldest bytes, at most `limit`, to `buffer`; returns how many. Consumer only.
    func take(into buffer: inout [UInt8], limit: Int) -> Int {
        let start = head.load(ordering: .relaxed)
        let count = min(limit, tail.load(ordering: .acquiring) - start)
        guard count > 0 else { return 0 }
        let first = min(count, capacity - (start & mask))
        buffer.append(
            contentsOf: UnsafeBufferPointer(start: bytes + (start & mask), count: first))
        buffer.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count - first))
        head.store(start + count, ordering: .releasing)
        return count
    }

    /// Forgets what waits. Consumer only.
    func removeAll() { head.store(tail.load(ordering: .acquiring), ordering: .releasing) }
}
