import Quantities

/// One aqueous body in the tube. Places are volumes: a place is how much liquid had entered the
/// tube before it did.
struct Droplet {
    /// Where it begins (enters first) and ends.
    var front: Double
    var rear: Double
    /// When its front entered the tube.
    var frontTime: Instant
    /// What it is made of: percent of the aqueous flow per reagent.
    var shares: [Double]
    /// Total flow while it formed, µL/min.
    var flow: Double
    /// Factor on its absorbance.
    var amplitude: Double
    /// Whether oil pinched it off, so that it has round ends.
    var hasCaps: Bool
    /// Transmission of the asked pixels, once it has been in the beam.
    var transmissions: [Double] = []
    var number: Int

    var length: Double { rear - front }
}

/// A droplet being filled at the junction.
struct FormingDroplet {
    var startTime: Instant
    /// Total volume when it began.
    var startPlace: Double
    /// The volume it will have.
    var target: Double
    /// Volume so far, all aqueous pumps.
    var volume = 0.0
    /// Volume so far of each aqueous pump, as it left the mixing volume.
    var parts: [Double]
}

/// What the fluidics did so far, for tests and for `argent demo`.
public struct FluidicsTally: Equatable, Sendable {
    /// Droplets that left the junction.
    public var dropletsBorn = 0
    /// Their volume.
    public var bornVolume = Volume.zero
    /// Droplets whose rear end has passed the detector.
    public var dropletsPassed = 0
    /// Their volume.
    public var passedVolume = Volume.zero
    /// Time from entering the tube to reaching the detector, of the last droplet that did.
    public var lastResidence = TimeSpan.zero
    /// Its composition, percent of the aqueous flow per reagent.
    public var lastShares: [Double] = []
    /// Its amplitude factor.
    public var lastAmplitude = 1.0
    /// Droplets that were forgotten because the tube held more than `Fluidics.maximumDroplets`.
    public var dropletsForgotten = 0
}

/// A queue of droplets, oldest first, that neither shifts nor grows without need.
struct DropletQueue {
    private var storage: [Droplet] = []
    private var head = 0

    var count: Int { storage.count - head }
    var first: Droplet? { head < storage.count ? storage[head] : nil }

    subscript(index: Int) -> Droplet {
        get { storage[head + index] }
        set { storage[head + index] = newValue }
    }

    mutating func append(_ droplet: Droplet) { storage.append(droplet) }

    /// The oldest, which must exist.
    mutating func removeFirst() -> Droplet {
        let first = storage[head]
        head += 1
        if head > 64, head * 2 > storage.count {
            storage.removeFirst(head)
            head = 0
        }
        return first
    }
}
