import Glibc

/// Whole files and directories.
public enum Files {
    /// Files larger than this are not read at once.
    public static let sizeLimit = 64 * 1024 * 1024

    /// The bytes of the file at `path`.
    public static func read(_ path: String, limit: Int = sizeLimit) throws(WorldError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error("open", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw error("read", path) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= limit else {
                throw .failed(
                    operation: "read", name: path, errno: EFBIG,
                    reason: "larger than \(limit) bytes")
            }
        }
    }

    /// Makes the directory `path` and those above it that are missing.
    public static func makeDirectories(_ path: String) throws(WorldError) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, 0o755) != 0, errno != EEXIST { throw error("make directory", made) }
        }
    }

    /// Writes `bytes` to `path` so that it holds either the old or the new content, whatever
    /// happens: temporary file, fsync, rename, fsync of the directory.
    public static func replace(_ path: String, with bytes: [UInt8]) throws(WorldError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw error("create", temporary) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failure = error("write", temporary)
                close(descriptor)
                throw failure
            }
            rest = rest.dropFirst(count)
        }
        let synced = fsync(descriptor) == 0
        let failure = synced ? nil : error("fsync", temporary)
        close(descriptor)
        if let failure { throw failure }
        guard rename(temporary, path) == 0 else { throw error("rename", path) }
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        let directory = open((path.hasPrefix("/") ? "/" : "./") + folder, O_RDONLY | O_DIRECTORY)
        guard directory >= 0 else { throw error("open", folder) }
        fsync(directory)
        close(directory)
    }

    private static func error(_ operation: String, _ path: String) -> WorldError {
        let code = errno
        switch code {
        case ENOENT: return .absent(name: path, hint: "check the path")
        case EACCES, EPERM: return .forbidden(name: path, hint: "check owner and mode")
        default:
            return .failed(
                operation: operation, name: path, errno: code,
                reason: String(cString: strerror(code)))
        }
    }
}
