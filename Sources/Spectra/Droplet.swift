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
    private var dark: [Double]

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
        // A copy: who gave it fills its own room again.
        self.dark = dark.map { $0 }
    }

    var pixelCount: Int { dark.count }
    /// Bands, the quiet one among them.
    var count: Int { ranges.count }

    /// Another dark for the same pixels.
    mutating func replaceDark(_ dark: [Double]) throws(SpectraError) {
        guard dark.count == self.dark.count else {
            throw .lengthMismatch(expected: self.dark.count, got: dark.count)
        }
        for pixel in dark.indices { self.dark[pixel] = dark[pixel] }
    }

    /// Sets `brightness` to the mean counts above dark per band; the quiet band comes first.
    func measure(_ counts: [UInt16], into brightness: inout [Double]) {
        for (band, range) in ranges.enumerated() {
            var sum = 0.0
            for pixel in range { sum += Double(counts[pixel]) - dark[pixel] }
            brightness[band] = sum / Double(range.count)
        }
    }

    /// How far `a` is from `b`, in units of the brightness of `oil`: the root mean square over
    /// the bands in which oil is bright.
    static func distance(
        _ a: ArraySlice<Double>, _ b: ArraySlice<Double>, oil: [Double]
    ) -> Double {
        distance(a, b, oil: oil[...])
    }

    static func distance(
        _ a: ArraySlice<Double>, _ b: ArraySlice<Double>, oil: ArraySlice<Double>
    ) -> Double {
        let floor = (oil.max() ?? 0) * weakShare
        var sum = 0.0
        var used = 0
        for band in 0..<oil.count {
            let light = oil[oil.startIndex + band]
            guard light > floor, light > 0 else { continue }
            let difference = (a[a.startIndex + band] - b[b.startIndex + band]) / light
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
