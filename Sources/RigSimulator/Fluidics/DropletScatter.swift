import Numerics

/// How much one droplet absorbs more or less than its recipe says: 1 + s (√d · drift + √(1−d) ·
/// rest). The drift is a triangle wave over the droplet index, so that it looks like a trend to
/// anyone who watches fifteen droplets; the rest is a first-order autoregressive process. Both
/// have variance 1.
struct DropletScatter {
    /// Droplets from one turn of the drift to the next.
    static let halfPeriod = 32

    private let deviation: Double
    private let driftShare: Double
    private let autocorrelation: Double
    private var generator: SeededGenerator
    private var index: Int
    private var rest: Double

    /// Relative standard deviation of the amplitude, share of its variance that is drift, and
    /// the autocorrelation of the rest from one droplet to the next.
    init(
        deviation: Double, driftShare: Double, autocorrelation: Double, generator: SeededGenerator
    ) {
        self.deviation = min(max(deviation, 0), 1)
        self.driftShare = min(max(driftShare, 0), 1)
        self.autocorrelation = min(max(autocorrelation, -0.99), 0.99)
        self.generator = generator
        index = self.generator.below(2 * Self.halfPeriod)
        rest = self.generator.normal()
    }

    /// The factor of the next droplet; never below zero.
    mutating func next() -> Double {
        index = (index + 1) % (2 * Self.halfPeriod)
        // From −√3 to √3 and back: a uniform distribution of variance 1.
        let way = Double(index) / Double(Self.halfPeriod)
        let drift = 3.0.squareRoot() * (way <= 1 ? 2 * way - 1 : 3 - 2 * way)
        let fresh = (1 - autocorrelation * autocorrelation).squareRoot()
        rest = autocorrelation * rest + fresh * generator.normal()
        let sum = driftShare.squareRoot() * drift + (1 - driftShare).squareRoot() * rest
        return max(1 + deviation * sum, 0)
    }
}
