import Foundation
import RunLog
import Testing

/// What an operator may ask of a running agent, and how it ends when asked to.
@Suite("argent hold, resume, status and SIGTERM, in real time")
struct OperatorTests {
    @Test("an operator's day", .timeLimit(.minutes(2)))
    func day() throws {
        let rig = try Simulation("--runs", "1", "--batch", "1")
        let agent = try RunningAgent(rig)
        try rig.status("the pumps run", seconds: 20) { status in
            let pumps = status["pumps"] as? [[String: Any]] ?? []
            return pumps.contains { $0["actual_ul_per_min"] as? Double ?? 0 > 0 }
        }

        try secondAgent(rig)
        try holdAndResume(rig)
        try abuse(rig)

        #expect(agent.isRunning)
        try rig.status("the pumps run again", seconds: 20) { status in
            let pumps = status["pumps"] as? [[String: Any]] ?? []
            return pumps.contains { $0["actual_ul_per_min"] as? Double ?? 0 > 0 }
        }
        let asked = now()
        agent.send(SIGTERM)
        #expect(try agent.exitCode(within: 5) == 0)
        print("SIGTERM: ended after \(Int((now() - asked) * 1_000)) ms")
        // The motors have stopped; what the simulated tubing still gives away dies off.
        try waitUntil("the syringes stand still", seconds: 4) {
            try rig.flows().values.allSatisfy { $0 < 1 }
        }
        let records = try Log.records(rig.log)
        guard case .stop(let reason) = records.last?.body else {
            Issue.record("the last record is no stop: \(String(describing: records.last))")
            return
        }
        #expect(reason == "asked to stop")
        #expect(records.contains { $0.body == .operatorAction(kind: "hold", text: "lunch") })
        #expect(try rig.ask("status").code == 4)
        try otherCampaign(rig)
    }

    /// Two processes on one rig.
    private func secondAgent(_ rig: Simulation) throws {
        let second = try Program.run("run", "--config", rig.configuration)
        #expect(second.code == 4)
        #expect(second.err.contains("another argent runs this campaign"))
        #expect(second.err.contains("argent status"))
    }

    private func holdAndResume(_ rig: Simulation) throws {
        #expect(try rig.ask("hold", "--reason", "lunch").code == 0)
        let held = try rig.status("held", seconds: 2) { $0["state"] as? String == "held" }
        #expect(held["hold_reason"] as? String == "lunch")
        let people = try rig.ask("status")
        #expect(people.code == 0)
        #expect(people.out.contains("held (lunch)"))
        #expect(people.out.contains("0 of 1 conditions done"))
        #expect(!people.out.contains("0.0"))
        let typo = try rig.ask("resume", "--refilled", "AgNo3")
        #expect(typo.code == 1)
        #expect(typo.err.contains("no pump is called AgNo3") && typo.err.contains("AgNO3"))
        #expect(try rig.status()?["state"] as? String == "held")
        #expect(try rig.ask("resume", "--refilled", "AgNO3,oil").code == 0)
        try rig.status("goes on", seconds: 2) { $0["state"] as? String != "held" }
        let again = try rig.ask("resume")
        #expect(again.code == 0)
        #expect(again.out.contains("nothing is held"))
    }

    /// Peers that send rubbish, say nothing, or never listen: the agent keeps answering others.
    private func abuse(_ rig: Simulation) throws {
        let path = rig.folder["control"]
        let garbage = try Peer(path)
        garbage.send([0x00, 0xFF, 0x7B, 0x0A])
        #expect(garbage.line(within: 2).contains("\"ok\":false"))
        garbage.send(Array("{\"command\":\"dance\"}\n".utf8))
        #expect(garbage.line(within: 2).contains("no command"))
        garbage.send(Array("{\"command\":\"resume\",\"refilled\":[1]}\n".utf8))
        #expect(garbage.line(within: 2).contains("list of pump names"))
        let deep = String(repeating: "[", count: 2_000) + "\n"
        garbage.send(Array(deep.utf8))
        #expect(garbage.line(within: 2).contains("\"ok\":false"))

        let endless = try Peer(path)
        endless.send([UInt8](repeating: 0x78, count: 1 << 16))
        #expect(endless.isDropped(within: 2), "a request without an end")

        // One that asks and asks and never reads what it is told.
        let deaf = try Peer(path)
        let request = Array("{\"command\":\"status\"}\n".utf8)
        var sent = 0
        for _ in 0..<20_000 { sent += deaf.send(request) }
        #expect(sent < 20_000 * request.count, "the agent takes requests without end")

        // More silent ones than there are places: others still get through.
        let silent = try (0..<20).map { _ in try Peer(path) }
        var slowest = 0.0
        for _ in 0..<5 {
            let asked = now()
            #expect(try rig.ask("status", "--json").code == 0)
            slowest = max(slowest, now() - asked)
        }
        print("among silent and deaf peers, status took \(Int(slowest * 1_000)) ms at most")
        withExtendedLifetime((silent, deaf)) {}
    }

    /// The log is not continued under another seed or with another wanted spectrum.
    private func otherCampaign(_ rig: Simulation) throws {
        let text = try rig.folder.text("argent.toml")
        let before = try rig.segments
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("seed = ") })
        try rig.folder.write(
            "argent.toml", text.replacingOccurrences(of: line, with: "seed = 99"))
        let seed = try Program.run("run", "--config", rig.configuration)
        #expect(seed.code == 3)
        #expect(seed.err.contains("seed = 1") && seed.err.contains("99"), "\(seed.err)")
        try rig.folder.write("argent.toml", text)
        try rig.folder.write("target.csv", "nm,value\n300,0\n500,1\n900,0\n")
        let target = try Program.run("run", "--config", rig.configuration)
        #expect(target.code == 3)
        #expect(target.err.contains("wanted spectrum"), "\(target.err)")
        #expect(try rig.segments == before)
    }
}

/// One end of the control socket that behaves badly.
final class Peer {
    private let descriptor: Int32
    private var input: [UInt8] = []

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        try #require(bytes.count < 100)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(result == 0, "connect: \(String(cString: strerror(errno)))")
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close(descriptor) }

    /// Offers `bytes`; how many were taken.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        max(0, Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)))
    }

    /// The next line; empty when none comes.
    func line(within seconds: Double) -> String {
        let end = now() + seconds
        while now() < end {
            if let newline = input.firstIndex(of: 0x0A) {
                defer { input.removeFirst(newline + 1) }
                return String(decoding: input[..<newline], as: UTF8.self)
            }
            read()
        }
        return ""
    }

    /// Whether the other end hangs up, whatever it says before.
    func isDropped(within seconds: Double) -> Bool {
        let end = now() + seconds
        while now() < end { if !read() { return true } }
        return false
    }

    @discardableResult
    private func read() -> Bool {
        var piece = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &piece, piece.count, 0)
        if count > 0 { input += piece[..<count] }
        if count < 0, errno == EAGAIN { usleep(5_000) }
        return count > 0 || (count < 0 && errno == EAGAIN)
    }
}
