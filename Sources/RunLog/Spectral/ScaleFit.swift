/// Finds the scales of a block from the mean sizes of its residuals, band by band: one for every
/// level bin, what each frame adds, and what each band adds where that is worth its bits. Not
/// part of the format; what it finds is written there.
struct ScaleFit {
    /// Bits a band's share takes.
    static let bandBits = 6
    /// Largest size of a frame's and a band's share, eighths of an octave.
    static let frameReach = 63
    static let bandReach = 31
    /// Level bins beside those that were met that get a scale of their own.
    private static let margin = 2
    /// Bits per residual that are lost by a scale that is one eighth off.
    private static let lostBits: Float = 0.0108

    /// Scale of each level bin, 0…143.
    let ofBin: UnsafeMutablePointer<Int32>
    /// What each frame adds.
    let ofFrame: UnsafeMutablePointer<Int32>
    /// What each band adds.
    let ofBand: UnsafeMutablePointer<Int32>
    /// First and last bin with a scale of its own.
    private(set) var first = 0
    private(set) var last = 0
    /// Whether bands add anything.
    private(set) var hasBands = false

    init() {
        ofBin = .allocate(capacity: FrameKernels.bins)
        ofFrame = .allocate(capacity: SpectralHeader.frameLimit)
        ofBand = .allocate(capacity: SpectralHeader.pixelLimit / FrameShape.band)
    }

    func deallocate() {
        ofBin.deallocate()
        ofFrame.deallocate()
        ofBand.deallocate()
    }

    /// What was measured: by frame and band the sum of sizes and the level bin of the middle.
    struct Evidence {
        let shape: FrameShape
        let frames: Int
        let sums: UnsafePointer<UInt32>
        let bins: UnsafePointer<UInt8>
        /// Frames without a level: they are left out.
        let isIntra: (Int) -> Bool

        /// Pixels of a band.
        @inline(__always)
        func pixels(_ band: Int) -> Float {
            Float(min(FrameShape.band, shape.pixels - band * FrameShape.band))
        }
    }

    /// Fits all scales.
    mutating func fit(_ evidence: Evidence) {
        ofFrame.update(repeating: 0, count: evidence.frames)
        ofBand.update(repeating: 0, count: evidence.shape.bands)
        ofBin.update(repeating: 0, count: FrameKernels.bins)
        (first, last) = (0, 0)
        hasBands = false
        fitBins(evidence)
        fitFrames(evidence)
        fitBands(evidence)
        fitBins(evidence)
        fitFrames(evidence)
    }

    /// 2^(−scale/8).
    @inline(__always)
    private static func power(_ scale: Int32, _ powers: UnsafePointer<Float>) -> Float {
        powers[Int(scale) + ScaleTable.powerReach]
    }

    private mutating func fitBins(_ evidence: Evidence) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * FrameKernels.bins) { memory in
            guard let sums = memory.baseAddress else { return }
            let weights = sums + FrameKernels.bins
            sums.initialize(repeating: 0, count: 2 * FrameKernels.bins)
            let powers = ScaleTable.shared.powers
            for frame in 0..<evidence.frames where !evidence.isIntra(frame) {
                let row = frame * evidence.shape.bands
                for band in 0..<evidence.shape.bands {
                    let bin = Int(evidence.bins[row + band])
                    sums[bin] +=
                        Float(evidence.sums[row + band])
                        * Self.power(ofFrame[frame] + ofBand[band], powers)
                    weights[bin] += evidence.pixels(band)
                }
            }
            fill(sums, weights)
        }
    }

    /// Scales from the sums; bins that were not met lie on straight lines between their
    /// neighbours, beyond the outermost on one with the slope of shot noise: one eighth per bin.
    private mutating func fill(_ sums: UnsafePointer<Float>, _ weights: UnsafePointer<Float>) {
        guard let low = (0..<FrameKernels.bins).first(where: { weights[$0] > 0 }),
            let high = (0..<FrameKernels.bins).last(where: { weights[$0] > 0 })
        else { return }
        var before = low
        for bin in low...high where weights[bin] > 0 {
            ofBin[bin] = Int32(ScaleTable.scale(meanSize: sums[bin] / weights[bin]))
            for gap in (before + 1)..<max(bin, before + 1) {
                ofBin[gap] =
                    ofBin[before] + (ofBin[bin] - ofBin[before]) * Int32(gap - before)
                    / Int32(bin - before)
            }
            before = bin
        }
        first = max(low - Self.margin, 0)
        last = min(high + Self.margin, FrameKernels.bins - 1)
        for bin in first..<low { ofBin[bin] = max(ofBin[low] - Int32(low - bin), 0) }
        for bin in (high + 1)..<max(last + 1, high + 1) {
            ofBin[bin] = min(ofBin[high] + Int32(bin - high), Int32(TokenTables.scaleCount - 1))
        }
        // As a reader will have them.
        for bin in 0..<first { ofBin[bin] = ofBin[first] }
        for bin in (last + 1)..<max(FrameKernels.bins, last + 1) { ofBin[bin] = ofBin[last] }
    }

    /// The mean of size over expected size of a sum, as eighths; nil where all sizes are 0.
    private static func share(_ sum: Float, _ weight: Float) -> Int? {
        guard sum > 0, weight > 0 else { return nil }
        // Scale 16 is a standard deviation of 1, a mean size of √(2/π).
        return ScaleTable.eighths(sum / weight * 1.2533) + 16
    }

    private func fitFrames(_ evidence: Evidence) {
        let powers = ScaleTable.shared.powers
        do {
            for frame in 0..<evidence.frames where !evidence.isIntra(frame) {
                let row = frame * evidence.shape.bands
                var sum: Float = 0
                for band in 0..<evidence.shape.bands {
                    let scale = ofBin[Int(evidence.bins[row + band])] + ofBand[band]
                    sum += Float(evidence.sums[row + band]) * Self.power(scale, powers)
                }
                let share = Self.share(sum, Float(evidence.shape.pixels)) ?? -Self.frameReach
                ofFrame[frame] = Int32(min(max(share, -Self.frameReach), Self.frameReach))
            }
        }
    }

    private mutating func fitBands(_ evidence: Evidence) {
        var saved: Float = 0
        let powers = ScaleTable.shared.powers
        do {
            for band in 0..<evidence.shape.bands {
                var sum: Float = 0
                var weight: Float = 0
                for frame in 0..<evidence.frames where !evidence.isIntra(frame) {
                    let place = frame * evidence.shape.bands + band
                    let scale = ofBin[Int(evidence.bins[place])] + ofFrame[frame]
                    sum += Float(evidence.sums[place]) * Self.power(scale, powers)
                    weight += evidence.pixels(band)
                }
                let share = Self.share(sum, weight) ?? 0
                let bound = min(max(share, -Self.bandReach), Self.bandReach)
                ofBand[band] = Int32(bound)
                saved += weight * Self.lostBits * Float(bound * bound)
            }
        }
        hasBands = saved > Float(2 * Self.bandBits * evidence.shape.bands)
        if !hasBands { ofBand.update(repeating: 0, count: evidence.shape.bands) }
    }
}
