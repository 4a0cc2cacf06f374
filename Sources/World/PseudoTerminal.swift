import CSystem
import Glibc

/// A pair of connected terminals, so that a simulated instrument can sit behind a path that
/// programs open as a serial line. It has no speed, no parity and no UART behind it.
public final class PseudoTerminal {
    /// This end; poll it for input. -1 after `close`.
    public private(set) var descriptor: Int32
    /// The path of the other end, e.g. `/dev/pts/3`.
    public let devicePath: String
    private var held: Int32 = -1
    private var link: String?

    /// Opens a pair in raw mode. With `keepOpen`, this process holds the other end open too, so
    /// that this end does not hang up between two openers. `link`, when given, becomes a symbolic
    /// link to the other end; a link that is there is replaced, anything else is an error.
    public init(keepOpen: Bool = true, link: String? = nil) throws(WorldError) {
        var name = [CChar](repeating: 0, count: 128)
        descriptor = csystem_pseudo_terminal(&name, name.count)
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        devicePath = String(decoding: bytes, as: UTF8.self)
        guard descriptor >= 0 else { throw .of(descriptor, "open", "pseudo-terminal") }
        held = csystem_open(devicePath, O_RDWR | O_NOCTTY | O_NONBLOCK, 0)
        guard held >= 0 else { throw .of(held, "open", devicePath) }
        let result = csystem_terminal_raw(held)
        guard result >= 0 else { throw .of(result, "set raw mode", devicePath) }
        if !keepOpen {
            _ = Glibc.close(held)
            held = -1
        }
        if let link { try place(link) }
    }

    deinit { close() }

    private func place(_ path: String) throws(WorldError) {
        var info = stat()
        if lstat(path, &info) == 0, info.st_mode & S_IFMT != S_IFLNK {
            throw .failed(
                operation: "link", name: path, errno: EEXIST,
                reason: "something that is not a link is in the way; move it")
        }
        let temporary = "\(path).tmp-\(getpid())"
        _ = unlink(temporary)
        guard symlink(devicePath, temporary) == 0 else { throw .of(errno, "link", path) }
        guard rename(temporary, path) == 0 else {
            let code = errno
            _ = unlink(temporary)
            throw .of(code, "link", path)
        }
        link = path
    }

    /// Whether the link at `path` still leads here.
    private func leads(_ path: String) -> Bool {
        var target = [CChar](repeating: 0, count: 256)
        let length = readlink(path, &target, target.count)
        guard length > 0 else { return false }
        let bytes = target[..<length].map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self) == devicePath
    }

    /// Offers `bytes`; returns how many were taken.
    public func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int {
        guard descriptor >= 0 else { throw .gone(name: devicePath) }
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count >= 0 { return count }
        if errno == EAGAIN || errno == EINTR { return 0 }
        throw .of(errno, "write", devicePath)
    }

    /// Appends at most `limit` bytes; 0 for nothing now, which includes that nobody has the other
    /// end open.
    public func read(into buffer: inout [UInt8], limit: Int) throws(WorldError) -> Int {
        guard descriptor >= 0 else { throw .gone(name: devicePath) }
        guard limit > 0 else { return 0 }
        var portion = [UInt8](repeating: 0, count: min(limit, 4096))
        let got = Glibc.read(descriptor, &portion, portion.count)
        if got > 0 {
            buffer.append(contentsOf: portion[..<got])
            return got
        }
        // EIO: nobody has the other end open.
        if got == 0 || errno == EAGAIN || errno == EINTR || errno == EIO { return 0 }
        throw .of(errno, "read", devicePath)
    }

    /// Closes both ends and removes the link, unless it leads to another terminal by now:
    /// whoever has the other end open sees a hang-up.
    public func close() {
        guard descriptor >= 0 else { return }
        if let link, leads(link) { _ = unlink(link) }
        link = nil
        _ = Glibc.close(descriptor)
        if held >= 0 { _ = Glibc.close(held) }
        descriptor = -1
        held = -1
    }
}
