import CSystem
import Glibc

/// A doorbell between threads: an eventfd(2) that a waiting thread polls with its other
/// descriptors. Any thread, and a signal handler, may ring it.
public final class WakeHandle: Sendable {
    /// The descriptor to poll for input.
    public let descriptor: Int32

    /// A new doorbell. Throws when the process has no descriptors left.
    public init() throws(WorldError) {
        let fd = csystem_eventfd()
        guard fd >= 0 else { throw .of(fd, "eventfd", "doorbell") }
        descriptor = fd
    }

    /// Rings. Never blocks; rings before the next `drain` count as one.
    public func signal() { _ = csystem_eventfd_signal(descriptor) }

    /// Forgets the rings so far; returns whether there were any.
    @discardableResult
    public func drain() -> Bool { csystem_eventfd_drain(descriptor) > 0 }

    deinit { _ = Glibc.close(descriptor) }
}
