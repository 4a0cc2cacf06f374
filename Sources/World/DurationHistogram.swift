import Quantities
import Synchronization

/// How often spans of every length came, in classes of 3 % width from 1 ns to 18 minutes: fixed
/// in size, and noted without lock or allocation. One thread notes, any thread may read; what it
/// reads is a moment old.
///
/// Classes: every nanosecond below 64 ns, then 32 of equal width in every power of two.
public final class DurationHistogram: @unchecked Sendable {
    private static let exactBits = 6
    private static let partBits = 5
    private static let topBits = 40
    static let classes = 1 << exactBits + (topBits - exactBits) << partBits

    private let counts: UnsafeMutablePointer<Atomic<Int>>
    private let total = Atomic<Int>(0)
    private let longest = Atomic<Int64>(0)
    private let together = Atomic<Int64>(0)

    /// Nothing noted yet.
    public init() {
        counts = .allocate(capacity: Self.classes)
        for place in 0..<Self.classes { (counts + place).initialize(to: Atomic(0)) }
    }

    deinit {
        counts.deinitialize(count: Self.classes)
        counts.deallocate()
    }

    /// The class of a span of `nanoseconds`.
    static func place(of nanoseconds: Int64) -> Int {
        guard nanoseconds >= 1 << exactBits else { return Int(max(0, nanoseconds)) }
        guard nanoseconds < 1 << topBits else { return classes - 1 }
        let octave = 63 - nanoseconds.leadingZeroBitCount
        let part = Int(nanoseconds >> (octave - partBits)) & ((1 << partBits) - 1)
        return 1 << exactBits + (octave - exactBits) << partBits + part
    }

    /// The longest span of class `place`, nanoseconds.
    static func upperEdge(of place: Int) -> Int64 {
        guard place >= 1 << exactBits else { return Int64(place) }
        let rest = place - 1 << exactBits
        let octave = rest >> partBits + exactBits
        let part = Int64(rest & ((1 << partBits) - 1))
        return (1 << partBits + part + 1) << (octave - partBits) - 1
    }

    /// Notes one span; a negative one counts as none. One thread only.
    public func note(_ span: TimeSpan) {
        let place = Self.place(of: span.nanoseconds)
        // Only this thread writes: loading and storing apart loses nothing.
        let count = counts[place].load(ordering: .relaxed)
        counts[place].store(count + 1, ordering: .relaxed)
        total.store(total.load(ordering: .relaxed) + 1, ordering: .relaxed)
        let sum = together.load(ordering: .relaxed) &+ max(0, span.nanoseconds)
        together.store(sum, ordering: .relaxed)
        if span.nanoseconds > longest.load(ordering: .relaxed) {
            longest.store(span.nanoseconds, ordering: .relaxed)
        }
    }

    /// Spans noted.
    public var count: Int { total.load(ordering: .relaxed) }

    /// All of them together.
    public var sum: TimeSpan { TimeSpan(nanoseconds: together.load(ordering: .relaxed)) }

    /// The longest of them; zero without any.
    public var maximum: TimeSpan {
        TimeSpan(nanoseconds: longest.load(ordering: .relaxed))
    }

    /// A span that `share` (0…1) of those noted do not exceed, to the width of its class; zero
    /// without any.
    public func quantile(_ share: Double) -> TimeSpan {
        let wanted = max(1, Int((Double(count) * min(max(share, 0), 1)).rounded(.up)))
        guard count > 0 else { return .zero }
        var passed = 0
        for place in 0..<Self.classes {
            passed += counts[place].load(ordering: .relaxed)
            guard passed < wanted else {
                return min(TimeSpan(nanoseconds: Self.upperEdge(of: place)), maximum)
            }
        }
        return maximum
    }

    /// Spans longer than `limit`, to the width of a class.
    public func count(above limit: TimeSpan) -> Int {
        let first = Self.place(of: limit.nanoseconds) + 1
        guard first < Self.classes else { return 0 }
        return (first..<Self.classes).reduce(0) { $0 + counts[$1].load(ordering: .relaxed) }
    }

    /// The classes in which anything was noted: their longest span, and how many.
    public var classes: [(upTo: TimeSpan, count: Int)] {
        (0..<Self.classes).compactMap { place in
            let count = counts[place].load(ordering: .relaxed)
            guard count > 0 else { return nil }
            return (TimeSpan(nanoseconds: Self.upperEdge(of: place)), count)
        }
    }

    /// Forgets everything; only while nobody notes.
    public func clear() {
        for place in 0..<Self.classes { counts[place].store(0, ordering: .relaxed) }
        total.store(0, ordering: .relaxed)
        longest.store(0, ordering: .relaxed)
        together.store(0, ordering: .relaxed)
    }
}
