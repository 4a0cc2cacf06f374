import Quantities
import World

/// A directory of the file system that counts what is written to it, and whose syncs can be made
/// to take long. Belongs to the log's thread until that has ended.
final class MeasuredStorage: LogStorage {
    /// Of so many syncs one is made to take long.
    static let stallInterval = 10

    /// What was written.
    struct Counts {
        /// Bytes given to write(2).
        var bytes = 0
        var syncs = 0
        /// The longest sync, with what it was made to wait.
        var longest = TimeSpan.zero
    }

    let path: String
    fileprivate(set) var counts = Counts()
    private let real: DirectoryStorage
    private let stall: TimeSpan

    init(_ path: String, stall: TimeSpan) {
        self.path = path
        self.stall = stall
        real = DirectoryStorage(path)
    }

    func list() throws(WorldError) -> [String] { try real.list() }

    func openForAppend(_ name: String) throws(WorldError) -> any StoredFile {
        MeasuredFile(try real.openForAppend(name), self)
    }

    func openForReading(_ name: String) throws(WorldError) -> any ByteSource {
        try real.openForReading(name)
    }

    func rename(_ name: String, to newName: String) throws(WorldError) {
        try real.rename(name, to: newName)
    }

    func remove(_ name: String) throws(WorldError) { try real.remove(name) }

    func syncDirectory() throws(WorldError) {
        try measured { () throws(WorldError) in try real.syncDirectory() }
    }

    fileprivate func measured(_ sync: () throws(WorldError) -> Void) throws(WorldError) {
        let before = Clocks.now
        counts.syncs += 1
        if stall > .zero, counts.syncs % Self.stallInterval == 0 { Clocks.sleep(stall) }
        try sync()
        counts.longest = max(counts.longest, Clocks.now - before)
    }
}

private final class MeasuredFile: StoredFile {
    private let file: any StoredFile
    private let storage: MeasuredStorage

    init(_ file: any StoredFile, _ storage: MeasuredStorage) {
        self.file = file
        self.storage = storage
    }

    var size: Int64 { file.size }

    func append(_ bytes: [UInt8]) throws(WorldError) {
        storage.counts.bytes += bytes.count
        try file.append(bytes)
    }

    func sync() throws(WorldError) {
        try storage.measured { () throws(WorldError) in try file.sync() }
    }

    func truncate(to size: Int64) throws(WorldError) { try file.truncate(to: size) }

    func close() { file.close() }

    func read(at offset: Int64, count: Int) throws(WorldError) -> [UInt8] {
        try file.read(at: offset, count: count)
    }
}
