import Glibc
import Quantities
import Testing
import World

@testable import Agent

/// What a service report says, read at the manager's end.
private final class Manager {
    let descriptor: Int32
    let path: String

    init() throws {
        path = "/tmp/argent-report-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(result == 0)
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// Everything said since the last call.
    var said: [String] {
        var words: [String] = []
        var bytes = [UInt8](repeating: 0, count: 1_024)
        while case let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT)),
            count >= 0
        {
            words.append(String(decoding: bytes.prefix(count), as: UTF8.self))
        }
        return words
    }

    func report(watchdog: String?) throws -> ServiceReport {
        let variables = ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": watchdog ?? ""]
        let manager = try #require(ServiceManager(environment: { variables[$0] }))
        return ServiceReport(manager, now: .zero)
    }
}

@Suite("what the service manager is told") struct ServiceReportTests {
    private func at(_ seconds: Double) -> Instant { Instant.zero + .seconds(seconds) }

    @Test("a start asks for more time until devices are known, and not for ever")
    func start() throws {
        let manager = try Manager()
        let report = try manager.report(watchdog: "10000000")
        report.turned(at: at(0), isKnown: { false })
        #expect(manager.said == ["EXTEND_TIMEOUT_USEC=30000000"])
        report.turned(at: at(1), isKnown: { false })
        #expect(manager.said.isEmpty)
        #expect(report.deadline == at(5))
        report.turned(at: at(5), isKnown: { false })
        #expect(manager.said == ["EXTEND_TIMEOUT_USEC=30000000"])
        report.turned(at: at(ServiceReport.startLimit.seconds + 1), isKnown: { false })
        #expect(manager.said.isEmpty)
        report.turned(at: at(400), isKnown: { true })
        #expect(manager.said == ["READY=1", "WATCHDOG=1"])
    }

    @Test("once ready it says four times a period that the loop turns, however often it does")
    func watchdog() throws {
        let manager = try Manager()
        let report = try manager.report(watchdog: "10000000")
        var beats = 0
        for turn in 0...1_000 {
            report.turned(at: at(Double(turn) / 10), isKnown: { true })
            beats += manager.said.count { $0 == "WATCHDOG=1" }
        }
        #expect(beats == 100 * 4 / 10 + 1)
        // What keeps the loop from sleeping past it.
        #expect(report.deadline <= at(102.5))
    }

    @Test func nobodyWatches() throws {
        let manager = try Manager()
        let report = try manager.report(watchdog: nil)
        report.turned(at: at(0), isKnown: { true })
        report.turned(at: at(100), isKnown: { true })
        #expect(manager.said == ["READY=1"])
        #expect(report.deadline == .distantFuture)
    }

    @Test("the line for people changes with the rig, and is told once")
    func status() throws {
        let manager = try Manager()
        let report = try manager.report(watchdog: nil)
        var status = Status()
        status.state = "collecting"
        status.run = 2
        status.runs = 8
        status.condition = 17
        status.conditionsDone = 16
        status.conditionsPlanned = 120
        report.show(status)
        report.show(status)
        #expect(manager.said == ["STATUS=collecting, run 2 of 8, condition 17, 16 of 120 done"])
        status.state = "safe"
        status.condition = nil
        status.faults = [
            Status.Fault(kind: "instrument-lost", text: "oil is lost", active: true),
            Status.Fault(kind: "log", text: "disk full", active: true),
        ]
        report.show(status)
        #expect(
            manager.said == [
                "STATUS=safe, run 2 of 8, 16 of 120 done; FAULT: oil is lost (and 1 more)"
            ])
    }
}
