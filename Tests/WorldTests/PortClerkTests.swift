import Quantities
import Testing

@testable import World

/// Lines that a thread beside the owner of the world opens and closes.
@Suite struct PortClerkTests {
    /// Asks until the line is open or refused; counts how often it was under way.
    private func open(
        _ settings: SerialSettings, _ world: RealWorld
    ) throws -> (port: any SerialPort, asked: Int) {
        var asked = 0
        let limit = world.now + .seconds(10)
        while world.now < limit {
            do throws(WorldError) {
                return (try world.openSerial(settings), asked)
            } catch {
                guard case .underWay(let name) = error else { throw error }
                #expect(name == settings.path)
                asked += 1
                // The clerk rings the world's bell when it is done.
                world.wait(until: world.now + .milliseconds(200))
            }
        }
        throw WorldError.gone(name: "no answer from the clerk")
    }

    @Test func aLineIsOpenedBesideItsOwner() throws {
        let world = try RealWorld(leavesPortsToAThread: true)
        let pair = try PseudoTerminal()
        let settings = SerialSettings(path: pair.devicePath, baud: 9_600)
        let (port, asked) = try open(settings, world)
        #expect(asked > 0)
        #expect(try port.write([1, 2, 3][...]) == 3)
        var bytes: [UInt8] = []
        #expect(try pair.read(into: &bytes, limit: 9) == 3)
        // While the speed changes nothing is written; afterwards it goes on.
        try port.setBaud(115_200)
        var taken = 0
        let limit = world.now + .seconds(10)
        while taken == 0, world.now < limit { taken = try port.write([4][...]) }
        #expect(taken == 1)
        _ = try pair.write([9, 8][...])
        bytes = []
        // The bell may have rung for the clerk before it rings for the bytes.
        while bytes.count < 2, world.now < limit {
            world.wait(until: world.now + .milliseconds(100))
            if port.mayHaveInput { _ = try port.read(into: &bytes, limit: 9) }
        }
        #expect(bytes == [9, 8])
        #expect(!port.mayHaveInput)
        port.close()
        // Closing is on its way; the clerk works in order, so that opening again succeeds.
        _ = try open(settings, world)
    }

    @Test func refusalsComeFromTheClerkToo() throws {
        let world = try RealWorld(leavesPortsToAThread: true)
        do {
            _ = try open(SerialSettings(path: "/dev/nothing-here", baud: 9_600), world)
            Issue.record("opened what is not there")
        } catch WorldError.absent(let name, _) {
            #expect(name == "/dev/nothing-here")
        }
        let pair = try PseudoTerminal()
        let settings = SerialSettings(path: pair.devicePath, baud: 9_600)
        let (port, _) = try open(settings, world)
        do {
            _ = try open(settings, world)
            Issue.record("opened twice")
        } catch WorldError.busy {}
        port.close()
    }
}
