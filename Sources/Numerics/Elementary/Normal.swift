import Glibc

/// The standard normal distribution, with logarithms that stay exact far out in the tail, where
/// the plain functions underflow.
public enum Normal {
    /// log √(2π).
    private static let logRootTwoPi = 0.918938533204672741780329736406

    /// Beyond this many sigmas the asymptotic series of Mills' ratio (Abramowitz and Stegun
    /// 26.2.12) takes over: the first term left out is below 1e-10 there, and the direct
    /// formula has lost no more than that to cancellation.
    private static let tail = -25.0

    /// φ(x) = exp(-x²/2) / √(2π).
    public static func density(_ x: Double) -> Double { exp(logDensity(x)) }

    /// log φ(x).
    public static func logDensity(_ x: Double) -> Double { -0.5 * x * x - logRootTwoPi }

    /// Φ(x), the probability of a value below x.
    public static func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x * 0.5.squareRoot()) }

    /// log Φ(x).
    public static func logCumulative(_ x: Double) -> Double {
        if x > 5 { return log1p(-0.5 * erfc(x * 0.5.squareRoot())) }
        if x > tail { return log(cumulative(x)) }
        return logDensity(x) + log(tailRatio(x))
    }

    /// φ(x) / Φ(x), the slope of `logCumulative`.
    public static func logCumulativeSlope(_ x: Double) -> Double {
        x > tail ? density(x) / cumulative(x) : 1 / tailRatio(x)
    }

    /// log h(x) with h(x) = φ(x) + x Φ(x), the expected positive part of x + a standard normal.
    public static func logExpectedExcess(_ x: Double) -> Double {
        if x > tail { return log(density(x) + x * cumulative(x)) }
        return logDensity(x) + log(excessRatio(x))
    }

    /// Φ(x) / h(x), the slope of `logExpectedExcess`.
    public static func logExpectedExcessSlope(_ x: Double) -> Double {
        if x > tail { return cumulative(x) / (density(x) + x * cumulative(x)) }
        return tailRatio(x) / excessRatio(x)
    }

    /// Φ(x) / φ(x) in the lower tail.
    private static func tailRatio(_ x: Double) -> Double {
        let q = 1 / (x * x)
        return -(1 - q * (1 - 3 * q * (1 - 5 * q * (1 - 7 * q)))) / x
    }

    /// h(x) / φ(x) in the lower tail: the series of `tailRatio` with its leading 1 cancelled by
    /// hand.
    private static func excessRatio(_ x: Double) -> Double {
        let q = 1 / (x * x)
        return q * (1 - 3 * q * (1 - 5 * q * (1 - 7 * q * (1 - 9 * q))))
    }
}
