import Quantities

/// A world without a kernel: simulated peers on serial lines, and a clock that jumps from event
/// to event. One thread; the same peers and the same calls give the same bytes at the same times.
///
/// Bytes take ten bit times each way (start, eight data, stop), one after the other per
/// direction; the host gets them in portions of at most 64, as from a UART's FIFO. There are no
/// parity errors and no overruns. Bytes sent at another speed than the receiver's arrive as
/// garbage.
public final class VirtualWorld: World {
    public private(set) var now: Instant
    public var wallTime: WallTime {
        WallTime(unixNanoseconds: now.nanoseconds &+ wallOffset)
    }
    public let bootIdentifier: String

    private var wallOffset: Int64
    private var lines: [VirtualLine] = []
    private var inputs: [VirtualInputs] = []
    private var levels: [String: Bool] = [:]
    private var outputs: [VirtualOutputs] = []
    private var isWoken = false

    /// A world whose clocks start at `start` and `wallTime`.
    public init(
        start: Instant = .zero,
        wallTime: WallTime = WallTime(unixNanoseconds: 1_767_225_600_000_000_000),
        bootIdentifier: String = "virtual"
    ) {
        now = start
        wallOffset = wallTime.unixNanoseconds - start.nanoseconds
        self.bootIdentifier = bootIdentifier
    }

    // MARK: - What a test or a simulator arranges

    /// Puts `peer` at the far end of the serial line at `path`.
    public func attach(path: String, peer: any VirtualPeer) {
        lines.append(VirtualLine(path: path, peer: peer, world: self))
    }

    /// Pulls the cable of the line at `path`: an open port is gone at once.
    public func unplug(_ path: String) {
        for line in lines where line.path == path { line.unplug() }
    }

    /// Puts the cable back.
    public func replug(_ path: String) {
        for line in lines where line.path == path { line.isPlugged = true }
    }

    /// Sets the electrical level of an input line.
    public func setLine(chipLabel: String, line: String, level: Bool) {
        let name = chipLabel + "/" + line
        guard levels.updateValue(level, forKey: name) != level else { return }
        for request in inputs { request.changed(name, to: level, at: now) }
    }

    /// The electrical level of an output line; nil while nobody drives it.
    public func outputLevel(chipLabel: String, line: String) -> Bool? {
        outputs.last { $0.drives(chipLabel, line) }?.electricalLevel(chipLabel, line)
    }

    /// Somebody sets the time of day.
    public func stepWallTime(by span: TimeSpan) { wallOffset &+= span.nanoseconds }

    // MARK: - World

    public func openSerial(_ settings: SerialSettings) throws(WorldError) -> any SerialPort {
        guard let line = lines.first(where: { $0.path == settings.path }), line.isPlugged else {
            throw .absent(name: settings.path, hint: "check the cable and the path")
        }
        return try line.open(baud: settings.baud)
    }

    public func openOutputs(
        _ lines: [OutputLineSettings]
    ) throws(WorldError) -> any OutputLines {
        for line in lines where outputs.contains(where: { $0.drives(line.chipLabel, line.line) }) {
            throw .busy(name: line.chipLabel + "/" + line.line, hint: "release it first")
        }
        let request = VirtualOutputs(lines)
        outputs.append(request)
        return request
    }

    public func openInputs(_ lines: [InputLineSettings]) throws(WorldError) -> any InputLines {
        for line in lines where levels[line.chipLabel + "/" + line.line] == nil {
            throw .absent(
                name: line.chipLabel + "/" + line.line, hint: "no such line in this world")
        }
        let request = VirtualInputs(lines, levels: levels)
        inputs.append(request)
        return request
    }

    public func openI2C(bus: String, address: UInt8) throws(WorldError) -> any I2CDevice {
        throw .absent(name: bus, hint: "this world has no I²C buses")
    }

    public func wake() { isWoken = true }

    public func wait(until deadline: Instant) {
        if isWoken {
            isWoken = false
            return
        }
        while true {
            var next = Instant.distantFuture
            var hasInput = false
            for line in lines {
                hasInput = hasInput || line.hasNews
                next = min(next, line.deadline)
            }
            for request in inputs where !request.edges.isEmpty { hasInput = true }
            if hasInput { return }
            guard next < deadline else { break }
            now = max(now, next)
            for line in lines where line.deadline <= now { line.advance(to: now) }
        }
        now = max(now, deadline)
    }
}

/// Output lines of a `VirtualWorld`.
final class VirtualOutputs: OutputLines {
    private let lines: [OutputLineSettings]
    private var levels: [Bool]
    private var isOpen = true

    init(_ lines: [OutputLineSettings]) {
        self.lines = lines
        levels = lines.map(\.safeLevel)
    }

    func set(_ index: Int, to level: Bool) throws(WorldError) {
        guard isOpen, lines.indices.contains(index) else { throw .gone(name: "output lines") }
        levels[index] = level
    }

    func close() { isOpen = false }

    func drives(_ chip: String, _ line: String) -> Bool {
        isOpen && lines.contains { $0.chipLabel == chip && $0.line == line }
    }

    func electricalLevel(_ chip: String, _ line: String) -> Bool? {
        lines.firstIndex { $0.chipLabel == chip && $0.line == line }
            .map { levels[$0] != lines[$0].activeLow }
    }
}

/// Input lines of a `VirtualWorld`.
final class VirtualInputs: InputLines {
    let debounces = true
    private(set) var edges: [EdgeEvent] = []
    private let lines: [InputLineSettings]
    private var levels: [Bool]

    init(_ lines: [InputLineSettings], levels: [String: Bool]) {
        self.lines = lines
        self.levels = lines.map { line in
            (levels[line.chipLabel + "/" + line.line] ?? false) != line.activeLow
        }
    }

    func changed(_ name: String, to electrical: Bool, at now: Instant) {
        for (index, line) in lines.enumerated() where line.chipLabel + "/" + line.line == name {
            levels[index] = electrical != line.activeLow
            edges.append(EdgeEvent(index: index, level: levels[index], at: now))
        }
    }

    func level(_ index: Int) throws(WorldError) -> Bool {
        guard levels.indices.contains(index) else { throw .gone(name: "input lines") }
        return levels[index]
    }

    func readEdges(into list: inout [EdgeEvent]) throws(WorldError) {
        list.append(contentsOf: edges)
        edges.removeAll(keepingCapacity: true)
    }

    func close() { edges.removeAll() }
}
