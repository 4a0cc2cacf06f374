/// The counts of a block.
public struct SpectralFrames: Equatable, Sendable {
    /// Frames, 1 or more.
    public var frames: Int
    /// Pixels of each.
    public var pixels: Int
    /// Counts, frame after frame.
    public var counts: [UInt16]
    /// How far they may be from what the detector gave; nil where they are the same.
    public var nearLossless: NearLossless?
}

/// Takes blocks of frames apart. It keeps its memory from block to block; any bytes give counts
/// or a typed error.
public final class SpectralDecoder {
    private var memory = SpectralMemory(FrameShape(pixels: 1), frames: 1)
    private let payload: UnsafeMutablePointer<UInt8>
    private let ofBin: UnsafeMutablePointer<Int32>
    private let ofBand: UnsafeMutablePointer<Int32>
    private let zeros: UnsafeMutablePointer<UInt16>
    private let zeroScale: UnsafeMutablePointer<Int32>
    private let states: UnsafeMutablePointer<UInt32>
    private let tables = TokenTables.shared
    private let scales = ScaleTable.shared
    private var nearLossless: NearLossless?

    /// Most bytes of the three sections with what must be readable after each.
    private static let payloadLimit =
        SpectralHeader.sizeLimit(
            frames: SpectralHeader.frameLimit, pixels: SpectralHeader.pixelLimit)
        + 4 * TokenReader.slack

    /// A decoder.
    public init() {
        payload = .allocate(capacity: Self.payloadLimit)
        payload.initialize(repeating: 0, count: Self.payloadLimit)
        ofBin = .allocate(capacity: FrameKernels.bins)
        ofBin.initialize(repeating: 0, count: FrameKernels.bins)
        let bands = SpectralHeader.pixelLimit / FrameShape.band
        ofBand = .allocate(capacity: bands)
        ofBand.initialize(repeating: 0, count: bands)
        zeros = .allocate(capacity: SpectralHeader.pixelLimit)
        zeros.initialize(repeating: 0, count: SpectralHeader.pixelLimit)
        zeroScale = .allocate(capacity: 1)
        zeroScale.initialize(to: 0)
        states = .allocate(capacity: TokenWriter.lanes)
        states.initialize(repeating: 0, count: TokenWriter.lanes)
    }

    deinit {
        payload.deallocate()
        ofBin.deallocate()
        ofBand.deallocate()
        zeros.deallocate()
        zeroScale.deallocate()
        states.deallocate()
    }

    /// The frames of a block.
    public static func decode(_ block: [UInt8]) throws(SpectralError) -> SpectralFrames {
        try SpectralDecoder().decode(block)
    }

