import Configuration
import Instruments
import Quantities
import Spectra

/// What the rig makes of each droplet of the running condition as it passes.
extension RigController {
    /// Flags of one condition that are told one by one; the others are only counted. One that
    /// differs from the network's expectation usually does so with all of its droplets, so that
    /// the first says it.
    static let neighbourFlagsTold = 5
    static let networkFlagsTold = 1

    /// Nothing is known of the condition's droplets yet.
    mutating func beginDroplets(of order: ConditionOrder) {
        lossRooms.put(losses)
        losses = lossRooms.take()
        saturatedInCondition = 0
        flags = DropletFlags()
        if !dropletWatch.begin(expected: order.expectedSpectrum, spread: order.expectedSpread) {
            let words = Words.expectation(
                condition: order.number, points: order.expectedSpectrum.count,
                spread: order.expectedSpread, wanted: watchedPoints)
            reports.append(.event(kind: "expectation-unusable", text: words))
        }
    }

    mutating func collect(_ frame: SpectrometerFrame, at now: Instant) {
        guard let order else { return }
        switch measurement.add(frame) {
        case .nothing: break
        case .rejected(let why, let saturated):
            if saturated { saturatedInCondition += 1 }
            reports.append(.event(kind: "droplet-rejected", text: why))
        case .droplet(let droplet):
            reports.append(
                .droplet(
                    MeasuredDroplet(
                        order: order, index: losses.count, enteredAt: droplet.enteredAt,
                        leftAt: droplet.leftAt, plateau: droplet.plateau, loss: droplet.loss,
                        maximumAbsorbance: droplet.maximumAbsorbance,
                        absorbance: droplet.absorbance)))
            losses.append(droplet.loss)
            judge(droplet.absorbance, of: order, at: now)
            if state == .collecting { endIfEnough(order, at: now) }
        }
    }

    /// Ends the condition when it has its droplets, or its median is known well enough.
    private mutating func endIfEnough(_ order: ConditionOrder, at now: Instant) {
        if losses.count >= settings.rig.droplets {
            step(.dropletsEnough, at: now)
        } else if let known = medianStop.check(losses, in: &sortRoom) {
            reports.append(.endsEarly(order, known))
            step(.dropletsEnough, at: now)
        }
    }

    /// Flags the droplet when it is far from its neighbours or from what was expected. It counts
    /// all the same: the median of the losses bears some bad droplets, and data that a program
    /// thought odd may be what a person looks for.
    private mutating func judge(
        _ absorbance: [Double], of order: ConditionOrder, at now: Instant
    ) {
        let index = losses.count - 1
        dropletWatch.judge(absorbance, into: &departures)
        for departure in departures {
            switch departure.peers {
            case .neighbours:
                flags.neighbours += 1
                flags.run = departure.index == flags.last + 1 ? flags.run + 1 : 1
                flags.last = departure.index
                if flags.neighbours <= Self.neighbourFlagsTold {
                    reports.append(.flagged(order, departure))
                }
            case .network:
                flags.network += 1
                if flags.network <= Self.networkFlagsTold {
                    reports.append(.flagged(order, departure))
                }
            }
            if flags.run >= settings.rig.flaggedRun, !flags.runTold {
                flags.runTold = true
                flagRun(of: order, through: index, at: now)
            }
        }
    }

    private mutating func flagRun(
        of order: ConditionOrder, through index: Int, at now: Instant
    ) {
        let text = Words.flaggedRun(
            condition: order.number, droplets: flags.run, through: flags.last)
        reports.append(.event(kind: "droplets-flagged-run", text: text))
        if settings.rig.holdsOnFlaggedRun { hold(reason: text, at: now) }
    }

    /// Says how many droplets were flagged, when not all were told one by one.
    mutating func sumUpFlags() {
        guard
            flags.neighbours > Self.neighbourFlagsTold || flags.network > Self.networkFlagsTold,
            let order
        else { return }
        let words = Words.flagged(
            condition: order.number, droplets: losses.count, neighbours: flags.neighbours,
            network: flags.network)
        reports.append(.event(kind: "droplets-flagged", text: words))
    }
}

/// Flags of the running condition.
public struct DropletFlags: Equatable, Sendable {
    /// Droplets far from their neighbours.
    public internal(set) var neighbours = 0
    /// Droplets far from what a network expected.
    public internal(set) var network = 0
    /// Both together; a droplet that is far from both counts twice.
    public var all: Int { neighbours + network }
    /// The last of the former in a row.
    var run = 0
    /// Index of the last of them.
    var last = -2
    /// Whether a long run was told.
    var runTold = false
}
