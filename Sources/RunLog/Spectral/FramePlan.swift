/// How one frame of a block is coded.
struct FramePlan {
    /// Whether nothing is known of it: its counts are foreseen from those left of them.
    var isIntra = true
    /// Of an intra frame: the way, and the count before the first.
    var way = 0
    var start: UInt16 = 0
    /// Of others: how far from the expected counts the mean goes towards the counts, in 256ths
    /// minus one.
    var weightCode = 255
    var curve = GainCurve()
    /// Whether its counts come back as they were although the block is near-lossless.
    var isExact = true

    /// The weight.
    var weight: Float { Float(weightCode + 1) / 256 }
}

/// The side section of a block: FORMAT.md, "Side section".
enum SideSection {
    /// Bits of numbers in it.
    static let scaleBits = 8
    static let frameBits = 7

    /// Most bytes it can have.
    static func sizeLimit(frames: Int, bands: Int) -> Int {
        // Golomb codes of knots: at most 49 bits each, with all else far below 64 bits a band.
        256 + bands + frames * (16 + 8 * (bands + 2))
    }

    static func writeScales(_ fit: ScaleFit, bands: Int, to bits: inout PlainBitWriter) {
        bits.put(UInt32(fit.first), 6)
        bits.put(UInt32(fit.last - fit.first), 6)
        for bin in fit.first...fit.last { bits.put(UInt32(fit.ofBin[bin]), scaleBits) }
        bits.put(fit.hasBands ? 1 : 0, 1)
        guard fit.hasBands else { return }
        for band in 0..<bands { bits.putSigned(Int(fit.ofBand[band]), ScaleFit.bandBits) }
    }

    /// Reads scales of all level bins and of bands; false where they cannot be.
    static func readScales(
        _ bits: inout PlainBitReader, bands: Int, ofBin: UnsafeMutablePointer<Int32>,
        ofBand: UnsafeMutablePointer<Int32>
    ) -> Bool {
        let first = Int(bits.take(6))
        let last = first + Int(bits.take(6))
        guard last < FrameKernels.bins else { return false }
        for bin in first...last {
            ofBin[bin] = Int32(bits.take(scaleBits))
            guard ofBin[bin] < TokenTables.scaleCount else { return false }
        }
        for bin in 0..<first { ofBin[bin] = ofBin[first] }
        for bin in (last + 1)..<max(FrameKernels.bins, last + 1) { ofBin[bin] = ofBin[last] }
        let hasBands = bits.take(1) == 1
        for band in 0..<bands {
            ofBand[band] = hasBands ? Int32(bits.takeSigned(ScaleFit.bandBits)) : 0
        }
        return !bits.isOver
    }
}
