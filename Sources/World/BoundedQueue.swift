import Synchronization

/// A queue of fixed capacity from exactly one thread to exactly one other, without locks: the
/// only place where threads meet. `head` is written by the consumer alone, `tail` by the producer
/// alone; both count for ever and never wrap in practice (2⁶³ elements).
public final class BoundedQueue<Element: Sendable>: @unchecked Sendable {
    /// How many elements fit.
    public let capacity: Int
    private let mask: Int
    private let slots: UnsafeMutablePointer<Element>
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)
    private let high = Atomic<Int>(0)

    /// A queue of at least `capacity` elements, rounded up to a power of two (at most 2²⁰).
    public init(capacity: Int) {
        var size = 2
        while size < min(capacity, 1 << 20) { size *= 2 }
        self.capacity = size
        mask = size - 1
        slots = .allocate(capacity: size)
    }

    deinit {
        while pop() != nil {}
        slots.deallocate()
    }

    /// Appends `element`; false when the queue is full. Producer only.
    public func push(_ element: Element) -> Bool {
        let end = tail.load(ordering: .relaxed)
        let used = end - head.load(ordering: .acquiring)
        guard used < capacity else { return false }
        (slots + (end & mask)).initialize(to: element)
        tail.store(end + 1, ordering: .releasing)
        if used + 1 > high.load(ordering: .relaxed) { high.store(used + 1, ordering: .relaxed) }
        return true
    }

    /// Takes the oldest element; nil when empty. Consumer only.
    public func pop() -> Element? {
        let start = head.load(ordering: .relaxed)
        guard start < tail.load(ordering: .acquiring) else { return nil }
        let element = (slots + (start & mask)).move()
        head.store(start + 1, ordering: .releasing)
        return element
    }

    /// How many are waiting; a moment old when another thread works on it.
    public var count: Int {
        max(0, tail.load(ordering: .relaxed) - head.load(ordering: .relaxed))
    }

    /// The most that ever waited.
    public var highWater: Int { high.load(ordering: .relaxed) }
}
