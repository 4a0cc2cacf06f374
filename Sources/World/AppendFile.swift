import CSystem
import Glibc

/// A file that only grows, but for cutting off a tail that did not make it.
public protocol LogFile: AnyObject {
    /// Appends all of `bytes`. When it throws, `size` tells how much of them got in.
    func append(_ bytes: [UInt8]) throws(WorldError)
    /// Returns once everything appended would survive a power cut (fdatasync(2)). After a
    /// failure nothing since the last success may be relied on.
    func sync() throws(WorldError)
    /// The length, in bytes.
    var size: Int64 { get }
    /// Cuts the file to `size` bytes.
    func truncate(to size: Int64) throws(WorldError)
    /// Closes it; later calls throw `gone`. Safe to repeat. Does not sync.
    func close()
}

/// A log file of the file system.
public final class AppendFile: LogFile {
    private let path: String
    private var fd: Int32
    /// The length, in bytes.
    public private(set) var size: Int64

    /// Opens `path` for appending, making it when missing (then call `Files.syncDirectory`).
    public init(path: String, mode: UInt32 = 0o644) throws(WorldError) {
        self.path = path
        fd = csystem_open(path, O_WRONLY | O_APPEND | O_CREAT, mode)
        size = 0
        guard fd >= 0 else { throw .of(fd, "open", path) }
        var info = stat()
        guard fstat(fd, &info) == 0 else { throw .of(errno, "stat", path) }
        size = Int64(info.st_size)
    }

    deinit { close() }

    /// Appends all of the bytes; when it throws, `size` tells how much of them got in.
    public func append(_ bytes: [UInt8]) throws(WorldError) {
        guard fd >= 0 else { throw .gone(name: path) }
        var failure: Int32 = 0
        let done = Files.writeAll(fd, bytes[...], failure: &failure)
        size += Int64(done)
        guard done == bytes.count else {
            throw .of(failure, "append (\(done) of \(bytes.count) bytes got in)", path)
        }
    }

    /// Returns once everything appended would survive a power cut.
    public func sync() throws(WorldError) {
        guard fd >= 0 else { throw .gone(name: path) }
        while fdatasync(fd) < 0 {
            guard errno == EINTR else { throw .of(errno, "sync", path) }
        }
    }

    /// Cuts the file to this many bytes.
    public func truncate(to size: Int64) throws(WorldError) {
        guard fd >= 0 else { throw .gone(name: path) }
        guard ftruncate(fd, off_t(size)) == 0 else { throw .of(errno, "truncate", path) }
        self.size = size
    }

    /// Closes it; safe to repeat.
    public func close() {
        if fd >= 0 { _ = Glibc.close(fd) }
        fd = -1
    }
}

/// A log file in memory that can be told to fail, for tests of what writes logs.
public final class MemoryLogFile: LogFile {
    /// A failure to come: at the `call`-th call (from 1) with `errno`, after `partial` bytes.
    public struct Failure {
        /// Which call fails, counted from 1.
        public var call: Int
        /// With which errno, e.g. ENOSPC.
        public var errno: Int32
        /// How many bytes get in before; only for appends.
        public var partial: Int

        /// A failure of call number `call`.
        public init(call: Int, errno: Int32, partial: Int = 0) {
            self.call = call
            self.errno = errno
            self.partial = partial
        }
    }

    /// All bytes appended.
    public private(set) var bytes: [UInt8]
    /// What a power cut now would certainly leave.
    public private(set) var syncedBytes: [UInt8]
    /// Calls of `append` so far.
    public private(set) var appendCalls = 0
    /// Calls of `sync` so far.
    public private(set) var syncCalls = 0
    /// The append that fails.
    public var appendFailure: Failure?
    /// The sync that fails.
    public var syncFailure: Failure?
    private var isClosed = false

    /// A file that holds `bytes`, safely.
    public init(_ bytes: [UInt8] = []) {
        self.bytes = bytes
        syncedBytes = bytes
    }

    /// The length, in bytes.
    public var size: Int64 { Int64(bytes.count) }

    /// Appends all of the bytes; when it throws, `size` tells how much of them got in.
    public func append(_ more: [UInt8]) throws(WorldError) {
        guard !isClosed else { throw .gone(name: "memory") }
        appendCalls += 1
        if let failure = appendFailure, failure.call == appendCalls {
            bytes += more.prefix(max(0, failure.partial))
            throw .of(failure.errno, "append", "memory")
        }
        bytes += more
    }

    /// Returns once everything appended would survive a power cut.
    public func sync() throws(WorldError) {
        guard !isClosed else { throw .gone(name: "memory") }
        syncCalls += 1
        if let failure = syncFailure, failure.call == syncCalls {
            throw .of(failure.errno, "sync", "memory")
        }
        syncedBytes = bytes
    }

    /// Cuts the file to this many bytes.
    public func truncate(to size: Int64) throws(WorldError) {
        guard !isClosed else { throw .gone(name: "memory") }
        guard size >= 0, size <= Int64(bytes.count) else {
            throw .of(EINVAL, "truncate", "memory")
        }
        bytes.removeLast(bytes.count - Int(size))
    }

    /// Closes it; safe to repeat.
    public func close() { isClosed = true }
}
