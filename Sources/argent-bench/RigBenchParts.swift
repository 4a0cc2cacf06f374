import Agent
import CAllocations
import Configuration
import Glibc
import Quantities
import RigSimulator
import Synchronization
import World

/// Why a measurement came to nothing.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String
    init(_ why: String) { description = why }
}

/// A directory for the links to the pseudo-terminals; gone afterwards.
final class BenchDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/argent-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchFailure("no room in /tmp") }
        path = String(
            decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in (try? Files.list(path)) ?? [] { try? Files.remove(path + "/" + name) }
        rmdir(path)
    }
}

/// The simulated instruments on their pseudo-terminals, on a thread of their own.
final class SimulatorThread: @unchecked Sendable {
    private let server: PtyServer
    private var thread: Thread?
    /// The pump that can be made to stall.
    let alarming: AlarmingPump?

    /// It leaves processor `cpu` to the rig: instruments are not on the board. With `alarm` the
    /// first pump can be made to stall, says so without a line's delay, and the thread gets the
    /// priority `priority`: the alarm shall go out when its time is taken.
    init(
        _ settings: Settings, directory: String, avoiding cpu: Int, alarm: PipeEdge? = nil,
        priority: Int = 0
    ) throws {
        let rig = try SimulatedRig(
            settings: settings,
            chemistry: PrismChemistry(reagents: Chemistries.reagentNames(settings)))
        var ports = rig.lines.map { line in
            PtyServer.Port(
                name: String(line.path.split(separator: "/").last ?? ""), peer: line.peer)
        }
        var alarming: AlarmingPump?
        if let alarm, let syringe = rig.syringe(ports[0].name) {
            let pump = AlarmingPump(ports[0].peer, syringe, clock: alarm)
            ports[0] = PtyServer.Port(name: ports[0].name, peer: pump, isPaced: false)
            alarming = pump
        }
        self.alarming = alarming
        server = try PtyServer(ports, linkDirectory: directory)
        // The thread ends before this object does (see `stop`).
        let me = Unmanaged.passUnretained(self)
        thread = try Thread.start(name: "simulator") {
            Thread.avoid(cpu)
            if priority > 0 { _ = Thread.become(.fifo(priority: priority)) }
            me.takeUnretainedValue().server.run()
        }
    }

    func stop() {
        server.requestStop()
        thread?.join()
    }
}

/// An input line made of a pipe: one byte per edge, its value the level. Between an edge to
/// danger and the first stop command the time is taken.
final class PipeEdge: InputLines, Pollable, BenchHazard, @unchecked Sendable {
    /// From just before the edge was written until the first stop command was.
    let latency = DurationHistogram()
    /// From then until the rig's thread has read the edge: what the kernel takes to wake it.
    let seen = DurationHistogram()
    /// From there until the first stop command was written: what the program takes of it.
    let answered = DurationHistogram()
    /// Those of `latency` one by one, as far as there is room.
    private let spans = UnsafeMutablePointer<Int64>.allocate(capacity: spanLimit)
    private static let spanLimit = 1 << 16
    private let ends: (read: Int32, write: Int32)
    /// When the edge went out that no stop command has followed yet; 0: none.
    private let armedAt = Atomic<Int64>(0)
    private(set) var isDangerous = false
    // The rig thread's own.
    private var isDangerSeen = false
    /// When the rig's thread saw the edge that no stop command has followed yet; nil: none.
    private var seenAt: Instant?

    init() throws {
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0, fcntl(pipe[0], F_SETFL, O_NONBLOCK) == 0 else {
            throw BenchFailure("no pipe to be had")
        }
        ends = (pipe[0], pipe[1])
    }

    /// All of them, microseconds; only while the rig rests.
    var microseconds: [Double] {
        (0..<min(latency.count, Self.spanLimit)).map { Double(spans[$0]) / 1_000 }
    }

    deinit {
        spans.deallocate()
        _ = Glibc.close(ends.read)
        _ = Glibc.close(ends.write)
    }

    /// The line changes. One thread only.
    func set(_ level: Bool) {
        guard level != isDangerous else { return }
        isDangerous = level
        var byte: UInt8 = level ? 1 : 0
        armedAt.store(level ? Clocks.now.nanoseconds : 0, ordering: .releasing)
        _ = Glibc.write(ends.write, &byte, 1)
    }

    /// Takes the time from now, without an edge.
    func arm() { armedAt.store(Clocks.now.nanoseconds, ordering: .releasing) }

    /// Bytes were written to a pump. Called by the rig thread.
    func noteWritten(_ bytes: ArraySlice<UInt8>) {
        let start = armedAt.load(ordering: .acquiring)
        guard start > 0, Self.holdsStop(bytes) else { return }
        armedAt.store(0, ordering: .relaxed)
        let now = Clocks.now
        if let seenAt { answered.note(now - seenAt) }
        seenAt = nil
        let span = now - Instant(nanoseconds: start)
        if latency.count < Self.spanLimit { spans[latency.count] = span.nanoseconds }
        latency.note(span)
    }

    /// `STP` (New Era) or `stp`/`stop` (Harvard).
    private static func holdsStop(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer { text in
            guard text.count >= 3 else { return false }
            for place in 0...(text.count - 3) where text[place] | 0x20 == 0x73 {
                guard text[place + 1] | 0x20 == 0x74 else { continue }
                let third = text[place + 2] | 0x20
                if third == 0x70 || third == 0x6F { return true }
            }
            return false
        }
    }

