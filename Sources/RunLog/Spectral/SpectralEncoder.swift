import Glibc

/// Makes blocks of frames, which are given one at a time. All memory is taken at the start: what
/// follows allocates nothing.
public final class SpectralEncoder {
    /// Pixels of a frame.
    public var pixels: Int { memory.shape.pixels }
    /// Frames a block holds.
    public let frameLimit: Int
    /// Frames since the last block.
    public private(set) var count = 0
    /// Whether the block must be taken before another frame.
    public var isFull: Bool { count == frameLimit }

    let nearLossless: NearLossless?
    let memory: SpectralMemory
    var fit = ScaleFit()
    var plans: UnsafeMutablePointer<FramePlan>
    /// By frame and band.
    let sums: UnsafeMutablePointer<UInt32>
    let middles: UnsafeMutablePointer<UInt8>
    /// By frame, `GainCurve.knotLimit` each.
    let knotCodes: UnsafeMutablePointer<UInt32>
    let steps: UnsafeMutablePointer<Int32>
    let workspace: GainFit.Workspace
    private let tokens: UnsafeMutablePointer<UInt16>
    private let words: UnsafeMutablePointer<UInt16>
    private let side: UnsafeMutablePointer<UInt8>
    private let plain: UnsafeMutablePointer<UInt8>
    private let block: UnsafeMutablePointer<UInt8>
    let zeros: UnsafeMutablePointer<UInt16>
    let zeroScale: UnsafeMutablePointer<Int32>

    private let sideLimit: Int
    private let plainLimit: Int
    private let wordLimit: Int

    /// An encoder of blocks of up to `frames` frames of `pixels` pixels; without `nearLossless`
    /// every count comes back. Throws `sizeOutOfRange`, `wrongBound`.
    public init(
        pixels: Int, frames: Int = SpectralHeader.frameLimit, nearLossless: NearLossless? = nil
    ) throws(SpectralError) {
        guard (1...SpectralHeader.frameLimit).contains(frames),
            (1...SpectralHeader.pixelLimit).contains(pixels)
        else { throw .sizeOutOfRange(frames: frames, pixels: pixels) }
        if let nearLossless, !nearLossless.isValid { throw .wrongBound(nearLossless) }
        self.nearLossless = nearLossless
        frameLimit = frames
        let shape = FrameShape(pixels: pixels)
        memory = SpectralMemory(shape, frames: frames)
        plans = .allocate(capacity: frames)
        plans.initialize(repeating: FramePlan(), count: frames)
        func zeros<Value: Numeric>(_ count: Int, _: Value.Type) -> UnsafeMutablePointer<Value> {
            let memory = UnsafeMutablePointer<Value>.allocate(capacity: count)
            memory.initialize(repeating: 0, count: count)
            return memory
        }
        sums = zeros(frames * shape.bands, UInt32.self)
        middles = zeros(frames * shape.bands, UInt8.self)
        knotCodes = zeros(frames * GainCurve.knotLimit, UInt32.self)
        steps = zeros(GainCurve.knotLimit, Int32.self)
        let moments = UnsafeMutablePointer<GainMoments>.allocate(
            capacity: GainFit.Workspace.count)
        moments.initialize(repeating: GainMoments(), count: GainFit.Workspace.count)
        workspace = GainFit.Workspace(
            moments: moments, offsets: zeros(GainFit.Workspace.count, Float.self),
            diagonals: zeros(GainFit.Workspace.count, Float.self),
            scratch: zeros(GainFit.Workspace.count, Float.self))
        let total = frames * pixels
        tokens = zeros(total, UInt16.self)
        sideLimit = SideSection.sizeLimit(frames: frames, bands: shape.bands)
        plainLimit = 2 * total + 64
        wordLimit = total + 2 * TokenWriter.lanes + 1
        side = zeros(sideLimit, UInt8.self)
        plain = zeros(plainLimit, UInt8.self)
        words = zeros(wordLimit, UInt16.self)
        block = zeros(SpectralHeader.sizeLimit(frames: frames, pixels: pixels), UInt8.self)
        self.zeros = zeros(shape.padded, UInt16.self)
        zeroScale = zeros(1, Int32.self)
        // Made at first use otherwise, while a frame waits.
        _ = (TokenTables.shared, ScaleTable.shared)
    }

    deinit {
        fit.deallocate()
        plans.deallocate()
        sums.deallocate()
        middles.deallocate()
        knotCodes.deallocate()
        steps.deallocate()
        workspace.deallocate()
        tokens.deallocate()
        side.deallocate()
        plain.deallocate()
        words.deallocate()
        block.deallocate()
        zeros.deallocate()
        zeroScale.deallocate()
    }

    /// Adds a frame. Throws `full`, `wrongPixels`.
    public func append(_ frame: [UInt16]) throws(SpectralError) {
        guard frame.count == pixels else { throw .wrongPixels(frame.count, expected: pixels) }
        guard !isFull else { throw .full }
        frame.withUnsafeBufferPointer { take($0) }
    }

    /// Adds a frame. Throws `full`, `wrongPixels`.
    public func append(_ frame: UnsafeBufferPointer<UInt16>) throws(SpectralError) {
        guard frame.count == pixels else { throw .wrongPixels(frame.count, expected: pixels) }
        guard !isFull else { throw .full }
        take(frame)
    }

