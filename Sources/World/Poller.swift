import CSystem
import Glibc
import Quantities

/// Waits on a few descriptors and a doorbell, for threads without deadlines (ppoll(2)).
public struct Poller {
    /// What happened on a descriptor.
    public struct Ready: Equatable, Sendable {
        /// The descriptor.
        public var descriptor: Int32
        /// It has input, or its end of input.
        public var canRead: Bool
        /// It has room.
        public var canWrite: Bool
        /// The other end hung up, or the descriptor is broken: remove it.
        public var hungUp: Bool
    }

    private let waker: WakeHandle
    private var entries: [csystem_poll]

    /// A poller that `waker` ends the waiting of.
    public init(waker: WakeHandle) {
        self.waker = waker
        entries = [csystem_poll(fd: waker.descriptor, events: csystem_pollin, revents: 0)]
    }

    /// Watches `descriptor`, or changes what is wanted of it.
    public mutating func watch(_ descriptor: Int32, read: Bool, write: Bool = false) {
        remove(descriptor)
        let events = (read ? csystem_pollin : 0) | (write ? csystem_pollout : 0)
        entries.append(csystem_poll(fd: descriptor, events: events, revents: 0))
    }

    /// Watches `descriptor` no more; call it before closing.
    public mutating func remove(_ descriptor: Int32) {
        entries.removeAll { $0.fd == descriptor && $0.fd != waker.descriptor }
    }

    /// Waits at most `timeout` (nil: for ever) and returns what is ready; empty at the timeout
    /// or when the doorbell rang.
    public mutating func wait(timeout: TimeSpan?) -> [Ready] {
        let limit = timeout.map { max(0, $0.nanoseconds) } ?? -1
        let count = entries.withUnsafeMutableBufferPointer {
            csystem_poll($0.baseAddress, $0.count, limit)
        }
        guard count > 0 else { return [] }
        if entries[0].revents != 0 { waker.drain() }
        let lost = csystem_pollhup | csystem_pollerr | csystem_pollnval
        return entries.dropFirst().filter { $0.revents != 0 }.map { entry in
            Ready(
                descriptor: entry.fd, canRead: entry.revents & csystem_pollin != 0,
                canWrite: entry.revents & csystem_pollout != 0,
                hungUp: entry.revents & lost != 0)
        }
    }
}
