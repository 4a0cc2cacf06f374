import CSystem
import Glibc
import Quantities

/// Something a `RealWorld` polls. `descriptor` is negative once it must not be polled any more.
protocol Pollable: AnyObject {
    var pollDescriptors: [Int32] { get }
    /// The line went away, as poll(2) saw it.
    func hungUp()
}

/// The world the kernel shows. Belongs to one thread; only `waker` may be used from others.
public final class RealWorld: World {
    /// Ends this world's `wait` from any thread or signal handler.
    public let waker: WakeHandle
    /// The kernel's boot_id; empty where it cannot be read.
    public let bootIdentifier: String

    private var entries: [csystem_poll] = []
    private var owners: [any Pollable] = []

    /// A world with nothing open yet.
    public init() throws(WorldError) {
        waker = try WakeHandle()
        let bytes = (try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        bootIdentifier = String(decoding: bytes.filter { $0 > 32 }, as: UTF8.self)
        entries = [csystem_poll(fd: waker.descriptor, events: csystem_pollin, revents: 0)]
    }

    /// The monotonic clock.
    public var now: Instant { Instant(nanoseconds: monotonicNanoseconds()) }

    /// The time of day; may jump.
    public var wallTime: WallTime { Clocks.wallTime }

    /// Opens a serial line for one owner; throws `absent` or `busy`.
    public func openSerial(_ settings: SerialSettings) throws(WorldError) -> any SerialPort {
        let port = try RealSerialPort(settings, world: self)
        register(port)
        return port
    }

    /// Takes output lines, each at its safe level from the first moment.
    public func openOutputs(_ lines: [OutputLineSettings]) throws(WorldError) -> any OutputLines {
        try RealOutputLines(lines)
    }

    /// Takes input lines with edge events.
    public func openInputs(_ lines: [InputLineSettings]) throws(WorldError) -> any InputLines {
        let inputs = try RealInputLines(lines, world: self)
        register(inputs)
        return inputs
    }

    /// Opens a chip on a bus; throws `absent` when there is none.
    public func openI2C(bus: String, address: UInt8) throws(WorldError) -> any I2CDevice {
        try RealI2CDevice(bus: bus, address: address)
    }

    /// Sleeps until there is input or a wake, or `deadline` has come.
    public func wait(until deadline: Instant) {
        var timeout: Int64 = -1
        if deadline != .distantFuture {
            timeout = max(0, deadline.nanoseconds - monotonicNanoseconds())
        }
        let ready = entries.withUnsafeMutableBufferPointer { list in
            csystem_poll(list.baseAddress, list.count, timeout)
        }
        guard ready > 0 else { return }
        if entries[0].revents != 0 { waker.drain() }
        // A descriptor that hung up stays readable for ever: it leaves the set at once, or the
        // next wait would spin on it.
        let lost = csystem_pollhup | csystem_pollerr | csystem_pollnval
        for place in entries.indices.dropFirst().reversed() where entries[place].revents & lost != 0
        {
            let owner = owners[place - 1]
            owner.hungUp()
            entries.remove(at: place)
            owners.remove(at: place - 1)
        }
    }

    /// Ends a `wait`; safe from any thread.
    public func wake() { waker.signal() }

    private func register(_ owner: any Pollable) {
        for fd in owner.pollDescriptors {
            entries.append(csystem_poll(fd: fd, events: csystem_pollin, revents: 0))
            owners.append(owner)
        }
    }

    /// Stops polling `owner`; called before its descriptors are closed or when they died.
    func unregister(_ owner: any Pollable) {
        for place in owners.indices.reversed() where owners[place] === owner {
            owners.remove(at: place)
            entries.remove(at: place + 1)
        }
    }
}