    /// The frames of a block.
    public func decode(_ block: [UInt8]) throws(SpectralError) -> SpectralFrames {
        // Typed errors do not pass through closures of every compiler: a result does.
        let result = block.withUnsafeBufferPointer {
            bytes -> Result<SpectralFrames, SpectralError> in
            do throws(SpectralError) {
                let header = try SpectralHeader(bytes)
                var failure: SpectralError?
                let total = header.frames * header.pixels
                let counts = [UInt16](unsafeUninitializedCapacity: total) { memory, filled in
                    do throws(SpectralError) {
                        _ = try self.decode(bytes, header, into: memory)
                        filled = total
                    } catch { failure = error }
                }
                if let failure { return .failure(failure) }
                return .success(
                    SpectralFrames(
                        frames: header.frames, pixels: header.pixels, counts: counts,
                        nearLossless: self.nearLossless))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// Writes the counts of a block, frame after frame, to `counts`, which must have room for
    /// them; returns the header. After an error the content of `counts` means nothing.
    public func decode(
        _ block: UnsafeBufferPointer<UInt8>, into counts: UnsafeMutableBufferPointer<UInt16>
    ) throws(SpectralError) -> SpectralHeader {
        try decode(block, try SpectralHeader(block), into: counts)
    }

    private func decode(
        _ block: UnsafeBufferPointer<UInt8>, _ header: SpectralHeader,
        into counts: UnsafeMutableBufferPointer<UInt16>
    ) throws(SpectralError) -> SpectralHeader {
        let total = header.frames * header.pixels
        guard counts.count >= total, let start = block.baseAddress, let out = counts.baseAddress
        else { throw .sizeOutOfRange(frames: header.frames, pixels: header.pixels) }
        nearLossless = nil
        if header.mode == .stored {
            // Counts are little-endian, as every processor this runs on.
            UnsafeMutableRawPointer(out).copyMemory(
                from: start + SpectralHeader.size, byteCount: 2 * total)
            return header
        }
        if memory.shape.pixels != header.pixels {
            memory = SpectralMemory(FrameShape(pixels: header.pixels), frames: 1)
        }
        let wordBytes =
            header.length - SpectralHeader.size - header.sideLength - header.plainLength
        guard wordBytes % 2 == 0 else { throw .damaged("range coder's words") }
        // Each section with zeros after it, so that reading a little past its end is no harm.
        var source = UnsafeRawPointer(start + SpectralHeader.size)
        var free = UnsafeMutableRawPointer(payload)
        func section(_ bytes: Int) -> UnsafeRawPointer {
            let section = free
            section.copyMemory(from: source, byteCount: bytes)
            (section + bytes).initializeMemory(
                as: UInt8.self, repeating: 0, count: TokenReader.slack)
            source += bytes
            free += (bytes + TokenReader.slack + 7) & ~7
            return UnsafeRawPointer(section)
        }
        var side = PlainBitReader(section(header.sideLength), count: header.sideLength)
        let words = section(wordBytes).assumingMemoryBound(to: UInt16.self)
        let plain = PlainBitReader(section(header.plainLength), count: header.plainLength)
        guard
            var reader = TokenReader(
                words: words, wordCount: wordBytes / 2, plain: plain, states: states,
                slots: tables.slots, codes: scales.codes)
        else { throw .damaged("range coder's words") }
        if header.mode == .nearLossless {
            nearLossless = try Self.readBound(&side)
        }
        guard
            SideSection.readScales(
                &side, bands: memory.shape.bands, ofBin: ofBin, ofBand: ofBand)
        else { throw .damaged("scales") }
        for frame in 0..<header.frames {
            try decodeFrame(isFirst: frame == 0, &side, &reader)
            (out + frame * header.pixels).update(
                from: memory.counts(0), count: header.pixels)
        }
        guard side.isUsedUp, reader.isDone else { throw .damaged("end") }
        return header
    }

    private static func readBound(_ side: inout PlainBitReader) throws(SpectralError)
        -> NearLossless
    {
        let bound = NearLossless(
            factor: Float(bitPattern: side.take(32)), gain: Float(bitPattern: side.take(32)),
            offset: Float(bitPattern: side.take(32)), readNoise: Float(bitPattern: side.take(32)))
        guard bound.isValid else { throw .damaged("near-lossless bound") }
        return bound
    }

    /// The next frame, into `memory.counts(0)`.
    private func decodeFrame(
        isFirst: Bool, _ side: inout PlainBitReader, _ reader: inout TokenReader
    ) throws(SpectralError) {
        let memory = memory
        let isIntra = side.take(1) == 0
        guard !isIntra else { return try decodeIntra(&side, &reader) }
        guard !isFirst else { throw .damaged("first frame") }
        let isExact = nearLossless == nil || side.take(1) == 1
        let weight = Float(side.take(8) + 1) / 256
        let share = Int32(side.takeSigned(SideSection.frameBits))
        guard
            let curve = GainCurve.read(
                &side, pixels: memory.shape.pixels, mean: memory.mean, offsets: memory.offsets),
            !side.isOver
        else { throw .damaged("gain curve") }
        FrameKernels.predict(
            memory.shape, mean: memory.mean, curve: memory.expanded(curve),
            expected: memory.expected, bins: memory.bins)
        for band in 0..<memory.shape.bands { memory.bandScales[band] = ofBand[band] + share }
        guard
            reader.take(
                pixels: memory.shape.pixels,
                scales: FrameScales(bins: memory.bins, ofBin: ofBin, ofBand: memory.bandScales),
                into: memory.residuals)
        else { throw .damaged("residuals") }
        if let nearLossless, !isExact {
            nearLossless.restore(memory)
        } else {
            FrameKernels.counts(
                memory.shape, expected: memory.expected, residuals: memory.residuals,
                counts: memory.counts(0))
        }
        FrameKernels.update(
            memory.shape, expected: memory.expected, counts: memory.counts(0), weight: weight,
            mean: memory.mean)
    }

    private func decodeIntra(
        _ side: inout PlainBitReader, _ reader: inout TokenReader
    ) throws(SpectralError) {
        let memory = memory
        let way = Int(side.take(3))
        let start = UInt16(side.take(16))
        guard way < IntraFrame.ways else { throw .damaged("way of an intra frame") }
        for band in 0..<memory.shape.bands {
            memory.bandScales[band] = Int32(side.take(SideSection.scaleBits))
            guard memory.bandScales[band] < TokenTables.scaleCount, !side.isOver else {
                throw .damaged("scales of an intra frame")
            }
        }
        guard
            reader.take(
                pixels: memory.shape.pixels,
                scales: FrameScales(
                    bins: zeros, ofBin: zeroScale, ofBand: memory.bandScales),
                into: memory.residuals)
        else { throw .damaged("residuals") }
        memory.lead(0, start: start)
        IntraFrame.counts(
            way, pixels: memory.shape.pixels, residuals: memory.residuals,
            counts: memory.counts(0))
        memory.restart(0)
    }
}
