import Quantities

/// The mean of several scans of the same scene: a dark, or a reference.
public struct ScanAverage: Equatable, Sendable {
    /// Mean counts per pixel.
    public internal(set) var mean: [Double]
    /// Standard deviation of one scan per pixel, counts.
    public internal(set) var sigma: [Double]
    /// Scans that went in.
    public internal(set) var scans: Int
    /// Exposure of each of them.
    public internal(set) var integration: TimeSpan
    /// The largest single count among them.
    public internal(set) var maximumCount: Int

    init(mean: [Double], sigma: [Double], scans: Int, integration: TimeSpan, maximumCount: Int) {
        self.mean = mean
        self.sigma = sigma
        self.scans = scans
        self.integration = integration
        self.maximumCount = maximumCount
    }

    /// Room for the average of scans of `pixelCount` pixels: an average of nothing, all zero.
    public init(pixelCount: Int) {
        mean = [Double](repeating: 0, count: max(0, pixelCount))
        sigma = [Double](repeating: 0, count: max(0, pixelCount))
        scans = 0
        integration = .zero
        maximumCount = 0
    }
}

/// Collects scans of one scene, exposed for the same time, into a `ScanAverage`.
///
/// Mean and scatter are updated scan by scan (Welford, Technometrics 4, 1962), so that nothing
/// grows with their number.
public struct ScanAccumulator: Sendable {
    /// Scans so far.
    public private(set) var scans = 0
    /// The largest single count so far.
    public private(set) var maximumCount = 0
    private let integration: TimeSpan
    private var mean: [Double]
    private var squares: [Double]

    /// An accumulator of scans of `pixelCount` pixels, each exposed for `integration`.
    public init(pixelCount: Int, integration: TimeSpan) {
        self.integration = integration
        mean = [Double](repeating: 0, count: max(0, pixelCount))
        squares = [Double](repeating: 0, count: max(0, pixelCount))
    }

    /// Forgets every scan and keeps its room.
    public mutating func restart() {
        scans = 0
        maximumCount = 0
        for pixel in mean.indices {
            mean[pixel] = 0
            squares[pixel] = 0
        }
    }

    /// Adds a scan. Throws, and adds nothing, when it is clipped, has another length, or was
    /// exposed for another time.
    public mutating func add(
        _ counts: [UInt16], integration: TimeSpan, isSaturated: Bool
    ) throws(SpectraError) {
        try check(
            counts.count, integration: integration,
            saturatedAt: isSaturated ? Int(counts.max() ?? 0) : nil)
        scans += 1
        for pixel in counts.indices { take(Double(counts[pixel]), at: pixel) }
        maximumCount = max(maximumCount, Int(counts.max() ?? 0))
    }

    /// Adds a scan that is itself a median or mean, such as a droplet's.
    public mutating func add(
        _ counts: [Float], integration: TimeSpan, isSaturated: Bool
    ) throws(SpectraError) {
        let largest = largestCount(counts)
        try check(
            counts.count, integration: integration, saturatedAt: isSaturated ? largest : nil)
        scans += 1
        maximumCount = max(maximumCount, largest)
        for pixel in counts.indices { take(Double(counts[pixel]), at: pixel) }
    }

    private func check(
        _ pixels: Int, integration: TimeSpan, saturatedAt largest: Int?
    ) throws(SpectraError) {
        guard pixels == mean.count else {
            throw .lengthMismatch(expected: mean.count, got: pixels)
        }
        guard integration == self.integration else {
            throw .integrationMismatch(
                expectedSeconds: self.integration.seconds, gotSeconds: integration.seconds)
        }
        if let largest { throw .saturated(maximumCount: largest) }
    }

    private mutating func take(_ value: Double, at pixel: Int) {
        let before = value - mean[pixel]
        mean[pixel] += before / Double(scans)
        squares[pixel] += before * (value - mean[pixel])
    }

    /// The average. Throws `tooFewScans` below two, because scatter needs two.
    public func average() throws(SpectraError) -> ScanAverage {
        var average = ScanAverage(pixelCount: mean.count)
        try self.average(into: &average)
        return average
    }

    /// The same into `average`, whose room is used again. Throws before it is touched.
    public func average(into average: inout ScanAverage) throws(SpectraError) {
        guard scans >= 2 else { throw .tooFewScans(got: scans, needed: 2) }
        let degrees = Double(scans - 1)
        average.mean.removeAll(keepingCapacity: true)
        average.sigma.removeAll(keepingCapacity: true)
        for pixel in mean.indices {
            average.mean.append(mean[pixel])
            average.sigma.append((squares[pixel] / degrees).squareRoot())
        }
        average.scans = scans
        average.integration = integration
        average.maximumCount = maximumCount
    }
}

/// The largest of `counts` as a whole number; values that are no counts are passed over.
func largestCount(_ counts: [Float]) -> Int {
    var largest: Float = 0
    for count in counts where count.isFinite { largest = max(largest, count) }
    return Int(min(largest, 1e9))
}
