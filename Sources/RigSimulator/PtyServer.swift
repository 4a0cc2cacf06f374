import Glibc
import Quantities
import Synchronization
import World

/// Simulated instruments in real time, each on its own pseudo-terminal, for programs that open
/// serial devices. A pseudo-terminal has no speed, no parity errors and no noise; only the time
/// bytes take is imitated, where asked for. One thread; only `requestStop` is safe from others.
public final class PtyServer {
    /// One instrument to serve.
    public struct Port {
        /// Name of its link.
        public var name: String
        /// The instrument.
        public var peer: any VirtualPeer
        /// Whether bytes take their time at the peer's speed.
        public var isPaced: Bool

        /// `peer` under `name`.
        public init(name: String, peer: any VirtualPeer, isPaced: Bool = true) {
            self.name = name
            self.peer = peer
            self.isPaced = isPaced
        }
    }

    /// How often a line that nobody has open is looked at.
    static let idleLook = TimeSpan.milliseconds(20)
    /// Shortest sleep while bytes are being paced.
    static let paceStep = TimeSpan.milliseconds(1)
    /// Output kept while the host does not read; what is more is lost, as on a wire.
    static let outputMax = 65_536
    static let readMax = 4_096

    private var lines: [PtyLine]
    private let directory: String
    private let stopFlag = Atomic<Bool>(false)

    /// Serves `ports`; `directory` (existing, writable) gets a link with each port's name that
    /// stays the same over `unplug` and `replug`.
    public init(_ ports: [Port], linkDirectory directory: String) throws(WorldError) {
        self.directory = directory
        lines = ports.map { PtyLine(port: $0) }
        for index in lines.indices { try replug(index) }
    }

    deinit {
        for index in lines.indices { unplug(index) }
    }

    /// The monotonic clock this server runs by.
    public static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// The path a host opens for port `index`; empty for an index that is none.
    public func path(_ index: Int) -> String {
        lines.indices.contains(index) ? directory + "/" + lines[index].port.name : ""
    }

    /// Pulls the plug of port `index`: the host sees a hang-up, and its link is gone.
    public func unplug(_ index: Int) {
        guard lines.indices.contains(index), lines[index].master >= 0 else { return }
        Glibc.unlink(path(index))
        close(lines[index].master)
        lines[index].disconnect()
        lines[index].master = -1
    }

    /// Plugs port `index` in again, under the same path.
    public func replug(_ index: Int) throws(WorldError) {
        guard lines.indices.contains(index), lines[index].master < 0 else { return }
        lines[index].master = try linkedTerminal(path(index))
    }

    /// A host left: what it did not read, its exclusive claim and its settings would stay with
    /// the terminal, so the next host gets a new one under the same path.
    private func renew(_ index: Int) {
        guard let master = try? linkedTerminal(path(index)) else { return }
        close(lines[index].master)
        lines[index].disconnect()
        lines[index].master = master
    }

    /// A new terminal's master, its slave linked as `link` in one step.
    private func linkedTerminal(_ link: String) throws(WorldError) -> Int32 {
        let (master, slave) = try Self.openTerminal()
        let fresh = link + ".new"
        Glibc.unlink(fresh)
        guard symlink(slave, fresh) == 0, rename(fresh, link) == 0 else {
            let code = errno
            close(master)
            throw Self.failure("link", link, code)
        }
        return master
    }

    /// Ends `run` and `step` soon; safe from any thread and from a signal handler.
    public func requestStop() { stopFlag.store(true, ordering: .relaxed) }

    /// Serves until `requestStop`.
    public func run() { step(until: .distantFuture) }

    /// Serves until `deadline` or `requestStop`.
    public func step(until deadline: Instant) {
        while !stopFlag.load(ordering: .relaxed) {
            let now = Self.now
            var next = min(deadline, now + .milliseconds(200))
            for index in lines.indices {
                next = min(next, lines[index].serve(at: now))
                if lines[index].hostLeft { renew(index) }
            }
            guard now < deadline else { return }
            wait(until: next, now: now)
        }
    }

    private func wait(until next: Instant, now: Instant) {
        // A line without a host would report a hang-up at once, for ever: it is not waited for.
        var polled = lines.filter { $0.master >= 0 && $0.hasHost && !$0.isFull }.map {
            pollfd(fd: $0.master, events: Int16(POLLIN), revents: 0)
        }
        let milliseconds = max(0, (next - now).nanoseconds + 999_999) / 1_000_000
        _ = poll(&polled, nfds_t(polled.count), Int32(clamping: milliseconds))
    }

