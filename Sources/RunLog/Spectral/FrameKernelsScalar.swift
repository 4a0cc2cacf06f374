/// The kernels of `FrameKernels`, one pixel after the other: what they must equal, bit by bit.
enum FrameKernelsScalar {
    private static func bin(_ value: Float) -> UInt16 {
        UInt16(max(value, 1).bitPattern >> 21 - FrameKernels.firstBin)
    }

    private static func whole(_ value: Float) -> Int32 {
        Int32(value.rounded(.toNearestOrEven))
    }

    static func predict(
        _ shape: FrameShape, mean: UnsafePointer<Float>, curve: ExpandedCurve,
        expected: UnsafeMutablePointer<Float>, bins: UnsafeMutablePointer<UInt16>
    ) {
        for pixel in 0..<shape.padded {
            let place = FrameShape.paired(pixel)
            var gain = curve.gains[0]
            if curve.spacing > 0 {
                let knot = pixel / curve.spacing
                let share = Float(pixel % curve.spacing) / Float(curve.spacing)
                gain =
                    curve.gains[knot] + share * (curve.gains[knot + 1] - curve.gains[knot])
            }
            let value = min(mean[place] * gain, 65_535)
            expected[place] = value
            bins[pixel] = bin(value)
        }
    }

    static func residuals(
        _ shape: FrameShape, counts: UnsafePointer<UInt16>, expected: UnsafePointer<Float>,
        residuals: UnsafeMutablePointer<UInt16>, sums: UnsafeMutablePointer<UInt32>
    ) {
        for band in 0..<shape.bands {
            sums[band] = 0
            for pixel in (band * FrameShape.band)..<((band + 1) * FrameShape.band) {
                let difference =
                    Int32(counts[pixel]) - whole(expected[FrameShape.paired(pixel)])
                residuals[pixel] = UInt16(truncatingIfNeeded: difference)
                sums[band] += difference.magnitude
            }
        }
    }

    static func counts(
        _ shape: FrameShape, expected: UnsafePointer<Float>, residuals: UnsafePointer<UInt16>,
        counts: UnsafeMutablePointer<UInt16>
    ) {
        for pixel in 0..<shape.padded {
            counts[pixel] = UInt16(
                truncatingIfNeeded: whole(expected[FrameShape.paired(pixel)])
                    + Int32(residuals[pixel]))
        }
    }

    static func update(
        _ shape: FrameShape, expected: UnsafePointer<Float>, counts: UnsafePointer<UInt16>,
        weight: Float, mean: UnsafeMutablePointer<Float>
    ) {
        for pixel in 0..<shape.padded {
            let place = FrameShape.paired(pixel)
            mean[place] = expected[place] + (Float(counts[pixel]) - expected[place]) * weight
        }
    }
}
