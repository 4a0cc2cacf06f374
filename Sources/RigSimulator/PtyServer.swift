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
        guard lines.indices.contains(index) else { return }
        lines[index].terminal?.close()
        lines[index].connect(nil)
    }

    /// Plugs port `index` in again, under the same path.
    public func replug(_ index: Int) throws(WorldError) {
        guard lines.indices.contains(index), lines[index].terminal == nil else { return }
        lines[index].connect(try linkedTerminal(index))
    }

    /// Breaks the wires of port `index`, or mends them: the plug stays in, and every byte is lost.
    public func setCut(_ isCut: Bool, _ index: Int) {
        guard lines.indices.contains(index) else { return }
        lines[index].isCut = isCut
    }

    /// A host left: what it did not read, its exclusive claim and its settings would stay with
    /// the terminal, so the next host gets a new one under the same path.
    private func renew(_ index: Int) {
        guard let fresh = try? linkedTerminal(index) else { return }
        lines[index].terminal?.close()
        lines[index].connect(fresh)
    }

    /// A terminal whose other end is open only while a host has it open: that is how a host is
    /// noticed.
    private func linkedTerminal(_ index: Int) throws(WorldError) -> PseudoTerminal {
        try PseudoTerminal(keepOpen: false, link: path(index))
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
        var polled = lines.filter { $0.hasHost && !$0.isFull }.compactMap { line in
            line.terminal.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        }
        let milliseconds = max(0, (next - now).nanoseconds + 999_999) / 1_000_000
        _ = poll(&polled, nfds_t(polled.count), Int32(clamping: milliseconds))
    }
}

/// One pseudo-terminal and what is on its way through it.
private struct PtyLine {
    let port: PtyServer.Port
    private(set) var terminal: PseudoTerminal?
    var hasHost = false
    var hostLeft = false
    /// The wires are broken: whatever is sent is lost, both ways.
    var isCut = false
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

    /// Takes up `fresh`, or nothing; what was on its way is gone with the old one.
    mutating func connect(_ fresh: PseudoTerminal?) {
        terminal = fresh
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
        if hasHost, !isCut { output += fresh.prefix(max(0, PtyServer.outputMax - output.count)) }
        if hasHost { write(at: now) }
        var next = port.peer.deadline
        if let first = arriving.first { next = min(next, first.at) }
        if !output.isEmpty { next = min(next, now + PtyServer.paceStep) }
        if !hasHost, terminal != nil { next = min(next, now + PtyServer.idleLook) }
        return next
    }

    private mutating func lookForHost() {
        guard let terminal else { return }
        var look = pollfd(fd: terminal.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&look, 1, 0)
        let gone = Int32(look.revents) & POLLHUP != 0
        hostLeft = gone && hasHost
        hasHost = !gone
    }

    private mutating func read(at now: Instant) {
        guard !isFull, let terminal else { return }
        var bytes: [UInt8] = []
        guard let count = try? terminal.read(into: &bytes, limit: PtyServer.readMax), count > 0
        else { return }
        guard !isCut else { return }
        lineFreeIn = max(lineFreeIn, now) + TimeSpan(nanoseconds: byteTime * Int64(count))
        arriving.append((lineFreeIn, bytes))
    }

    private mutating func write(at now: Instant) {
        guard !output.isEmpty, let terminal else { return }
        var count = output.count
        if byteTime > 0 {
            // A late turn may catch up, but not with more than a moment's worth.
            lineFreeOut = max(lineFreeOut, now - .milliseconds(50))
            count = min(count, Int(max(0, (now - lineFreeOut).nanoseconds) / byteTime))
        }
        guard count > 0 else { return }
        guard let taken = try? terminal.write(output[..<count]), taken > 0 else { return }
        output.removeFirst(taken)
        lineFreeOut = lineFreeOut + TimeSpan(nanoseconds: byteTime * Int64(taken))
    }
}
