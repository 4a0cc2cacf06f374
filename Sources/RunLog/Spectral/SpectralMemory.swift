/// The memory that coding a block takes, allocated once. Frames have room in front for the
/// counts that the first pixels of an intra frame look back at.
final class SpectralMemory {
    /// Counts in front of a frame.
    static let lead = 16

    let shape: FrameShape
    let frames: Int
    /// Counts from one frame to the next.
    let stride: Int

    private let countMemory: UnsafeMutablePointer<UInt16>
    /// By frame and pixel, padded.
    let residuals: UnsafeMutablePointer<UInt16>
    /// By frame and pixel, padded; zeros for intra frames.
    let bins: UnsafeMutablePointer<UInt16>
    /// Paired.
    let mean: UnsafeMutablePointer<Float>
    let expected: UnsafeMutablePointer<Float>
    /// Of one frame's curve.
    let gains: UnsafeMutablePointer<Float>
    let offsets: UnsafeMutablePointer<Int32>
    /// What each band adds to the scales of a frame, its own share included.
    let bandScales: UnsafeMutablePointer<Int32>

    /// Memory for `frames` frames of `shape`; a decoder needs only one at a time.
    init(_ shape: FrameShape, frames: Int) {
        self.shape = shape
        self.frames = frames
        stride = shape.padded + Self.lead
        func zeros<Value: Numeric>(_ count: Int, _: Value.Type) -> UnsafeMutablePointer<Value> {
            let memory = UnsafeMutablePointer<Value>.allocate(capacity: count)
            memory.initialize(repeating: 0, count: count)
            return memory
        }
        countMemory = zeros(frames * stride, UInt16.self)
        residuals = zeros(frames * shape.padded, UInt16.self)
        bins = zeros(frames * shape.padded, UInt16.self)
        mean = zeros(shape.padded, Float.self)
        expected = zeros(shape.padded, Float.self)
        gains = zeros(GainCurve.knotLimit + 1, Float.self)
        offsets = zeros(GainCurve.knotLimit + 1, Int32.self)
        bandScales = zeros(shape.bands, Int32.self)
    }

    deinit {
        countMemory.deallocate()
        residuals.deallocate()
        bins.deallocate()
        mean.deallocate()
        expected.deallocate()
        gains.deallocate()
        offsets.deallocate()
        bandScales.deallocate()
    }

    /// The counts of a frame.
    func counts(_ frame: Int) -> UnsafeMutablePointer<UInt16> {
        countMemory + frame * stride + Self.lead
    }

    /// Fills what lies in front of a frame with `start`.
    func lead(_ frame: Int, start: UInt16) {
        (countMemory + frame * stride).update(repeating: start, count: Self.lead)
    }

    /// Begins a mean with a frame alone.
    func restart(_ frame: Int) {
        expected.update(repeating: 0, count: shape.padded)
        FrameKernels.update(
            shape, expected: expected, counts: counts(frame), weight: 1, mean: mean)
    }

    /// The curve in `offsets`, ready for `FrameKernels.predict`.
    func expanded(_ curve: GainCurve) -> ExpandedCurve {
        let knots = GainCurve.knots(curve.level, pixels: shape.pixels)
        if knots == 0 { gains[0] = 1 }
        GainCurve.expand(offsets, count: knots, into: gains)
        return ExpandedCurve(gains: gains, spacing: GainCurve.spacing(curve.level))
    }
}

extension NearLossless {
    /// Takes the steps of residuals that the bound allows: `residuals` become numbers of steps,
    /// `counts` what a reader will have. False when some count would then be further from itself
    /// than the bound at its own level: nothing is changed then.
    func coarsen(_ memory: SpectralMemory, frame: Int) -> Bool {
        let counts = memory.counts(frame)
        let residuals = memory.residuals + frame * memory.shape.padded
        for pass in 0..<2 {
            for pixel in 0..<memory.shape.pixels {
                let expected = memory.expected[FrameShape.paired(pixel)]
                let bound = bound(expecting: expected)
                guard bound > 0 else { continue }
                let whole = Int32(expected.rounded(.toNearestOrEven))
                let count = Int32(counts[pixel])
                let size = Int32((count - whole).magnitude)
                let steps = (size + bound) / (2 * bound + 1)
                let signed = count < whole ? -steps : steps
                let back = Self.count(whole, steps: signed, bound: bound)
                if pass == 0 {
                    let allowed = self.bound(at: Float(count))
                    guard (back - count).magnitude <= allowed.magnitude else { return false }
                } else {
                    residuals[pixel] = UInt16(truncatingIfNeeded: signed)
                    counts[pixel] = UInt16(back)
                }
            }
        }
        return true
    }

    /// Counts again from numbers of steps.
    func restore(_ memory: SpectralMemory) {
        let counts = memory.counts(0)
        for pixel in 0..<memory.shape.pixels {
            let expected = memory.expected[FrameShape.paired(pixel)]
            let bound = bound(expecting: expected)
            let whole = Int32(expected.rounded(.toNearestOrEven))
            let steps = memory.residuals[pixel]
            counts[pixel] =
                bound > 0
                ? UInt16(
                    Self.count(whole, steps: Int32(Int16(bitPattern: steps)), bound: bound))
                : UInt16(truncatingIfNeeded: whole) &+ steps
        }
    }

    @inline(__always)
    private static func count(_ expected: Int32, steps: Int32, bound: Int32) -> Int32 {
        // |steps| ≤ 2¹⁵ and 2 · bound + 1 < 2²⁰: 64 bits hold the product whatever is read.
        let value = Int64(expected) + Int64(steps) * Int64(2 * bound + 1)
        return Int32(min(max(value, 0), 65_535))
    }
}
