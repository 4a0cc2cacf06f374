import CSystem
import Glibc

/// Whole files and directories. Blocks on the disk: never call it from the rig thread.
public enum Files {
    /// Reads all of `path`, which may have at most `limit` bytes.
    public static func read(_ path: String, limit: Int) throws(WorldError) -> [UInt8] {
        let fd = csystem_open(path, O_RDONLY, 0)
        guard fd >= 0 else { throw .of(fd, "open", path) }
        defer { _ = Glibc.close(fd) }
        var bytes: [UInt8] = []
        var portion = [UInt8](repeating: 0, count: 65_536)
        while true {
            let got = Glibc.read(fd, &portion, portion.count)
            if got < 0 {
                if errno == EINTR { continue }
                throw .of(errno, "read", path)
            }
            if got == 0 { return bytes }
            guard bytes.count + got <= limit else {
                throw .failed(
                    operation: "read", name: path, errno: EFBIG,
                    reason: "it is longer than the \(limit) bytes allowed here")
            }
            bytes.append(contentsOf: portion[..<got])
        }
    }

    /// Replaces `path` by `bytes` so that after a power cut either the old or the new content is
    /// there, whole: a temporary file, fsync, rename, fsync of the directory.
    public static func replace(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o644
    ) throws(WorldError) {
        let temporary = "\(path).tmp-\(getpid())"
        let fd = csystem_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode)
        guard fd >= 0 else { throw .of(fd, "create", temporary) }
        var failure: Int32 = 0
        if writeAll(fd, bytes[...], failure: &failure) == bytes.count {
            if fsync(fd) < 0 { failure = errno }
        }
        _ = Glibc.close(fd)
        if failure == 0, rename(temporary, path) < 0 { failure = errno }
        guard failure == 0 else {
            _ = unlink(temporary)
            throw .of(failure, "replace", path)
        }
        try syncDirectory(parent(of: path))
    }

    /// Makes `path` with `bytes`, whole or not at all even at a power cut: a temporary file,
    /// fsync, link, fsync of the directory. What is there already stays. Made by root, it belongs
    /// to whom its directory belongs to.
    ///
    /// - Returns: whether it was made here; false when something was there.
    @discardableResult
    public static func create(
        _ path: String, with bytes: [UInt8], mode: UInt32 = 0o644
    ) throws(WorldError) -> Bool {
        let temporary = "\(path).new-\(getpid())-\(monotonicNanoseconds())"
        let fd = csystem_open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode)
        guard fd >= 0 else { throw .of(fd, "create", temporary) }
        var failure: Int32 = 0
        if writeAll(fd, bytes[...], failure: &failure) == bytes.count {
            if fsync(fd) < 0 { failure = errno }
        }
        _ = Glibc.close(fd)
        if failure == 0 { giveToDirectoryOwner(temporary) }
        if failure == 0, link(temporary, path) < 0 { failure = errno }
        _ = unlink(temporary)
        guard failure == 0 || failure == EEXIST else { throw .of(failure, "create", path) }
        try syncDirectory(parent(of: path))
        return failure == 0
    }

    /// Makes what is in the file at `old` safe (fsync), gives it the name `new` on the same file
    /// system, and makes the names safe.
    public static func move(_ old: String, to new: String) throws(WorldError) {
        let fd = csystem_open(old, O_RDONLY, 0)
        guard fd >= 0 else { throw .of(fd, "open", old) }
        let synced = fsync(fd)
        let failure = errno
        _ = Glibc.close(fd)
        guard synced == 0 else { throw .of(failure, "sync", old) }
        guard rename(old, new) == 0 else { throw .of(errno, "rename", old) }
        try syncDirectory(parent(of: new))
        try syncDirectory(parent(of: old))
    }

    /// Bytes of the file at `path`.
    public static func size(of path: String) throws(WorldError) -> UInt64 {
        var info = stat()
        guard stat(path, &info) == 0 else { throw .of(errno, "look at", path) }
        return UInt64(clamping: info.st_size)
    }

    /// The first line of a small text file of the kernel's, without what ends it; nil when it
    /// cannot be read.
    public static func line(_ path: String) -> String? {
        guard let bytes = try? read(path, limit: 65_536) else { return nil }
        let line = bytes.prefix { $0 != 0x0A && $0 != 0 }
        return String(decoding: line, as: UTF8.self)
    }

    /// What the symbolic link at `path` says; nil when there is none.
    public static func target(ofLink path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = bytes.withUnsafeMutableBytes { room in
            guard let start = room.baseAddress else { return 0 }
            return readlink(path, start.assumingMemoryBound(to: CChar.self), room.count)
        }
        guard count > 0 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// The permission bits of `path`.
    public static func mode(of path: String) throws(WorldError) -> UInt32 {
        var info = stat()
        guard stat(path, &info) == 0 else { throw .of(errno, "look at", path) }
        return UInt32(info.st_mode) & 0o7777
    }

    /// Who owns what is at `path`.
    public static func owner(of path: String) throws(WorldError) -> UInt32 {
        var info = stat()
        guard stat(path, &info) == 0 else { throw .of(errno, "look at", path) }
        return info.st_uid
    }

    /// `DEVICE:INODE` of what an open descriptor stands for; nil for a closed one.
    public static func identity(ofDescriptor descriptor: Int32) -> String? {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { return nil }
        return "\(info.st_dev):\(info.st_ino)"
    }

    /// The user this process acts as.
    public static var user: UInt32 { geteuid() }

    /// `path` from the root on, links in its directory followed; the path itself need not exist.
    /// As it was given where its directory does not.
    public static func absolute(_ path: String) -> String {
        guard let found = realpath(parent(of: path), nil) else { return path }
        defer { free(found) }
        let directory = String(cString: found)
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        if name.isEmpty || name == "." || name == ".." { return directory }
        return directory == "/" ? "/" + name : directory + "/" + name
    }

    /// Gives `path`, when root made it, to the owner of its directory: a service that runs as
    /// another user shall be able to read what an administrator set up for it.
    public static func giveToDirectoryOwner(_ path: String) {
        var info = stat()
        guard geteuid() == 0, stat(parent(of: path), &info) == 0, info.st_uid != 0 else { return }
        _ = lchown(path, info.st_uid, info.st_gid)
    }

    /// Makes `path` and the directories above it that are missing.
    public static func makeDirectories(
        _ path: String, mode: UInt32 = 0o755
    ) throws(WorldError) {
        var current = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            current += current.isEmpty || current == "/" ? String(part) : "/" + part
            if mkdir(current, mode) < 0, errno != EEXIST { throw .of(errno, "mkdir", current) }
        }
        var info = stat()
        guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw .of(ENOTDIR, "mkdir", path)
        }
    }

    /// The names in the directory `path` but for `.` and `..`, sorted by their bytes; more than
    /// `limit` is an error.
    public static func list(_ path: String, limit: Int = 100_000) throws(WorldError) -> [String] {
        guard let directory = opendir(path) else { throw .of(errno, "list", path) }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                guard errno == 0 else { throw .of(errno, "list", path) }
                return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            guard names.count < limit else { throw .of(E2BIG, "list", path) }
            names.append(name)
        }
    }

    /// Whether anything is at `path` (a dangling link counts).
    public static func exists(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0
    }

    /// Whether `path` is a directory (a link to one counts).
    public static func isDirectory(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// Removes the file at `path`; nothing there is no error.
    public static func remove(_ path: String) throws(WorldError) {
        if unlink(path) < 0, errno != ENOENT { throw .of(errno, "remove", path) }
    }

    /// Makes names created or removed in the directory `path` survive a power cut.
    public static func syncDirectory(_ path: String) throws(WorldError) {
        let result = csystem_sync_directory(path)
        guard result >= 0 else { throw .of(result, "sync directory", path) }
    }

    /// Bytes free for this user, and in all, on the file system of `path`.
    public static func space(_ path: String) throws(WorldError) -> (free: UInt64, total: UInt64) {
        var free: UInt64 = 0
        var total: UInt64 = 0
        let result = csystem_disk_free(path, &free, &total)
        guard result >= 0 else { throw .of(result, "statvfs", path) }
        return (free, total)
    }

    /// The directory part of `path`.
    public static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Writes `bytes` through short writes and interruptions; returns how many got in.
    static func writeAll(_ fd: Int32, _ bytes: ArraySlice<UInt8>, failure: inout Int32) -> Int {
        bytes.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count {
                let step = Glibc.write(fd, raw.baseAddress! + done, raw.count - done)
                if step > 0 {
                    done += step
                } else if step < 0, errno == EINTR {
                    continue
                } else {
                    failure = step < 0 ? errno : EIO
                    break
                }
            }
            return done
        }
    }
}

/// Holds a lock file for as long as it lives, so that there is one agent per state directory.
public final class InstanceLock {
    private let fd: Int32

    /// Takes the lock at `path` (flock(2)); throws `busy` when another process has it.
    public init(path: String) throws(WorldError) {
        fd = csystem_open(path, O_RDWR | O_CREAT, 0o644)
        guard fd >= 0 else { throw .of(fd, "open", path) }
        let result = csystem_lock_exclusive(fd)
        guard result >= 0 else {
            _ = Glibc.close(fd)
            throw .of(result, "lock", path, hint: "another instance is running; stop it first")
        }
    }

    deinit { _ = Glibc.close(fd) }
}
