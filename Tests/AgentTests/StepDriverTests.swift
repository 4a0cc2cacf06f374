import Instruments
import Quantities
import Testing
import World

@testable import Agent

/// Records what lines are set to, under a clock of its own.
private final class RecordingLines: OutputLines {
    var now = Instant.zero
    var rising = [0, 0, 0, 0, 0, 0]
    var level = [false, false, false, false, false, false]
    /// Edges of a step line while its enable line was off.
    var lost = 0
    var gone = false

    func set(_ index: Int, to level: Bool) throws(WorldError) {
        if gone { throw .gone(name: "line \(index)") }
        if level, !self.level[index] {
            rising[index] += 1
            if index % 3 == 0, !self.level[index + 2] { lost += 1 }
        }
        self.level[index] = level
    }
    func close() {}
}

@Suite struct StepDriverTests {
    private func lines(deadMan: TimeSpan = .seconds(1e6)) -> StepLines {
        func line(_ name: String) -> OutputLineSettings {
            OutputLineSettings(chipLabel: "c", line: name, activeLow: false, safeLevel: false)
        }
        return StepLines(
            step: line("s"), direction: line("d"), enable: line("e"),
            ramp: StepRamp(
                start: StepRate(perSecond: 200), fastest: StepRate(perSecond: 10_000),
                time: .milliseconds(100)), deadMan: deadMan)
    }

    /// Lets the driver do everything until `end`.
    private func run(_ driver: StepDriver, _ record: RecordingLines, to end: Instant) throws {
        while driver.deadline <= end {
            record.now = max(record.now, driver.deadline)
            try driver.turn()
        }
        record.now = end
    }

    /// Two motors on one chip: doses with ramps, changes of rate and stops in between, until a
    /// million steps were made; what the lines saw is what was ordered.
    @Test func aMillionStepsOnTheLinesAreAMillion() throws {
        let record = RecordingLines()
        let driver = StepDriver(
            [lines(), lines()], lines: record, holdsPulse: false, clock: { record.now })
        var serial = 0
        func order(_ motor: Int, _ steps: Int64, _ rate: Double) {
            serial += 1
            let run = StepCommand.Order.run(steps: steps, rate: StepRate(perSecond: rate))
            driver.apply(
                StepCommand(motor: motor, serial: serial, order: run), at: record.now)
        }
        for dose in 0..<25 {
            order(0, 20_000, 6_000 + Double(dose) * 137.31)
            order(1, 10_000, 9_000)
            // In the middle: the other 10,000 more slowly, in place of what is left.
            try run(driver, record, to: record.now + .milliseconds(500))
            let made = driver.status(1, at: record.now).made - Int64(dose) * 20_000
            order(1, 20_000 - made, 4_321.987)
            try run(driver, record, to: record.now + .seconds(10))
            #expect(!driver.status(0, at: record.now).isRunning)
            #expect(!driver.status(1, at: record.now).isRunning)
        }
        #expect(record.rising[0] == 500_000 && record.rising[3] == 500_000)
        #expect(driver.status(0, at: record.now).made == 500_000)
        #expect(record.lost == 0 && driver.slips(0) == 0 && driver.slips(1) == 0)
        // Each dose let current in and out again.
        #expect(
            record.rising[2] == 25 && record.level == [false, false, false, false, false, false])
    }

    @Test func lineThatIsGoneIsThrown() throws {
        let record = RecordingLines()
        let driver = StepDriver([lines()], lines: record, holdsPulse: false, clock: { record.now })
        let order = StepCommand.Order.run(steps: 10, rate: StepRate(perSecond: 100))
        driver.apply(StepCommand(motor: 0, serial: 1, order: order), at: .zero)
        try driver.turn()
        record.gone = true
        record.now = record.now + .seconds(1)
        #expect(throws: WorldError.self) { try driver.turn() }
    }

    /// A real thread on recorded lines: what it is told arrives, what it does is known, and it
    /// stops when nobody gives a sign of life.
    @Test func threadMakesItsStepsAndDiesWithItsMaster() throws {
        let record = RecordingLines()
        nonisolated(unsafe) let shared = record
        let thread = try StepThread(
            [lines(deadMan: .milliseconds(300))],
            open: { (_) throws(WorldError) in shared })
        func wait(_ enough: () -> Bool, feeding: Bool = true) -> Bool {
            for _ in 0..<10_000 {
                if feeding { thread.turn(at: Clocks.now) }
                if enough() { return true }
                Clocks.sleep(.milliseconds(1))
            }
            return false
        }
        #expect(wait { thread.isOpen })
        let dose = StepCommand.Order.run(steps: 321, rate: StepRate(perSecond: 5_000))
        #expect(thread.send(StepCommand(motor: 0, serial: 1, order: dose)))
        #expect(wait { thread.status(0).serial == 1 && !thread.status(0).isRunning })
        #expect(thread.status(0).made == 321 && !thread.status(0).isDead)
        let long = StepCommand.Order.run(steps: 1 << 40, rate: StepRate(perSecond: 1_000))
        #expect(thread.send(StepCommand(motor: 0, serial: 2, order: long)))
        #expect(wait { thread.status(0).made > 331 })
        // From here on nobody feeds it.
        #expect(wait({ thread.status(0).isDead }, feeding: false))
        #expect(!thread.status(0).isRunning)
        thread.close()
        #expect(record.rising[0] == Int(thread.status(0).made) && record.lost == 0)
        #expect(record.level[2] == false)
    }
}
