import Quantities

/// Volumes as whole steps: what a volume has beyond whole steps is carried to the next, so that
/// any number of doses together are never a whole step off.
public struct StepVolume: Equatable, Sendable {
    /// Picolitres of a microlitre, and millionths of a step.
    private static let million: UInt128 = 1_000_000
    /// Largest volume at once: a litre, in picolitres.
    private static let volumeLimit = 1e12

    /// Millionths of a step per microlitre.
    public let microstepsPerMicroliter: Int64
    /// What is owed, in 10⁻¹² steps: always less than a step.
    public private(set) var carry: UInt128 = 0

    /// A pump that pushes out a microlitre with `stepsPerMicroliter` steps (10⁻⁶ … 10⁶, rounded
    /// to a millionth).
    public init(stepsPerMicroliter: Double) {
        let scaled = (stepsPerMicroliter * 1e6).rounded()
        microstepsPerMicroliter = scaled.isFinite ? Int64(min(max(scaled, 1), 1e12)) : 1
    }

    /// Whole steps for `volume`, which counts to the picolitre; none for what is no volume.
    public mutating func steps(for volume: Volume) -> Int64 {
        let wanted = (volume.microliters * 1e6).rounded()
        guard wanted.isFinite, wanted > 0 else { return 0 }
        let picoliters = UInt128(min(wanted, Self.volumeLimit))
        let parts = picoliters * UInt128(microstepsPerMicroliter) + carry
        carry = parts % (Self.million * Self.million)
        return Int64(parts / (Self.million * Self.million))
    }

    /// The volume of `steps` whole steps.
    public func volume(of steps: Int64) -> Volume {
        Volume(microliters: Double(steps) * 1e6 / Double(microstepsPerMicroliter))
    }

    /// The rate of steps that gives `flow`, to a millionth of a step per second; zero for what is
    /// no flow.
    public func rate(of flow: FlowRate) -> StepRate {
        let wanted = (flow.microlitersPerMinute * 1e6).rounded()
        guard wanted.isFinite, wanted > 0 else { return .zero }
        let picoliters = UInt128(min(wanted, Self.volumeLimit))
        // pL/min × 10⁻⁶ step/µL ÷ 60 s, in 10⁻⁶ step/s.
        let minute = 60 * Self.million
        let rate = (picoliters * UInt128(microstepsPerMicroliter) + minute / 2) / minute
        return StepRate(microsteps: Int64(min(rate, 10_000_000_000_000)))
    }
}
