import Glibc
import Quantities
import TestSupport
import Testing

@testable import World

/// A service manager's end of the notification socket.
private final class Listener {
    let descriptor: Int32
    private let path: String

    /// Listens at `path`; a leading `@` makes the name abstract.
    init(_ path: String) throws {
        self.path = path
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if path.hasPrefix("@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let named = MemoryLayout<sa_family_t>.size + bytes.count
        let length = path.hasPrefix("@") ? named : named + 1
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(length))
            }
        }
        try #require(result == 0, "\(String(cString: strerror(errno)))")
    }

    deinit {
        close(descriptor)
        if path.hasPrefix("/") { unlink(path) }
    }

    /// The next message; nil when there is none.
    func next() -> String? {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

@Suite("the service manager hears of us") struct ServiceManagerTests {
    private func named(_ environment: [String: String]) -> ServiceManager? {
        ServiceManager(environment: { environment[$0] }, process: 42)
    }

    @Test("each word is one datagram", arguments: ["/tmp/argent-notify-", "@argent-notify-"])
    func words(_ stem: String) throws {
        let path = stem + "\(getpid())"
        let listener = try Listener(path)
        let manager = try #require(named(["NOTIFY_SOCKET": path]))
        #expect(manager.starting(another: .seconds(30)))
        #expect(manager.ready() && manager.alive() && manager.stopping())
        #expect(manager.status("safe: \"oil\"\nis lost, 20 µL/min"))
        #expect(listener.next() == "EXTEND_TIMEOUT_USEC=30000000")
        #expect(listener.next() == "READY=1")
        #expect(listener.next() == "WATCHDOG=1")
        #expect(listener.next() == "STOPPING=1")
        #expect(listener.next() == "STATUS=safe: \"oil\" is lost, 20 µL/min")
        #expect(listener.next() == nil)
    }

    @Test func nobodyListens() throws {
        #expect(named([:]) == nil)
        #expect(named(["NOTIFY_SOCKET": ""]) == nil)
        #expect(named(["NOTIFY_SOCKET": "vsock:2:1"]) == nil)
        let gone = try #require(named(["NOTIFY_SOCKET": "/tmp/argent-nobody-\(getpid())"]))
        #expect(!gone.ready())
        let long = try #require(
            named(["NOTIFY_SOCKET": "/" + String(repeating: "a", count: 200)]))
        #expect(!long.ready())
    }

    @Test func aFullSocketNeverBlocks() throws {
        let path = "/tmp/argent-full-\(getpid())"
        let listener = try Listener(path)
        let manager = try #require(named(["NOTIFY_SOCKET": path]))
        var taken = 0
        while taken < 100_000, manager.alive() { taken += 1 }
        #expect(taken > 0 && taken < 100_000)
        #expect(listener.next() == "WATCHDOG=1")
    }

    @Test("the watchdog counts only where it is meant for us")
    func watchdog() throws {
        func period(_ more: [String: String]) -> TimeSpan? {
            named(more.merging(["NOTIFY_SOCKET": "/x"]) { a, _ in a })?.watchdogPeriod
        }
        #expect(period([:]) == nil)
        #expect(period(["WATCHDOG_USEC": "10000000"]) == .seconds(10))
        #expect(period(["WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "42"]) == .seconds(10))
        #expect(period(["WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "41"]) == nil)
        for wrong in ["0", "-5", "soon", "", "9223372036854775807"] {
            #expect(period(["WATCHDOG_USEC": wrong]) == nil, "\(wrong)")
        }
    }
}
