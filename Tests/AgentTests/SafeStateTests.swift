import Configuration
import Instruments
import Quantities
import Testing
import World

@testable import Agent

/// Bringing pumps to rest that somebody else left running.
@Suite struct SafeStateTests {
    /// Four pumps that share one line.
    private static func chain(
        _ dialect: PumpSettings.Dialect, baud: Int, port: String, in settings: inout Settings
    ) {
        for index in settings.pumps.indices {
            settings.pumps[index].port = port
            settings.pumps[index].address = index + 1
            settings.pumps[index].dialect = dialect
            settings.pumps[index].baud = baud
        }
    }

    /// Lets pumps run as an agent does, and dies without a word.
    private func leaveRunning(_ rig: VirtualRig) throws {
        let setup = try LineSetup(settings: rig.settings, world: rig.world)
        let goal = PumpGoal.infusing(
            rate: FlowRate(microlitersPerMinute: 100), bound: Volume(microliters: 500))
        for place in setup.places {
            setup.pumpLines[place.line].setGoal(goal, pump: place.index, at: rig.world.now)
        }
        func isRunning(_ place: (line: Int, index: Int)) -> Bool {
            setup.pumpLines[place.line].pump(place.index).actual == goal
        }
        let limit = rig.world.now + .seconds(60)
        while rig.world.now < limit, !setup.places.allSatisfy(isRunning) {
            var next = limit
            for line in setup.pumpLines {
                line.listen(at: rig.world.now)
                line.flush(at: rig.world.now)
                next = min(next, line.deadline)
            }
            rig.world.wait(until: next)
        }
        try #require(setup.places.allSatisfy(isRunning))
        for line in setup.pumpLines { line.close() }
    }

    /// Times are the virtual clock's: bytes take as long as their speed says, pumps answer when
    /// the simulated ones do.
    @Test(arguments: [
        (PumpSettings.Dialect.newEra, 9_600), (.newEra, 19_200), (.harvard, 9_600),
        (.harvard, 115_200),
    ])
    func pumpsOfOneLineSayThatTheyStandWithinASecond(
        dialect: PumpSettings.Dialect, baud: Int
    ) throws {
        let rig = try VirtualRig { Self.chain(dialect, baud: baud, port: "/sim/pumps", in: &$0) }
        try leaveRunning(rig)
        let results = try SafeState.reach(rig.settings, world: rig.world)
        let pumps = results.filter { result in
            rig.settings.pumps.contains { $0.name == result.instrument }
        }
        #expect(pumps.count == 4)
        #expect(pumps.allSatisfy { $0.isSafe }, "\(pumps)")
        let last = pumps.map(\.after).max() ?? .zero
        print("\(dialect) at \(baud): all say that they stand after \(last)")
        #expect(last < .seconds(1))
    }

    /// The other end of the line never says a word: whatever arrives was written without waiting
    /// for an answer.
    @Test(arguments: [PumpSettings.Dialect.newEra, .harvard])
    func everyPumpIsToldToStopBeforeAnyAnswers(dialect: PumpSettings.Dialect) throws {
        let pair = try PseudoTerminal()
        var settings = VirtualRig.settings(seed: 1)
        Self.chain(dialect, baud: 9_600, port: pair.devicePath, in: &settings)
        settings.spectrometer.port = "/nothing/here"
        let results = try SafeState.reach(
            settings, world: try RealWorld(), within: .milliseconds(60))
        #expect(results.allSatisfy { !$0.isSafe })
        var bytes: [UInt8] = []
        let limit = Clocks.now + .seconds(5)
        while bytes.count < 30, Clocks.now < limit {
            _ = try pair.read(into: &bytes, limit: 4_096)
            Clocks.sleep(.milliseconds(1))
        }
        let text = String(decoding: bytes.map { $0 < 128 ? $0 : 0x3F }, as: UTF8.self)
        for address in 1...4 {
            if dialect == .harvard {
                #expect(text.contains("0\(address)stop\r"), "\(bytes)")
            } else {
                #expect(text.contains("\r\(address)STP\r"), "\(bytes)")
                // STX, length, data; a CRC and ETX follow.
                #expect(text.contains("\r\u{2}\u{8}\(address)STP"), "\(bytes)")
            }
        }
    }
}
