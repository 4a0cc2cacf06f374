import Instruments
import Numerics
import Quantities
import Testing
import World

@testable import RigSimulator

/// The drivers and the simulated instruments on a clean line.
@Suite struct DriverCrossTests {
    private let bore = Length(millimeters: 14.43)

    private func goal(_ rate: Double, bound: Double = 5_000) -> PumpGoal {
        .infusing(
            rate: FlowRate(microlitersPerMinute: rate), bound: Volume(microliters: bound))
    }

    private func newEra(
        _ framing: NewEraFraming, model: SimulatedNewEra.Model = .ne1000, addresses: [Int] = [0]
    ) -> (Duet<NewEraLine>, SimulatedNewEra, [PlainDrive]) {
        let drives = addresses.map { _ in PlainDrive() }
        let peer = SimulatedNewEra(
            units: zip(addresses, drives).map { .init(address: $0, model: model, drive: $1) })
        let line = NewEraLine(
            pumps: addresses.map {
                .init(
                    name: "p\($0)", address: $0, framing: framing, deadMan: .seconds(3),
                    syringeDiameter: bore)
            })
        return (Duet(line, peer), peer, drives)
    }

    /// A counter of four digits that has passed a millilitre shows whole microlitres: a run of
    /// two of them must be counted all the same, and end at its target and nowhere else.
    @Test func aSmallRunAfterALargeOneIsCounted() throws {
        let (duet, peer, _) = newEra(.safe)
        duet.order(goal(1_000, bound: 1_115))
        #expect(duet.run(.seconds(90)) { duet.machine.pump(0).link == .alarmed(.targetReached) })
        duet.order(.stopped)
        duet.acknowledge()
        let small = goal(0.25, bound: 2)
        duet.order(small)
        #expect(duet.run(.seconds(20)) { duet.obeys(small) })
        // 2 uL at 0.25 uL/min last 480 s.
        #expect(!duet.run(.seconds(440)) { peer.motion(of: 0) != .infusing })
        #expect(duet.machine.pump(0).link == .ready)
        #expect(duet.run(.seconds(60)) { duet.machine.pump(0).link == .alarmed(.targetReached) })
    }

    private func harvard(
        _ model: HarvardModel, addresses: [Int] = [0]
    ) -> (Duet<HarvardLine>, SimulatedHarvard, [PlainDrive]) {
        let kinds: [HarvardModel: SimulatedHarvard.Model] = [
            .elite: .elite, .legato: .legato, .ultra: .ultra,
        ]
        let drives = addresses.map { _ in PlainDrive() }
        let peer = SimulatedHarvard(
            units: zip(addresses, drives).map {
                .init(address: $0, model: kinds[model] ?? .elite, drive: $1)
            })
        let line = HarvardLine(
            pumps: addresses.map {
                .init(name: "p\($0)", address: $0, model: model, syringeDiameter: bore)
            })
        return (Duet(line, peer), peer, drives)
    }

    /// Brings every pump to ready, running at its own rate, at another one, and to rest.
    private func work<Machine: PumpLine>(_ duet: Duet<Machine>, _ drives: [PlainDrive]) {
        for index in drives.indices {
            let isReady = duet.run(.seconds(20)) { duet.machine.pump(index).link == .ready }
            #expect(isReady)
        }
        for round in 1...2 {
            for index in drives.indices {
                let rate = Double(round * 100 + index)
                duet.order(goal(rate), pump: index)
                let obeys = duet.run(.seconds(10)) { duet.obeys(goal(rate), pump: index) }
                #expect(obeys)
                #expect(abs(drives[index].rate - rate) < 1e-9)
            }
        }
        duet.run(.seconds(10))
        for index in drives.indices {
            let told = duet.machine.pump(index).infused?.microliters ?? -1
            let real = drives[index].motorVolume(at: duet.now).microliters
            #expect(told > 0 && abs(told - real) < 0.01 * real + 4, "\(told), really \(real)")
            duet.order(.stopped, pump: index)
            let rests = duet.run(.seconds(5)) { duet.obeys(.stopped, pump: index) }
            #expect(rests && drives[index].rate == 0)
        }
    }

