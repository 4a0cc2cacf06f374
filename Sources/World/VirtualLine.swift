import Quantities

/// A serial line between a host's port and a simulated peer, with the time its bytes take.
final class VirtualLine {
    let path: String
    var isPlugged = true
    private let peer: any VirtualPeer
    private unowned let world: VirtualWorld
    private weak var port: VirtualPort?
    private var hostBaud = 9_600

    /// What the host wrote and the peer has not yet got: bytes, their speed, when the last one
    /// has arrived.
    private var toPeer: [(bytes: [UInt8], baud: Int, arrives: Instant)] = []
    private var hostBusyUntil = Instant.zero
    /// What the peer sent and the host has not yet got.
    private var toHost: [UInt8] = []
    private var toHostStart = 0
    private var portion = 0
    private var portionArrives = Instant.distantFuture

    /// Bytes a UART hands over at once.
    private static let fifoSize = 64
    /// Bytes that may be on their way to the host; a peer that sends more loses them, as a host
    /// that does not read would.
    private static let flightLimit = 1 << 16

    init(path: String, peer: any VirtualPeer, world: VirtualWorld) {
        self.path = path
        self.peer = peer
        self.world = world
    }

    /// When something happens on this line next.
    var deadline: Instant {
        var next = min(peer.deadline, portionArrives)
        if let first = toPeer.first { next = min(next, first.arrives) }
        return next
    }

    /// Whether the host has something to learn from its port.
    var hasNews: Bool { port.map { !$0.input.isEmpty || ($0.isGone && !$0.knowsIsGone) } ?? false }

    func open(baud: Int) throws(WorldError) -> VirtualPort {
        guard port == nil else {
            throw .busy(name: path, hint: "another program has it open")
        }
        hostBaud = baud
        let opened = VirtualPort(line: self)
        port = opened
        return opened
    }

    func unplug() {
        isPlugged = false
        port?.isGone = true
        port = nil
        // What was on the wire is lost.
        toPeer.removeAll()
        dropFlight()
    }

    func closed(by closing: VirtualPort) {
        if port === closing { port = nil }
    }

    func setBaud(_ baud: Int) { hostBaud = baud }

    func dropFlight() {
        toHost.removeAll(keepingCapacity: true)
        toHostStart = 0
        portion = 0
        portionArrives = .distantFuture
    }

    func send(_ bytes: ArraySlice<UInt8>) {
        let start = max(world.now, hostBusyUntil)
        hostBusyUntil = start + Self.time(of: bytes.count, baud: hostBaud)
        toPeer.append((Array(bytes), hostBaud, hostBusyUntil))
    }

    func advance(to now: Instant) {
        if peer.deadline <= now { peer.advance(to: now) }
        while let first = toPeer.first, first.arrives <= now {
            toPeer.removeFirst()
            let bytes = first.baud == peer.baud ? first.bytes : Self.garbage(first.bytes)
            peer.receive(bytes[...], at: first.arrives)
        }
        deliver(until: now)
        collect(at: now)
    }

    /// Hands portions that have arrived to the port.
    private func deliver(until now: Instant) {
        while portion > 0, portionArrives <= now {
            let end = toHostStart + portion
            if let port {
                let bytes = toHost[toHostStart..<end]
                port.input += hostBaud == peer.baud ? Array(bytes) : Self.garbage(Array(bytes))
            }
            toHostStart = end
            let from = portionArrives
            portion = 0
            portionArrives = .distantFuture
            startPortion(from: from)
        }
    }

    /// Takes what the peer has ready.
    private func collect(at now: Instant) {
        let before = toHost.count
        peer.takeOutput(into: &toHost, at: now)
        if !isPlugged { return dropFlight() }
        if toHost.count > Self.flightLimit { toHost.removeLast(toHost.count - Self.flightLimit) }
        if toHost.count > before, portion == 0 { startPortion(from: now) }
    }

    private func startPortion(from: Instant) {
        let left = toHost.count - toHostStart
        guard left > 0 else {
            toHost.removeAll(keepingCapacity: true)
            toHostStart = 0
            return
        }
        portion = min(Self.fifoSize, left)
        portionArrives = from + Self.time(of: portion, baud: peer.baud)
    }

    private static func time(of count: Int, baud: Int) -> TimeSpan {
        TimeSpan(nanoseconds: Int64(count) * 10 * 1_000_000_000 / Int64(max(1, baud)))
    }

    /// What a receiver at another speed makes of `bytes`: never the same bytes.
    private static func garbage(_ bytes: [UInt8]) -> [UInt8] {
        bytes.map { ($0 << 3 | $0 >> 5) ^ 0xA6 | 0x80 }
    }
}

/// The host's end of a `VirtualLine`.
final class VirtualPort: SerialPort {
    fileprivate(set) var input: [UInt8] = []
    fileprivate(set) var isGone = false
    fileprivate(set) var knowsIsGone = false
    private var line: VirtualLine?
    private let path: String

    init(line: VirtualLine) {
        self.line = line
        path = line.path
    }

    private func check() throws(WorldError) {
        if isGone || line == nil {
            knowsIsGone = true
            throw .gone(name: path)
        }
    }

    func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int {
        try check()
        if !bytes.isEmpty { line?.send(bytes) }
        return bytes.count
    }

    func read(into buffer: inout [UInt8], limit: Int) throws(WorldError) -> Int {
        try check()
        let count = min(limit, input.count)
        guard count > 0 else { return 0 }
        buffer.append(contentsOf: input[..<count])
        if count == input.count {
            input.removeAll(keepingCapacity: true)
        } else {
            input.removeFirst(count)
        }
        return count
    }

    func setBaud(_ baud: Int) throws(WorldError) {
        try check()
        line?.setBaud(baud)
    }

    func discardInput() { input.removeAll(keepingCapacity: true) }

    func close() {
        line?.closed(by: self)
        line = nil
    }
}
