import Configuration
import Glibc
import Numerics
import Quantities

/// The tube from the junction to the detector.
///
/// Aqueous streams meet in a small mixing volume and leave it as droplets, each when its volume
/// is full, separated by the oil that flowed meanwhile. Everything in the tube moves by the total
/// volume displaced and by nothing else: no slip, no diffusion, no coalescence, rigid tubing. A
/// body reaches the detector when the dead volume has flowed since it entered. When nothing flows,
/// everything stands. Without oil there is one long aqueous body without caps; without aqueous
/// flow there is oil. Until the dead volume has flowed for the first time, the detector sees air.
///
/// Pumps are asked for their volumes in steps of at most `shortStep` while anything watches or
/// flows change, growing to `longStep` while flows are even; within a step flow is taken as even.
/// Somebody who changes a flow while nothing is exposed calls `advance` first.
public final class Fluidics {
    /// Longest step while flows change or light is collected.
    public static let shortStep = TimeSpan.milliseconds(50)
    /// Longest step while flows are even and nobody looks.
    public static let longStep = TimeSpan.milliseconds(800)
    /// Most droplets the tube holds; the oldest is forgotten beyond that.
    public static let maximumDroplets = 65_536
    /// Most droplets one step can make; a pump that delivers more at once is not physical.
    static let maximumBirthsPerStep = 10_000
    /// Volume the aqueous streams mix in before the junction, µL.
    static let mixingVolume = 1.0
    /// Droplet volumes differ by this relative sd.
    static let volumeScatter = 0.02
    /// Smallest droplet, µL: below it the junction would be a spray.
    static let smallestDroplet = 0.01

    let aqueous: [any FlowSource]
    let oil: any FlowSource
    let chemistry: any Chemistry
    let optics: DropletOptics
    /// For each reagent of the chemistry the pump that carries it; nil where there is none.
    let pumpOfReagent: [Int?]
    let deadVolume: Double
    let dropletVolume: Double

    var now: Instant
    var step = Fluidics.shortStep
    var lastFlows: [Double]
    /// Highest delivered volume of each aqueous pump, then the oil's.
    var delivered: [Double]
    /// Shares of the mixing volume per aqueous pump, 0…1; nil before anything flowed.
    var mixture: [Double]?
    var total = 0.0
    var forming: FormingDroplet?
    var droplets = DropletQueue()
    var volumes: SeededGenerator
    var scatter: DropletScatter
    var lamp: Lamp
    var beam = Beam()
    var births = 0

    /// What happened so far.
    public internal(set) var tally = FluidicsTally()

    /// Tubing behind `aqueous` pumps (named as in the configuration, solvent among them) and
    /// `oil`, all of which are taken to start at what they have delivered by `start`.
    public init(
        settings: Settings, aqueous: [(name: String, source: any FlowSource)],
        oil: any FlowSource, chemistry: any Chemistry, optics: DropletOptics = DropletOptics(),
        start: Instant = .zero
    ) {
        self.aqueous = aqueous.map(\.source)
        self.oil = oil
        self.chemistry = chemistry
        self.optics = optics
        pumpOfReagent = Chemistries.reagentNames(settings).map { reagent in
            aqueous.firstIndex { $0.name == reagent }
        }
        deadVolume = max(settings.rig.deadVolume.microliters, 0)
        let simulation = settings.simulation
        dropletVolume = max(simulation.dropletVolume.microliters, Self.smallestDroplet)
        let generator = SeededGenerator(seed: simulation.seed)
        volumes = generator.split("droplet volume")
        scatter = DropletScatter(
            deviation: simulation.amplitudeScatter, driftShare: simulation.driftShare,
            autocorrelation: simulation.autocorrelation,
            generator: generator.split("droplet amplitude"))
        lamp = Lamp(driftPerHour: simulation.lampDriftPerHour)
        now = start
        delivered = (self.aqueous + [oil]).map { $0.delivered(at: start).microliters }
        lastFlows = [Double](repeating: 0, count: delivered.count)
    }

    /// Total volume, oil and water, that has entered the tube.
    public var totalVolume: Volume { Volume(microliters: total) }

    /// Droplets between junction and detector.
    public var dropletsInTube: Int { droplets.count }

    /// Lets everything flow until `instant`. Does nothing for the past.
    public func advance(to instant: Instant) {
        while now < instant {
            let next = min(now + step, instant)
            let isEven = take(until: next)
            let longer = TimeSpan(nanoseconds: step.nanoseconds * 2)
            step = isEven ? min(longer, Self.longStep) : Self.shortStep
            dropPassed()
        }
    }