    /// Runs pump 0 at 600 µL/min with `bound`, and waits until it alarms or does not.
    private func alarm<Machine: PumpLine>(
        of duet: Duet<Machine>, bound: Double = 5_000, after cause: () -> Void
    ) -> PumpAlarm? {
        duet.run(.seconds(20)) { duet.machine.pump(0).link == .ready }
        duet.order(goal(600, bound: bound))
        let runs = duet.run(.seconds(5)) { duet.obeys(goal(600, bound: bound)) }
        #expect(runs)
        cause()
        var alarm: PumpAlarm?
        duet.run(.seconds(12)) {
            if case .alarmed(let raised) = duet.machine.pump(0).link { alarm = raised }
            return alarm != nil
        }
        return alarm
    }

    @Test(arguments: [NewEraFraming.basic, .safe], [[0], [0, 1, 7]])
    func newEraObeys(framing: NewEraFraming, addresses: [Int]) {
        let (duet, peer, drives) = newEra(framing, addresses: addresses)
        #expect(peer.alarm(of: 0) == "R")
        work(duet, drives)
        #expect(peer.units.allSatisfy { $0.isSafe == (framing == .safe) })
    }

    @Test(arguments: [HarvardModel.elite, .legato, .ultra], [[0], [0, 1, 7]])
    func harvardObeys(model: HarvardModel, addresses: [Int]) {
        let (duet, _, drives) = harvard(model, addresses: addresses)
        work(duet, drives)
    }

    @Test(arguments: [NewEraFraming.basic, .safe])
    func newEraAlarms(framing: NewEraFraming) {
        // 50 µL at 600 µL/min are 5 s.
        var (duet, peer, drives) = newEra(framing)
        #expect(alarm(of: duet, bound: 50) {} == .targetReached)
        #expect(abs(drives[0].volume - 50) < 1e-6)
        (duet, peer, drives) = newEra(framing)
        #expect(alarm(of: duet) { peer.powerCycle(at: duet.now) } == .reset)
        #expect(peer.motion(of: 0) == .stopped)
        duet.acknowledge()
        let recovers = duet.run(.seconds(10)) { duet.obeys(goal(600)) }
        #expect(recovers && drives[0].rate == 600)
        (duet, peer, drives) = newEra(framing)
        #expect(alarm(of: duet) { drives[0].isHeld = true } == .stalled)
        // An NE-500 feels nothing and goes on.
        (duet, peer, drives) = newEra(framing, model: .ne500)
        #expect(alarm(of: duet) { drives[0].isHeld = true } == nil)
        #expect(duet.obeys(goal(600)))
    }

    @Test(arguments: [HarvardModel.elite, .legato, .ultra])
    func harvardAlarms(model: HarvardModel) {
        var (duet, peer, drives) = harvard(model)
        #expect(alarm(of: duet, bound: 50) {} == .targetReached)
        #expect(abs(drives[0].volume - 50) < 1e-6)
        (duet, peer, drives) = harvard(model)
        #expect(alarm(of: duet) { peer.powerCycle(at: duet.now) } == .reset)
        duet.acknowledge()
        let recovers = duet.run(.seconds(10)) { duet.obeys(goal(600)) }
        #expect(recovers && drives[0].rate == 600)
        (duet, peer, drives) = harvard(model)
        #expect(alarm(of: duet) { drives[0].isHeld = true } == .stalled)
        #expect(peer.motion(of: 0) != .infusing)
    }

