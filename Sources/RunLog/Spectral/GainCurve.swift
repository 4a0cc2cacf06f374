/// How the gain curve of a frame is written: FORMAT.md, "Gain curve". The gain at a knot is
/// 1 + offset / 2²⁰; offsets are coded in steps that follow the expected counts, so that a step
/// is a like share of the noise everywhere.
struct GainCurve {
    /// Level 0: gain 1 everywhere. Level 1: one gain. Level 2 + m: knots every 32 · 2^m pixels.
    static let levelLimit = 9
    /// Most knots: level 2 of `SpectralHeader.pixelLimit` pixels.
    static let knotLimit = SpectralHeader.pixelLimit / FrameShape.band + 1
    static let unit: Int32 = 1 << 20
    /// Offsets lie in −2²⁰…7 · 2²⁰: gains of 0 to 8.
    static let offsetLimit: Int32 = 7 << 20
    /// Steps are 2^(20 − fineness − level of the counts).
    static let finenessLimit = 20
    /// Exp-Golomb order at most.
    static let orderLimit = 12
    /// A code is at most this.
    static let codeLimit: Int32 = 1 << 17

    var level = 0
    var fineness = 0
    /// How an offset is foreseen: 0 as none, 1 as the last one, 2 from the last two.
    var slopes = 0
    var order = 0

    /// Pixels from knot to knot; 0 where one gain is for all.
    static func spacing(_ level: Int) -> Int { level < 2 ? 0 : FrameShape.band << (level - 2) }

    /// Knots of a level.
    static func knots(_ level: Int, pixels: Int) -> Int {
        level < 2 ? level : (pixels - 1) / spacing(level) + 2
    }

    /// The step of a knot's offset.
    @inline(__always)
    func step(knot: Int, pixels: Int, mean: UnsafePointer<Float>) -> Int32 {
        let pixel = level < 2 ? pixels / 2 : min(knot * Self.spacing(level), pixels - 1)
        let count = max(mean[FrameShape.paired(pixel)], 1)
        return 1 << Int32(max(0, 20 - fineness - Self.halfExponent(count)))
    }

    /// Half of the binary exponent of a count of 1 or more.
    @inline(__always)
    static func halfExponent(_ count: Float) -> Int { Int(count.bitPattern >> 23 - 127) >> 1 }

    /// The offset foreseen at a knot from those before it.
    @inline(__always)
    func foreseen(_ knot: Int, _ offsets: UnsafePointer<Int32>) -> Int32 {
        if slopes == 0 || knot == 0 { return 0 }
        if slopes == 1 || knot == 1 { return offsets[knot - 1] }
        return 2 * offsets[knot - 1] - offsets[knot - 2]
    }

    /// Gains from offsets.
    static func expand(
        _ offsets: UnsafePointer<Int32>, count: Int, into gains: UnsafeMutablePointer<Float>
    ) {
        for knot in 0..<count { gains[knot] = Float(unit + offsets[knot]) * 0x1p-20 }
    }

    /// Reads a curve: its offsets, as many as its level has knots. Nil where there is none.
    static func read(
        _ bits: inout PlainBitReader, pixels: Int, mean: UnsafePointer<Float>,
        offsets: UnsafeMutablePointer<Int32>
    ) -> GainCurve? {
        var curve = GainCurve()
        curve.level = Int(bits.take(4))
        guard curve.level > 0 else { return curve }
        curve.fineness = Int(bits.take(5))
        curve.slopes = Int(bits.take(2))
        curve.order = Int(bits.take(4))
        guard curve.level <= levelLimit, curve.fineness <= finenessLimit, curve.slopes <= 2,
            curve.order <= orderLimit
        else { return nil }
        for knot in 0..<knots(curve.level, pixels: pixels) {
            guard let folded = bits.takeGolomb(order: curve.order), folded <= 2 * codeLimit else {
                return nil
            }
            let code = Int64(folded >> 1) ^ -Int64(folded & 1)
            let step = curve.step(knot: knot, pixels: pixels, mean: mean)
            let offset = Int64(curve.foreseen(knot, offsets)) + code * Int64(step)
            guard offset >= -Int64(unit), offset <= Int64(offsetLimit) else { return nil }
            offsets[knot] = Int32(offset)
        }
        return curve
    }

    /// Codes the offsets `wanted`: the codes, folded (0, −1, 1, −2, …), and the offsets a reader
    /// will have. False when one is out of range.
    func quantize(
        _ wanted: UnsafePointer<Float>, count: Int, steps: UnsafePointer<Int32>,
        codes: UnsafeMutablePointer<UInt32>, offsets: UnsafeMutablePointer<Int32>
    ) -> Bool {
        for knot in 0..<count {
            let step = steps[knot]
            let expected = foreseen(knot, offsets)
            let exact = ((wanted[knot] * 0x1p20 - Float(expected)) / Float(step)).rounded()
            guard abs(exact) < Float(Self.codeLimit) else { return false }
            let code = Int32(exact)
            let offset = Int64(expected) + Int64(code) * Int64(step)
            guard offset >= -Int64(Self.unit), offset <= Int64(Self.offsetLimit) else {
                return false
            }
            codes[knot] = UInt32(bitPattern: code << 1 ^ code >> 31)
            offsets[knot] = Int32(offset)
        }
        return true
    }

    /// Writes the curve and the codes of its knots.
    func write(_ bits: inout PlainBitWriter, codes: UnsafePointer<UInt32>, count: Int) {
        bits.put(UInt32(level), 4)
        guard level > 0 else { return }
        bits.put(UInt32(fineness), 5)
        bits.put(UInt32(slopes), 2)
        bits.put(UInt32(order), 4)
        for knot in 0..<count { bits.putGolomb(codes[knot], order: order) }
    }
}
