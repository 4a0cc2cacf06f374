import Numerics

@testable import RunLog

/// Frames to test the codec with.
enum SpectralSamples {
    /// What frames can look like.
    enum Kind: String, CaseIterable, Sendable {
        case lamp, droplets, spikes, constant, saturated, dark, random, alternating, flashing
    }

    /// `frames` frames of `pixels`, one after the other.
    static func frames(_ kind: Kind, frames: Int, pixels: Int, seed: UInt64 = 1) -> [[UInt16]] {
        var random = SeededGenerator(seed: seed).split(kind.rawValue)
        return (0..<frames).map { frame in
            (0..<pixels).map { pixel in
                count(kind, frame, Double(pixel) / Double(pixels), pixel, &random)
            }
        }
    }

    private static func count(
        _ kind: Kind, _ frame: Int, _ x: Double, _ pixel: Int, _ random: inout SeededGenerator
    ) -> UInt16 {
        let light = 500 + 160_000 * x * (1 - x)
        func noisy(_ level: Double) -> UInt16 {
            let sigma = (0.3 * level + 16).squareRoot()
            return UInt16(min(max((level + sigma * random.normal()).rounded(), 0), 65_535))
        }
        switch kind {
        case .lamp: return noisy(light * (1 + 0.001 * Double(frame % 7)))
        case .droplets: return noisy(light * (1 - 0.2 * x * Double(frame / 3 % 4)))
        case .spikes: return random.below(40) == 0 ? 65_535 : noisy(light)
        case .constant: return 12_345
        case .saturated: return 65_535
        case .dark: return UInt16(random.below(3))
        case .random: return UInt16(truncatingIfNeeded: random.next())
        case .alternating: return pixel % 2 == 0 ? 0 : 65_535
        case .flashing: return frame % 2 == 0 ? 0 : 65_535
        }
    }

    /// The block of some frames.
    static func block(
        _ frames: [[UInt16]], nearLossless: NearLossless? = nil
    ) throws -> [UInt8] {
        let encoder = try SpectralEncoder(
            pixels: frames[0].count, frames: frames.count, nearLossless: nearLossless)
        for frame in frames { try encoder.append(frame) }
        return try encoder.takeBlock()
    }

    /// A block with its length and checksum put right after it was changed.
    static func mended(_ block: [UInt8]) -> [UInt8] {
        var bytes = block
        func put(_ value: UInt32, at place: Int) {
            for index in 0..<4 {
                bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index))
            }
        }
        put(UInt32(bytes.count), at: 8)
        put(Checksum.crc32c(bytes[24...], after: Checksum.crc32c(bytes[..<20])), at: 20)
        return bytes
    }

    /// The example of FORMAT.md: 4 frames of 40 pixels.
    static let exampleFrames: [[UInt16]] = (0..<4).map { (frame: Int) -> [UInt16] in
        (0..<40).map { (pixel: Int) -> UInt16 in
            let ripple: Int = (7 * pixel + 5 * frame) % 4
            let count: Int = 1_000 + 50 * pixel + 10 * frame + ripple
            return UInt16(count)
        }
    }
}
