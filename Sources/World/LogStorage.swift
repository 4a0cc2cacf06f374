import CSystem
import Glibc

/// A log file that can be read while it grows.
public protocol StoredFile: LogFile, ByteSource {}

extension AppendFile: StoredFile {}

/// The one directory a run log lives in: everything the log asks of a disk. Names are those of
/// files directly in it.
public protocol LogStorage: AnyObject {
    /// The directory, for messages.
    var path: String { get }
    /// The names in it, sorted.
    func list() throws(WorldError) -> [String]
    /// Opens a file to append to, for this process alone; makes it when there is none, and then
    /// its name is safe when this returns. What was in it stays.
    func openForAppend(_ name: String) throws(WorldError) -> any StoredFile
    /// Opens a file for reading, also while it is being written.
    func openForReading(_ name: String) throws(WorldError) -> any ByteSource
    /// Gives a file another name, in place of whatever had that; atomic, safe after
    /// `syncDirectory`.
    func rename(_ name: String, to newName: String) throws(WorldError)
    /// Removes a file; nothing there is no error. Safe after `syncDirectory`.
    func remove(_ name: String) throws(WorldError)
    /// Returns when names made, changed and removed would survive a power cut.
    func syncDirectory() throws(WorldError)
}

/// A directory of the file system. Blocks on the disk: never call it from the rig thread.
public final class DirectoryStorage: LogStorage {
    /// The directory.
    public let path: String

    /// The directory at `path`, which must be there when files are asked for.
    public init(_ path: String) { self.path = path }

    private func full(_ name: String) -> String { path + "/" + name }

    /// The names in it, sorted.
    public func list() throws(WorldError) -> [String] { try Files.list(path) }

    /// Opens a file to append to (flock(2)); makes it when there is none.
    public func openForAppend(_ name: String) throws(WorldError) -> any StoredFile {
        try AppendFile(path: full(name))
    }

    /// Opens a file for reading.
    public func openForReading(_ name: String) throws(WorldError) -> any ByteSource {
        try ReadFile(path: full(name))
    }

    /// Gives a file another name (rename(2)).
    public func rename(_ name: String, to newName: String) throws(WorldError) {
        guard Glibc.rename(full(name), full(newName)) == 0 else {
            throw .of(errno, "rename", full(name))
        }
    }

    /// Removes a file (unlink(2)).
    public func remove(_ name: String) throws(WorldError) { try Files.remove(full(name)) }

    /// Makes the names safe (fsync(2) of the directory).
    public func syncDirectory() throws(WorldError) { try Files.syncDirectory(path) }
}
