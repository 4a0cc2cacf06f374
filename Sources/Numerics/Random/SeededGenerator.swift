import Glibc

/// The one source of randomness: xoshiro256** (Blackman and Vigna, 2018), seeded by SplitMix64.
///
/// A value, so that a campaign, a simulator and a fuzzer each own theirs and the same seed gives
/// the same numbers on every machine. `split` derives an independent stream for a named purpose,
/// so that drawing more numbers in one place never shifts the numbers of another.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var s0: UInt64
    private var s1: UInt64
    private var s2: UInt64
    private var s3: UInt64
    private var spareNormal: Double?

    /// A generator for `seed`; every seed is as good as any other.
    public init(seed: UInt64) {
        var mixer = seed
        s0 = Self.splitMix(&mixer)
        s1 = Self.splitMix(&mixer)
        s2 = Self.splitMix(&mixer)
        s3 = Self.splitMix(&mixer)
    }

    private static func splitMix(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        let product = s1 &* 5
        let result = ((product << 7) | (product >> 57)) &* 9
        let t = s1 << 17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        s3 = (s3 << 45) | (s3 >> 19)
        return result
    }

    /// An independent stream for `label`; the receiver does not move.
    public func split(_ label: String) -> SeededGenerator {
        // FNV-1a over the label, folded with the whole state: cheap, stable, order-free.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in label.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return SeededGenerator(seed: hash ^ s0 ^ (s1 &* 3) ^ (s2 &* 5) ^ (s3 &* 7))
    }

    /// An independent stream for the `index`-th of its kind; the receiver does not move.
    public func split(_ label: String, _ index: Int) -> SeededGenerator {
        split("\(label)/\(index)")
    }

    /// A number in [0, 1) with 53 random bits.
    public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number in [low, high).
    public mutating func uniform(_ low: Double, _ high: Double) -> Double {
        low + (high - low) * uniform()
    }

    /// A whole number in 0 ..< `bound`; `bound` must be positive.
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "an empty range has no numbers to draw")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A standard normal number (Box and Muller, 1958; two at a time, one is kept).
    public mutating func normal() -> Double {
        if let spare = spareNormal {
            spareNormal = nil
            return spare
        }
        let radius = (-2 * log(1 - uniform())).squareRoot()
        let angle = 2 * Double.pi * uniform()
        spareNormal = radius * sin(angle)
        return radius * cos(angle)
    }

    /// Puts `items` in random order (Fisher and Yates).
    public mutating func shuffle<Item>(_ items: inout [Item]) {
        guard items.count > 1 else { return }
        for last in stride(from: items.count - 1, to: 0, by: -1) {
            items.swapAt(last, below(last + 1))
        }
    }
}
