import CSystem
import Glibc
import Quantities

/// The listening end of a Unix-domain stream socket. Never blocks.
public final class UnixListener {
    /// Connections the kernel keeps waiting.
    public static let backlog: Int32 = 8
    private let path: String
    /// To poll for new connections.
    public private(set) var descriptor: Int32

    /// Listens at `path` with rights `mode` and, when given, owned by `group`. A socket file
    /// nobody answers on is replaced; anything else there is an error.
    public init(path: String, mode: UInt32 = 0o660, group: String? = nil) throws(WorldError) {
        self.path = path
        descriptor = csystem_unix_listen(path, mode, group, Self.backlog)
        switch -descriptor {
        case ..<1: return
        case EEXIST:
            throw .failed(
                operation: "listen", name: path, errno: EEXIST,
                reason: "something that is not a socket is in the way; move it")
        case ESRCH:
            throw .absent(name: "group \(group ?? "")", hint: "create it, or configure another")
        case EADDRINUSE: throw .busy(name: path, hint: "another instance answers there")
        default: throw .of(descriptor, "listen", path)
        }
    }

    deinit { close() }

    /// The next waiting connection; nil when there is none.
    public func accept() throws(WorldError) -> UnixConnection? {
        guard descriptor >= 0 else { throw .gone(name: path) }
        let fd = csystem_unix_accept(descriptor)
        if fd == -EAGAIN { return nil }
        guard fd >= 0 else { throw .of(fd, "accept", path) }
        return UnixConnection(descriptor: fd, name: path)
    }

    /// Stops listening and removes the socket file.
    public func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        _ = unlink(path)
        descriptor = -1
    }
}

/// One Unix-domain connection. Never blocks.
public final class UnixConnection {
    private let name: String
    /// To poll for input and room.
    public private(set) var descriptor: Int32

    init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    deinit { close() }

    /// Connects to a listener at `path`, waiting at most `timeout` for a place in its queue.
    public static func connect(
        path: String, timeout: TimeSpan
    ) throws(WorldError) -> UnixConnection {
        let end = monotonicNanoseconds() + timeout.nanoseconds
        while true {
            let fd = csystem_unix_connect(path)
            if fd >= 0 { return UnixConnection(descriptor: fd, name: path) }
            guard fd == -EAGAIN else {
                let idle = fd == -ENOENT || fd == -ECONNREFUSED
                if idle { throw .absent(name: path, hint: "nobody listens: is the agent running?") }
                throw .of(fd, "connect", path)
            }
            guard monotonicNanoseconds() < end else {
                throw .busy(name: path, hint: "the agent did not answer in time")
            }
            usleep(5_000)
        }
    }

    /// The user at the other end (SO_PEERCRED); nil when unknown.
    public var peerUser: UInt32? {
        var user: UInt32 = 0
        return csystem_unix_peer_user(descriptor, &user) >= 0 ? user : nil
    }

    /// Offers `bytes`; returns how many were taken, 0 when the buffer is full.
    public func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int {
        guard descriptor >= 0 else { throw .gone(name: name) }
        let result = bytes.withUnsafeBytes { csystem_send(descriptor, $0.baseAddress, $0.count) }
        if result >= 0 { return result }
        let code = Int32(truncatingIfNeeded: -result)
        if code == EAGAIN { return 0 }
        if code == EPIPE || code == ECONNRESET { throw .gone(name: name) }
        throw .of(code, "write", name)
    }

    /// Appends at most `limit` bytes that have arrived; 0 for nothing now. Throws `gone` at the
    /// end of the stream.
    public func read(into buffer: inout [UInt8], limit: Int) throws(WorldError) -> Int {
        guard descriptor >= 0 else { throw .gone(name: name) }
        guard limit > 0 else { return 0 }
        var portion = [UInt8](repeating: 0, count: min(limit, 16_384))
        let got = Glibc.read(descriptor, &portion, portion.count)
        if got > 0 {
            buffer.append(contentsOf: portion[..<got])
            return got
        }
        let code = errno
        if got < 0, code == EAGAIN || code == EINTR { return 0 }
        if got == 0 || code == ECONNRESET { throw .gone(name: name) }
        throw .of(code, "read", name)
    }

    /// Closes the connection. Safe to repeat.
    public func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}
