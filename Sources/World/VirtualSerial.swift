import Glibc
import Quantities

/// A simulated serial line with its peer; exists whether or not the host has it open.
final class VirtualLink {
    let path: String
    let peer: any VirtualPeer
    var isPlugged = true
    var toPeer = VirtualWire()
    var toHost = VirtualWire()
    /// The host's end, while open and plugged.
    weak var port: VirtualSerialPort?
    private var lastAdvance = Instant(nanoseconds: -1)
    private var scratch: [UInt8] = []

    init(path: String, peer: any VirtualPeer) {
        self.path = path
        self.peer = peer
    }

    /// When something happens next on this line.
    var nextEvent: Instant {
        var next = peer.deadline
        // A peer that does not move its deadline shall not stop the clock.
        if next <= lastAdvance { next = lastAdvance + .microseconds(1) }
        if toPeer.nextArrival < next { next = toPeer.nextArrival }
        if toHost.nextArrival < next { next = toHost.nextArrival }
        return next
    }

    /// Lets everything happen that is due at `now`.
    func step(to now: Instant) {
        if peer.deadline <= now {
            peer.advance(to: now)
            lastAdvance = now
        }
        while toPeer.nextArrival <= now {
            let (peer, speed) = (self.peer, self.peer.baud)
            toPeer.deliver(listening: speed) { peer.receive($0, at: now) }
        }
        collect(at: now)
        while toHost.nextArrival <= now {
            let port = self.port
            toHost.deliver(listening: port?.hearingBaud(at: now) ?? 0) { port?.arrive($0) }
        }
    }

    /// Takes what the peer has to say. A peer that changes its speed after an answer must do so
    /// only once the answer has left, as a real one does.
    func collect(at now: Instant) {
        peer.takeOutput(into: &scratch, at: now)
        guard !scratch.isEmpty else { return }
        if isPlugged { toHost.send(scratch, baud: peer.baud, at: now) }
        scratch.removeAll(keepingCapacity: true)
    }
}

/// The host's end of a simulated line.
final class VirtualSerialPort: SerialPort {
    /// What a UART driver queues for sending, in bytes.
    static let sendLimit = 4096
    /// What the kernel keeps of bytes nobody reads; more is lost, as on a real line.
    static let receiveLimit = 65_536

    private let link: VirtualLink
    private unowned let world: VirtualWorld
    private var inbox = ByteQueue()
    private var baud: Int
    private var previousBaud: Int
    private var baudChangesAt = Instant.zero
    private(set) var isGone = false
    private(set) var isClosed = false
    /// Unplugged and the owner was not woken for it yet.
    var hasNews = false

    init(_ link: VirtualLink, baud: Int, world: VirtualWorld) {
        self.link = link
        self.world = world
        self.baud = baud
        previousBaud = baud
    }

    deinit { close() }

    var hasInput: Bool { !inbox.isEmpty || hasNews }

    func hearingBaud(at now: Instant) -> Int { now < baudChangesAt ? previousBaud : baud }

    func arrive(_ bytes: ArraySlice<UInt8>) {
        // Nobody reads a closed port: bytes kept there would end every later wait.
        guard !isClosed else { return }
        inbox.append(bytes.prefix(Self.receiveLimit - inbox.count))
    }

    func unplug() {
        isGone = true
        hasNews = true
    }

    func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int {
        guard !isGone, !isClosed else { throw gone() }
        let room = Self.sendLimit - link.toPeer.inFlight
        let taken = bytes.prefix(max(0, room))
        link.toPeer.send(taken, baud: baud, at: world.now)
        return taken.count
    }

    func read(into buffer: inout [UInt8], limit: Int) throws(WorldError) -> Int {
        guard !isClosed else { throw gone() }
        let count = min(limit, inbox.count)
        if count > 0 {
            buffer.append(contentsOf: inbox.first(count))
            inbox.drop(count)
            return count
        }
        guard !isGone else { throw gone() }
        return 0
    }

    func setBaud(_ baud: Int) throws(WorldError) {
        guard !isGone, !isClosed else { throw gone() }
        guard baud > 0 else { throw .of(-EINVAL, "set speed", link.path) }
        previousBaud = hearingBaud(at: world.now)
        self.baud = baud
        baudChangesAt = link.toPeer.busyUntil
    }

    func discardInput() { inbox.removeAll() }

    func close() {
        isClosed = true
        hasNews = false
        inbox.removeAll()
    }

    private func gone() -> WorldError {
        hasNews = false
        return .gone(name: link.path)
    }
}
