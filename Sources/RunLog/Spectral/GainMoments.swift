/// Sums over the pixels of one band, from which the gains that fit best follow for knots at any
/// spacing. d = count − mean, u = place in the band in 0 ..< 1, weight = 1 / (mean + softening),
/// as shot noise has it.
struct GainMoments: Equatable {
    /// Σ weight · mean², the same · u, the same · u².
    var square0: Float = 0
    var square1: Float = 0
    var square2: Float = 0
    /// Σ weight · mean · d, the same · u.
    var product0: Float = 0
    var product1: Float = 0
    /// Σ weight · d².
    var energy: Float = 0

    /// Keeps weights finite in the dark, counts.
    static let softening: Float = 256

    /// The sums over an interval made of two of half its length.
    static func joined(_ a: GainMoments, _ b: GainMoments) -> GainMoments {
        GainMoments(
            square0: a.square0 + b.square0,
            square1: (a.square1 + b.square1 + b.square0) / 2,
            square2: (a.square2 + b.square2 + 2 * b.square1 + b.square0) / 4,
            product0: a.product0 + b.product0,
            product1: (a.product1 + b.product1 + b.product0) / 2,
            energy: a.energy + b.energy)
    }
}

extension FrameKernels {
    /// The sums of every band.
    static func moments(
        _ shape: FrameShape, mean: UnsafePointer<Float>, counts: UnsafePointer<UInt16>,
        into moments: UnsafeMutablePointer<GainMoments>
    ) {
        let even = Lanes(0, 2, 4, 6, 8, 10, 12, 14) / 32
        let one = Lanes(repeating: 1)
        for band in 0..<shape.bands {
            var sums = (Lanes(), Lanes(), Lanes(), Lanes(), Lanes(), Lanes())
            for quarter in 0..<4 {
                let place = band * FrameShape.band + (quarter >> 1) * FrameShape.group
                let both = UnsafeRawPointer(counts + place).loadUnaligned(as: Words.self)
                let half = quarter & 1 == 0 ? both & 0xFFFF : both &>> 16
                let count = unsafeBitCast(half | 0x4B00_0000, to: Lanes.self) - unit
                let mean = UnsafeRawPointer(mean + place + 8 * (quarter & 1)).loadUnaligned(
                    as: Lanes.self)
                let u = even + (Float(quarter >> 1) / 2 + Float(quarter & 1) / 32)
                let weight = one / (mean + GainMoments.softening)
                let d = count - mean
                let weighted = weight * mean
                let square = weighted * mean
                let product = weighted * d
                let inner = square * u
                sums.0 += square
                sums.1 += inner
                sums.2.addProduct(inner, u)
                sums.3 += product
                sums.4.addProduct(product, u)
                sums.5.addProduct(weight * d, d)
            }
            moments[band] = GainMoments(
                square0: sums.0.sum(), square1: sums.1.sum(), square2: sums.2.sum(),
                product0: sums.3.sum(), product1: sums.4.sum(), energy: sums.5.sum())
        }
    }

    /// Σ weight · (a − b)² over every fourth group of pixels of two frames; weight =
    /// 1 / (b + softening).
    static func difference(
        _ shape: FrameShape, _ a: UnsafePointer<UInt16>, _ b: UnsafePointer<UInt16>
    ) -> Float {
        var sum = Lanes()
        let one = Lanes(repeating: 1)
        for place in stride(from: 0, to: shape.padded, by: 4 * FrameShape.group) {
            let first = UnsafeRawPointer(a + place).loadUnaligned(as: Words.self)
            let second = UnsafeRawPointer(b + place).loadUnaligned(as: Words.self)
            for shift: UInt32 in [0, 16] {
                let x = unsafeBitCast(first &>> shift & 0xFFFF | 0x4B00_0000, to: Lanes.self)
                let y =
                    unsafeBitCast(second &>> shift & 0xFFFF | 0x4B00_0000, to: Lanes.self) - unit
                let d = x - unit - y
                sum.addProduct(one / (y + GainMoments.softening) * d, d)
            }
        }
        return sum.sum()
    }
}

extension SIMD8<Float> {
    /// The sum of all lanes, halves first.
    @inline(__always)
    func sum() -> Float {
        let four = lowHalf + highHalf
        let two = four.lowHalf + four.highHalf
        return two.x + two.y
    }

    @inline(__always)
    mutating func addProduct(_ a: Self, _ b: Self) { self = addingProduct(a, b) }
}

extension FrameKernelsScalar {
    static func moments(
        _ shape: FrameShape, mean: UnsafePointer<Float>, counts: UnsafePointer<UInt16>,
        into moments: UnsafeMutablePointer<GainMoments>
    ) {
        for band in 0..<shape.bands {
            var sums = GainMoments()
            for offset in 0..<FrameShape.band {
                let pixel = band * FrameShape.band + offset
                let mean = mean[FrameShape.paired(pixel)]
                let u = Float(offset) / 32
                let weight = 1 / (mean + GainMoments.softening)
                let d = Float(counts[pixel]) - mean
                sums.square0 += weight * mean * mean
                sums.square1 += weight * mean * mean * u
                sums.square2 += weight * mean * mean * u * u
                sums.product0 += weight * mean * d
                sums.product1 += weight * mean * d * u
                sums.energy += weight * d * d
            }
            moments[band] = sums
        }
    }

    static func difference(
        _ shape: FrameShape, _ a: UnsafePointer<UInt16>, _ b: UnsafePointer<UInt16>
    ) -> Float {
        var sum: Float = 0
        for pixel in 0..<shape.padded where pixel / FrameShape.group % 4 == 0 {
            let d = Float(a[pixel]) - Float(b[pixel])
            sum += d * d / (Float(b[pixel]) + GainMoments.softening)
        }
        return sum
    }
}
