/// The frequencies with which residuals are coded: FORMAT.md, "Tokens". They are the same for
/// every block, made from whole numbers alone, so that every machine has the same.
///
/// Unchecked: what the pointers lead to is written before anyone has them, and never again.
struct TokenTables: @unchecked Sendable {
    /// Tables; each is for residuals of one standard deviation.
    static let count = 24
    /// The first table of the four that serve all larger deviations as well.
    static let firstOfOctave = 20
    /// Bits of the sum of a table's frequencies.
    static let precision = 12
    static let total = 1 << precision
    /// Classes: quarters of an octave of standard deviation, from 2^(−2 + 1/16) counts.
    static let classCount = 72
    /// A scale is an eighth of an octave; two make a class.
    static let scaleCount = 2 * classCount

    /// The token of residual 0; token = residual + zero.
    static let zero = 64
    /// Tokens of what lies below and above those that have their own.
    static let below = 0
    static let above = 127
    /// Tokens of a table, used or not.
    static let tokens = 128

    /// exp(−1 / (2 σ²)) of each table in units of 2^−31, σ = 2^((table − 8)/4 + 1/16).
    static let decays: [UInt64] = [
        1_399_367, 11_997_446, 54_818_946, 160_512_678, 343_107_549, 587_110_170,
        858_380_948, 1_122_857_733, 1_357_703_594, 1_552_842_111, 1_707_526_359, 1_826_116_930,
        1_914_911_208, 1_980_291_960, 2_027_865_998, 2_062_194_123, 2_086_817_930, 2_104_406_842,
        2_116_933_485, 2_125_836_137, 2_132_153_851, 2_136_632_477, 2_139_805_021, 2_142_051_191,
    ]
    /// Residuals up to this size have tokens of their own: the least whole number ≥ 3.3 σ.
    static let reaches: [Int] = [
        1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 5, 6,
        7, 9, 10, 12, 14, 17, 20, 24, 28, 33, 39, 47,
    ]

    /// Bits of a residual that are written plainly, by class.
    static func shift(_ scaleClass: Int) -> Int { max(0, (scaleClass - firstOfOctave) >> 2) }

    /// The table of a class.
    static func table(_ scaleClass: Int) -> Int {
        scaleClass < firstOfOctave
            ? scaleClass : firstOfOctave + (scaleClass - firstOfOctave) & 3
    }

    /// The order of the Exp-Golomb code of what exceeds a table's reach.
    static func order(_ table: Int) -> Int { table < 16 ? 0 : 2 }

    /// The frequencies of `table` by token; 0 for tokens it does not have.
    static func frequencies(_ table: Int) -> [UInt32] {
        let reach = reaches[table]
        let decay = decays[table]
        // g(0) = 1, g(x + 1) = g(x) · decay^(2x + 1), in units of 2^−31, rounded down.
        var weights: [UInt64] = [1 << 31]
        var ratio = decay
        let square = (decay * decay) >> 31
        for _ in 0..<reach {
            weights.append((weights[weights.count - 1] * ratio) >> 31)
            ratio = (ratio * square) >> 31
        }
        let sum = weights[0] + 2 * weights[1...].reduce(0, +)
        let rare: UInt32 = table < 8 ? 1 : 2
        let room = UInt64(total) - 2 * UInt64(rare)
        var frequencies = [UInt32](repeating: 0, count: tokens)
        frequencies[below] = rare
        frequencies[above] = rare
        var left = UInt32(room)
        for distance in stride(from: reach, to: 0, by: -1) {
            let frequency = UInt32(max(1, (weights[distance] * room + sum / 2) / sum))
            frequencies[zero - distance] = frequency
            frequencies[zero + distance] = frequency
            left -= 2 * frequency
        }
        frequencies[zero] = left
        return frequencies
    }

    /// How a state becomes the next one when a token is written, without a division: Duda's range
    /// variant of asymmetric numeral systems (2009) with a reciprocal as Giesen has it (2014).
    struct Symbol: Sendable {
        /// ⌈2⁶⁴ / frequency⌉, which gives the exact quotient of every state below 2³².
        var reciprocal: UInt64
        /// States from here on give away 16 bits first.
        var limit: UInt32
        var bias: UInt16
        /// total − frequency.
        var complement: UInt16
    }

    /// By table and token.
    let symbols: UnsafePointer<Symbol>
    /// By table and the low bits of a state: token, frequency, place within the token's slots,
    /// from the highest bits down 8, 12 and 12.
    let slots: UnsafePointer<UInt32>

    /// The tables, made once.
    static let shared = TokenTables()

    private init() {
        var symbols: [Symbol] = []
        var slots: [UInt32] = []
        symbols.reserveCapacity(Self.count * Self.tokens)
        slots.reserveCapacity(Self.count * Self.total)
        for table in 0..<Self.count {
            var start: UInt32 = 0
            for (token, frequency) in Self.frequencies(table).enumerated() {
                symbols.append(Self.symbol(frequency, start: start))
                for place in 0..<frequency {
                    slots.append(UInt32(token) << 24 | frequency << 12 | place)
                }
                start += frequency
            }
        }
        self.symbols = Self.kept(symbols)
        self.slots = Self.kept(slots)
    }

    /// Memory that is never given back, so that a coder needs no closure around its loops.
    static func kept<Value>(_ values: [Value]) -> UnsafePointer<Value> {
        let memory = UnsafeMutablePointer<Value>.allocate(capacity: values.count)
        memory.initialize(from: values, count: values.count)
        return UnsafePointer(memory)
    }

    /// What writes a token of `frequency` (nothing, of 0) whose slots begin at `start`.
    private static func symbol(_ frequency: UInt32, start: UInt32) -> Symbol {
        guard frequency > 0 else {
            return Symbol(reciprocal: 0, limit: .max, bias: 0, complement: 0)
        }
        // A frequency of 4,096 cannot be: every table has at least three tokens.
        // Of frequency 1 the reciprocal is 2⁶⁴ − 1 and the quotient one too small: the bias makes
        // up for it.
        let isOne = frequency == 1
        return Symbol(
            reciprocal: isOne ? .max : UInt64.max / UInt64(frequency) + 1,
            limit: frequency << 20,
            bias: UInt16(isOne ? start + UInt32(total) - 1 : start),
            complement: UInt16(UInt32(total) - frequency))
    }
}