    private func take(_ frame: UnsafeBufferPointer<UInt16>) {
        guard let start = frame.baseAddress else { return }
        memory.counts(count).update(from: start, count: pixels)
        memory.lead(count, start: frame[0])
        count += 1
    }

    /// The block of the frames appended since the last one, as bytes of their own.
    /// Throws `empty`.
    public func takeBlock() throws(SpectralError) -> [UInt8] {
        let size = try code()
        return Array(UnsafeBufferPointer(start: block, count: size))
    }

    /// Hands the block of the frames appended since the last one to `body`, in memory that the
    /// encoder uses again. Throws `empty`.
    public func takeBlock(
        _ body: (UnsafeBufferPointer<UInt8>) -> Void
    ) throws(SpectralError) {
        let size = try code()
        body(UnsafeBufferPointer(start: block, count: size))
    }

    /// Codes the frames there are into `block`; returns its size.
    private func code() throws(SpectralError) -> Int {
        guard count > 0 else { throw .empty }
        let frames = count
        count = 0
        let stored = SpectralHeader.sizeLimit(frames: frames, pixels: pixels)
        // The counts as they came: a near-lossless block changes them in place.
        let raw = UnsafeMutableRawPointer(block + SpectralHeader.size)
        for frame in 0..<frames {
            (raw + 2 * frame * pixels).copyMemory(
                from: memory.counts(frame), byteCount: 2 * pixels)
        }
        plan(frames)
        let sideBytes = writeSide(frames)
        let (wordStart, plainBytes) = writeTokens(frames)
        let wordBytes = 2 * (words + wordLimit - wordStart)
        let size = SpectralHeader.size + sideBytes + wordBytes + plainBytes
        guard size < stored, plainBytes >= 0 else {
            let header = SpectralHeader(
                mode: .stored, frames: frames, pixels: pixels, length: stored, side: 0, plain: 0)
            header.write(to: UnsafeMutableBufferPointer(start: block, count: stored))
            return stored
        }
        raw.copyMemory(from: side, byteCount: sideBytes)
        (raw + sideBytes).copyMemory(from: wordStart, byteCount: wordBytes)
        (raw + sideBytes + wordBytes).copyMemory(from: plain, byteCount: plainBytes)
        let header = SpectralHeader(
            mode: nearLossless == nil ? .lossless : .nearLossless, frames: frames,
            pixels: pixels, length: size, side: sideBytes, plain: plainBytes)
        header.write(to: UnsafeMutableBufferPointer(start: block, count: size))
        return size
    }

    private func writeSide(_ frames: Int) -> Int {
        var bits = PlainBitWriter(side, capacity: sideLimit)
        if let bound = nearLossless {
            for number in [bound.factor, bound.gain, bound.offset, bound.readNoise] {
                bits.put(number.bitPattern, 32)
            }
        }
        SideSection.writeScales(fit, bands: memory.shape.bands, to: &bits)
        for frame in 0..<frames { writeSide(frame: frame, &bits) }
        return bits.finish()
    }

    private func writeSide(frame: Int, _ bits: inout PlainBitWriter) {
        let plan = plans[frame]
        bits.put(plan.isIntra ? 0 : 1, 1)
        if plan.isIntra {
            bits.put(UInt32(plan.way), 3)
            bits.put(UInt32(plan.start), 16)
            for band in 0..<memory.shape.bands {
                bits.put(UInt32(intraScale(frame: frame, band: band)), SideSection.scaleBits)
            }
            return
        }
        if nearLossless != nil { bits.put(plan.isExact ? 1 : 0, 1) }
        bits.put(UInt32(plan.weightCode), 8)
        bits.putSigned(Int(fit.ofFrame[frame]), SideSection.frameBits)
        plan.curve.write(
            &bits, codes: knotCodes + frame * GainCurve.knotLimit,
            count: GainCurve.knots(plan.curve.level, pixels: pixels))
    }

    private func intraScale(frame: Int, band: Int) -> Int {
        let pixels = min(FrameShape.band, pixels - band * FrameShape.band)
        let sum = sums[frame * memory.shape.bands + band]
        return ScaleTable.scale(meanSize: Float(sum) / Float(pixels))
    }

    /// Writes tokens and plain bits; returns where the words begin, and the plain bytes or −1
    /// where there are more of these than the counts have.
    private func writeTokens(_ frames: Int) -> (UnsafeMutablePointer<UInt16>, Int) {
        let writer = TokenWriter(tokens: tokens, codes: ScaleTable.shared.codes)
        var bits = PlainBitWriter(plain, capacity: plainLimit)
        let bands = memory.shape.bands
        for frame in 0..<frames {
            let isIntra = plans[frame].isIntra
            for band in 0..<bands {
                memory.bandScales[band] =
                    isIntra
                    ? Int32(intraScale(frame: frame, band: band))
                    : fit.ofBand[band] + fit.ofFrame[frame]
            }
            let place = frame * memory.shape.padded
            writer.put(
                memory.residuals + place, pixels: pixels,
                scales: FrameScales(
                    bins: isIntra ? zeros : memory.bins + place,
                    ofBin: isIntra ? zeroScale : fit.ofBin, ofBand: memory.bandScales),
                at: frame * pixels, plain: &bits)
        }
        let plainBytes = bits.finish()
        let start = writer.code(
            frames: frames, pixels: pixels, symbols: TokenTables.shared.symbols,
            end: words + wordLimit)
        return (start, bits.isFull ? -1 : plainBytes)
    }
}
