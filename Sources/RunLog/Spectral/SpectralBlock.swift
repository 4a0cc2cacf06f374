/// What every block of frames has in front: FORMAT.md, "Spectra block".
public struct SpectralHeader: Equatable, Sendable {
    /// How the counts are kept.
    public enum Mode: UInt8, Equatable, Sendable {
        /// As they are, two bytes each.
        case stored = 0
        /// Coded; every count comes back.
        case lossless = 1
        /// Coded; counts come back within a share of their shot noise.
        case nearLossless = 2
    }

    /// Version of the codec.
    public static let version: UInt8 = 1
    /// Bytes of the header.
    public static let size = 24
    /// Frames of a block at most.
    public static let frameLimit = 64
    /// Pixels of a frame at most.
    public static let pixelLimit = 4_096

    /// How the counts are kept.
    public var mode: Mode
    /// Frames, 1…`frameLimit`.
    public var frames: Int
    /// Pixels of each frame, 1…`pixelLimit`.
    public var pixels: Int
    /// Bytes of the whole block.
    var length: Int
    /// Bytes of the side section.
    var sideLength: Int
    /// Bytes of the section of plain bits.
    var plainLength: Int

    /// Bytes of a block that is stored, which no block exceeds.
    public static func sizeLimit(frames: Int, pixels: Int) -> Int { size + 2 * frames * pixels }