    /// One step of even flow; returns whether the flows were those of the step before.
    @discardableResult
    func take(until next: Instant) -> Bool {
        let seconds = (next - now).seconds
        var moved = [Double](repeating: 0, count: delivered.count)
        var isEven = true
        for index in moved.indices {
            let source = index < aqueous.count ? aqueous[index] : oil
            let volume = source.delivered(at: next).microliters
            if volume.isFinite, volume > delivered[index] {
                moved[index] = volume - delivered[index]
                delivered[index] = volume
            }
            let flow = moved[index] / seconds
            if abs(flow - lastFlows[index]) > 1e-3 * max(flow, lastFlows[index]) + 1e-9 {
                isEven = false
            }
            lastFlows[index] = flow
        }
        let start = now
        now = next
        flow(moved, from: start, until: next)
        return isEven
    }

    /// Brings `moved` (aqueous pumps, then oil; µL) evenly into the tube.
    private func flow(_ moved: [Double], from start: Instant, until end: Instant) {
        let water = moved.dropLast().reduce(0, +)
        let oil = moved[moved.count - 1]
        let place = total
        defer { total = place + water + oil }
        guard water > 0 else { return }
        let inflow = moved.dropLast().map { $0 / water }
        var done = 0.0
        var count = 0
        while done < water {
            let share = done / water
            var droplet =
                forming
                ?? FormingDroplet(
                    startTime: start + .seconds((end - start).seconds * share),
                    startPlace: place + (water + oil) * share, target: nextVolume(),
                    parts: [Double](repeating: 0, count: inflow.count))
            let missing = droplet.target - droplet.volume
            count += 1
            let piece =
                count < Self.maximumBirthsPerStep ? min(missing, water - done) : water - done
            mix(piece, of: inflow, into: &droplet)
            done += piece
            guard piece >= missing else {
                forming = droplet
                break
            }
            let part = done / water
            birth(
                droplet, at: start + .seconds((end - start).seconds * part),
                place: place + (water + oil) * part)
            forming = nil
        }
    }

    /// A first-order lag: what leaves a stirred volume while `piece` flows through it.
    private func mix(_ piece: Double, of inflow: [Double], into droplet: inout FormingDroplet) {
        var held = mixture ?? inflow
        let fading = exp(-piece / Self.mixingVolume)
        for index in held.indices {
            let excess = held[index] - inflow[index]
            // What left is the integral of inflow + excess·exp(−v/mixing volume) over the piece.
            droplet.parts[index] +=
                inflow[index] * piece + excess * Self.mixingVolume * (1 - fading)
            held[index] = inflow[index] + excess * fading
        }
        droplet.volume += piece
        mixture = held
    }

    private func nextVolume() -> Double {
        let scatter = min(max(volumes.normal(), -3), 3) * Self.volumeScatter
        return dropletVolume * (1 + scatter)
    }

    private func birth(_ droplet: FormingDroplet, at end: Instant, place: Double) {
        let volume = droplet.volume
        let length = place - droplet.startPlace
        let seconds = (end - droplet.startTime).seconds
        let frontShare = length > 0 ? max(1 - volume / length, 0) : 0
        let shares = pumpOfReagent.map { pump in pump.map { 100 * droplet.parts[$0] / volume } ?? 0
        }
        births += 1
        droplets.append(
            Droplet(
                front: place - volume, rear: place,
                frontTime: droplet.startTime + .seconds(seconds * frontShare), shares: shares,
                flow: seconds > 0 ? length / seconds * 60 : 0, amplitude: scatter.next(),
                hasCaps: length - volume > 0.02 * volume, number: births))
        tally.dropletsBorn += 1
        tally.bornVolume.microliters += volume
        if droplets.count > Self.maximumDroplets {
            _ = droplets.removeFirst()
            tally.dropletsForgotten += 1
        }
    }

    /// Forgets droplets whose rear end has passed the detector.
    func dropPassed() {
        let place = total - deadVolume
        while let first = droplets.first, first.rear <= place {
            note(droplets.removeFirst())
        }
    }

    private func note(_ droplet: Droplet) {
        tally.dropletsPassed += 1
        tally.passedVolume.microliters += droplet.length
        tally.lastShares = droplet.shares
        tally.lastAmplitude = droplet.amplitude
        tally.lastResidence = residence(of: droplet)
    }

    /// How long `droplet` was under way when its front reached the detector, which is in the
    /// step that just ended: the time since, at the flow of that step, is taken off.
    func residence(of droplet: Droplet) -> TimeSpan {
        let flow = lastFlows.reduce(0, +)
        let beyond = max(total - deadVolume - droplet.front, 0)
        let late = flow > 0 ? beyond / flow : 0
        return .seconds(max((now - droplet.frontTime).seconds - late, 0))
    }
}
