import Glibc
import Quantities
import Testing

@testable import World

private func after(_ milliseconds: Int64, _ world: RealWorld) -> Instant {
    world.now + .milliseconds(milliseconds)
}

/// CPU time of the calling thread, in seconds.
private func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

@Suite(.serialized) struct RealWorldTests {
    @Test func bytesPassBothWaysOnAPseudoTerminal() throws {
        let world = try RealWorld()
        let pair = try PseudoTerminal()
        let port = try world.openSerial(SerialSettings(path: pair.devicePath, baud: 9600))
        #expect(try port.write([13, 10, 0, 255, 17][...]) == 5)
        var bytes: [UInt8] = []
        #expect(try pair.read(into: &bytes, limit: 100) == 5)
        #expect(bytes == [13, 10, 0, 255, 17])
        #expect(try pair.write([3, 4, 19][...]) == 3)
        world.wait(until: after(1000, world))
        bytes = []
        #expect(try port.read(into: &bytes, limit: 2) == 2)
        #expect(try port.read(into: &bytes, limit: 100) == 1)
        #expect(bytes == [3, 4, 19])
        #expect(try port.read(into: &bytes, limit: 100) == 0)
        try port.setBaud(115_200)
    }

    @Test func aSecondOpenerIsRefused() throws {
        let world = try RealWorld()
        let pair = try PseudoTerminal()
        let settings = SerialSettings(path: pair.devicePath, baud: 9600)
        let port = try world.openSerial(settings)
        do {
            _ = try world.openSerial(settings)
            Issue.record("opened twice")
        } catch {
            guard case .busy = error else { throw error }
        }
        port.close()
        _ = try world.openSerial(settings)
    }

    @Test func aFullLineTakesAPart() throws {
        let world = try RealWorld()
        let pair = try PseudoTerminal()
        let port = try world.openSerial(SerialSettings(path: pair.devicePath, baud: 9600))
        let many = [UInt8](repeating: 1, count: 1 << 20)
        let first = try port.write(many[...])
        #expect(first > 0 && first < many.count)
        var taken = first
        while case let more = try port.write(many[...]), more > 0 { taken += more }
        #expect(taken < many.count)
    }

    @Test func unplugIsSeenAtOnceAndDoesNotSpin() throws {
        let world = try RealWorld()
        let pair = try PseudoTerminal()
        let port = try world.openSerial(SerialSettings(path: pair.devicePath, baud: 9600))
        pair.close()
        let start = world.now
        world.wait(until: after(2000, world))
        #expect((world.now - start).milliseconds < 100)
        let (before, from) = (cpuSeconds(), world.now)
        world.wait(until: after(300, world))
        #expect((world.now - from).milliseconds >= 299)
        #expect(cpuSeconds() - before < 0.03)
        var bytes: [UInt8] = []
        let gone = WorldError.gone(name: pair.devicePath)
        #expect(throws: gone) { try port.read(into: &bytes, limit: 9) }
        #expect(throws: gone) { try port.write([1][...]) }
    }

    @Test func anotherThreadEndsAWait() throws {
        let world = try RealWorld()
        let waker = world.waker
        let start = world.now
        let thread = try Thread.start(name: "waker") {
            usleep(20_000)
            waker.signal()
        }
        world.wait(until: after(5000, world))
        thread.join()
        #expect((world.now - start).milliseconds < 1000)
        #expect(thread.degradation == nil)
    }

    @Test func whatIsNotThereIsAbsent() throws {
        let world = try RealWorld()
        do {
            _ = try world.openSerial(SerialSettings(path: "/dev/no-such-line", baud: 9600))
            Issue.record("opened")
        } catch {
            guard case .absent = error else { throw error }
        }
        #expect(throws: WorldError.self) {
            try world.openSerial(SerialSettings(path: "/dev/null", baud: 9600))
        }
        #expect(world.bootIdentifier.count == 36)
    }

    @Test(.enabled(if: !Files.exists("/dev/gpiochip0"), "only without GPIO chips"))
    func noChipIsAbsentWithAHint() throws {
        do {
            _ = try RealWorld().openOutputs([
                OutputLineSettings(chipLabel: "x", line: "1", activeLow: false, safeLevel: false)
            ])
            Issue.record("opened")
        } catch {
            guard case WorldError.absent(_, let hint) = error else { throw error }
            #expect(hint.contains("gpiochip"))
        }
    }

    @Test(.enabled(if: !Files.exists("/dev/i2c-99"), "only without that bus"))
    func noBusIsAbsent() throws {
        do {
            _ = try RealWorld().openI2C(bus: "/dev/i2c-99", address: 0x39)
            Issue.record("opened")
        } catch {
            guard case WorldError.absent = error else { throw error }
        }
    }
}
