import Glibc
import Quantities

/// Somebody who knows what time it is: a `World`, or the kernel for threads that own none.
public protocol Timekeeper {
    /// The monotonic clock.
    var now: Instant { get }
    /// The time of day; may jump.
    var wallTime: WallTime { get }
}

/// The kernel's clocks, for threads that own no `World`.
public enum Clocks {
    /// The monotonic clock: the same as `RealWorld.now`.
    public static var now: Instant { Instant(nanoseconds: monotonicNanoseconds()) }

    /// The time of day: the same as `RealWorld.wallTime`.
    public static var wallTime: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(
            unixNanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Sleeps for `span`, or less when a signal comes.
    public static func sleep(_ span: TimeSpan) {
        var time = timespec(
            tv_sec: Int(span.nanoseconds / 1_000_000_000),
            tv_nsec: Int(span.nanoseconds % 1_000_000_000))
        nanosleep(&time, nil)
    }
}

/// The kernel's own randomness.
public enum Entropy {
    /// `count` (at most 256) random bytes (getentropy(3)).
    public static func bytes(_ count: Int) throws(WorldError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard getentropy(&bytes, count) == 0 else {
            throw .of(errno, "draw \(count) bytes", "getentropy")
        }
        return bytes
    }
}

/// The kernel's clocks as a `Timekeeper`; any thread may ask it.
public struct KernelClock: Timekeeper, Sendable {
    /// The kernel's clocks.
    public init() {}
    /// The monotonic clock.
    public var now: Instant { Clocks.now }
    /// The time of day; may jump.
    public var wallTime: WallTime { Clocks.wallTime }
}
