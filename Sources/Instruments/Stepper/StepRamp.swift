import Quantities

/// A rate of steps, in whole millionths of a step per second: all arithmetic of a step generator
/// is done in whole numbers, so that nothing drifts over a million steps.
public struct StepRate: Hashable, Comparable, Sendable {
    /// Millionths of a step per second.
    public var microsteps: Int64

    /// A rate of `microsteps` millionths of a step per second.
    public init(microsteps: Int64) { self.microsteps = microsteps }

    /// A rate of `perSecond` steps per second, rounded to a millionth; 0 for what is no number.
    public init(perSecond: Double) {
        let scaled = (perSecond * 1e6).rounded()
        microsteps = scaled.isFinite ? Int64(min(max(scaled, 0), Self.limit)) : 0
    }

    /// Ten million steps per second: more than any line can do.
    private static let limit = 1e13

    /// Standing still.
    public static let zero = StepRate(microsteps: 0)

    /// Whether `a` is the slower.
    public static func < (a: StepRate, b: StepRate) -> Bool { a.microsteps < b.microsteps }
}

/// A ramp of constant acceleration as a staircase: after `n` steps from standstill the rate is
/// v_n = √(v₀² + 2 a n), reached at t_n = (v_n − v₀) / a. Speeding up climbs it, slowing down
/// descends it, with the same times: whatever was gained is given back exactly.
///
/// v_n is the whole number of millionths of a step per second below the true value, t_n the whole
/// number of nanoseconds below.
public struct StepRamp: Equatable, Sendable {
    /// The rate that is taken up, and stopped from, at once (v₀).
    public let start: StepRate
    /// The fastest rate there is.
    public let fastest: StepRate
    /// Acceleration, millionths of a step per second².
    public let acceleration: Int64

    /// A ramp that takes `time` from standstill to `fastest`, of which the part below `start` is
    /// left out. Rates are brought to 0.001 … 10⁶ steps per second, `start` to at most `fastest`.
    public init(start: StepRate, fastest: StepRate, time: TimeSpan) {
        let bounds = Int64(1_000)...Int64(1_000_000_000_000)
        let top = min(max(fastest.microsteps, bounds.lowerBound), bounds.upperBound)
        self.fastest = StepRate(microsteps: top)
        self.start = StepRate(microsteps: min(max(start.microsteps, bounds.lowerBound), top))
        // At least 1 µs, at most an hour: what is divided stays far from both ends of an Int64.
        let span = min(max(time.nanoseconds, 1_000), 3_600_000_000_000)
        let slope = UInt128(top) * 1_000_000_000 / UInt128(span)
        acceleration = Int64(min(max(slope, 1), 1_000_000_000_000_000))
    }

    /// v_n, millionths of a step per second.
    func speed(_ level: Int64) -> Int64 {
        let first = UInt128(start.microsteps)
        let square = first * first + 2 * UInt128(acceleration) * UInt128(level) * 1_000_000
        return Int64(Self.squareRoot(square))
    }

    /// t_n of a level whose speed is `speed`, nanoseconds.
    func time(speed: Int64) -> Int64 {
        let gained = UInt128(max(0, speed - start.microsteps))
        return Int64(gained * 1_000_000_000 / UInt128(acceleration))
    }

    /// ⌊√value⌋ for values below 2¹²⁴.
    static func squareRoot(_ value: UInt128) -> UInt64 {
        // The root of the nearest Double is off by a few units at most; then by comparison.
        var root = UInt128(Double(value).squareRoot())
        while root * root > value { root -= 1 }
        while (root + 1) * (root + 1) <= value { root += 1 }
        return UInt64(root)
    }
}
