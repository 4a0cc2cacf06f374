import Numerics
import Testing

@testable import RunLog

@Suite struct NearLosslessTests {
    static let factors: [Float] = [0.5, 1, 2]

    @Test(arguments: factors) func errorsStayWithinTheBound(factor: Float) throws {
        let bound = NearLossless(factor: factor, gain: 0.3, offset: 0, readNoise: 4)
        for kind in SpectralSamples.Kind.allCases {
            let samples = SpectralSamples.frames(kind, frames: 9, pixels: 200)
            let block = try SpectralSamples.block(samples, nearLossless: bound)
            let back = try SpectralDecoder.decode(block)
            #expect(
                block.count <= SpectralHeader.sizeLimit(frames: 9, pixels: 200), "\(kind)")
            for (count, found) in zip(samples.joined(), back.counts) {
                // The bound as written down, in double precision.
                let sigma = (Double(bound.gain) * Double(count) + 16).squareRoot()
                let error = abs(Double(count) - Double(found))
                #expect(error <= Double(factor) * sigma + 1e-3, "\(kind) \(count)")
            }
            if block[1] == SpectralHeader.Mode.stored.rawValue {
                #expect(back.counts.elementsEqual(samples.joined()) && back.nearLossless == nil)
            } else {
                #expect(back.nearLossless == bound)
            }
        }
    }

    /// Steps of 2 b + 1 counts, b about factor · σ, save about log2(2 · factor · σ) bits; the
    /// first frame is exact, so that somewhat less is saved.
    @Test func coarserIsSmaller() throws {
        let samples = SpectralSamples.frames(.lamp, frames: 16, pixels: 400)
        let exact = try SpectralSamples.block(samples).count
        var last = exact
        for factor in Self.factors {
            let bound = NearLossless(factor: factor, gain: 0.3, offset: 0, readNoise: 4)
            let size = try SpectralSamples.block(samples, nearLossless: bound).count
            #expect(size < last - 400)
            last = size
        }
        #expect(last < exact / 3)
    }

    /// No error is allowed where the noise is below a count: all comes back.
    @Test func withoutNoiseNothingIsLost() throws {
        let bound = NearLossless(factor: 0.5, gain: 0, offset: 0, readNoise: 1)
        let samples = SpectralSamples.frames(.lamp, frames: 4, pixels: 100)
        let back = try SpectralDecoder.decode(
            SpectralSamples.block(samples, nearLossless: bound))
        #expect(back.counts.elementsEqual(samples.joined()))
    }

    @Test func lossyIsNeverTheDefault() throws {
        let encoder = try SpectralEncoder(pixels: 8)
        #expect(encoder.nearLossless == nil)
    }
}
