import CAllocations
import Configuration
import Quantities
import Rig
import RigSimulator
import Spectra
import Testing
import World

@testable import Agent

/// The rig's loop does not use the heap over a whole round: conditions with their droplets, an
/// interlock that stops everything in the middle of one, a person who clears it, dark and
/// reference anew, and the next condition. A first round makes what is made at its first use;
/// the second is counted, in release builds (see `RigAllocationTests`), and both must happen in
/// all of them.
@Suite struct RigRoundAllocationTests {
    @Test func aRoundWithAStopAndARestartDoesNotAllocate() throws {
        let rig = try VirtualRig { settings in
            var door = InterlockSettings(name: "door")
            door.chipLabel = "gpio"
            door.line = "door"
            settings.interlocks = [door]
        }
        let target = try TargetSpectrum(
            wavelengths: PrismChemistry.targetSpectrum.map(\.wavelength.nanometers),
            values: PrismChemistry.targetSpectrum.map(\.value))
        let counter = HeapCounter()
        let world = CountedWorld(rig.world, counter)
        let loop = try RigLoop(
            world: world, settings: rig.settings,
            loss: Loss(target: target, settings: rig.settings.loss), remaining: [],
            meter: RigMeter())
        var steward = RoundSteward(loop, RigLink(settings: rig.settings), rig.world)

        steward.round(counter)
        #expect(steward.isDone, "\(loop.controller.state) \(loop.controller.faults.all)")
        let before = steward
        counter.isOn = true
        steward.round(counter)
        counter.isOn = false
        #expect(steward.isDone, "\(loop.controller.state) \(loop.controller.faults.all)")
        #expect(steward.droplets > before.droplets)
        #expect(steward.complete > before.complete)
        #expect(steward.stops == before.stops + 1)
        #expect(steward.references > before.references)
        #expect(counter.turns > 1_000)
        #if !DEBUG
            #expect(
                counter.allocations == 0, "\(counter.bytes) bytes in \(counter.turns) turns")
        #endif
        loop.close()
    }
}

/// What `turn` asked of the heap, without what the simulated world did in it.
private final class HeapCounter {
    var isOn = false
    private(set) var turns = 0
    private(set) var allocations: Int64 = 0
    private(set) var bytes: Int64 = 0

    func count(_ turn: () -> Void) {
        guard isOn else { return turn() }
        turns += 1
        callocations_begin()
        turn()
        take(callocations_end())
    }

    /// Leaves out what `work` does.
    func aside<Result>(_ work: () throws(WorldError) -> Result) throws(WorldError) -> Result {
        guard isOn else { return try work() }
        take(callocations_end())
        defer { callocations_begin() }
        return try work()
    }

    private func take(_ counts: callocations_counts) {
        allocations += counts.allocations
        bytes += counts.bytes
    }
}

/// Orders conditions, breaks the second one off, clears, and orders another.
private struct RoundSteward {
    private let loop: RigLoop
    private let link: RigLink
    private let world: VirtualWorld
    private var picture: RigPicture?
    private var wantsOrder = false
    private var number = 0
    private(set) var droplets = 0
    private(set) var complete = 0
    private(set) var stops = 0
    private(set) var references = 0
    private(set) var isDone = false

    init(_ loop: RigLoop, _ link: RigLink, _ world: VirtualWorld) {
        self.loop = loop
        self.link = link
        self.world = world
    }

    /// Until a condition after the stop is complete, or ten minutes are over.
    mutating func round(_ counter: HeapCounter) {
        isDone = false
        let limit = world.now + .seconds(600)
        let goal = complete + 2
        let stopsBefore = stops
        var drawnAt = Instant.zero
        while world.now < limit, !isDone {
            let draws = world.now - drawnAt >= .milliseconds(200)
            if draws { drawnAt = world.now }
            counter.count {
                loop.serve(link)
                loop.turn()
                if draws { loop.draw(for: link) }
                loop.handOver(to: link)
            }
            look()
            if loop.controller.state == .collecting, stops == stopsBefore,
                complete == goal - 1
            {
                stops += 1
                world.setLine(chipLabel: "gpio", line: "door", level: true)
            } else if loop.controller.state == .safe, picture?.faults.isEmpty == false {
                world.setLine(chipLabel: "gpio", line: "door", level: false)
                _ = link.ask(.operate([.clear], ticket: 1))
            }
            isDone = complete >= goal && stops > stopsBefore
            world.wait(until: min(world.now + .milliseconds(5), loop.deadline))
        }
    }

    private mutating func look() {
        picture = link.pictures.latest(instead: picture)
        while let item = link.news.pop() {
            switch item.news {
            case .wantsOrder: wantsOrder = true
            case .report(.droplet): droplets += 1
            case .report(.conditionEnded(_, .complete)): complete += 1
            case .report(.spectra): references += 1
            default: break
            }
        }
        guard wantsOrder else { return }
        wantsOrder = false
        number += 1
        let order = ConditionOrder(
            run: 1, number: number, attempt: 1, recipe: [10, 12, 600])
        _ = link.ask(.run(order))
    }
}

/// The virtual world, whose own use of the heap does not count.
private final class CountedWorld: World {
    private let inner: VirtualWorld
    private let counter: HeapCounter

    init(_ inner: VirtualWorld, _ counter: HeapCounter) {
        self.inner = inner
        self.counter = counter
    }

    var now: Instant { inner.now }
    var wallTime: WallTime { inner.wallTime }
    var bootIdentifier: String { inner.bootIdentifier }

    func openSerial(_ settings: SerialSettings) throws(WorldError) -> any SerialPort {
        CountedPort(try inner.openSerial(settings), counter)
    }
    func openOutputs(_ lines: [OutputLineSettings]) throws(WorldError) -> any OutputLines {
        try inner.openOutputs(lines)
    }
    func openInputs(_ lines: [InputLineSettings]) throws(WorldError) -> any InputLines {
        try inner.openInputs(lines)
    }
    func openI2C(bus: String, address: UInt8) throws(WorldError) -> any I2CDevice {
        try inner.openI2C(bus: bus, address: address)
    }
    func wait(until deadline: Instant) { inner.wait(until: deadline) }
    func wake() { inner.wake() }
}

private final class CountedPort: SerialPort {
    private let inner: any SerialPort
    private let counter: HeapCounter

    init(_ inner: any SerialPort, _ counter: HeapCounter) {
        self.inner = inner
        self.counter = counter
    }

    var mayHaveInput: Bool { inner.mayHaveInput }

    func write(_ bytes: ArraySlice<UInt8>) throws(WorldError) -> Int {
        try counter.aside { () throws(WorldError) in try inner.write(bytes) }
    }
    func read(into buffer: inout [UInt8], limit: Int) throws(WorldError) -> Int {
        try inner.read(into: &buffer, limit: limit)
    }
    func setBaud(_ baud: Int) throws(WorldError) { try inner.setBaud(baud) }
    func discardInput() { inner.discardInput() }
    func close() { inner.close() }
}
