import Rig
import Spectra

extension Recorder {
    /// A flagged droplet in words: which one, from what, how far.
    static func text(of order: ConditionOrder, _ departure: DropletWatch.Departure) -> String {
        let name =
            "condition \(order.number), attempt \(order.attempt), droplet \(departure.index): "
        let amplitude = "amplitude \(short(departure.amplitude)) times "
        switch departure.peers {
        case .neighbours:
            return name + amplitude + "its neighbours' (flagged beyond a factor of "
                + "\(short(departure.allowedAmplitude))), shape \(distance(departure.shape)) "
                + "theirs (beyond \(short(departure.allowedShape)))"
        case .network:
            return name + "\(short(departure.shape)) from the network's expectation (flagged "
                + "beyond \(short(departure.allowedShape))), " + amplitude + "expected"
        }
    }

    /// How far a shape is from another; slopes that are opposed have no finite distance.
    private static func distance(_ shape: Double) -> String {
        shape.isFinite ? "\(short(shape)) from" : "opposed to"
    }

    /// An early end in words: after how many droplets, and how well the median is known.
    static func text(of order: ConditionOrder, _ known: MedianStop.Known) -> String {
        "condition \(order.number), attempt \(order.attempt): ended after \(known.droplets) of "
            + "\(known.planned) droplets; median loss \(short(known.median)), at most "
            + "\(short(known.halfWidth)) from that of all of them (but for "
            + "\(short(MedianStop.error * 100)) % of the conditions)"
    }
}
