import Glibc
import Numerics
import TestSupport
import Testing

@testable import RunLog

@Suite struct SpectralCodecTests {
    @Test(arguments: SpectralSamples.Kind.allCases)
    func everyCountComesBack(kind: SpectralSamples.Kind) throws {
        let decoder = SpectralDecoder()
        for pixels in [1, 2, 7, 8, 9, 31, 32, 33, 64, 421] {
            for frames in [1, 2, 5, 12] {
                let samples = SpectralSamples.frames(kind, frames: frames, pixels: pixels)
                let block = try SpectralSamples.block(samples)
                #expect(
                    block.count <= SpectralHeader.sizeLimit(frames: frames, pixels: pixels))
                let back = try decoder.decode(block)
                #expect(back.frames == frames && back.pixels == pixels)
                #expect(back.counts == samples.flatMap { $0 }, "\(kind) \(frames) x \(pixels)")
                #expect(back.nearLossless == nil)
            }
        }
    }

    @Test func largestBlockComesBack() throws {
        let samples = SpectralSamples.frames(.droplets, frames: 64, pixels: 1_000)
        #expect(
            try SpectralDecoder.decode(SpectralSamples.block(samples)).counts.elementsEqual(
                samples.joined()))
        let wide = SpectralSamples.frames(.lamp, frames: 3, pixels: 4_096)
        #expect(
            try SpectralDecoder.decode(SpectralSamples.block(wide)).counts.elementsEqual(
                wide.joined()))
    }

    @Test func evenLightTakesNearlyNothing() throws {
        for kind in [SpectralSamples.Kind.constant, .saturated, .alternating] {
            let block = try SpectralSamples.block(
                SpectralSamples.frames(kind, frames: 16, pixels: 512))
            // Alternating pixels cost their first frame, which nothing foresees.
            #expect(block.count < (kind == .alternating ? 2_600 : 200), "\(kind)")
        }
    }

    @Test func noiseIsStored() throws {
        let frames = SpectralSamples.frames(.random, frames: 4, pixels: 300)
        let block = try SpectralSamples.block(frames)
        #expect(block.count == SpectralHeader.sizeLimit(frames: 4, pixels: 300))
        #expect(block[1] == SpectralHeader.Mode.stored.rawValue)
        // The counts as they are, low byte first.
        #expect(
            Array(block[24...])
                == frames.joined().flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
    }

    /// The entropy of the noise is what no code can beat; this one stays within 1.06 of it.
    @Test func sizeIsNearTheEntropyOfTheNoise() throws {
        var random = SeededGenerator(seed: 5)
        var bits = 0.0
        let frames = (0..<32).map { frame in
            (0..<1_024).map { pixel -> UInt16 in
                let level = 2_000 + 30_000 * sin(Double(pixel) / 400)
                let drifted = level * (1 + 2e-4 * Double(frame))
                let sigma = (0.1 * drifted).squareRoot()
                bits += log2(sigma * (2 * Double.pi * M_E).squareRoot())
                return UInt16((drifted + sigma * random.normal()).rounded())
            }
        }
        let block = try SpectralSamples.block(frames)
        let bound = bits / 8
        #expect(Double(block.count) > 0.99 * bound)
        #expect(Double(block.count) < 1.06 * bound, "\(Double(block.count) / bound)")
    }

    @Test func anEncoderIsUsedAgain() throws {
        let encoder = try SpectralEncoder(pixels: 100, frames: 6)
        for kind in [SpectralSamples.Kind.droplets, .random, .lamp, .constant] {
            for frames in [6, 3] {
                let samples = SpectralSamples.frames(kind, frames: frames, pixels: 100)
                for frame in samples { try encoder.append(frame) }
                #expect(encoder.count == frames && encoder.isFull == (frames == 6))
                let block = try encoder.takeBlock()
                #expect(encoder.count == 0)
                // What came before does not show.
                let fresh = try SpectralEncoder(pixels: 100, frames: 6)
                for frame in samples { try fresh.append(frame) }
                #expect(try fresh.takeBlock() == block)
            }
        }
    }

    @Test func misuseIsNamed() throws {
        #expect(throws: SpectralError.sizeOutOfRange(frames: 65, pixels: 8)) {
            try SpectralEncoder(pixels: 8, frames: 65)
        }
        #expect(throws: SpectralError.sizeOutOfRange(frames: 64, pixels: 4_097)) {
            try SpectralEncoder(pixels: 4_097)
        }
        let encoder = try SpectralEncoder(pixels: 8, frames: 1)
        #expect(throws: SpectralError.empty) { try encoder.takeBlock() }
        #expect(throws: SpectralError.wrongPixels(7, expected: 8)) {
            try encoder.append([UInt16](repeating: 0, count: 7))
        }
        try encoder.append([UInt16](repeating: 0, count: 8))
        #expect(throws: SpectralError.full) {
            try encoder.append([UInt16](repeating: 0, count: 8))
        }
        for factor in [0, -1, 5, Float.nan] {
            let bound = NearLossless(factor: factor, gain: 1, offset: 0, readNoise: 1)
            #expect(throws: SpectralError.self) {
                try SpectralEncoder(pixels: 8, nearLossless: bound)
            }
        }
    }

    @Test func exampleOfTheFormat() throws {
        let files = SourceTree.files(under: "Sources/RunLog", endings: ["FORMAT.md"])
        let text = try #require(files.first).text
        let start = try #require(text.range(of: "spectra block; 154 bytes:\n\n```\n"))
        let rest = text[start.upperBound...]
        let end = try #require(rest.range(of: "```"))
        let bytes = rest[..<end.lowerBound].split(whereSeparator: \.isWhitespace).map {
            UInt8($0, radix: 16) ?? 0
        }
        #expect(bytes.count == 154)
        #expect(try SpectralSamples.block(SpectralSamples.exampleFrames) == bytes)
        #expect(
            try SpectralDecoder.decode(bytes).counts
                == SpectralSamples.exampleFrames.flatMap { $0 })
    }
}

extension StringProtocol {
    /// Where `other` first is.
    fileprivate func range(of other: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(other) {
                return start..<index(start, offsetBy: other.count)
            }
            formIndex(after: &start)
        }
        return nil
    }
}
