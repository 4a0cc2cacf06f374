import CSystem
import Glibc
import Quantities

/// The service manager that started this process and waits to hear from it (sd_notify(3)): each
/// message is one datagram to the socket it named in the environment.
public struct ServiceManager: Sendable {
    /// Longest status line that is told, in bytes.
    public static let statusLimit = 256

    /// The socket's path; a leading `@` stands for the zero byte of an abstract name.
    public let socket: String
    /// Within what time the manager wants to hear `alive()` again; nil: it does not watch.
    public let watchdogPeriod: TimeSpan?

    /// The manager that `environment` names; nil when nobody listens. A watchdog that is meant
    /// for another process is none of ours.
    public init?(
        environment: (String) -> String? = Self.environment, process: Int32 = getpid()
    ) {
        guard let socket = environment("NOTIFY_SOCKET"), let first = socket.utf8.first,
            first == UInt8(ascii: "/") || first == UInt8(ascii: "@")
        else { return nil }
        self.socket = socket
        let isOurs = environment("WATCHDOG_PID").map { Int32($0) == process } ?? true
        let microseconds = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        let inRange = microseconds > 0 && microseconds < Int64.max / 1_000
        watchdogPeriod = isOurs && inRange ? .microseconds(microseconds) : nil
    }

    /// A variable of this process's environment.
    public static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// The start is over: devices are known and safe. False when the manager could not be told;
    /// nothing depends on it here, and the manager notices by itself.
    @discardableResult
    public func ready() -> Bool { say("READY=1") }

    /// The start goes on: wait for `ready()` for at least `span` from now.
    @discardableResult
    public func starting(another span: TimeSpan) -> Bool {
        say("EXTEND_TIMEOUT_USEC=\(span.nanoseconds / 1_000)")
    }

    /// All is well in the loop that matters.
    @discardableResult
    public func alive() -> Bool { say("WATCHDOG=1") }

    /// The end has begun.
    @discardableResult
    public func stopping() -> Bool { say("STOPPING=1") }

    /// The configuration is being read again; followed by `ready()`.
    @discardableResult
    public func reloading() -> Bool {
        say("RELOADING=1\nMONOTONIC_USEC=\(monotonicNanoseconds() / 1_000)")
    }

    /// One line for people, as `systemctl status` shows it. Line breaks become spaces.
    @discardableResult
    public func status(_ text: String) -> Bool {
        let line = text.utf8.prefix(Self.statusLimit).map { $0 < 0x20 ? UInt8(ascii: " ") : $0 }
        return say("STATUS=" + String(decoding: line, as: UTF8.self))
    }

    private func say(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { csystem_datagram(socket, $0.baseAddress, $0.count) } >= 0
    }
}
