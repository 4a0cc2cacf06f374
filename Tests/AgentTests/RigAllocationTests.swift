import CAllocations
import Configuration
import Quantities
import Rig
import RigSimulator
import Spectra
import TestSupport
import Testing
import World

@testable import Agent

/// The rig's loop on real pseudo-terminals does not use the heap once everything runs. That is
/// so in release builds (`swift test -c release -Xswiftc -enable-testing`; with interlocks that
/// trip, and for as long as wanted: `argent-bench rig`, with conditions besides: `--droplets`;
/// either ends with status 1 when anything was allocated). Unoptimised code puts every iterator on
/// the heap; there it is shown that a turn keeps nothing of what it took.
@Suite struct RigAllocationTests {
    @Test func turnsOfARunningRigDoNotAllocate() throws {
        let directory = try TestFolder()
        let settings = Self.settings(directory.path)
        let simulated = try SimulatedRig(
            settings: settings,
            chemistry: PrismChemistry(reagents: Chemistries.reagentNames(settings)))
        let server = try PtyServer(
            simulated.lines.map { line in
                PtyServer.Port(
                    name: String(line.path.split(separator: "/").last ?? ""), peer: line.peer,
                    isPaced: false)
            }, linkDirectory: directory.path)
        let serving = try ServingThread(server)
        defer { serving.stop() }
        let world = try RealWorld()
        let target = try TargetSpectrum(
            wavelengths: PrismChemistry.targetSpectrum.map(\.wavelength.nanometers),
            values: PrismChemistry.targetSpectrum.map(\.value))
        let rig = try RigLoop(
            world: world, settings: settings,
            loss: Loss(target: target, settings: settings.loss), remaining: [],
            meter: RigMeter())
        let link = RigLink(settings: settings)
        var schedule = RigSchedule(period: .milliseconds(1), start: world.now)
        var asked = 0
        func turn() {
            rig.serve(link)
            rig.turn()
            rig.draw(for: link)
            rig.handOver(to: link)
            world.wait(until: min(schedule.next, rig.deadline))
            _ = schedule.wake(at: world.now)
        }
        var picture: RigPicture?
        func look() {
            picture = link.pictures.latest(instead: picture)
            while link.news.pop() != nil {}
        }
        func allRun() -> Bool {
            picture?.pumps.allSatisfy {
                if case .infusing = $0.actual { true } else { false }
            } ?? false
        }

        let limit = world.now + .seconds(20)
        while world.now < limit, !(rig.controller.state == .priming && allRun()) {
            turn()
            look()
        }
        #expect(allRun(), "\(rig.controller.faults.all)")
        // Everything that is made at its first use has been used.
        let warm = world.now + .seconds(1.5)
        while world.now < warm {
            turn()
            look()
        }
        var counted = callocations_counts()
        let before = (0..<settings.pumps.count).map { rig.pumpState($0).confirmedAt }
        let end = world.now + .seconds(1.5)
        while world.now < end {
            callocations_begin()
            turn()
            let counts = callocations_end()
            counted.allocations += counts.allocations
            counted.frees += counts.frees
            counted.bytes += counts.bytes
            asked += 1
            look()
        }
        // It was not idle: every pump was asked what it does, and answered.
        for index in settings.pumps.indices {
            #expect(rig.pumpState(index).confirmedAt > before[index])
        }
        #if DEBUG
            #expect(counted.allocations == counted.frees, "\(asked) turns")
        #else
            #expect(counted.allocations == 0, "\(counted.bytes) bytes in \(asked) turns")
        #endif
        rig.close()
    }

    private static func settings(_ directory: String) -> Settings {
        var settings = VirtualRig.settings(seed: 1)
        for index in settings.pumps.indices {
            settings.pumps[index].port = directory + "/" + settings.pumps[index].name
        }
        settings.spectrometer.port = directory + "/spectrometer"
        settings.rig.primeFlow = FlowRate(microlitersPerMinute: 400)
        settings.rig.primeVolume = Volume(microliters: 5_000)
        return settings
    }
}

/// Serves pseudo-terminals beside the test.
private final class ServingThread: @unchecked Sendable {
    private let server: PtyServer
    private var thread: Thread?

    init(_ server: PtyServer) throws {
        self.server = server
        // The thread ends before this object does (see `stop`).
        let me = Unmanaged.passUnretained(self)
        thread = try Thread.start(name: "simulator") { me.takeUnretainedValue().server.run() }
    }

    func stop() {
        server.requestStop()
        thread?.join()
    }
}
