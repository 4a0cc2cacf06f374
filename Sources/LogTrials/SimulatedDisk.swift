import Glibc
import World

/// What a simulated disk refuses.
public struct DiskFaults: Sendable {
    /// The first call refused, counted from 1 over all calls; 0: none.
    public var first = 0
    /// So many calls in a row are refused.
    public var count = 1
    /// What the calls say: `ENOSPC`, `EIO`, `EROFS`, …
    public var code: Int32 = EIO
    /// Bytes of a refused write that get in all the same.
    public var tornBytes = 0
    /// Whether a refused sync makes the kernel forget the pages.
    public var losesPages = false

    /// No faults.
    public init() {}

    func refuses(_ call: Int) -> Bool { first > 0 && call >= first && call < first + count }
}

/// A directory in memory behind the door of the real one. It remembers what was asked of it, so
/// that a power cut can be tried at any moment, and refuses what it is told to refuse.
public final class SimulatedDisk: LogStorage {
    /// The directory, for messages.
    public let path = "simulated"
    /// What is there.
    public private(set) var model: DiskModel
    /// What was done, in order.
    public private(set) var events: [DiskEvent] = []
    /// Calls so far, those that only read too.
    public private(set) var calls = 0
    /// What is refused.
    public var faults = DiskFaults()
    /// Whether events are kept.
    public var records = false
    private var open: Set<Int> = []

    /// A disk with these files, all of them safe.
    public init(_ files: [String: [UInt8]] = [:]) { model = DiskModel(files) }

    /// Every file as the processes see it.
    public var files: [String: [UInt8]] { model.files }

    fileprivate func perform(_ event: DiskEvent) {
        model.apply(event)
        if records { events.append(event) }
    }

    /// Notes that everything up to `sequence` was acknowledged.
    public func acknowledge(_ sequence: UInt64) { perform(.acknowledged(sequence: sequence)) }

    /// Counts a call; throws when this one is refused.
    fileprivate func step(_ operation: String, _ name: String) throws(WorldError) {
        calls += 1
        guard faults.refuses(calls) else { return }
        if faults.code == EROFS {
            throw .forbidden(name: name, hint: "the disk is read-only")
        }
        throw .failed(
            operation: operation, name: name, errno: faults.code, reason: "refused for a trial")
    }

    private func present(_ name: String) throws(WorldError) -> Int {
        guard let node = model.node(name) else { throw .absent(name: name, hint: "look again") }
        return node
    }

    /// The names, sorted.
    public func list() throws(WorldError) -> [String] {
        try step("list", path)
        return model.allNames
    }

    /// Opens a file to append to; the name of a new one is safe then.
    public func openForAppend(_ name: String) throws(WorldError) -> any StoredFile {
        try step("open", name)
        if model.node(name) == nil { perform(.create(name: name, node: model.newNode)) }
        let node = try present(name)
        guard !open.contains(node) else { throw .busy(name: name, hint: "it is open already") }
        try step("sync directory", name)
        perform(.syncNames)
        open.insert(node)
        return SimulatedFile(self, node, name)
    }

    /// Opens a file for reading.
    public func openForReading(_ name: String) throws(WorldError) -> any ByteSource {
        try step("open", name)
        return SimulatedFile(self, try present(name), name)
    }

    /// Gives a file another name.
    public func rename(_ name: String, to newName: String) throws(WorldError) {
        try step("rename", name)
        _ = try present(name)
        perform(.rename(from: name, to: newName))
    }

    /// Removes a file; nothing there is no error.
    public func remove(_ name: String) throws(WorldError) {
        try step("remove", name)
        if model.node(name) != nil { perform(.remove(name: name)) }
    }

    /// Makes the names safe.
    public func syncDirectory() throws(WorldError) {
        try step("sync directory", path)
        perform(.syncNames)
    }

    fileprivate func closed(_ node: Int) { open.remove(node) }

    fileprivate func losePages(_ node: Int) { model.losePages(node) }
}

/// A file of a simulated disk.
final class SimulatedFile: StoredFile {
    private let disk: SimulatedDisk
    private let node: Int
    private let name: String

    init(_ disk: SimulatedDisk, _ node: Int, _ name: String) {
        self.disk = disk
        self.node = node
        self.name = name
    }

    var size: Int64 { Int64(disk.model.bytes(node).count) }

    func append(_ bytes: [UInt8]) throws(WorldError) {
        let offset = disk.model.bytes(node).count
        do throws(WorldError) { try disk.step("append", name) } catch {
            let torn = Array(bytes.prefix(disk.faults.tornBytes))
            if !torn.isEmpty { disk.perform(.write(node: node, offset: offset, bytes: torn)) }
            throw error
        }
        disk.perform(.write(node: node, offset: offset, bytes: bytes))
    }

    func sync() throws(WorldError) {
        do throws(WorldError) { try disk.step("sync", name) } catch {
            if disk.faults.losesPages { disk.losePages(node) }
            throw error
        }
        disk.perform(.sync(node: node))
    }

    func truncate(to size: Int64) throws(WorldError) {
        try disk.step("truncate", name)
        disk.perform(.truncate(node: node, size: Int(size)))
    }

    func close() { disk.closed(node) }

    func read(at offset: Int64, count: Int) throws(WorldError) -> [UInt8] {
        try disk.step("read", name)
        let bytes = disk.model.bytes(node)
        guard offset >= 0, offset < Int64(bytes.count), count > 0 else { return [] }
        let start = Int(offset)
        return Array(bytes[start..<(start + min(count, bytes.count - start))])
    }
}
