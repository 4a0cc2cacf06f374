import Numerics
import Quantities

/// A flow sensor in a tube behind some syringes: it sees what has really left them since it was
/// asked last, whatever their pumps say. A stalled or slipping pump shows here and nowhere else.
public final class FlowProbe {
    /// What is wrong with the sensor itself.
    public enum Fault: Equatable, Sendable {
        /// Nothing.
        case none
        /// It does not answer.
        case silent
        /// It says the same for ever.
        case stuck
        /// Part of the flow goes past it: a leak before the sensor, as a share of the flow.
        case leak(share: Double)
    }

    /// The fault in force.
    public var fault = Fault.none

    private let syringes: [SyringeDrive]
    private let noise: Double
    private var generator: SeededGenerator
    private var delivered: Double
    private var at: Instant
    private var last = 0.0

    /// A sensor behind `syringes` with a relative noise of `noise` (one standard deviation) on
    /// every reading.
    public init(_ syringes: [SyringeDrive], noise: Double = 0.01, seed: UInt64 = 1, at now: Instant)
    {
        self.syringes = syringes
        self.noise = noise
        generator = SeededGenerator(seed: seed).split("flow sensor")
        at = now
        delivered = 0
        delivered = volume(at: now)
    }

    private func volume(at now: Instant) -> Double {
        syringes.reduce(0) { $0 + $1.deliveredVolume(at: now).microliters }
    }

    /// The mean flow since the last reading, µL/min; nil: the sensor says nothing.
    public func read(at now: Instant) -> Double? {
        let total = volume(at: now)
        let minutes = (now - at).seconds / 60
        guard minutes > 0 else { return fault == .silent ? nil : last }
        var flow = (total - delivered) / minutes
        delivered = total
        at = now
        flow *= 1 + noise * generator.normal()
        switch fault {
        case .none: break
        case .silent: return nil
        case .stuck: return last
        case .leak(let share): flow *= 1 - share
        }
        last = flow
        return flow
    }
}