    /// The header of `bytes`, after its lengths, its version and the checksum of the whole were
    /// checked.
    public init(_ bytes: UnsafeBufferPointer<UInt8>) throws(SpectralError) {
        guard bytes.count >= Self.size, let start = bytes.baseAddress else {
            throw .tooShort(bytes: bytes.count)
        }
        let raw = UnsafeRawPointer(start)
        func number16(_ place: Int) -> Int {
            Int(UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
        }
        func number32(_ place: Int) -> Int {
            Int(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
        }
        guard bytes[0] == Self.version else { throw .otherVersion(bytes[0]) }
        guard let mode = Mode(rawValue: bytes[1]) else { throw .damaged("mode") }
        self.mode = mode
        frames = number16(2)
        pixels = number16(4)
        guard (1...Self.frameLimit).contains(frames), (1...Self.pixelLimit).contains(pixels) else {
            throw .sizeOutOfRange(frames: frames, pixels: pixels)
        }
        length = number32(8)
        sideLength = number32(12)
        plainLength = number32(16)
        guard number16(6) == 0 else { throw .damaged("header") }
        guard length == bytes.count else { throw .wrongLength(length, bytes: bytes.count) }
        guard length <= Self.sizeLimit(frames: frames, pixels: pixels),
            sideLength + plainLength <= length - Self.size,
            mode != .stored
                || length == Self.sizeLimit(frames: frames, pixels: pixels)
                    && sideLength + plainLength == 0
        else { throw .damaged("lengths") }
        guard number32(20) == Int(Self.checksum(bytes)) else { throw .wrongChecksum }
    }

    init(mode: Mode, frames: Int, pixels: Int, length: Int, side: Int, plain: Int) {
        self.mode = mode
        self.frames = frames
        self.pixels = pixels
        self.length = length
        sideLength = side
        plainLength = plain
    }

    /// Writes the header over the first bytes of a block that is otherwise complete.
    func write(to bytes: UnsafeMutableBufferPointer<UInt8>) {
        func put(_ value: Int, at place: Int, bytes count: Int) {
            for index in 0..<count {
                bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
            }
        }
        put(Int(Self.version), at: 0, bytes: 1)
        put(Int(mode.rawValue), at: 1, bytes: 1)
        put(frames, at: 2, bytes: 2)
        put(pixels, at: 4, bytes: 2)
        put(0, at: 6, bytes: 2)
        put(length, at: 8, bytes: 4)
        put(sideLength, at: 12, bytes: 4)
        put(plainLength, at: 16, bytes: 4)
        put(Int(Self.checksum(UnsafeBufferPointer(bytes))), at: 20, bytes: 4)
    }

    /// CRC-32C of all but the four bytes of the checksum itself.
    private static func checksum(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        Checksum.crc32c(
            UnsafeBufferPointer(rebasing: bytes[size...]),
            after: Checksum.crc32c(UnsafeBufferPointer(rebasing: bytes[..<(size - 4)])))
    }
}

/// How far counts may be from what the detector gave: a share of the noise that a count has
/// anyway, √(gain · (count − offset) + read²). A count lower than the offset has the read noise.
public struct NearLossless: Equatable, Sendable {
    /// Largest error over that noise, above 0, at most `factorLimit`.
    public var factor: Float
    /// Counts per electron, 0 or more.
    public var gain: Float
    /// Counts in the dark, 0…65535.
    public var offset: Float
    /// Noise in the dark, counts, 0 or more.
    public var readNoise: Float

    /// Largest factor.
    public static let factorLimit: Float = 4
    /// Largest gain and read noise.
    static let parameterLimit: Float = 65_536

    /// A bound.
    public init(factor: Float, gain: Float, offset: Float, readNoise: Float) {
        self.factor = factor
        self.gain = gain
        self.offset = offset
        self.readNoise = readNoise
    }

    /// Whether the numbers are in their ranges (NaN is not).
    var isValid: Bool {
        factor > 0 && factor <= Self.factorLimit && gain >= 0 && gain <= Self.parameterLimit
            && offset >= 0 && offset <= 65_535 && readNoise >= 0
            && readNoise <= Self.parameterLimit
    }

    /// Noise of a count that is `level`.
    @inline(__always)
    private func noise(at level: Float) -> Float {
        let variance = gain * max(level - offset, 0) + readNoise * readNoise
        return variance.squareRoot()
    }

    /// Largest whole error of a count that is `level`.
    @inline(__always)
    public func bound(at level: Float) -> Int32 {
        // Not above 4 · √(2¹⁶ · 2¹⁶ + 2³²) < 2¹⁹.
        Int32(factor * noise(at: level))
    }

    /// Largest error where `level` is expected: that of a count so far below it that few are
    /// lower, so that the bound at the count itself is hardly ever the smaller one.
    @inline(__always)
    func bound(expecting level: Float) -> Int32 {
        bound(at: level - Self.margin * noise(at: level))
    }

    /// The margin below the expected level, in units of its noise.
    private static let margin: Float = 4
}

/// Why frames cannot be coded, or bytes are no block.
public enum SpectralError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Fewer bytes than a header.
    case tooShort(bytes: Int)
    /// Another version of the codec wrote it.
    case otherVersion(UInt8)
    /// More frames or pixels than a block has, or none.
    case sizeOutOfRange(frames: Int, pixels: Int)
    /// The block says another length than it has.
    case wrongLength(Int, bytes: Int)
    /// The checksum is not that of the bytes.
    case wrongChecksum
    /// A part contradicts the rest.
    case damaged(String)
    /// A frame has another number of pixels than the block.
    case wrongPixels(Int, expected: Int)
    /// The block has all frames it can hold.
    case full
    /// Nothing was appended.
    case empty
    /// The numbers of the near-lossless bound are out of their ranges.
    case wrongBound(NearLossless)

    /// What is wrong and what to do, for people.
    public var description: String {
        switch self {
        case .tooShort(let bytes): "\(bytes) bytes are fewer than a spectra block has"
        case .otherVersion(let version):
            "the spectra block has version \(version), this program knows "
                + "\(SpectralHeader.version); use the newer program"
        case .sizeOutOfRange(let frames, let pixels):
            "\(frames) frames of \(pixels) pixels: a block holds 1 to "
                + "\(SpectralHeader.frameLimit) of 1 to \(SpectralHeader.pixelLimit)"
        case .wrongLength(let length, let bytes):
            "the spectra block says it has \(length) bytes and has \(bytes)"
        case .wrongChecksum: "the checksum of the spectra block is wrong: bytes were changed"
        case .damaged(let part): "the \(part) of the spectra block cannot be"
        case .wrongPixels(let pixels, let expected):
            "a frame has \(pixels) pixels, the block \(expected): begin another block"
        case .full: "the block is full: take it before appending more frames"
        case .empty: "the block has no frames yet: append one first"
        case .wrongBound(let bound):
            "near-lossless factor \(bound.factor), gain \(bound.gain), offset \(bound.offset), "
                + "read noise \(bound.readNoise): the factor is above 0 and at most "
                + "\(NearLossless.factorLimit), the others are 0 or more"
        }
    }
}
