/// Where the pixels of a frame lie in memory while it is coded.
///
/// Counts lie in their order, with zeros up to the next multiple of 16. What is known of each
/// pixel in single precision is *paired*: in each 16 places first the eight even pixels, then the
/// eight odd ones, so that halves of 32-bit words need no shuffling.
struct FrameShape: Equatable, Sendable {
    /// Pixels a group of lanes holds.
    static let group = 16
    /// Pixels that share what is said of a band.
    static let band = 32

    let pixels: Int
    /// Pixels with padding, whole bands.
    let padded: Int
    /// Bands, the last maybe not whole.
    let bands: Int

    init(pixels: Int) {
        self.pixels = pixels
        bands = (pixels + Self.band - 1) / Self.band
        padded = bands * Self.band
    }

    /// The place of a pixel in a paired array.
    @inline(__always)
    static func paired(_ pixel: Int) -> Int {
        pixel & ~15 | (pixel & 1) << 3 | (pixel & 15) >> 1
    }
}

/// The gain by which a frame differs from the mean of those before, along the pixels: straight
/// lines between knots.
struct ExpandedCurve {
    /// Gains at the knots; the last interval needs two.
    let gains: UnsafePointer<Float>
    /// Pixels from one knot to the next, a power of two not below the size of a band; 0 when one
    /// gain is that of all pixels.
    let spacing: Int
}

/// The steps that are the same for every pixel of a frame. Every number here is single precision
/// by IEEE 754, nothing is fused, so that every machine decodes the same.
enum FrameKernels {
    typealias Lanes = SIMD8<Float>
    typealias Words = SIMD8<UInt32>

    /// Adding it to a number in 0…65535 rounds that to a whole number, to even from halfway, and
    /// leaves it in the low bits.
    static let rounding: Float = 12_582_912
    /// The number whose last place is 1.
    static let unit: Float = 8_388_608
    /// Level bins: quarters of an octave of the expected count, 1…65535.
    static let bins = 64
    /// Bits of 1.0 without the mantissa bits that are not looked at.
    static let firstBin: UInt32 = 508

    @inline(__always)
    private static func floats(_ words: Words) -> Lanes {
        unsafeBitCast(words | 0x4B00_0000, to: Lanes.self) - unit
    }

    @inline(__always)
    private static func words(_ counts: UnsafePointer<UInt16>) -> Words {
        UnsafeRawPointer(counts).loadUnaligned(as: Words.self)
    }

    @inline(__always)
    private static func lanes(_ values: UnsafePointer<Float>) -> Lanes {
        UnsafeRawPointer(values).loadUnaligned(as: Lanes.self)
    }

    @inline(__always)
    private static func store(_ values: Lanes, _ place: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(place).storeBytes(of: values, as: Lanes.self)
    }

    @inline(__always)
    private static func store(_ values: Words, _ place: UnsafeMutablePointer<UInt16>) {
        UnsafeMutableRawPointer(place).storeBytes(of: values, as: Words.self)
    }

    @inline(__always)
    private static func whole(_ values: Lanes) -> Words {
        unsafeBitCast(values + rounding, to: Words.self) & 0xFFFF
    }

    @inline(__always)
    private static func bin(_ values: Lanes) -> Words {
        let level = values.replacing(with: 1, where: values .< 1)
        return unsafeBitCast(level, to: Words.self) &>> 21 &- firstBin
    }

    /// Expected counts of a frame, paired, and their level bins, in order.
    static func predict(
        _ shape: FrameShape, mean: UnsafePointer<Float>, curve: ExpandedCurve,
        expected: UnsafeMutablePointer<Float>, bins: UnsafeMutablePointer<UInt16>
    ) {
        let even = Lanes(0, 2, 4, 6, 8, 10, 12, 14)
        let scale = curve.spacing > 0 ? 1 / Float(curve.spacing) : 0
        var start = 0
        var knot = 0
        while start < shape.padded {
            let gain = curve.gains[knot]
            let slope = curve.spacing > 0 ? curve.gains[knot + 1] - gain : 0
            let end = curve.spacing > 0 ? min(start + curve.spacing, shape.padded) : shape.padded
            for place in stride(from: start, to: end, by: FrameShape.group) {
                let first = (Lanes(repeating: Float(place - start)) + even) * scale
                let second = (Lanes(repeating: Float(place - start + 1)) + even) * scale
                var a = lanes(mean + place) * (Lanes(repeating: gain) + first * slope)
                var b = lanes(mean + place + 8) * (Lanes(repeating: gain) + second * slope)
                a.replace(with: 65_535, where: a .> 65_535)
                b.replace(with: 65_535, where: b .> 65_535)
                store(a, expected + place)
                store(b, expected + place + 8)
                store(bin(a) | bin(b) &<< 16, bins + place)
            }
            start = end
            knot += 1
        }
    }

    /// Residuals of the counts, in order, modulo 2¹⁶; and for each band the sum of their sizes.
    static func residuals(
        _ shape: FrameShape, counts: UnsafePointer<UInt16>, expected: UnsafePointer<Float>,
        residuals: UnsafeMutablePointer<UInt16>, sums: UnsafeMutablePointer<UInt32>
    ) {
        for band in 0..<shape.bands {
            var sum = Words(repeating: 0)
            for half in 0..<2 {
                let place = band * FrameShape.band + half * FrameShape.group
                let both = words(counts + place)
                let a = (both & 0xFFFF) &- whole(lanes(expected + place))
                let b = (both &>> 16) &- whole(lanes(expected + place + 8))
                store(a & 0xFFFF | b &<< 16, residuals + place)
                sum = sum &+ size(a) &+ size(b)
            }
            sums[band] = sum.wrappedSum()
        }
    }

    @inline(__always)
    private static func size(_ values: Words) -> Words {
        let signed = unsafeBitCast(values, to: SIMD8<Int32>.self)
        let sign = signed &>> 31
        return unsafeBitCast((signed ^ sign) &- sign, to: Words.self)
    }

    /// Counts from residuals, both in order.
    static func counts(
        _ shape: FrameShape, expected: UnsafePointer<Float>, residuals: UnsafePointer<UInt16>,
        counts: UnsafeMutablePointer<UInt16>
    ) {
        for place in stride(from: 0, to: shape.padded, by: FrameShape.group) {
            let both = words(residuals + place)
            let a = whole(lanes(expected + place)) &+ both
            let b = whole(lanes(expected + place + 8)) &+ both &>> 16
            store(a & 0xFFFF | b &<< 16, counts + place)
        }
    }

    /// The mean after a frame: expected + (count − expected) · weight.
    static func update(
        _ shape: FrameShape, expected: UnsafePointer<Float>, counts: UnsafePointer<UInt16>,
        weight: Float, mean: UnsafeMutablePointer<Float>
    ) {
        for place in stride(from: 0, to: shape.padded, by: FrameShape.group) {
            let both = words(counts + place)
            let a = lanes(expected + place)
            let b = lanes(expected + place + 8)
            store(a + (floats(both & 0xFFFF) - a) * weight, mean + place)
            store(b + (floats(both &>> 16) - b) * weight, mean + place + 8)
        }
    }
}
