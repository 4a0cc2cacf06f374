import Glibc
import Quantities

/// The kernel's clocks, for threads that own no `World`.
public enum Clocks {
    /// The monotonic clock: the same as `RealWorld.now`.
    public static var now: Instant { Instant(nanoseconds: monotonicNanoseconds()) }

    /// Sleeps for `span`, or less when a signal comes.
    public static func sleep(_ span: TimeSpan) {
        var time = timespec(
            tv_sec: Int(span.nanoseconds / 1_000_000_000),
            tv_nsec: Int(span.nanoseconds % 1_000_000_000))
        nanosleep(&time, nil)
    }
}
