import Quantities

/// Frames of the spectrometer as they came, many in one block.
public struct SpectraBlockRecord: Equatable, Sendable {
    /// What was seen, e.g. `droplet`, `oil`, `dark`, `stream`.
    public var kind: String
    /// When the first frame was taken.
    public var firstAt: Instant
    /// Usual time from one frame to the next.
    public var interval: TimeSpan
    /// For every frame but the first, how much longer than `interval` it came after the one
    /// before, ns.
    public var deviations: [Int64]
    /// Exposure of one frame.
    public var integration: TimeSpan
    /// Detector pixel of the first count.
    public var firstPixel: Int
    /// Detector pixels from one count to the next.
    public var pixelStep: Int
    /// Frames in the block.
    public var frames: Int
    /// Counts of each frame.
    public var pixels: Int
    /// The block: `SpectralDecoder` reads it.
    public var coded: [UInt8]
    /// Nil where every count comes back as it was; otherwise the largest error over the shot
    /// noise (`NearLossless.factor`; the block says the rest).
    public var errorFactor: Float?

    /// A block.
    public init(
        kind: String, firstAt: Instant, interval: TimeSpan, deviations: [Int64],
        integration: TimeSpan, firstPixel: Int, pixelStep: Int, frames: Int, pixels: Int,
        coded: [UInt8], errorFactor: Float?
    ) {
        self.kind = kind
        self.firstAt = firstAt
        self.interval = interval
        self.deviations = deviations
        self.integration = integration
        self.firstPixel = firstPixel
        self.pixelStep = pixelStep
        self.frames = frames
        self.pixels = pixels
        self.coded = coded
        self.errorFactor = errorFactor
    }

    /// When each frame was taken; as many as `deviations` and one. Times beyond the range of
    /// `Instant`, which only a damaged record has, wrap.
    public var times: [Instant] {
        var time = firstAt.nanoseconds
        return [firstAt]
            + deviations.map { deviation in
                time = time &+ interval.nanoseconds &+ deviation
                return Instant(nanoseconds: time)
            }
    }

    /// The counts, after frames and pixels here and in the block were found to be the same.
    public func decoded(by decoder: SpectralDecoder) throws(SpectralError) -> SpectralFrames {
        let found = try decoder.decode(coded)
        guard found.frames == frames, found.pixels == pixels, deviations.count == frames - 1,
            found.nearLossless?.factor == errorFactor
        else { throw .damaged("record around it") }
        return found
    }
}

/// Collects frames and their times, and makes a record of them when a block is full. The frames
/// of one builder are alike: same kind, exposure, pixels. Nothing is allocated until a record is
/// taken.
public final class SpectraBlockBuilder {
    /// What all frames have in common; the frames' own fields are filled in when a record is
    /// taken.
    private let common: SpectraBlockRecord
    private let encoder: SpectralEncoder
    private let times: UnsafeMutablePointer<Int64>

    /// Frames since the last record.
    public var count: Int { encoder.count }
    /// Whether a record must be taken before another frame.
    public var isFull: Bool { encoder.isFull }

    /// A builder of blocks of `frames` frames. Throws `sizeOutOfRange`, `wrongBound`.
    public init(
        kind: String, integration: TimeSpan, firstPixel: Int, pixelStep: Int, pixels: Int,
        frames: Int = SpectralHeader.frameLimit, nearLossless: NearLossless? = nil
    ) throws(SpectralError) {
        encoder = try SpectralEncoder(
            pixels: pixels, frames: frames, nearLossless: nearLossless)
        common = SpectraBlockRecord(
            kind: kind, firstAt: Instant(nanoseconds: 0), interval: TimeSpan(nanoseconds: 0),
            deviations: [], integration: integration, firstPixel: firstPixel,
            pixelStep: pixelStep, frames: 0, pixels: pixels, coded: [],
            errorFactor: nearLossless?.factor)
        times = .allocate(capacity: frames)
        times.initialize(repeating: 0, count: frames)
    }

    deinit { times.deallocate() }

    /// Adds a frame taken at `at`. Throws `full`, `wrongPixels`.
    public func append(
        _ frame: UnsafeBufferPointer<UInt16>, at: Instant
    ) throws(SpectralError) {
        try encoder.append(frame)
        times[encoder.count - 1] = at.nanoseconds
    }

    /// Adds a frame taken at `at`. Throws `full`, `wrongPixels`.
    public func append(_ frame: [UInt16], at: Instant) throws(SpectralError) {
        try encoder.append(frame)
        times[encoder.count - 1] = at.nanoseconds
    }

    /// The record of the frames since the last one. Throws `empty`.
    public func takeRecord() throws(SpectralError) -> SpectraBlockRecord {
        let count = encoder.count
        var record = common
        record.coded = try encoder.takeBlock()
        record.frames = count
        // A block that had to be stored is exact whatever was allowed.
        if record.coded[1] == SpectralHeader.Mode.stored.rawValue { record.errorFactor = nil }
        record.firstAt = Instant(nanoseconds: times[0])
        guard count > 1 else { return record }
        let steps = (1..<count).map { times[$0] &- times[$0 - 1] }
        let usual = steps.sorted()[(count - 1) / 2]
        record.interval = TimeSpan(nanoseconds: usual)
        record.deviations = steps.map { $0 &- usual }
        return record
    }
}
