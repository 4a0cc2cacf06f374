import Numerics
import RunLog

/// The decoder of spectra blocks.
var spectralFuzzers: [Fuzzer] {
    [Fuzzer(name: "spectra/decoder", make: SpectralFuzz.decoder)]
}

private enum SpectralFuzz {
    /// Blocks of every mode and kind of frame, small so that many can be tried.
    static func originals() throws -> [[UInt8]] {
        var random = SeededGenerator(seed: 7)
        let bound = NearLossless(factor: 1, gain: 0.5, offset: 100, readNoise: 4)
        var blocks: [[UInt8]] = []
        for (pixels, frames, bound) in [
            (96, 6, nil), (41, 9, nil), (300, 3, nil), (64, 8, bound), (7, 2, nil),
        ] as [(Int, Int, NearLossless?)] {
            let encoder = try SpectralEncoder(
                pixels: pixels, frames: frames, nearLossless: bound)
            for frame in 0..<frames {
                // The light changes in the middle, and the last frame is like no other.
                let strange = frame == frames - 1
                let lamp = frame < frames / 2 ? 1 : 0.6
                try encoder.append(
                    (0..<pixels).map { pixel in
                        let level = 200 + lamp * Double(pixel * (pixels - pixel)) * 2
                        let noise = 6 * random.normal()
                        return strange ? UInt16(50 + pixel) : UInt16(max(0, level + noise))
                    })
            }
            blocks.append(try encoder.takeBlock())
        }
        return blocks
    }

    /// In most inputs length and checksum are put right, so that what lies behind them is
    /// reached.
    @Sendable static func decoder() throws -> Fuzzer.Trial {
        let originals = try originals()
        let decoder = SpectralDecoder()
        return Fuzzer.Trial(
            input: { random in
                var bytes = Mutation.mutated(originals, &random)
                if random.below(8) != 0 { mend(&bytes) }
                return bytes
            },
            run: { bytes, random in
                do {
                    let frames = try decoder.decode(bytes)
                    guard frames.counts.count == frames.frames * frames.pixels else {
                        throw FuzzFailure("\(frames.counts.count) counts")
                    }
                    if random.below(16) == 0 { try compare(bytes, frames) }
                    return .accepted
                } catch is SpectralError {
                    return .refused
                }
            })
    }

    /// A fresh decoder reads the same; what was read can be coded and comes back.
    static func compare(_ bytes: [UInt8], _ frames: SpectralFrames) throws {
        guard try SpectralDecoder.decode(bytes) == frames else {
            throw FuzzFailure("what was decoded before shows")
        }
        let encoder = try SpectralEncoder(pixels: frames.pixels, frames: frames.frames)
        for frame in 0..<frames.frames {
            let start = frame * frames.pixels
            try encoder.append(Array(frames.counts[start..<(start + frames.pixels)]))
        }
        let again = try encoder.takeBlock()
        guard again.count <= SpectralHeader.sizeLimit(frames: frames.frames, pixels: frames.pixels),
            try SpectralDecoder.decode(again).counts == frames.counts
        else { throw FuzzFailure("the frames do not come back") }
    }

    /// Puts length and checksum right, and sometimes the lengths of the sections within it.
    static func mend(_ bytes: inout [UInt8]) {
        let head = SpectralHeader.size
        guard bytes.count >= head else { return }
        func put(_ value: UInt32, at place: Int) {
            for index in 0..<4 {
                bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
            }
        }
        put(UInt32(bytes.count), at: 8)
        put(
            Checksum.crc32c(bytes[head...], after: Checksum.crc32c(bytes[..<(head - 4)])),
            at: head - 4)
    }
}
