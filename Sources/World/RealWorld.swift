import CSerial
import CSystem
import Glibc
import Quantities

/// Something a `RealWorld` polls.
package protocol Pollable: AnyObject {
    var pollDescriptors: [Int32] { get }
    /// There is something to read.
    func noteInput()
    /// The line went away, as poll(2) saw it.
    func hungUp()
}

/// The world the kernel shows. Belongs to one thread; only `waker` may be used from others.
public final class RealWorld: World {
    /// Descriptors polled at most: a rig has a dozen.
    static let descriptorLimit = 256

    /// Ends this world's `wait` from any thread or signal handler.
    public let waker: WakeHandle
    /// The kernel's boot_id; empty where it cannot be read.
    public let bootIdentifier: String

    // Plain memory, so that waiting neither allocates nor checks anything.
    private let entries: UnsafeMutablePointer<csystem_poll>
    private var entryCount = 1
    private var owners: [any Pollable] = []
    /// Opens and closes lines; nil: the owner of the world waits for the kernel itself.
    let clerk: PortClerk?
    /// Lines that are being opened.
    private var opening: [(path: String, errand: PortClerk.Errand)] = []

    /// A world with nothing open yet. With `leavesPortsToAThread`, whatever may wait in the
    /// kernel with a serial line is left to others: opening, closing and a change of speed to a
    /// thread of its own, polling and reading to one for each line, whose priority is just below
    /// the owner's `priority` (SCHED_FIFO; 0: ordinary threads), and who keep off the owner's
    /// processor `cpu` (-1: none).
    public init(
        leavesPortsToAThread: Bool = false, priority: Int = 0, cpu: Int = -1
    ) throws(WorldError) {
        waker = try WakeHandle()
        let bytes = (try? Files.read("/proc/sys/kernel/random/boot_id", limit: 64)) ?? []
        bootIdentifier = String(decoding: bytes.filter { $0 > 32 }, as: UTF8.self)
        entries = .allocate(capacity: Self.descriptorLimit)
        entries.initialize(
            repeating: csystem_poll(fd: waker.descriptor, events: csystem_pollin, revents: 0),
            count: Self.descriptorLimit)
        owners.reserveCapacity(Self.descriptorLimit)
        let earPlace = LineEar.Place(ownerPriority: priority, ownerCPU: cpu)
        clerk =
            leavesPortsToAThread
            ? try PortClerk(customer: waker, earPlace: earPlace) : nil
    }

    deinit {
        clerk?.end()
        // What was opened for nobody.
        for (_, errand) in opening where errand.isDone {
            errand.ear?.end()
            if let port = errand.port { cserial_close(port) }
        }
        entries.deallocate()
    }

    /// The monotonic clock.
    public var now: Instant { Clocks.now }

    /// The time of day; may jump.
    public var wallTime: WallTime { Clocks.wallTime }

    /// Opens a serial line for one owner; throws `absent` or `busy`.
    public func openSerial(_ settings: SerialSettings) throws(WorldError) -> any SerialPort {
        let port: RealSerialPort
        if let clerk {
            let (opened, ear) = try take(settings, from: clerk)
            port = RealSerialPort(path: settings.path, port: opened, ear: ear, world: self)
        } else {
            let opened = try RealSerialPort.open(settings)
            port = RealSerialPort(path: settings.path, port: opened, ear: nil, world: self)
        }
        register(port)
        return port
    }

    /// The line that the clerk opened meanwhile, or an errand for it.
    private func take(
        _ settings: SerialSettings, from clerk: PortClerk
    ) throws(WorldError) -> (OpaquePointer, LineEar?) {
        guard let place = opening.firstIndex(where: { $0.path == settings.path }) else {
            guard let errand = clerk.give(.open(settings)) else {
                throw .busy(name: settings.path, hint: "other lines are being opened")
            }
            opening.append((settings.path, errand))
            throw .underWay(name: settings.path)
        }
        guard opening[place].errand.isDone else { throw .underWay(name: settings.path) }
        let errand = opening.remove(at: place).errand
        if let failure = errand.failure { throw failure }
        guard let port = errand.port else { throw .gone(name: settings.path) }
        return (port, errand.ear)
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

    /// Sleeps until there is input or a wake, or `deadline` has come (an absolute time: what one
    /// wait oversleeps, the next does not inherit).
    public func wait(until deadline: Instant) {
        let ready = csystem_poll_until(entries, entryCount, deadline.nanoseconds)
        guard ready > 0 else { return }
        if entries[0].revents != 0 { waker.drain() }
        // A descriptor that hung up stays readable for ever: it leaves the set at once, or the
        // next wait would spin on it.
        let lost = csystem_pollhup | csystem_pollerr | csystem_pollnval
        var place = entryCount - 1
        while place > 0 {
            let happened = entries[place].revents
            if happened != 0 { owners[place - 1].noteInput() }
            if happened & lost != 0 {
                owners[place - 1].hungUp()
                remove(place)
            }
            place -= 1
        }
    }

    /// Ends a `wait`; safe from any thread.
    public func wake() { waker.signal() }

    /// Polls `owner` from now on; its descriptors stay open until `unregister`.
    package func register(_ owner: any Pollable) {
        for fd in owner.pollDescriptors where entryCount < Self.descriptorLimit {
            entries[entryCount] = csystem_poll(fd: fd, events: csystem_pollin, revents: 0)
            entryCount += 1
            owners.append(owner)
        }
    }

    /// Stops polling `owner`; called before its descriptors are closed or when they died.
    package func unregister(_ owner: any Pollable) {
        for place in owners.indices.reversed() where owners[place] === owner {
            remove(place + 1)
        }
    }

    private func remove(_ place: Int) {
        owners.remove(at: place - 1)
        entryCount -= 1
        for later in place..<max(place, entryCount) { entries[later] = entries[later + 1] }
    }
}
