import Glibc
import Quantities

/// One simulated GPIO line. `electrical` is what a meter would show.
final class VirtualLine {
    var electrical = false {
        didSet { if electrical != oldValue { changed?(electrical) } }
    }
    /// What hangs on it and wants to know.
    var changed: ((Bool) -> Void)?
    weak var owner: AnyObject?
}

/// Simulated output lines.
final class VirtualOutputLines: OutputLines {
    private var lines: [(line: VirtualLine, activeLow: Bool)] = []
    private var isClosed = false

    init(_ settings: [OutputLineSettings], _ lines: [VirtualLine]) {
        for (setting, line) in zip(settings, lines) {
            line.owner = self
            line.electrical = setting.safeLevel != setting.activeLow
            self.lines.append((line, setting.activeLow))
        }
    }

    func set(_ index: Int, to level: Bool) throws(WorldError) {
        guard !isClosed, lines.indices.contains(index) else {
            throw .gone(name: "GPIO line \(index)")
        }
        lines[index].line.electrical = level != lines[index].activeLow
    }

    func close() {
        isClosed = true
        for entry in lines { entry.line.owner = nil }
    }
}

/// Simulated input lines.
final class VirtualInputLines: InputLines {
    /// Edges kept for an owner that does not read; then the oldest are lost, as in the kernel.
    static let edgeLimit = 1024
    let debounces: Bool
    private var lines: [(line: VirtualLine, activeLow: Bool)] = []
    private var edges: [EdgeEvent] = []
    private(set) var isClosed = false

    init(_ settings: [InputLineSettings], _ lines: [VirtualLine]) {
        debounces = settings.allSatisfy { $0.debounce <= .zero }
        for (setting, line) in zip(settings, lines) {
            line.owner = self
            self.lines.append((line, setting.activeLow))
        }
    }

    var hasInput: Bool { !edges.isEmpty }

    /// `line` changed at `now`.
    func changed(_ line: VirtualLine, at now: Instant) {
        for (index, entry) in lines.enumerated() where entry.line === line && !isClosed {
            if edges.count >= Self.edgeLimit { edges.removeFirst() }
            edges.append(
                EdgeEvent(index: index, level: line.electrical != entry.activeLow, at: now))
        }
    }

    func level(_ index: Int) throws(WorldError) -> Bool {
        guard !isClosed, lines.indices.contains(index) else {
            throw .gone(name: "GPIO line \(index)")
        }
        return lines[index].line.electrical != lines[index].activeLow
    }

    func readEdges(into edges: inout [EdgeEvent]) throws(WorldError) {
        guard !isClosed else { throw .gone(name: "GPIO lines") }
        edges.append(contentsOf: self.edges)
        self.edges.removeAll(keepingCapacity: true)
    }

    func close() {
        isClosed = true
        edges.removeAll()
        for entry in lines { entry.line.owner = nil }
    }
}

/// A simulated I²C chip: 256 byte registers, and plain messages answered from a script.
public final class VirtualI2CChip: I2CDevice {
    /// The byte registers.
    public var registers = [UInt8](repeating: 0, count: 256)
    /// Plain messages the host wrote, oldest first; at most 1024 are kept.
    public private(set) var written: [[UInt8]] = []
    /// Answers to plain reads, oldest first; a read without one fails as a silent chip does.
    public var answers: [[UInt8]] = []
    /// While false, the chip answers nothing (no acknowledge).
    public var isPresent = true

    /// A chip whose registers are all zero.
    public init() {}

    private func check() throws(WorldError) {
        guard isPresent else { throw .of(-EREMOTEIO, "transfer", "virtual I2C chip") }
    }

    /// Writes one byte register.
    public func writeByte(_ value: UInt8, to register: UInt8) throws(WorldError) {
        try check()
        registers[Int(register)] = value
    }

    /// Reads one byte register.
    public func readByte(from register: UInt8) throws(WorldError) -> UInt8 {
        try check()
        return registers[Int(register)]
    }

    /// Reads 1…32 byte registers in a row.
    public func readBlock(from register: UInt8, count: Int) throws(WorldError) -> [UInt8] {
        try check()
        guard (1...32).contains(count) else {
            throw .of(-EINVAL, "read block", "virtual I2C chip")
        }
        return (0..<count).map { registers[(Int(register) + $0) & 255] }
    }

    /// Reads two byte registers, the first of them the high byte.
    public func readWord(from register: UInt8) throws(WorldError) -> UInt16 {
        let bytes = try readBlock(from: register, count: 2)
        return UInt16(bytes[0]) << 8 | UInt16(bytes[1])
    }

    /// Writes two byte registers, the first of them with the high byte.
    public func writeWord(_ value: UInt16, to register: UInt8) throws(WorldError) {
        try writeBlock([UInt8(value >> 8), UInt8(value & 255)], to: register)
    }

    /// Writes 1…32 byte registers in a row.
    public func writeBlock(_ bytes: [UInt8], to register: UInt8) throws(WorldError) {
        try check()
        guard (1...32).contains(bytes.count) else {
            throw .of(-EINVAL, "write block", "virtual I2C chip")
        }
        for (offset, byte) in bytes.enumerated() {
            registers[(Int(register) + offset) & 255] = byte
        }
    }

    /// A plain message, then a plain read.
    public func transfer(_ bytes: [UInt8], reading count: Int) throws(WorldError) -> [UInt8] {
        try write(bytes)
        return try read(count: count)
    }

    /// Takes one plain message.
    public func write(_ bytes: [UInt8]) throws(WorldError) {
        try check()
        if written.count < 1024 { written.append(bytes) }
    }

    /// Answers one plain read from the script, filled up with 0xFF.
    public func read(count: Int) throws(WorldError) -> [UInt8] {
        try check()
        guard count > 0, !answers.isEmpty else {
            throw .of(-EREMOTEIO, "read", "virtual I2C chip")
        }
        let answer = answers.removeFirst()
        return (0..<count).map { $0 < answer.count ? answer[$0] : 0xFF }
    }

    /// Does nothing: the chip outlives the handle.
    public func close() {}
}
