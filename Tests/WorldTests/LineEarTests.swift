import CSerial
import Quantities
import Testing

@testable import World

/// Threads that listen to lines in the stead of their owner.
@Suite struct LineEarTests {
    /// A line opened without an owner, and an ear for it. `end` closes both.
    private struct Line {
        let pair: PseudoTerminal
        let port: OpaquePointer
        let bell: WakeHandle
        let ear: LineEar

        init(room: Int = LineEar.room) throws {
            pair = try PseudoTerminal(keepOpen: false)
            port = try RealSerialPort.open(SerialSettings(path: pair.devicePath, baud: 9_600))
            bell = try WakeHandle()
            ear = try LineEar(port: port, customer: bell, place: LineEar.Place(), room: room)
        }

        /// Waits for the bell until `condition` holds.
        func wait(_ condition: () -> Bool) -> Bool {
            let limit = Clocks.now + .seconds(10)
            while Clocks.now < limit {
                if condition() { return true }
                bell.wait(until: Clocks.now + .milliseconds(100))
            }
            return false
        }

        func end() {
            ear.end()
            cserial_close(port)
        }
    }

    @Test func bytesArriveInOrderOverManyTurnsOfTheRing() throws {
        let line = try Line(room: 64)
        defer { line.end() }
        var sent: [UInt8] = []
        var heard: [UInt8] = []
        for round in 0..<200 {
            let portion = (0..<(1 + round * 7 % 50)).map { UInt8(truncatingIfNeeded: $0 * round) }
            #expect(try line.pair.write(portion[...]) == portion.count)
            sent += portion
            let isThere = line.wait {
                while line.ear.take(into: &heard, limit: 13) > 0 {}
                return heard.count == sent.count
            }
            try #require(isThere, "round \(round): \(heard.count) of \(sent.count)")
        }
        #expect(heard == sent)
        #expect(line.ear.takeLost() == 0)
        #expect(!line.ear.hasNews)
    }

    @Test func whatFindsNoRoomIsCounted() throws {
        let line = try Line(room: 16)
        defer { line.end() }
        let sent = (0..<100).map { UInt8($0) }
        #expect(try line.pair.write(sent[...]) == 100)
        var lost = 0
        #expect(
            line.wait {
                lost += line.ear.takeLost()
                return lost == 84
            }, "\(lost)")
        var heard: [UInt8] = []
        #expect(line.ear.take(into: &heard, limit: 100) == 16)
        #expect(heard == Array(sent[..<16]))
        // There is room again.
        #expect(try line.pair.write([7][...]) == 1)
        heard = []
        #expect(line.wait { line.ear.take(into: &heard, limit: 100) == 1 })
        #expect(heard == [7])
    }

    @Test func lossesAreToldOnce() throws {
        let pair = try PseudoTerminal()
        let settings = SerialSettings(path: pair.devicePath, baud: 9_600)
        let opened = try RealSerialPort.open(settings)
        let world = try RealWorld()
        let ear = try LineEar(port: opened, customer: world.waker, place: LineEar.Place(), room: 2)
        let port = RealSerialPort(path: settings.path, port: opened, ear: ear, world: world)
        // Nothing of the line is in the owner's poll.
        #expect(port.pollDescriptors.isEmpty)
        #expect(port.takeNotice() == nil)
        #expect(try pair.write([1, 2, 3, 4, 5][...]) == 5)
        var notice: String?
        let limit = Clocks.now + .seconds(10)
        while notice == nil, Clocks.now < limit {
            world.wait(until: Clocks.now + .milliseconds(100))
            notice = port.takeNotice()
        }
        #expect(notice?.contains("3 bytes are lost") == true, "\(notice ?? "-")")
        #expect(port.takeNotice() == nil)
        port.close()
    }

    @Test func aLineThatIsPulledIsGoneAfterItsLastBytes() throws {
        let world = try RealWorld(leavesPortsToAThread: true)
        let pair = try PseudoTerminal(keepOpen: false)
        let settings = SerialSettings(path: pair.devicePath, baud: 9_600)
        var opened: (any SerialPort)?
        let limit = Clocks.now + .seconds(10)
        while opened == nil, Clocks.now < limit {
            do throws(WorldError) { opened = try world.openSerial(settings) } catch {
                guard case .underWay = error else { throw error }
                world.wait(until: Clocks.now + .milliseconds(100))
            }
        }
        let port = try #require(opened)
        #expect(try pair.write([1, 2, 3][...]) == 3)
        while !port.mayHaveInput, Clocks.now < limit {
            world.wait(until: Clocks.now + .milliseconds(100))
        }
        pair.close()
        // The owner is woken, the bytes are kept, and then it is told, every time it asks.
        var bytes: [UInt8] = []
        let gone = WorldError.gone(name: pair.devicePath)
        var told: WorldError?
        while told == nil, Clocks.now < limit {
            do throws(WorldError) {
                if try port.read(into: &bytes, limit: 9) == 0 {
                    world.wait(until: Clocks.now + .milliseconds(100))
                }
            } catch { told = error }
        }
        #expect(told == gone)
        #expect(bytes == [1, 2, 3])
        #expect(port.mayHaveInput)
        #expect(throws: gone) { try port.read(into: &bytes, limit: 9) }
        #expect(throws: gone) { try port.write([1][...]) }
        port.close()
    }

    @Test func aRingHandsBytesFromOneThreadToAnother() throws {
        let ring = ByteRing(capacity: 100)
        #expect(ring.capacity == 128)
        let total = 200_000
        let producer = try Thread.start(name: "producer") {
            var next = 0
            while next < total {
                let filled = ring.fill { space, room in
                    let count = min(room, 1 + next % 61, total - next)
                    for place in 0..<count {
                        space[place] = UInt8(truncatingIfNeeded: (next + place) &* 31)
                    }
                    return count
                }
                if let filled { next += filled.put } else { Clocks.sleep(.microseconds(10)) }
            }
        }
        var taken: [UInt8] = []
        taken.reserveCapacity(total)
        let limit = Clocks.now + .seconds(30)
        while taken.count < total, Clocks.now < limit {
            if ring.take(into: &taken, limit: 47) == 0 { Clocks.sleep(.microseconds(10)) }
        }
        producer.join()
        #expect(taken.count == total)
        let wrong = taken.indices.first {
            taken[$0] != UInt8(truncatingIfNeeded: $0 &* 31)
        }
        #expect(wrong == nil)
        #expect(ring.isEmpty)
    }

    @Test func aFullRingTakesNothingAndAFailureIsPassedOn() {
        let ring = ByteRing(capacity: 4)
        #expect(ring.fill { _, _ in -11 }?.put == -11)
        #expect(ring.isEmpty)
        #expect(ring.fill { _, room in room }?.put == 4)
        #expect(ring.fill { _, room in room } == nil)
        var bytes: [UInt8] = []
        #expect(ring.take(into: &bytes, limit: 3) == 3)
        #expect(ring.fill { _, room in room }?.room == 3)
        ring.removeAll()
        #expect(ring.take(into: &bytes, limit: 9) == 0)
    }
}
