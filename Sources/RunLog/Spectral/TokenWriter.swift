/// Writes residuals: first in order as tokens and plain bits, then the tokens backwards into the
/// states of a range coder.
struct TokenWriter {
    /// By frame and pixel: table · 128 + token.
    let tokens: UnsafeMutablePointer<UInt16>
    /// `ScaleTable.codes`.
    let codes: UnsafePointer<UInt32>

    /// Makes the tokens of one frame, from `start` on.
    func put(
        _ residuals: UnsafePointer<UInt16>, pixels: Int, scales: FrameScales, at start: Int,
        plain bits: inout PlainBitWriter
    ) {
        let tokens = tokens + start
        var plain = bits
        defer { bits = plain }
        for first in stride(from: 0, to: pixels, by: FrameShape.band) {
            let base = codes + ScaleTable.below + Int(scales.ofBand[first / FrameShape.band])
            for pixel in first..<min(first + FrameShape.band, pixels) {
                let code = base[Int(scales.ofBin[Int(scales.bins[pixel])])]
                let residual = Int32(Int16(bitPattern: residuals[pixel]))
                tokens[pixel] = Self.token(residual, code, &plain)
            }
        }
    }

    /// The token of a residual; what it does not say goes to the plain bits.
    @inline(__always)
    private static func token(
        _ residual: Int32, _ code: UInt32, _ plain: inout PlainBitWriter
    ) -> UInt16 {
        let shift = Int32(truncatingIfNeeded: code &>> 20 & 15)
        // Rounded to the nearest multiple: the low bits then count from half a step below it.
        let moved = residual &+ (1 &<< shift) &>> 1
        let quotient = moved &>> shift
        let reach = Int32(truncatingIfNeeded: code &>> 26)
        let table = UInt16(truncatingIfNeeded: code &>> 5) & 0x0F80
        var token = UInt16(truncatingIfNeeded: quotient &+ Int32(TokenTables.zero))
        if Int32(bitPattern: quotient.magnitude) > reach {
            token = UInt16(quotient < 0 ? TokenTables.below : TokenTables.above)
            let excess = quotient.magnitude - UInt32(bitPattern: reach) - 1
            // A copy, or the writer would have to stay in memory for every other pixel.
            var copy = plain
            copy.putGolomb(excess, order: Int(code >> 24 & 3))
            plain = copy
        }
        plain.put(
            UInt32(bitPattern: moved) & (1 &<< UInt32(bitPattern: shift) &- 1), Int(shift))
        return table | token
    }

    /// Interleaved states of the range coder.
    static let lanes = 8
    /// Every state is at least this.
    static let lowest: UInt32 = 1 << 16

    /// Codes the tokens of `frames` frames backwards into the 16-bit words before `end`; returns
    /// where they begin. There must be room for one word per token and two per state.
    func code(
        frames: Int, pixels: Int, symbols: UnsafePointer<TokenTables.Symbol>,
        end: UnsafeMutablePointer<UInt16>
    ) -> UnsafeMutablePointer<UInt16> {
        var next = end
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.lanes) { states in
            guard let states = states.baseAddress else { return }
            states.initialize(repeating: Self.lowest, count: Self.lanes)
            for frame in stride(from: frames - 1, through: 0, by: -1) {
                let tokens = tokens + frame * pixels
                for pixel in stride(from: pixels - 1, through: pixels & ~7, by: -1) {
                    Self.put(symbols[Int(tokens[pixel])], &states[pixel & 7], &next)
                }
                Self.codeWhole(tokens, pixels / 8, symbols, states, &next)
            }
            for lane in stride(from: Self.lanes - 1, through: 0, by: -1) {
                next -= 2
                next[0] = UInt16(truncatingIfNeeded: states[lane]).littleEndian
                next[1] = UInt16(truncatingIfNeeded: states[lane] >> 16).littleEndian
            }
        }
        return next
    }

    /// The whole groups of eight of one frame, backwards, with the states in registers.
    private static func codeWhole(
        _ tokens: UnsafePointer<UInt16>, _ groups: Int,
        _ symbols: UnsafePointer<TokenTables.Symbol>, _ states: UnsafeMutablePointer<UInt32>,
        _ words: inout UnsafeMutablePointer<UInt16>
    ) {
        var (s0, s1, s2, s3) = (states[0], states[1], states[2], states[3])
        var (s4, s5, s6, s7) = (states[4], states[5], states[6], states[7])
        var next = words
        for group in stride(from: groups - 1, through: 0, by: -1) {
            let eight = tokens + 8 * group
            put(symbols[Int(eight[7])], &s7, &next)
            put(symbols[Int(eight[6])], &s6, &next)
            put(symbols[Int(eight[5])], &s5, &next)
            put(symbols[Int(eight[4])], &s4, &next)
            put(symbols[Int(eight[3])], &s3, &next)
            put(symbols[Int(eight[2])], &s2, &next)
            put(symbols[Int(eight[1])], &s1, &next)
            put(symbols[Int(eight[0])], &s0, &next)
        }
        words = next
        (states[0], states[1], states[2], states[3]) = (s0, s1, s2, s3)
        (states[4], states[5], states[6], states[7]) = (s4, s5, s6, s7)
    }

    @inline(__always)
    private static func put(
        _ symbol: TokenTables.Symbol, _ state: inout UInt32,
        _ next: inout UnsafeMutablePointer<UInt16>
    ) {
        // Written every time, kept when the state must give way: a branch here is a coin toss.
        (next - 1).pointee = UInt16(truncatingIfNeeded: state).littleEndian
        let gives = state >= symbol.limit
        next -= gives ? 1 : 0
        let x = gives ? state &>> 16 : state
        let quotient = UInt64(x).multipliedFullWidth(by: symbol.reciprocal).high
        state =
            x &+ UInt32(symbol.bias)
            &+ UInt32(truncatingIfNeeded: quotient) &* UInt32(symbol.complement)
    }
}
