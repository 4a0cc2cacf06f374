import Glibc
import Quantities
import RigSimulator
import Testing

@Suite struct PtyServerTests {
    /// Longest wait for something that usually takes milliseconds: the machine may be busy.
    private static let patience = TimeSpan.seconds(5)

    /// What arrives at `host` while the server runs for `span`.
    private func read(_ host: Int32, _ server: PtyServer, for span: TimeSpan) -> [UInt8] {
        server.step(until: PtyServer.now + span)
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let got = Glibc.read(host, &buffer, buffer.count)
        return Array(buffer.prefix(max(0, got)))
    }

    /// What arrives at `host`: waits for `count` bytes, then a little longer for any that should
    /// not be there.
    private func read(_ host: Int32, _ server: PtyServer, count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var end = PtyServer.now + Self.patience
        var isComplete = false
        while PtyServer.now < end {
            bytes += read(host, server, for: .milliseconds(10))
            if bytes.count >= count, !isComplete {
                isComplete = true
                end = PtyServer.now + .milliseconds(60)
            }
        }
        return bytes
    }

    /// The terminal behind the server's first link.
    private func terminal(_ server: PtyServer) -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        let count = readlink(server.path(0), &buffer, buffer.count)
        return String(
            decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private func openHost(_ server: PtyServer) -> Int32 {
        open(server.path(0), O_RDWR | O_NOCTTY | O_NONBLOCK)
    }

    private func folder() -> String {
        let path = "/tmp/argent-pty-\(getpid())-\(PtyServer.now.nanoseconds)"
        mkdir(path, 0o700)
        return path
    }

    @Test func hostsComeAndGoAndThePlugIsPulled() throws {
        let folder = folder()
        defer { rmdir(folder) }
        let pump = SimulatedHarvard(drive: syringe())
        let server = try PtyServer([.init(name: "pump", peer: pump)], linkDirectory: folder)
        defer { server.unplug(0) }
        for _ in 0..<3 {
            let host = openHost(server)
            try #require(host >= 0)
            _ = write(host, "\r", 1)
            #expect(read(host, server, count: 2) == Array("\n:".utf8))
            // Asked and not read: the next host must not find the answer.
            _ = write(host, "\r", 1)
            server.step(until: PtyServer.now + .milliseconds(40))
            // A host that left is seen by the new terminal the next one gets.
            let before = terminal(server)
            close(host)
            let end = PtyServer.now + Self.patience
            while terminal(server) == before, PtyServer.now < end {
                server.step(until: PtyServer.now + .milliseconds(10))
            }
            #expect(terminal(server) != before)
        }
        let host = openHost(server)
        server.unplug(0)
        #expect(access(server.path(0), F_OK) != 0)
        #expect(write(host, "\r", 1) < 0 && errno == EIO)
        close(host)
        try server.replug(0)
        let again = openHost(server)
        _ = write(again, "\r", 1)
        #expect(read(again, server, count: 2) == Array("\n:".utf8))
        close(again)
    }

    /// With nobody there the server sleeps: its own processor time stays far below real time.
    @Test func aHungUpLineDoesNotSpin() throws {
        let folder = folder()
        defer { rmdir(folder) }
        let pump = SimulatedHarvard(drive: syringe())
        let server = try PtyServer([.init(name: "pump", peer: pump)], linkDirectory: folder)
        defer { server.unplug(0) }
        close(openHost(server))
        var before = timespec()
        var after = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before)
        server.step(until: PtyServer.now + .milliseconds(500))
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after)
        let used =
            Double(after.tv_sec - before.tv_sec) * 1e3
            + Double(after.tv_nsec - before.tv_nsec) / 1e6
        #expect(used < 100)
    }

    /// The five lines of `metrics` are some 150 bytes: at 9600 baud more than 0.15 s.
    @Test func bytesTakeTheirTime() throws {
        let folder = folder()
        defer { rmdir(folder) }
        let pump = SimulatedHarvard(drive: syringe(), baud: 9_600)
        let server = try PtyServer([.init(name: "pump", peer: pump)], linkDirectory: folder)
        defer { server.unplug(0) }
        let host = openHost(server)
        defer { close(host) }
        _ = write(host, "metrics\r", 8)
        let started = PtyServer.now
        var answer: [UInt8] = []
        for _ in 0..<200 where !answer.suffix(2).elementsEqual("\n:".utf8) {
            answer += read(host, server, for: .milliseconds(10))
        }
        #expect(answer.count > 100)
        // Ten bits for each byte of question and answer.
        let shortest = Double(answer.count + 8) * 10 / 9_600
        #expect((PtyServer.now - started).seconds > shortest * 0.95)
    }
}
