/// Which table of frequencies, how many plain bits: everything that follows from a scale, the
/// standard deviation a residual is expected to have, in eighths of an octave from 2⁻².
///
/// Unchecked: what the pointers lead to is written before anyone has them, and never again.
struct ScaleTable: @unchecked Sendable {
    /// Scales below the first and above the last are those.
    static let below = 128
    static let entries = 512

    /// What a scale means, in one word: the table times 4,096 in bits 0…16, plain bits in 20…23,
    /// the order of the Exp-Golomb code in 24…25, the table's reach in 26…31. By scale + `below`.
    let codes: UnsafePointer<UInt32>
    /// 2^(−k/8) for k = −`powerReach`…`powerReach`, at k + `powerReach`.
    let powers: UnsafePointer<Float>

    /// The table, made once.
    static let shared = ScaleTable()

    private init() {
        let codes = (0..<Self.entries).map { entry in
            let scale = min(max(entry - Self.below, 0), TokenTables.scaleCount - 1)
            let table = TokenTables.table(scale >> 1)
            return UInt32(
                table << TokenTables.precision | TokenTables.shift(scale >> 1) << 20
                    | TokenTables.order(table) << 24 | TokenTables.reaches[table] << 26)
        }
        self.codes = TokenTables.kept(codes)
        let eighth: [Float] = [
            1, 0.917_004_04, 0.840_896_42, 0.771_105_4, 0.707_106_77, 0.648_419_8, 0.594_603_54,
            0.545_253_9,
        ]
        let powers = (-Self.powerReach...Self.powerReach).map { k in
            let whole = Int((Float(k) / 8).rounded(.down))
            return eighth[k - 8 * whole] * Float(sign: .plus, exponent: -whole, significand: 1)
        }
        self.powers = TokenTables.kept(powers)
    }

    /// The scale of residuals of the mean size `size`: of a normal distribution, whose standard
    /// deviation is √(π/2) times that.
    static func scale(meanSize size: Float) -> Int {
        guard size > 0 else { return 0 }
        return min(max(eighths(size * 1.2533) + 16, 0), TokenTables.scaleCount - 1)
    }

    /// The logarithm to base 2 of a positive number in eighths, rounded.
    static func eighths(_ value: Float) -> Int {
        let exponent = value.exponent
        // Thresholds 2^((k + 1/2)/8).
        let rest = value.significand
        var eighth = 0
        while eighth < 8, rest >= thresholds[eighth] { eighth += 1 }
        return Int(exponent) * 8 + eighth
    }

    private static let thresholds: [Float] = [
        1.044_274, 1.138_789, 1.241_858, 1.354_256, 1.476_826, 1.610_490, 1.756_252, 1.915_207,
    ]

    static let powerReach = 256
}
