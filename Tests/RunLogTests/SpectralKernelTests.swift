import Glibc
import Numerics
import Testing

@testable import RunLog

/// Every kernel against its scalar twin.
@Suite struct SpectralKernelTests {
    static let sizes = [1, 2, 15, 16, 17, 31, 32, 33, 100, 421, 1_000]

    /// A frame's state: counts, and a mean that is near them, at the edges, or far away.
    private final class State {
        let shape: FrameShape
        var counts: [UInt16]
        var mean: [Float]
        var expected: [Float]
        var bins: [UInt16]
        var residuals: [UInt16]
        var sums: [UInt32]

        init(_ pixels: Int, _ random: inout SeededGenerator) {
            shape = FrameShape(pixels: pixels)
            counts = [UInt16](repeating: 0, count: shape.padded)
            mean = [Float](repeating: 0, count: shape.padded)
            expected = mean
            bins = counts
            residuals = counts
            sums = [UInt32](repeating: 0, count: shape.bands)
            for pixel in 0..<pixels {
                counts[pixel] = UInt16(truncatingIfNeeded: random.next())
                let place = FrameShape.paired(pixel)
                switch random.below(5) {
                case 0: mean[place] = 0
                case 1: mean[place] = 65_535
                case 2: mean[place] = Float(random.below(65_536)) + 0.5
                case 3: mean[place] = Float(random.uniform(0, 2))
                default: mean[place] = Float(random.uniform(0, 65_535))
                }
            }
        }
    }

    @Test func pairedPlacesAreAPermutation() {
        #expect(Set((0..<64).map(FrameShape.paired)) == Set(0..<64))
        #expect([0, 1, 2, 15, 16, 17].map(FrameShape.paired) == [0, 8, 1, 15, 16, 24])
    }

    @Test(arguments: sizes) func predictionHasItsBits(pixels: Int) {
        var random = SeededGenerator(seed: UInt64(pixels))
        for level in 0...GainCurve.levelLimit {
            let state = State(pixels, &random)
            let twin = State(pixels, &random)
            let knots = max(GainCurve.knots(level, pixels: pixels), 1)
            let gains = (0..<knots).map { _ in Float(random.below(1 << 23)) * 0x1p-20 }
            gains.withUnsafeBufferPointer { gains in
                guard let start = gains.baseAddress else { return }
                let curve = ExpandedCurve(gains: start, spacing: GainCurve.spacing(level))
                FrameKernels.predict(
                    state.shape, mean: state.mean, curve: curve, expected: &state.expected,
                    bins: &state.bins)
                FrameKernelsScalar.predict(
                    state.shape, mean: state.mean, curve: curve, expected: &twin.expected,
                    bins: &twin.bins)
            }
            #expect(state.expected.map(\.bitPattern) == twin.expected.map(\.bitPattern))
            #expect(state.bins == twin.bins)
            #expect(state.bins.allSatisfy { $0 < FrameKernels.bins })
        }
    }

    @Test(arguments: sizes) func residualsAndCountsHaveTheirBits(pixels: Int) {
        var random = SeededGenerator(seed: UInt64(pixels))
        let state = State(pixels, &random)
        let twin = State(pixels, &random)
        FrameKernels.residuals(
            state.shape, counts: state.counts, expected: state.mean,
            residuals: &state.residuals, sums: &state.sums)
        FrameKernelsScalar.residuals(
            state.shape, counts: state.counts, expected: state.mean,
            residuals: &twin.residuals, sums: &twin.sums)
        #expect(state.residuals == twin.residuals && state.sums == twin.sums)
        var back = [UInt16](repeating: 1, count: state.shape.padded)
        var other = back
        FrameKernels.counts(
            state.shape, expected: state.mean, residuals: state.residuals, counts: &back)
        FrameKernelsScalar.counts(
            state.shape, expected: state.mean, residuals: state.residuals, counts: &other)
        #expect(back == state.counts && other == state.counts)
    }

    @Test(arguments: sizes) func updateHasItsBits(pixels: Int) {
        var random = SeededGenerator(seed: UInt64(pixels))
        for weight: Float in [1, 0.5, 3 / 256, 255 / 256, 1 / 256] {
            let state = State(pixels, &random)
            var one = state.mean
            var two = state.mean
            FrameKernels.update(
                state.shape, expected: state.mean, counts: state.counts, weight: weight,
                mean: &one)
            FrameKernelsScalar.update(
                state.shape, expected: state.mean, counts: state.counts, weight: weight,
                mean: &two)
            #expect(one.map(\.bitPattern) == two.map(\.bitPattern))
            #expect(one.allSatisfy { $0 >= 0 && $0 <= 65_536 })
        }
    }

