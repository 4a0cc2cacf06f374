import Glibc
import Numerics

/// Fast normal numbers for noise: 4,096 quantiles at the middles of equal shares, scaled to
/// variance 1, five drawn from each 64 random bits. Mean 0 by symmetry; nothing beyond 3.67
/// standard deviations ever comes, and the fourth moment is within 0.03 of 3. Good enough for a
/// detector's noise, not for statistics of rare events.
struct NormalTable {
    private static let size = 4_096

    private static let quantiles: [Float] = {
        var values = (0..<size).map { index -> Double in
            let share = (Double(index) + 0.5) / Double(size)
            // Bisection of the cumulative distribution; 40 halvings of 12 are exact enough.
            var low = -6.0
            var high = 6.0
            for _ in 0..<40 {
                let middle = (low + high) / 2
                if erfc(-middle / 2.0.squareRoot()) / 2 < share {
                    low = middle
                } else {
                    high = middle
                }
            }
            return (low + high) / 2
        }
        let variance = values.reduce(0) { $0 + $1 * $1 } / Double(size)
        let scale = 1 / variance.squareRoot()
        for index in values.indices { values[index] *= scale }
        return values.map { Float($0) }
    }()

    /// Replaces each expectation above dark by a noisy, clipped count: variance
    /// `readVariance + shotVariance × expectation`, divided by `averaged`.
    static func expose(
        _ expected: [Double], dark: Double, readVariance: Double, shotVariance: Double,
        averaged: Double, with generator: inout SeededGenerator, into counts: inout [UInt32]
    ) {
        var bits: UInt64 = 0
        var left = 0
        quantiles.withUnsafeBufferPointer { quantiles in
            for light in expected {
                if left == 0 {
                    bits = generator.next()
                    left = 5
                }
                let index = Int(bits & UInt64(size - 1))
                bits >>= 12
                left -= 1
                let clean = light.isFinite ? min(max(light, 0), 1e9) : 0
                let variance = (readVariance + shotVariance * clean) / averaged
                let count = dark + clean + variance.squareRoot() * Double(quantiles[index])
                counts.append(UInt32(min(max(count.rounded(), 0), 65_535)))
            }
        }
    }
}
