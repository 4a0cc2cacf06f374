import Quantities

/// One droplet that passed the detector.
public struct Droplet: Equatable, Sendable {
    /// When the exposure of its first scan began.
    public var enteredAt: Instant
    /// When the exposure of its last scan began.
    public var leftAt: Instant
    /// Scans in its plateau, which the counts are the median of.
    public var plateauCount: Int
    /// Median counts per pixel over the plateau.
    public var counts: [Float]
    /// The largest single count in the plateau.
    public var maximumCount: Int
    /// Whether any scan of the plateau was clipped: its absorbance means nothing.
    public var isSaturated: Bool

    /// A droplet.
    public init(
        enteredAt: Instant, leftAt: Instant, plateauCount: Int, counts: [Float],
        maximumCount: Int, isSaturated: Bool
    ) {
        self.enteredAt = enteredAt
        self.leftAt = leftAt
        self.plateauCount = plateauCount
        self.counts = counts
        self.maximumCount = maximumCount
        self.isSaturated = isSaturated
    }
}

/// A few brightnesses that stand for a whole scan: eight parts of the spectrum of equally many
/// pixels, and the quiet band. A droplet that resembles oil in one band differs in another.
struct SpectralBands: Sendable {
    /// Parts of the spectrum beside the quiet band.
    static let parts = 8
    /// Bands darker than this share of the brightest are noise and are left out.
    static let weakShare = 0.1

    private let ranges: [Range<Int>]
    private let dark: [Double]

    init(
        scale: WavelengthScale, dark: [Double], quietFrom: Double, quietThrough: Double
    ) throws(SpectraError) {
        let count = scale.count
        guard dark.count == count else {
            throw .lengthMismatch(expected: count, got: dark.count)
        }
        guard let first = scale.nanometers.firstIndex(where: { $0 >= quietFrom }),
            let last = scale.nanometers.lastIndex(where: { $0 <= quietThrough }), first <= last
        else { throw .emptyBand(from: quietFrom, through: quietThrough) }
        var ranges = [first..<(last + 1)]
        for part in 0..<Self.parts {
            let range = (count * part / Self.parts)..<(count * (part + 1) / Self.parts)
            if !range.isEmpty { ranges.append(range) }
        }
        self.ranges = ranges
        self.dark = dark
    }

    var pixelCount: Int { dark.count }

    /// Mean counts above dark per band; the quiet band comes first.
    func brightness(of counts: [UInt16]) -> [Double] {
        ranges.map { range in
            var sum = 0.0
            for pixel in range { sum += Double(counts[pixel]) - dark[pixel] }
            return sum / Double(range.count)
        }
    }

    /// How far `a` is from `b`, in units of the brightness of `oil`: the root mean square over
    /// the bands in which oil is bright.
    static func distance(_ a: [Double], _ b: [Double], oil: [Double]) -> Double {
        let floor = (oil.max() ?? 0) * weakShare
        var sum = 0.0
        var used = 0
        for band in oil.indices where oil[band] > floor && oil[band] > 0 {
            let difference = (a[band] - b[band]) / oil[band]
            sum += difference * difference
            used += 1
        }
        // Without any light nothing can be told apart.
        return used == 0 ? 0 : (sum / Double(used)).squareRoot()
    }

    /// Brightness relative to oil: darkest and brightest band, and the quiet band (1 where oil
    /// has no light there).
    static func ratios(
        _ bands: [Double], oil: [Double]
    ) -> (down: Double, up: Double, quiet: Double) {
        let floor = (oil.max() ?? 0) * weakShare
        var down = Double.infinity
        var up = -Double.infinity
        for band in oil.indices where oil[band] > floor && oil[band] > 0 {
            down = min(down, bands[band] / oil[band])
            up = max(up, bands[band] / oil[band])
        }
        guard down.isFinite, up.isFinite else { return (1, 1, 1) }
        return (down, up, oil[0] > floor ? bands[0] / oil[0] : 1)
    }
}
