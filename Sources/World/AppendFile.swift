import CSystem
import Glibc

/// A log file of the file system, held by this process alone (flock(2)).
public final class AppendFile: LogFile, ByteSource {
    private let path: String
    private var descriptor: Int32
    /// The length, in bytes; no other process changes it.
    public private(set) var size: Int64 = 0

    /// Opens the file at `path`, with rights `mode` where it is new; its name is then safe as
    /// well (fsync of the directory). Throws `busy` when another process holds it.
    public init(path: String, mode: UInt32 = 0o640) throws(WorldError) {
        self.path = path
        descriptor = csystem_open(path, O_RDWR | O_CREAT, mode)
        guard descriptor >= 0 else { throw .of(descriptor, "open", path) }
        do throws(WorldError) {
            let locked = csystem_lock_exclusive(descriptor)
            guard locked >= 0 else {
                throw WorldError.of(
                    locked, "lock", path, hint: "another agent writes it; stop that one first")
            }
            let end = lseek(descriptor, 0, SEEK_END)
            guard end >= 0 else { throw WorldError.of(errno, "seek", path) }
            size = Int64(end)
            try Files.syncDirectory(Files.parent(of: path))
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// Writes all of `bytes` at the end; when it throws, `size` tells how much got in.
    public func append(_ bytes: [UInt8]) throws(WorldError) {
        guard descriptor >= 0 else { throw .gone(name: path) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { all -> Int in
                let rest = UnsafeRawBufferPointer(rebasing: all[written...])
                return pwrite(descriptor, rest.baseAddress, rest.count, off_t(size))
            }
            if count > 0 {
                written += count
                size += Int64(count)
            } else if count == 0 || errno != EINTR {
                let code = count == 0 ? ENOSPC : errno
                throw .of(code, "append (\(written) of \(bytes.count) bytes got in)", path)
            }
        }
    }

    /// Returns when everything appended would survive a power cut.
    public func sync() throws(WorldError) {
        guard descriptor >= 0 else { throw .gone(name: path) }
        // fdatasync keeps the size too: it is metadata that reading back needs (fdatasync(2)).
        while fdatasync(descriptor) < 0 {
            guard errno == EINTR else { throw .of(errno, "sync", path) }
        }
    }

    /// Cuts the file to `size` bytes (ftruncate(2)).
    public func truncate(to size: Int64) throws(WorldError) {
        guard descriptor >= 0 else { throw .gone(name: path) }
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw .of(errno, "truncate", path) }
        self.size = size
    }

    /// At most `count` bytes from `offset` on (pread(2)).
    public func read(at offset: Int64, count: Int) throws(WorldError) -> [UInt8] {
        try Files.read(descriptor, path, at: offset, count: count)
    }

    /// Closes it and gives up the lock. Safe to repeat.
    public func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}

/// A file to read while another process may be writing it.
public final class ReadFile: ByteSource {
    private let path: String
    private let descriptor: Int32

    /// Opens the file at `path` for reading.
    public init(path: String) throws(WorldError) {
        self.path = path
        descriptor = csystem_open(path, O_RDONLY, 0)
        guard descriptor >= 0 else { throw .of(descriptor, "open", path) }
    }

    deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

    /// How many bytes there are now (fstat(2)).
    public var size: Int64 {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// At most `count` bytes from `offset` on (pread(2)).
    public func read(at offset: Int64, count: Int) throws(WorldError) -> [UInt8] {
        try Files.read(descriptor, path, at: offset, count: count)
    }
}

extension Files {
    /// At most `count` bytes from `offset` of an open file on.
    static func read(
        _ descriptor: Int32, _ path: String, at offset: Int64, count: Int
    ) throws(WorldError) -> [UInt8] {
        guard descriptor >= 0 else { throw .gone(name: path) }
        while true {
            var result = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, filled in
                result = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
                filled = max(result, 0)
            }
            if result >= 0 { return bytes }
            guard errno == EINTR else { throw .of(errno, "read", path) }
        }
    }
}
