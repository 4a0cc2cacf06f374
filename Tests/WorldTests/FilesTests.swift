import Glibc
import Quantities
import TestSupport
import Testing
import World

@Suite struct FilesTests {
    let folder: TestFolder
    var place: String { folder.path }

    init() throws { folder = try TestFolder() }

    @Test func replacingLeavesTheNewContentAndNothingElse() throws {
        let path = place + "/a.bin"
        try Files.replace(path, with: [1, 2, 3])
        try Files.replace(path, with: Array("new".utf8))
        #expect(try Files.read(path, limit: 3) == Array("new".utf8))
        #expect(try Files.list(place) == ["a.bin"])
        #expect(throws: WorldError.self) { try Files.read(path, limit: 2) }
        #expect(throws: WorldError.self) { try Files.replace(place + "/none/x", with: []) }
    }

    @Test func directoriesAreMadeAsDeepAsNeeded() throws {
        try Files.makeDirectories(place + "/b/c/d")
        try Files.makeDirectories(place + "/b/c/d")
        #expect(try Files.list(place + "/b/c") == ["d"])
        try Files.replace(place + "/file", with: [])
        #expect(throws: WorldError.self) { try Files.makeDirectories(place + "/file") }
    }

    @Test func oneInstanceAtATime() throws {
        var first: InstanceLock? = try InstanceLock(path: place + "/lock")
        #expect(throws: WorldError.self) { try InstanceLock(path: place + "/lock") }
        withExtendedLifetime(first) {}
        first = nil
        _ = try InstanceLock(path: place + "/lock")
    }

    @Test func aLogFileGrowsAndIsCut() throws {
        let path = place + "/log"
        let log = try AppendFile(path: path)
        try log.append([1, 2, 3, 4])
        try log.truncate(to: 2)
        try log.append([9])
        try log.sync()
        #expect(log.size == 3)
        log.close()
        #expect(throws: WorldError.gone(name: path)) { try log.append([1]) }
        #expect(try AppendFile(path: path).size == 3)
        #expect(try Files.read(path, limit: 10) == [1, 2, 9])
    }

    @Test func aFullDiskIsReported() throws {
        let full = try AppendFile(path: "/dev/full")
        do {
            try full.append([1, 2])
            Issue.record("written")
        } catch {
            guard case WorldError.failed(_, _, ENOSPC, _) = error else { throw error }
        }
        #expect(full.size == 0)
    }

    @Test func aSocketServesAndReplacesOnlyDeadOnes() throws {
        let path = place + "/control"
        let listener = try UnixListener(path: path, mode: 0o600)
        #expect(throws: WorldError.self) { try UnixListener(path: path) }
        while try listener.accept() != nil {}
        let client = try UnixConnection.connect(path: path, timeout: .milliseconds(500))
        let served = try #require(try listener.accept())
        #expect(served.peerUser == getuid())
        #expect(try client.write(Array("hi".utf8)[...]) == 2)
        var poller = Poller(waker: try WakeHandle())
        poller.watch(served.descriptor, read: true)
        #expect(poller.wait(timeout: .milliseconds(500)).first?.canRead == true)
        var bytes: [UInt8] = []
        #expect(try served.read(into: &bytes, limit: 10) == 2)
        #expect(try served.read(into: &bytes, limit: 10) == 0)
        client.close()
        #expect(throws: WorldError.gone(name: path)) { try served.read(into: &bytes, limit: 1) }
        #expect(bytes == Array("hi".utf8))
        let file = place + "/file"
        try Files.replace(file, with: [1])
        #expect(throws: WorldError.self) { try UnixListener(path: file) }
        #expect(try Files.read(file, limit: 1) == [1])
    }

    @Test func aQueueCarriesAMillionInOrder() throws {
        let queue = BoundedQueue<Int>(capacity: 1000)
        #expect(queue.capacity == 1024)
        let producer = try Thread.start(name: "producer") {
            for number in 0..<1_000_000 { while !queue.push(number) { sched_yield() } }
        }
        var expected = 0
        var inOrder = true
        while expected < 1_000_000 {
            guard let number = queue.pop() else {
                sched_yield()
                continue
            }
            if number != expected { inOrder = false }
            expected += 1
        }
        producer.join()
        #expect(inOrder && queue.pop() == nil)
        #expect((1...1024).contains(queue.highWater))
    }

    @Test func aFullQueueSaysSo() {
        let queue = BoundedQueue<String>(capacity: 2)
        #expect(queue.push("a") && queue.push("b") && !queue.push("c"))
        #expect(queue.pop() == "a" && queue.push("c") && queue.highWater == 2)
    }

    @Test func aTerminalHasAStablePath() throws {
        let link = place + "/pump"
        let pair = try PseudoTerminal(link: link)
        let world = try RealWorld()
        let port = try world.openSerial(SerialSettings(path: link, baud: 115_200))
        #expect(try port.write([65][...]) == 1)
        pair.close()
        #expect(!Files.exists(link))
    }
}
