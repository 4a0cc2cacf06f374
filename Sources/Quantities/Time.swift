import Glibc

/// A length of time, in whole nanoseconds. Signed, so that differences need no care; arithmetic
/// stops at the largest length either way (292 years), so that no number from outside can trap.
public struct TimeSpan: Hashable, Comparable, Sendable {
    /// The length, in nanoseconds.
    public var nanoseconds: Int64

    /// A length of `nanoseconds`.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// No time at all.
    public static let zero = TimeSpan(nanoseconds: 0)

    /// `count` whole microseconds.
    public static func microseconds(_ count: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: count.saturatingTimes(1_000))
    }

    /// `count` whole milliseconds.
    public static func milliseconds(_ count: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: count.saturatingTimes(1_000_000))
    }

    /// `count` seconds, rounded to the nanosecond and clamped to ± 100 years so that no
    /// configured number can overflow the arithmetic of a schedule.
    public static func seconds(_ count: Double) -> TimeSpan {
        let limit = 100 * 365.25 * 86_400.0
        let clamped = count.isNaN ? 0 : min(max(count, -limit), limit)
        return TimeSpan(nanoseconds: Int64((clamped * 1e9).rounded()))
    }

    /// The length in seconds.
    public var seconds: Double { Double(nanoseconds) / 1e9 }

    /// The length for a person: seconds with one decimal.
    public var inWords: String { "\((seconds * 10).rounded() / 10) s" }

    /// The length in milliseconds.
    public var milliseconds: Double { Double(nanoseconds) / 1e6 }

    /// Whether `a` is the shorter.
    public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The sum of two lengths.
    public static func + (a: TimeSpan, b: TimeSpan) -> TimeSpan {
        TimeSpan(nanoseconds: a.nanoseconds.saturatingPlus(b.nanoseconds))
    }

    /// The difference of two lengths.
    public static func - (a: TimeSpan, b: TimeSpan) -> TimeSpan {
        TimeSpan(nanoseconds: a.nanoseconds.saturatingMinus(b.nanoseconds))
    }

    /// A length `factor` times as long.
    public static func * (a: TimeSpan, factor: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: a.nanoseconds.saturatingTimes(factor))
    }
}

/// A point on the monotonic clock of the world it came from (`CLOCK_MONOTONIC` on a board,
/// simulated nanoseconds under the virtual clock). It says nothing about the time of day.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's own zero.
    public var nanoseconds: Int64

    /// The instant `nanoseconds` after the clock's zero.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The clock's own zero.
    public static let zero = Instant(nanoseconds: 0)

    /// Later than anything that will be scheduled: a deadline for "never".
    public static let distantFuture = Instant(nanoseconds: .max)

    /// Whether `a` is the earlier.
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The instant `span` later. Saturates at `distantFuture`.
    public static func + (a: Instant, span: TimeSpan) -> Instant {
        Instant(nanoseconds: a.nanoseconds.saturatingPlus(span.nanoseconds))
    }

    /// The instant `span` earlier.
    public static func - (a: Instant, span: TimeSpan) -> Instant {
        Instant(nanoseconds: a.nanoseconds.saturatingMinus(span.nanoseconds))
    }

    /// The time from `b` to `a`.
    public static func - (a: Instant, b: Instant) -> TimeSpan {
        TimeSpan(nanoseconds: a.nanoseconds.saturatingMinus(b.nanoseconds))
    }
}

/// Time of day, for people and for correlating logs; never used to schedule anything.
public struct WallTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    public var unixNanoseconds: Int64

    /// The time of day `unixNanoseconds` after the epoch.
    public init(unixNanoseconds: Int64) { self.unixNanoseconds = unixNanoseconds }

    /// Whether `a` is the earlier.
    public static func < (a: WallTime, b: WallTime) -> Bool {
        a.unixNanoseconds < b.unixNanoseconds
    }
}

extension Int64 {
    fileprivate func saturatingPlus(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other > 0 ? .max : .min) : sum
    }

    fileprivate func saturatingMinus(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }

    fileprivate func saturatingTimes(_ other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? ((self < 0) == (other < 0) ? .max : .min) : product
    }
}
