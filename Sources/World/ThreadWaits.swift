import CSystem
import Glibc
import Quantities

extension Clocks {
    /// Sleeps until `instant` on the monotonic clock, or less when a signal comes
    /// (clock_nanosleep(2) with TIMER_ABSTIME: time spent before the call is not slept again).
    public static func sleep(until instant: Instant) {
        guard instant.nanoseconds > 0 else { return }
        var time = timespec(
            tv_sec: Int(instant.nanoseconds / 1_000_000_000),
            tv_nsec: Int(instant.nanoseconds % 1_000_000_000))
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil)
    }

    /// Does nothing until `instant`: for microseconds only.
    public static func spin(until instant: Instant) { while now < instant {} }
}

extension WakeHandle {
    /// Waits until somebody rings, or `instant` has come; forgets the rings so far.
    public func wait(until instant: Instant) {
        var entry = csystem_poll(fd: descriptor, events: csystem_pollin, revents: 0)
        var timeout: Int64 = -1
        if instant != .distantFuture {
            timeout = max(0, instant.nanoseconds - monotonicNanoseconds())
        }
        if csystem_poll(&entry, 1, timeout) > 0 { drain() }
    }
}

/// Lines for threads that own no `World`.
public enum GPIOLines {
    /// Takes output lines, each at its safe level from the first moment.
    public static func openOutputs(
        _ lines: [OutputLineSettings]
    ) throws(WorldError) -> any OutputLines {
        try RealOutputLines(lines)
    }
}
