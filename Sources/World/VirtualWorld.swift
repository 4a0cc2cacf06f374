import Glibc
import Quantities
import Synchronization

/// A world with a clock of its own, in which simulated instruments sit at the far ends of the
/// lines. Time passes only in `wait`, which jumps from one event to the next. Belongs to one
/// thread (but for `wake`), and gives the same history for the same calls.
public final class VirtualWorld: World {
    /// The monotonic clock.
    public private(set) var now: Instant
    /// Told apart from any real boot.
    public var bootIdentifier: String
    private var wallOffset: Int64
    private let woken = Atomic<Bool>(false)
    private var links: [VirtualLink] = []
    private var ports: [VirtualSerialPort] = []
    private var inputs: [VirtualInputLines] = []
    private var lines: [String: VirtualLine] = [:]
    private var chips: [String: VirtualI2CChip] = [:]
    private var peers: [String: any VirtualI2CPeer] = [:]

    /// A world whose monotonic clock starts at `start` and whose time of day then is `wallTime`.
    public init(
        start: Instant = .zero, wallTime: WallTime = WallTime(unixNanoseconds: 0),
        bootIdentifier: String = "virtual"
    ) {
        now = start
        wallOffset = wallTime.unixNanoseconds &- start.nanoseconds
        self.bootIdentifier = bootIdentifier
    }

    /// The time of day; may jump.
    public var wallTime: WallTime {
        WallTime(unixNanoseconds: now.nanoseconds &+ wallOffset)
    }

    /// Somebody sets the clock on the wall; the monotonic clock does not notice.
    public func stepWallTime(by span: TimeSpan) { wallOffset &+= span.nanoseconds }

    // MARK: What a simulator does

    /// Puts `peer` at the far end of the line at `path`, in place of whatever was there.
    public func attach(path: String, peer: any VirtualPeer) {
        unplug(path)
        links.removeAll { $0.path == path }
        links.append(VirtualLink(path: path, peer: peer))
    }

    /// Pulls the plug of the line at `path`: bytes in flight are lost, an open port is gone. The
    /// peer keeps its power.
    public func unplug(_ path: String) {
        guard let link = link(path) else { return }
        link.isPlugged = false
        link.toPeer.cut()
        link.toHost.cut()
        link.port?.unplug()
        link.port = nil
    }

    /// Puts the plug back; the host has to open the line again.
    public func replug(_ path: String) { link(path)?.isPlugged = true }

    /// Sets the electrical level of a line from outside.
    public func setLine(chipLabel: String, line: String, level: Bool) {
        let entry = self.line(chipLabel, line)
        guard entry.electrical != level else { return }
        entry.electrical = level
        for input in inputs { input.changed(entry, at: now) }
    }

    /// Tells `follower` every change of the electrical level of a line from now on: what hangs on
    /// an output.
    public func watchLine(
        chipLabel: String, line: String, _ follower: @escaping (Bool, Instant) -> Void
    ) {
        self.line(chipLabel, line).changed = { [unowned self] level in follower(level, now) }
    }

    /// The electrical level of a line.
    public func lineLevel(chipLabel: String, line: String) -> Bool {
        self.line(chipLabel, line).electrical
    }

    /// Puts `chip` at `address` on `bus`.
    public func attachI2C(bus: String, address: UInt8, chip: VirtualI2CChip) {
        chips["\(bus)@\(address)"] = chip
    }

    /// Puts a simulated chip at `address` on `bus`, in place of whatever was there.
    public func attachI2C(bus: String, address: UInt8, peer: any VirtualI2CPeer) {
        peers["\(bus)@\(address)"] = peer
    }

    // MARK: World

    /// Opens a serial line for one owner; throws `absent` or `busy`.
    public func openSerial(_ settings: SerialSettings) throws(WorldError) -> any SerialPort {
        guard let link = link(settings.path), link.isPlugged else {
            throw .absent(name: settings.path, hint: "nothing is plugged in there")
        }
        if let port = link.port, !port.isClosed {
            throw .busy(name: settings.path, hint: "it is open already")
        }
        guard settings.baud > 0 else { throw .of(-EINVAL, "open", settings.path) }
        let port = VirtualSerialPort(link, baud: settings.baud, world: self)
        link.port = port
        ports.removeAll(where: \.isClosed)
        ports.append(port)
        return port
    }

    /// Takes output lines, each at its safe level from the first moment.
    public func openOutputs(_ lines: [OutputLineSettings]) throws(WorldError) -> any OutputLines {
        VirtualOutputLines(lines, try claim(lines.map { ($0.chipLabel, $0.line) }))
    }

    /// Takes input lines with edge events.
    public func openInputs(_ lines: [InputLineSettings]) throws(WorldError) -> any InputLines {
        let found = try claim(lines.map { ($0.chipLabel, $0.line) })
        let opened = VirtualInputLines(lines, found)
        inputs.removeAll(where: \.isClosed)
        inputs.append(opened)
        return opened
    }

    /// Opens a chip on a bus; throws `absent` when there is none.
    public func openI2C(bus: String, address: UInt8) throws(WorldError) -> any I2CDevice {
        if let peer = peers["\(bus)@\(address)"] {
            return VirtualI2CHandle(peer, name: "\(bus) address \(address)", world: self)
        }
        guard let chip = chips["\(bus)@\(address)"] else {
            throw .absent(name: "\(bus) address \(address)", hint: "no chip is attached there")
        }
        return chip
    }

    /// Sleeps until there is input or a wake, or `deadline` has come.
    public func wait(until deadline: Instant) {
        for link in links { link.collect(at: now) }
        while true {
            if hasInput { return }
            if woken.load(ordering: .relaxed), woken.exchange(false, ordering: .acquiring) {
                return
            }
            var next = deadline
            for link in links {
                let event = link.nextEvent
                if event < next { next = event }
            }
            // Nothing will ever happen: standing still is all that is left.
            if next == .distantFuture { return }
            if next > now { now = next }
            for link in links { link.step(to: now) }
            if now >= deadline { return }
        }
    }

    /// Ends a `wait`; safe from any thread.
    public func wake() { woken.store(true, ordering: .releasing) }

    private var hasInput: Bool {
        var found = false
        for port in ports where port.hasInput {
            port.hasNews = false
            found = true
        }
        for input in inputs where input.hasInput { found = true }
        return found
    }

    private func link(_ path: String) -> VirtualLink? { links.first { $0.path == path } }

    private func line(_ chipLabel: String, _ name: String) -> VirtualLine {
        let key = "\(chipLabel)\u{0}\(name)"
        if let line = lines[key] { return line }
        let line = VirtualLine()
        lines[key] = line
        return line
    }

    private func claim(
        _ wanted: [(label: String, line: String)]
    ) throws(WorldError) -> [VirtualLine] {
        var found: [VirtualLine] = []
        for entry in wanted {
            let line = line(entry.label, entry.line)
            guard line.owner == nil else {
                throw .busy(name: "GPIO line \(entry.line)", hint: "it is held already")
            }
            found.append(line)
        }
        return found
    }
}
