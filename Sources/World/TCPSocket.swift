import CSystem
import Glibc
import Quantities

/// Where something listens: a host name or address, and a port.
public struct NetworkAddress: Equatable, Sendable, CustomStringConvertible {
    /// Host name, IPv4 or IPv6 address, without brackets.
    public var host: String
    /// TCP port; 0 lets a listener choose a free one.
    public var port: UInt16

    /// A place.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST`, `HOST:PORT`, `[V6]` or `[V6]:PORT`; nil when it is none of them.
    public init?(_ text: String, defaultPort: UInt16? = nil) {
        var host = text[...]
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            if !rest.isEmpty { portText = rest.dropFirst() }
        } else if let colon = text.firstIndex(of: ":") {
            // More than one colon without brackets is a bare IPv6 address.
            if text[text.index(after: colon)...].contains(":") {
                guard defaultPort != nil else { return nil }
            } else {
                host = text[..<colon]
                portText = text[text.index(after: colon)...]
            }
        }
        guard !host.isEmpty, host.utf8.count <= 253,
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
        else { return nil }
        if let portText {
            guard portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let port = UInt16(portText)
            else { return nil }
            self.init(host: String(host), port: port)
        } else if let defaultPort {
            self.init(host: String(host), port: defaultPort)
        } else {
            return nil
        }
    }

    /// As it is read.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// The listening end of TCP. Never blocks, once it is made.
public final class TCPListener {
    /// Connections the kernel keeps waiting.
    public static let backlog: Int32 = 16
    private let name: String
    /// To poll for new connections.
    public private(set) var descriptor: Int32
    /// The port it listens on.
    public let port: UInt16

    /// Listens at `address`.
    public init(_ address: NetworkAddress) throws(WorldError) {
        name = address.description
        let fd = csystem_tcp_listen(address.host, String(address.port), Self.backlog)
        guard fd >= 0 else {
            switch -fd {
            case ENOENT, EADDRNOTAVAIL:
                throw .absent(name: name, hint: "this machine has no such address: see `ip addr`")
            case EADDRINUSE: throw .busy(name: name, hint: "another program listens there")
            default: throw .of(fd, "listen", name)
            }
        }
        descriptor = fd
        port = UInt16(clamping: csystem_tcp_port(fd))
    }

    deinit { close() }

    /// The next waiting connection; nil when there is none.
    public func accept() throws(WorldError) -> TCPStream? {
        guard descriptor >= 0 else { throw .gone(name: name) }
        var address = [CChar](repeating: 0, count: Int(CSYSTEM_ADDRESS_LIMIT))
        let fd = csystem_tcp_accept(descriptor, &address)
        if fd == -EAGAIN { return nil }
        guard fd >= 0 else { throw .of(fd, "accept", name) }
        let text = address.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return TCPStream(descriptor: fd, name: String(decoding: text, as: UTF8.self))
    }

    /// Stops listening. Safe to repeat.
    public func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}

/// One TCP connection, with keepalive. Never blocks, once it is made.
public final class TCPStream {
    /// Bytes read at once at most.
    public static let portion = 64 * 1024
    /// Addresses of one host that are tried at most.
    private static let addressLimit: Int32 = 4

    /// The other end's address, for people.
    public let name: String
    /// To poll for input and room.
    public private(set) var descriptor: Int32
    private var buffer: [UInt8] = []

    init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    deinit { close() }

    /// Connects to `address`, waiting at most `timeout` for each of its host's addresses (and for
    /// the resolver as long as that takes).
    public static func connect(
        _ address: NetworkAddress, timeout: TimeSpan
    ) throws(WorldError) -> TCPStream {
        var last: WorldError?
        for choice in 0..<addressLimit {
            let fd = csystem_tcp_connect(address.host, String(address.port), choice)
            if fd == -ENOENT {
                throw last
                    ?? .absent(name: address.host, hint: "no such host: check the name and the DNS")
            }
            if fd == -EAGAIN {
                throw last
                    ?? .busy(name: address.host, hint: "no name server answers: check the network")
            }
            guard fd >= 0 else {
                last = refusal(fd, address)
                continue
            }
            let stream = TCPStream(descriptor: fd, name: address.description)
            let code = stream.finishConnecting(timeout)
            if code == 0 { return stream }
            last = refusal(code, address)
        }
        throw last ?? .gone(name: address.description)
    }

    private static func refusal(_ code: Int32, _ address: NetworkAddress) -> WorldError {
        switch abs(code) {
        case ECONNREFUSED:
            .absent(
                name: address.description,
                hint: "nobody listens there: is the agent running with [sync] listen?")
        case ETIMEDOUT, EHOSTUNREACH, ENETUNREACH:
            .absent(name: address.description, hint: "no answer: is it on, and on this network?")
        default: .of(code, "connect", address.description)
        }
    }

    /// Zero, or minus the errno that ended the attempt.
    private func finishConnecting(_ timeout: TimeSpan) -> Int32 {
        let end = monotonicNanoseconds() + timeout.nanoseconds
        while true {
            let left = end - monotonicNanoseconds()
            guard left > 0 else { return -ETIMEDOUT }
            var entry = csystem_poll(fd: descriptor, events: csystem_pollout, revents: 0)
            let count = csystem_poll(&entry, 1, left)
            if count > 0 { return csystem_socket_error(descriptor) }
            if count < 0, count != -EINTR { return count }
        }
    }

    /// Offers `bytes`; returns how many were taken, 0 when the buffer is full.
    public func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int {
        guard descriptor >= 0 else { throw .gone(name: name) }
        let result = bytes.withUnsafeBytes { csystem_send(descriptor, $0.baseAddress, $0.count) }
        if result >= 0 { return result }
        let code = Int32(truncatingIfNeeded: -result)
        if code == EAGAIN { return 0 }
        if [EPIPE, ECONNRESET, ETIMEDOUT].contains(code) { throw .gone(name: name) }
        throw .of(code, "write", name)
    }

    /// Hands `body` at most `limit` bytes that have arrived; returns how many, 0 for nothing now.
    /// Throws `gone` at the end of the stream.
    public func read(
        limit: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(WorldError) -> Int {
        guard descriptor >= 0 else { throw .gone(name: name) }
        guard limit > 0 else { return 0 }
        if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: Self.portion) }
        let got = Glibc.read(descriptor, &buffer, min(limit, buffer.count))
        if got > 0 {
            buffer.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
            return got
        }
        let code = errno
        if got < 0, code == EAGAIN || code == EINTR { return 0 }
        if got == 0 || code == ECONNRESET || code == ETIMEDOUT { throw .gone(name: name) }
        throw .of(code, "read", name)
    }

    /// Says that nothing more will be written (shutdown(2)); reading goes on.
    public func finishWriting() {
        if descriptor >= 0 { _ = shutdown(descriptor, Int32(SHUT_WR)) }
    }

    /// Closes the connection. Safe to repeat.
    public func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}