    // MARK: InputLines and Pollable

    var debounces: Bool { true }
    var pollDescriptors: [Int32] { [ends.read] }
    func noteInput() {}
    func hungUp() {}
    func level(_ index: Int) throws(WorldError) -> Bool { isDangerSeen }

    func readEdges(into edges: inout [EdgeEvent]) throws(WorldError) {
        var byte: UInt8 = 0
        while Glibc.read(ends.read, &byte, 1) == 1 {
            isDangerSeen = byte != 0
            let start = armedAt.load(ordering: .acquiring)
            let now = Clocks.now
            if isDangerSeen, start > 0 {
                seen.note(now - Instant(nanoseconds: start))
                seenAt = now
            }
            edges.append(EdgeEvent(index: 0, level: isDangerSeen, at: now))
        }
    }

    func close() {}
}

/// The kernel's world, but for the interlock, and with an eye on what is written.
final class ProbeWorld: World {
    let real: RealWorld
    private let edge: PipeEdge

    init(edge: PipeEdge, priority: Int, cpu: Int) throws(WorldError) {
        real = try RealWorld(
            leavesPortsToAThread: true, priority: priority, cpu: cpu)
        self.edge = edge
    }

    var now: Instant { real.now }
    var wallTime: WallTime { real.wallTime }
    var bootIdentifier: String { real.bootIdentifier }

    func openSerial(_ settings: SerialSettings) throws(WorldError) -> any SerialPort {
        ProbePort(try real.openSerial(settings), edge)
    }

    func openOutputs(_ lines: [OutputLineSettings]) throws(WorldError) -> any OutputLines {
        try real.openOutputs(lines)
    }

    func openInputs(_ lines: [InputLineSettings]) throws(WorldError) -> any InputLines {
        real.register(edge)
        return edge
    }

    func openI2C(bus: String, address: UInt8) throws(WorldError) -> any I2CDevice {
        try real.openI2C(bus: bus, address: address)
    }

    func wait(until deadline: Instant) { real.wait(until: deadline) }
    func wake() { real.wake() }
}

/// A line whose writes are looked at.
final class ProbePort: SerialPort {
    private let port: any SerialPort
    private let edge: PipeEdge

    init(_ port: any SerialPort, _ edge: PipeEdge) {
        self.port = port
        self.edge = edge
    }

    var mayHaveInput: Bool { port.mayHaveInput }

    func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int {
        let taken = try port.write(bytes)
        if taken > 0 { edge.noteWritten(bytes) }
        return taken
    }

    func read(into buffer: inout [UInt8], limit: Int) throws(WorldError) -> Int {
        try port.read(into: &buffer, limit: limit)
    }

    func setBaud(_ baud: Int) throws(WorldError) { try port.setBaud(baud) }
    func discardInput() { port.discardInput() }
    func takeNotice() -> String? { port.takeNotice() }
    func close() { port.close() }
}

/// Counts the rig thread's allocations from a moment on, turn by turn.
final class AllocationProbe: RigProbe, @unchecked Sendable {
    /// When counting begins.
    private let startAt: Atomic<Int64>
    /// What begins at zero when counting begins; done by the thread that is measured.
    var clear: () -> Void = {}
    private var isCounting = false
    private var seen: Int64 = 0
    private var faultsAtStart = 0
    private let isFinished = Atomic<Bool>(false)
    private let isDone = Atomic<Bool>(false)
    private(set) var counts = callocations_counts()
    /// Turns in which anything was allocated.
    private(set) var turns = 0
    /// Page faults of the thread while it counted.
    private(set) var pageFaults = 0

    init(after start: Instant) { startAt = Atomic(start.nanoseconds) }

    /// Counting shall begin at `start`; before it has begun.
    func begin(at start: Instant) { startAt.store(start.nanoseconds, ordering: .relaxed) }

    func turned(at now: Instant) {
        if isDone.load(ordering: .relaxed) { return }
        if !isCounting, isFinished.load(ordering: .acquiring) {
            return isDone.store(true, ordering: .releasing)
        }
        guard isCounting else {
            guard now.nanoseconds >= startAt.load(ordering: .relaxed) else { return }
            isCounting = true
            clear()
            faultsAtStart = Thread.pageFaults.minor
            callocations_begin()
            return
        }
        let counted = callocations_now().allocations
        if counted > seen {
            turns += 1
            seen = counted
        }
        guard isFinished.load(ordering: .acquiring) else { return }
        counts = callocations_end()
        pageFaults = Thread.pageFaults.minor - faultsAtStart
        isDone.store(true, ordering: .releasing)
    }

    /// Ends the counting, and waits until the thread has noticed.
    func finish() {
        isFinished.store(true, ordering: .releasing)
        while !isDone.load(ordering: .acquiring) { Clocks.sleep(.milliseconds(1)) }
    }
}

/// Waiting times that are the same every time and have no rhythm.
struct SeededGaps {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// The next one, below `limit`. Marsaglia, Xorshift RNGs, J. Stat. Softw. 8 (14), 2003.
    mutating func next(_ limit: UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state % max(1, limit)
    }
}
