import Glibc
import Numerics
import Spectra
import World

/// Frames of 16-bit counts with known noise, so that the entropy no lossless code can beat is
/// known as well: that of the noise, given the light.
struct SpectralData {
    var pixels: Int
    /// Counts, frame after frame.
    var counts: [UInt16] = []
    /// Mean over all counts of the entropy of the rounded noise, bits: log2(σ √(2πe)), which for
    /// σ of 3 counts and more is that of the rounded normal distribution to five digits.
    var boundBits = 0.0

    var frames: Int { counts.count / pixels }

    /// Counts per electron: with it the bound of simulated frames is 0.98 bytes per pixel.
    static let gain = 0.125
    /// Counts in the dark, and their noise.
    static let dark = 1_500.0
    static let readNoise = 8.0
    /// Counts of the lamp at its brightest.
    static let brightest = 60_000.0

    /// A lamp's spectrum over `pixels`, 1 at its brightest: a broad band, and two lines of a
    /// few pixels.
    static func lamp(_ pixels: Int) -> [Double] {
        let shape = (0..<pixels).map { pixel -> Double in
            let x = Double(pixel) / Double(max(pixels - 1, 1))
            func bell(_ centre: Double, _ width: Double) -> Double {
                exp(-((x - centre) / width) * ((x - centre) / width))
            }
            return 0.05 + 0.75 * bell(0.45, 0.28) + 0.15 * bell(0.62, 0.01)
                + 0.08 * bell(0.3, 0.02)
        }
        let top = shape.max() ?? 1
        return shape.map { $0 / top }
    }

    /// What the lamp does from frame to frame: brightness and colour wander slowly.
    struct Drift {
        var brightness = 0.0
        var tilt = 0.0

        mutating func step(_ random: inout SeededGenerator) {
            brightness = 0.995 * brightness + 3e-4 * random.normal()
            tilt = 0.995 * tilt + 2e-4 * random.normal()
        }
    }

    /// `frames` frames of the lamp alone.
    static func simulated(frames: Int, pixels: Int = 2_048, seed: UInt64 = 1) -> SpectralData {
        let absorbances = [[Double](repeating: 0, count: pixels)]
        return SpectralData(
            pixels: pixels, absorbances: absorbances, each: frames, seed: seed)
    }

    /// The lamp seen through measured droplets, one after the other in the order of the table,
    /// each for `each` frames. `pixels` is 0 for those of the table; others are interpolated.
    static func droplets(
        _ path: String, each: Int = 6, frames: Int, pixels: Int = 2_048, seed: UInt64 = 2
    ) throws -> SpectralData {
        let bytes = try Files.read(path, limit: 1 << 26)
        let table = try SpectraTable.parse(String(decoding: bytes, as: UTF8.self))
        let wanted = pixels == 0 ? table.wavelengths.count : pixels
        let rows = table.rows.prefix((frames + each - 1) / each).map { row in
            (0..<wanted).map { pixel -> Double in
                let at = Double(pixel) * Double(row.count - 1) / Double(max(wanted - 1, 1))
                let left = min(Int(at), row.count - 2)
                return row[left] + (at - Double(left)) * (row[left + 1] - row[left])
            }
        }
        return SpectralData(pixels: wanted, absorbances: rows, each: each, seed: seed)
    }

    private init(pixels: Int, absorbances: [[Double]], each: Int, seed: UInt64) {
        self.pixels = pixels
        var random = SeededGenerator(seed: seed)
        let lamp = Self.lamp(pixels)
        var drift = Drift()
        var entropy = 0.0
        counts.reserveCapacity(absorbances.count * each * pixels)
        for absorbance in absorbances {
            let light = (0..<pixels).map { lamp[$0] * pow(10, -absorbance[$0]) }
            for _ in 0..<each {
                drift.step(&random)
                for pixel in 0..<pixels {
                    let side = 2 * Double(pixel) / Double(max(pixels - 1, 1)) - 1
                    let level =
                        (Self.brightest - Self.dark) * light[pixel]
                        * (1 + drift.brightness + drift.tilt * side)
                    let sigma =
                        (Self.gain * level + Self.readNoise * Self.readNoise).squareRoot()
                    let count = (Self.dark + level + sigma * random.normal()).rounded()
                    counts.append(UInt16(min(max(count, 0), 65_535)))
                    entropy += log2(sigma * (2 * Double.pi * M_E).squareRoot())
                }
            }
        }
        boundBits = entropy / Double(counts.count)
    }
}