    /// The host falls silent: a Safe pump stops by itself within its dead-man time, a Basic one
    /// and a Harvard pump at their target volume.
    @Test func silentHost() {
        var (duet, peer, drives) = newEra(.safe)
        #expect(alarm(of: duet) {} == nil)
        var end = duet.now + .seconds(3)
        peer.advance(to: end)
        #expect(peer.motion(of: 0) == .stopped && peer.alarm(of: 0) == "T")
        // Told to somebody who hears again.
        duet.dropFlight()
        let isTold = duet.run(.seconds(5)) {
            duet.machine.pump(0).link == .alarmed(.deadMan)
        }
        #expect(isTold)
        (duet, peer, drives) = newEra(.basic)
        #expect(alarm(of: duet, bound: 500) {} == nil)
        end = duet.now + .seconds(50)
        peer.advance(to: end)
        #expect(peer.motion(of: 0) == .stopped && abs(drives[0].volume - 500) < 1e-6)
        let (other, pump, drive) = harvard(.elite)
        #expect(alarm(of: other, bound: 500) {} == nil)
        pump.advance(to: other.now + .seconds(50))
        #expect(pump.motion(of: 0) == .targetReached && abs(drive[0].volume - 500) < 1e-6)
    }

    // MARK: Spectrometer

    private func ocean(_ change: (inout OceanSpectrometer.Options) -> Void = { _ in }) -> (
        Duet<OceanSpectrometer>, SimulatedOcean, StepScene
    ) {
        var simulated = SimulatedOceanOptions()
        simulated.readNoise = 0
        simulated.shotVariance = 0
        let scene = StepScene()
        let peer = SimulatedOcean(options: simulated, scene: scene, seed: 1)
        var options = OceanSpectrometer.Options()
        change(&options)
        return (Duet(OceanSpectrometer(options), peer), peer, scene)
    }

    private let plan = AcquisitionPlan(
        isAcquiring: true, lampOn: true, integration: .milliseconds(20), firstPixel: 400,
        lastPixel: 1_500, pixelStep: 5)

    /// The next `count` frames under whatever plan is in force.
    private func frames(
        _ duet: Duet<OceanSpectrometer>, _ count: Int, within span: TimeSpan
    ) -> [SpectrometerFrame] {
        var frames: [SpectrometerFrame] = []
        duet.onEvent = { if case .frame(let frame) = $0.kind { frames.append(frame) } }
        duet.run(span) { frames.count >= count }
        duet.onEvent = { _ in }
        return frames
    }

    @Test(arguments: [(9_600, true, true), (115_200, true, false), (115_200, false, true)])
    func oceanScans(baud: Int, compression: Bool, checksum: Bool) {
        let (duet, peer, scene) = ocean {
            $0.workingBaud = baud
            $0.compression = compression
            $0.checksum = checksum
        }
        duet.order(plan)
        #expect(frames(duet, 3, within: .seconds(30)).count == 3)
        #expect(peer.baud == baud && duet.machine.baud == baud)
        var other = plan
        other.lampOn = false
        other.integration = .milliseconds(7)
        other.firstPixel = 700
        duet.order(other)
        let seen = frames(duet, 3, within: .seconds(30))
        #expect(seen.count == 3)
        for frame in seen {
            // Pixels 700, 705, … 1500.
            #expect(frame.plan == other && frame.counts.count == 161)
            #expect(scene.agrees(frame, dark: 900) && !frame.isSaturated)
        }
        scene.base = 64_000
        let bright = frames(duet, 3, within: .seconds(10))
        #expect(bright.last?.isSaturated == true)
    }

    @Test func oceanRecoversFromAPowerCut() {
        let (duet, peer, scene) = ocean()
        duet.order(plan)
        #expect(frames(duet, 2, within: .seconds(30)).count == 2)
        duet.run(.milliseconds(13))
        peer.powerCycle(at: duet.now)
        #expect(peer.baud == 9_600)
        let after = frames(duet, 4, within: .seconds(40))
        #expect(after.count == 4 && after.allSatisfy { scene.agrees($0, dark: 900) })
        #expect(peer.baud == 115_200)
    }
}