    /// A raw pseudo-terminal: its master and its slave's path.
    private static func openTerminal() throws(WorldError) -> (Int32, String) {
        let multiplexer = "/dev/ptmx"
        let master = open(multiplexer, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
        guard master >= 0 else { throw failure("open", multiplexer, errno) }
        // unlockpt and ptsname are hidden from Swift by feature macros; these are the requests
        // they make (TIOCSPTLCK, TIOCGPTN; the numbers are the same on x86-64 and aarch64).
        var locked: Int32 = 0
        var number: Int32 = 0
        var settings = termios()
        guard ioctl(master, 0x4004_5431, &locked) == 0, ioctl(master, 0x8004_5430, &number) == 0,
            tcgetattr(master, &settings) == 0
        else {
            let code = errno
            close(master)
            throw failure("unlock", multiplexer, code)
        }
        cfmakeraw(&settings)
        _ = tcsetattr(master, TCSANOW, &settings)
        let slave = "/dev/pts/\(number)"
        // Only a slave that was closed once makes its master report that nobody is there.
        let once = open(slave, O_RDWR | O_NOCTTY | O_CLOEXEC)
        if once >= 0 { close(once) }
        return (master, slave)
    }

    private static func failure(_ operation: String, _ name: String, _ code: Int32) -> WorldError {
        .failed(
            operation: operation, name: name, errno: code, reason: String(cString: strerror(code)))
    }
}

/// One pseudo-terminal and what is on its way through it.
private struct PtyLine {
    let port: PtyServer.Port
    var master: Int32 = -1
    var hasHost = false
    var hostLeft = false
    private var output: [UInt8] = []
    private var arriving: [(at: Instant, bytes: [UInt8])] = []
    private var lineFreeIn = Instant.zero
    private var lineFreeOut = Instant.zero

    init(port: PtyServer.Port) { self.port = port }

    /// The host sent far ahead of the line's speed: the rest waits in the kernel.
    var isFull: Bool { arriving.count >= 64 }

    private var byteTime: Int64 {
        port.isPaced ? 10_000_000_000 / Int64(max(port.peer.baud, 1)) : 0
    }

    mutating func disconnect() {
        hasHost = false
        hostLeft = false
        output.removeAll()
        arriving.removeAll()
    }

    /// Moves bytes both ways and returns when there is something to do again.
    mutating func serve(at now: Instant) -> Instant {
        lookForHost()
        if hasHost { read(at: now) }
        let due = arriving.prefix { $0.at <= now }
        for portion in due { port.peer.receive(portion.bytes[...], at: portion.at) }
        arriving.removeFirst(due.count)
        port.peer.advance(to: now)
        var fresh: [UInt8] = []
        port.peer.takeOutput(into: &fresh, at: now)
        if output.isEmpty { lineFreeOut = now }
        // Nobody listens: the bytes are gone.
        if hasHost { output += fresh.prefix(max(0, PtyServer.outputMax - output.count)) }
        if hasHost { write(at: now) }
        var next = port.peer.deadline
        if let first = arriving.first { next = min(next, first.at) }
        if !output.isEmpty { next = min(next, now + PtyServer.paceStep) }
        if !hasHost, master >= 0 { next = min(next, now + PtyServer.idleLook) }
        return next
    }

    private mutating func lookForHost() {
        guard master >= 0 else { return }
        var look = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        _ = poll(&look, 1, 0)
        let gone = Int32(look.revents) & POLLHUP != 0
        hostLeft = gone && hasHost
        hasHost = !gone
    }

    private mutating func read(at now: Instant) {
        guard !isFull else { return }
        var buffer = [UInt8](repeating: 0, count: PtyServer.readMax)
        let count = Glibc.read(master, &buffer, buffer.count)
        guard count > 0 else { return }
        lineFreeIn = max(lineFreeIn, now) + TimeSpan(nanoseconds: byteTime * Int64(count))
        arriving.append((lineFreeIn, Array(buffer[..<count])))
    }

    private mutating func write(at now: Instant) {
        guard !output.isEmpty else { return }
        var count = output.count
        if byteTime > 0 {
            // A late turn may catch up, but not with more than a moment's worth.
            lineFreeOut = max(lineFreeOut, now - .milliseconds(50))
            count = min(count, Int(max(0, (now - lineFreeOut).nanoseconds) / byteTime))
        }
        guard count > 0 else { return }
        let taken = Glibc.write(master, output, count)
        guard taken > 0 else { return }
        output.removeFirst(taken)
        lineFreeOut = lineFreeOut + TimeSpan(nanoseconds: byteTime * Int64(taken))
    }
}