    /// Each sum has 32 terms of at most five roundings, added in whatever order: off by at most
    /// (31 + 5) · 2⁻²⁴ of the sum of their sizes, on either side.
    @Test(arguments: sizes) func momentsAreWithinRounding(pixels: Int) {
        var random = SeededGenerator(seed: UInt64(pixels))
        let state = State(pixels, &random)
        var one = [GainMoments](repeating: GainMoments(), count: state.shape.bands)
        var two = one
        FrameKernels.moments(
            state.shape, mean: state.mean, counts: state.counts, into: &one)
        FrameKernelsScalar.moments(
            state.shape, mean: state.mean, counts: state.counts, into: &two)
        for band in 0..<state.shape.bands {
            var products = 0.0
            for pixel in (band * 32)..<(band * 32 + 32) {
                let mean = Double(state.mean[FrameShape.paired(pixel)])
                products += abs(mean * (Double(state.counts[pixel]) - mean)) / (mean + 256)
            }
            func isNear(_ a: Float, _ b: Float, _ sizes: Double) -> Bool {
                abs(Double(a) - Double(b)) <= 2 * 36 * 0x1p-24 * sizes
            }
            let (a, b) = (one[band], two[band])
            #expect(isNear(a.square0, b.square0, Double(b.square0)))
            #expect(isNear(a.square1, b.square1, Double(b.square1)))
            #expect(isNear(a.square2, b.square2, Double(b.square2)))
            #expect(isNear(a.energy, b.energy, Double(b.energy)))
            #expect(isNear(a.product0, b.product0, products))
            #expect(isNear(a.product1, b.product1, products))
        }
    }

    /// As above, with at most 1,000 / 4 terms or so: (n + 5) · 2⁻²⁴ on either side.
    @Test(arguments: sizes) func differencesAreWithinRounding(pixels: Int) {
        var random = SeededGenerator(seed: UInt64(pixels))
        let (a, b) = (State(pixels, &random), State(pixels, &random))
        let one = FrameKernels.difference(a.shape, a.counts, b.counts)
        let two = FrameKernelsScalar.difference(a.shape, a.counts, b.counts)
        #expect(abs(one - two) <= 2 * Float(pixels + 5) * 0x1p-24 * two)
    }

    /// The normal equations at every spacing, against moments taken pixel by pixel.
    @Test func joinedMomentsAreThoseOfTheWhole() {
        var random = SeededGenerator(seed: 3)
        let terms = (0..<64).map { _ in (random.uniform(), random.normal()) }
        func moments(_ range: Range<Int>) -> GainMoments {
            var sums = GainMoments()
            for index in range {
                let u = Float(index - range.lowerBound) / Float(range.count)
                let (square, product) = (Float(terms[index].0), Float(terms[index].1))
                sums.square0 += square
                sums.square1 += square * u
                sums.square2 += square * u * u
                sums.product0 += product
                sums.product1 += product * u
            }
            return sums
        }
        let joined = GainMoments.joined(moments(0..<32), moments(32..<64))
        let whole = moments(0..<64)
        #expect(abs(joined.square1 - whole.square1) < 1e-4)
        #expect(abs(joined.square2 - whole.square2) < 1e-4)
        #expect(abs(joined.product1 - whole.product1) < 1e-4)
    }

    /// A curve of known knots is found again, whatever the spacing.
    @Test func gainsAreFound() {
        let shape = FrameShape(pixels: 512)
        var mean = [Float](repeating: 0, count: 512)
        var counts = [UInt16](repeating: 0, count: 512)
        for pixel in 0..<512 {
            mean[FrameShape.paired(pixel)] = 20_000
            let share = abs(Float(pixel) - 256) / 256
            counts[pixel] = UInt16(20_000 * (1 + 0.1 * share))
        }
        let count = GainFit.Workspace.count
        var moments = [GainMoments](repeating: GainMoments(), count: count)
        var numbers = [Float](repeating: 0, count: 3 * count)
        moments.withUnsafeMutableBufferPointer { moments in
            numbers.withUnsafeMutableBufferPointer { numbers in
                guard let start = numbers.baseAddress, let sums = moments.baseAddress else {
                    return
                }
                FrameKernels.moments(shape, mean: mean, counts: counts, into: sums)
                let fit = GainFit(
                    pixels: 512, bands: 16, noise: 0.1,
                    .init(
                        moments: sums, offsets: start, diagonals: start + count,
                        scratch: start + 2 * count))
                // Knots every 256 pixels are those of the light.
                #expect(fit.level == 5)
                let found = (0..<3).map { start[fit.start + $0] }
                for (offset, truth) in zip(found, [Float(0.1), 0, 0.1]) {
                    #expect(abs(offset - truth) < 1e-3, "\(found)")
                }
            }
        }
    }
}
