import Quantities
import Testing
import World

/// A peer that says what it is told to and remembers what it heard.
private final class Parrot: VirtualPeer {
    var baud = 115_200
    var deadline = Instant.distantFuture
    var sayAtDeadline: [UInt8] = []
    var heard: [(bytes: [UInt8], at: Instant)] = []
    private var output: [UInt8] = []

    func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) { heard.append((Array(bytes), now)) }
    func advance(to now: Instant) {
        output += sayAtDeadline
        deadline = .distantFuture
    }
    func takeOutput(into bytes: inout [UInt8], at now: Instant) {
        bytes += output
        output = []
    }
}

@Suite struct VirtualWorldTests {
    private let world = VirtualWorld()
    private let parrot = Parrot()

    private func open(_ baud: Int = 115_200) throws -> any SerialPort {
        world.attach(path: "/virtual/a", peer: parrot)
        return try world.openSerial(SerialSettings(path: "/virtual/a", baud: baud))
    }

    private func readAll(_ port: any SerialPort, until end: Instant) throws -> ([UInt8], Instant) {
        var bytes: [UInt8] = []
        var last = world.now
        while world.now < end {
            world.wait(until: end)
            if try port.read(into: &bytes, limit: 4096) > 0 { last = world.now }
        }
        return (bytes, last)
    }

    @Test func aFrameTakesTenBitsAByte() throws {
        let port = try open()
        parrot.sayAtDeadline = (0..<2053).map { UInt8(truncatingIfNeeded: $0) }
        parrot.deadline = Instant(nanoseconds: 1_000_000)
        let (bytes, last) = try readAll(port, until: Instant(nanoseconds: 1_000_000_000))
        #expect(bytes == parrot.sayAtDeadline)
        // 2053 bytes × 10 bits / 115 200 bit/s = 178.212 ms, after the 1 ms the peer waited.
        #expect(abs(last.nanoseconds - 1_000_000 - 178_211_805) <= 1_000)
    }

    @Test func bytesTowardsThePeerTakeTheirTime() throws {
        let port = try open(9600)
        parrot.baud = 9600
        #expect(try port.write([1, 2, 3, 4][...]) == 4)
        #expect(try port.write([5][...]) == 1)
        world.wait(until: Instant(nanoseconds: 20_000_000))
        #expect(parrot.heard.map(\.bytes) == [[1, 2, 3, 4], [5]])
        // 4 and 5 bytes at 9600 bit/s: 4.1667 and 5.2083 ms.
        #expect(abs(parrot.heard[0].at.nanoseconds - 4_166_666) <= 1)
        #expect(abs(parrot.heard[1].at.nanoseconds - 5_208_333) <= 1)
        #expect(world.now.nanoseconds == 20_000_000)
    }

    @Test func theWrongSpeedIsNoiseBothWaysAndTheSameNoiseAgain() throws {
        var runs: [[UInt8]] = []
        for _ in 0..<2 {
            let world = VirtualWorld()
            let parrot = Parrot()
            parrot.sayAtDeadline = [65, 66, 67]
            parrot.deadline = Instant(nanoseconds: 1)
            world.attach(path: "p", peer: parrot)
            let port = try world.openSerial(SerialSettings(path: "p", baud: 9600))
            _ = try port.write([1, 2, 3][...])
            var bytes: [UInt8] = []
            world.wait(until: Instant(nanoseconds: 50_000_000))
            _ = try port.read(into: &bytes, limit: 100)
            world.wait(until: Instant(nanoseconds: 50_000_000))
            #expect(bytes.count == 3)
            #expect(zip(bytes, [65, 66, 67]).allSatisfy { $0 != $1 })
            let heard = parrot.heard.flatMap(\.bytes)
            #expect(heard.count == 3 && zip(heard, [1, 2, 3]).allSatisfy { $0 != $1 })
            runs.append(bytes + heard)
        }
        #expect(runs[0] == runs[1])
    }

    @Test func aChangedSpeedHoldsOnceWhatWasWrittenHasLeft() throws {
        let port = try open(9600)
        parrot.baud = 9600
        _ = try port.write([1][...])
        try port.setBaud(115_200)
        world.wait(until: Instant(nanoseconds: 2_000_000))
        parrot.baud = 115_200
        _ = try port.write([2][...])
        world.wait(until: Instant(nanoseconds: 4_000_000))
        #expect(parrot.heard.map(\.bytes) == [[1], [2]])
    }

    @Test func anUnpluggedLineWakesOnceAndIsGone() throws {
        let port = try open()
        world.unplug("/virtual/a")
        world.wait(until: Instant(nanoseconds: 5))
        #expect(world.now == .zero)
        world.wait(until: Instant(nanoseconds: 5))
        #expect(world.now.nanoseconds == 5)
        var bytes: [UInt8] = []
        let gone = WorldError.gone(name: "/virtual/a")
        #expect(throws: gone) { try port.read(into: &bytes, limit: 1) }
        #expect(throws: gone) { try port.write([1][...]) }
        let settings = SerialSettings(path: "/virtual/a", baud: 115_200)
        #expect(throws: WorldError.self) { try world.openSerial(settings) }
        world.replug("/virtual/a")
        let again = try world.openSerial(settings)
        #expect(throws: WorldError.self) { try world.openSerial(settings) }
        #expect(try again.write([9][...]) == 1)
    }

    @Test func aClosedPortNeitherKeepsBytesNorEndsWaits() throws {
        let port = try open()
        parrot.sayAtDeadline = [1, 2, 3]
        parrot.deadline = Instant(nanoseconds: 1_000)
        port.close()
        world.wait(until: Instant(nanoseconds: 50_000_000))
        #expect(world.now.nanoseconds == 50_000_000)
    }

    @Test func theSendQueueIsBounded() throws {
        let port = try open()
        let many = [UInt8](repeating: 7, count: 10_000)
        #expect(try port.write(many[...]) == 4096)
        #expect(try port.write(many[...]) == 0)
    }

    @Test func linesCarryLevelsAndEdges() throws {
        let outputs = try world.openOutputs([
            OutputLineSettings(chipLabel: "c", line: "V1", activeLow: true, safeLevel: false)
        ])
        #expect(world.lineLevel(chipLabel: "c", line: "V1"))
        try outputs.set(0, to: true)
        #expect(!world.lineLevel(chipLabel: "c", line: "V1"))
        let inputs = try world.openInputs([
            InputLineSettings(chipLabel: "c", line: "DOOR", activeLow: false)
        ])
        world.wait(until: Instant(nanoseconds: 10))
        world.setLine(chipLabel: "c", line: "DOOR", level: true)
        world.wait(until: Instant(nanoseconds: 90))
        #expect(world.now.nanoseconds == 10)
        var edges: [EdgeEvent] = []
        try inputs.readEdges(into: &edges)
        #expect(edges == [EdgeEvent(index: 0, level: true, at: Instant(nanoseconds: 10))])
        #expect(try inputs.level(0))
    }

    @Test func theClockOnTheWallFollowsAndJumps() {
        let world = VirtualWorld(wallTime: WallTime(unixNanoseconds: 1_000))
        world.wait(until: Instant(nanoseconds: 50))
        #expect(world.wallTime.unixNanoseconds == 1_050)
        world.stepWallTime(by: TimeSpan(nanoseconds: -500))
        #expect(world.wallTime.unixNanoseconds == 550)
        #expect(world.now.nanoseconds == 50)
        world.wake()
        world.wait(until: Instant(nanoseconds: 99))
        #expect(world.now.nanoseconds == 50)
    }
}
