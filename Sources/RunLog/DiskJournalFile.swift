import Glibc
import World

/// A journal's file on a disk, held by this process alone (flock).
public final class DiskJournalFile: JournalFile, JournalSource {
    private let path: String
    private var descriptor: Int32
    private var length: Int64

    /// Opens the file at `path`, with mode 0640 where it is new; its name is then safe as well
    /// (fsync of the directory). Throws `busy` when another process holds it.
    public init(path: String) throws(WorldError) {
        self.path = path
        descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
        length = 0
        guard descriptor >= 0 else { throw Self.failure("open", path) }
        do throws(WorldError) {
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                guard errno == EWOULDBLOCK else { throw Self.failure("lock", path) }
                throw .busy(name: path, hint: "another agent writes this log; stop it first")
            }
            let end = lseek(descriptor, 0, SEEK_END)
            guard end >= 0 else { throw Self.failure("seek", path) }
            length = Int64(end)
            try Self.syncDirectory(of: path)
        } catch {
            Glibc.close(descriptor)
            descriptor = -1
            throw error
        }
    }

    deinit { close() }

    /// How long the file is, in bytes; no other process changes it.
    public var size: Int64 { length }

    /// Writes all of `bytes` at the end (pwrite); after a throw some may be there.
    public func append(_ bytes: [UInt8]) throws(WorldError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { all -> Int in
                let rest = UnsafeRawBufferPointer(rebasing: all[written...])
                return pwrite(descriptor, rest.baseAddress, rest.count, off_t(length))
            }
            if count > 0 {
                written += count
                length += Int64(count)
            } else if count == 0 || errno != EINTR {
                throw Self.failure("write", path, count == 0 ? ENOSPC : errno)
            }
        }
    }

    /// Returns when everything appended would survive a power cut (fdatasync).
    public func sync() throws(WorldError) {
        // fdatasync keeps the size too: it is metadata that reading back needs (fdatasync(2)).
        guard fdatasync(descriptor) == 0 else { throw Self.failure("sync", path) }
    }

    /// Cuts the file to `size` bytes (ftruncate).
    public func truncate(to size: Int64) throws(WorldError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw Self.failure("cut", path) }
        length = size
    }

    /// At most `count` bytes from `offset` on (pread).
    public func read(at offset: Int64, count: Int) throws(WorldError) -> [UInt8] {
        try Self.read(descriptor, path, at: offset, count: count)
    }

    /// Closes it and gives up the lock. Safe to repeat.
    public func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    fileprivate static func read(
        _ descriptor: Int32, _ path: String, at offset: Int64, count: Int
    ) throws(WorldError) -> [UInt8] {
        while true {
            var result = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, filled in
                result = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
                filled = max(result, 0)
            }
            if result >= 0 { return bytes }
            guard errno == EINTR else { throw failure("read", path) }
        }
    }

    private static func syncDirectory(of path: String) throws(WorldError) {
        let folder: String
        if let slash = path.lastIndex(of: "/") {
            folder = slash == path.startIndex ? "/" : String(path[..<slash])
        } else {
            folder = "."
        }
        let directory = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("open", folder) }
        defer { Glibc.close(directory) }
        guard fsync(directory) == 0 else { throw failure("sync", folder) }
    }

    fileprivate static func failure(
        _ operation: String, _ path: String, _ code: Int32 = errno
    ) -> WorldError {
        switch code {
        case ENOENT: .absent(name: path, hint: "create the directory it shall lie in")
        case EACCES, EPERM, EROFS:
            .forbidden(name: path, hint: "make it writable for the user this runs as")
        default:
            .failed(
                operation: operation, name: path, errno: code,
                reason: String(cString: strerror(code)))
        }
    }
}

/// A file to read while another process may be writing it.
public final class DiskJournalSource: JournalSource {
    private let path: String
    private let descriptor: Int32

    /// Opens the file at `path` for reading.
    public init(path: String) throws(WorldError) {
        self.path = path
        descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DiskJournalFile.failure("open", path) }
    }

    deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

    /// How many bytes there are now (fstat).
    public var size: Int64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// At most `count` bytes from `offset` on (pread).
    public func read(at offset: Int64, count: Int) throws(WorldError) -> [UInt8] {
        try DiskJournalFile.read(descriptor, path, at: offset, count: count)
    }
}
