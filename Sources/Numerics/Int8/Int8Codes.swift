/// Activations of one row, or of four, as whole numbers: what goes into an `Int8Matrix`.
///
/// A row's codes are its numbers divided by a step that is the row's own, so that nothing is ever
/// cut off, however far a recipe lies from those seen before. Quads (four neighbours) in which
/// all rows have only zeros are left out. The memory is made once and used again: one object for
/// each thread.
public final class Int8Codes {
    /// What changes with each `encode`. Behind a pointer, for access to a variable of a class is
    /// checked at run time, which here would cost as much as a small layer.
    private struct Content {
        var rows = 0
        var listed = 0
        var fine = true
    }

    /// Rows in it: 1 or `together`.
    public var rows: Int { content.pointee.rows }
    /// Whether codes have up to 14 bits (else seven).
    public var fine: Bool { content.pointee.fine }
    /// Quads that are listed.
    var listed: Int { content.pointee.listed }
    private let content: UnsafeMutablePointer<Content>
    let offsets: UnsafeMutablePointer<UInt32>
    let codes: UnsafeMutablePointer<UInt64>
    private let quads: Int

    /// Largest code of 14 bits.
    public static let finest = 16_383
    /// Largest code of seven bits.
    public static let coarsest = 127
    /// Rows that are worked on together.
    public static let together = 4

    /// Room for rows of up to `width` numbers.
    public init(width: Int) {
        precondition((1...Int8Matrix.maximumSize).contains(width), "1 to 65536 numbers in a row")
        quads = (width + 7) / 8 * 2
        content = .allocate(capacity: 1)
        content.initialize(to: Content())
        offsets = .allocate(capacity: quads)
        offsets.initialize(repeating: 0, count: quads)
        codes = .allocate(capacity: quads * Self.together)
        codes.initialize(repeating: 0, count: quads * Self.together)
    }

    deinit {
        content.deallocate()
        offsets.deallocate()
        codes.deallocate()
    }

    /// Takes `rows` rows (1 or `together`) of `width` numbers (a multiple of eight, filled up
    /// with zeros), each 0…`largest[row]`, which lie `stride` apart; `largestCode` is the code
    /// of `largest[row]`. Afterwards a code of row r means `code × largest[r] / largestCode`.
    public func encode(
        _ values: UnsafePointer<Float>, rows: Int, width: Int, stride: Int,
        largest: UnsafePointer<Float>, largestCode: Int, fine: Bool, kernel: Int8Kernel
    ) {
        precondition(rows == 1 || rows == Self.together, "one row or four")
        precondition(width % 8 == 0 && width / 4 <= quads, "more numbers than there is room for")
        precondition(largestCode <= (fine ? Self.finest : Self.coarsest), "codes of 14 or 7 bits")
        let listed: Int
        let planes = !fine || kernel.splitsCodes
        if rows == 1 {
            let steps = Self.stepsPerUnit(largest[0], largestCode)
            listed =
                planes
                ? one(values, width, steps) { Self.planes($0) } : one(values, width, steps) { $0 }
        } else {
            listed =
                planes
                ? four(values, width, stride, largest, largestCode) { Self.planes($0) }
                : four(values, width, stride, largest, largestCode) { $0 }
        }
        content.pointee = Content(rows: rows, listed: listed, fine: fine)
    }

    /// A row of zeros has no step; any will do, since all its codes are zero.
    @inline(__always)
    private static func stepsPerUnit(_ largest: Float, _ largestCode: Int) -> Float {
        // A subnormal largest number would give an infinite quotient.
        largest >= .leastNormalMagnitude * 65_536 ? Float(largestCode) / largest : 0
    }

    /// Lists without a branch where there is something to list: each quad is written, and the
    /// next one overwrites it if it was all zeros. Silent stretches, which are long where units
    /// stand in the order of how often they are active, are passed over.
    @inline(__always)
    private func one(
        _ values: UnsafePointer<Float>, _ width: Int, _ steps: Float,
        _ form: (UInt64) -> UInt64
    ) -> Int {
        var count = 0
        var column = 0
        while column < width {
            guard Self.any(Self.bits(values + column)) else {
                column &+= 8
                continue
            }
            let pair = Self.words(values + column, steps)
            offsets[count] = UInt32(truncatingIfNeeded: column * 8)
            codes[count] = form(pair.0)
            count &+= pair.0 == 0 ? 0 : 1
            offsets[count] = UInt32(truncatingIfNeeded: column * 8 + 32)
            codes[count] = form(pair.1)
            count &+= pair.1 == 0 ? 0 : 1
            column &+= 8
        }
        return count
    }

    @inline(__always)
    private func four(
        _ values: UnsafePointer<Float>, _ width: Int, _ stride: Int,
        _ largest: UnsafePointer<Float>, _ largestCode: Int, _ form: (UInt64) -> UInt64
    ) -> Int {
        let steps = (
            Self.stepsPerUnit(largest[0], largestCode), Self.stepsPerUnit(largest[1], largestCode),
            Self.stepsPerUnit(largest[2], largestCode), Self.stepsPerUnit(largest[3], largestCode)
        )
        var count = 0
        var column = 0
        while column < width {
            let bits =
                Self.bits(values + column) | Self.bits(values + stride + column)
                | Self.bits(values + 2 * stride + column)
                | Self.bits(values + 3 * stride + column)
            guard Self.any(bits) else {
                column &+= 8
                continue
            }
            let a = Self.words(values + column, steps.0)
            let b = Self.words(values + stride + column, steps.1)
            let c = Self.words(values + 2 * stride + column, steps.2)
            let d = Self.words(values + 3 * stride + column, steps.3)
            append(column * 8, a.0, b.0, c.0, d.0, &count, form)
            append(column * 8 + 32, a.1, b.1, c.1, d.1, &count, form)
            column &+= 8
        }
        return count
    }

    @inline(__always)
    private func append(
        _ offset: Int, _ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ count: inout Int,
        _ form: (UInt64) -> UInt64
    ) {
        guard a | b | c | d != 0 else { return }
        offsets[count] = UInt32(truncatingIfNeeded: offset)
        let at = codes + 4 * count
        at[0] = form(a)
        at[1] = form(b)
        at[2] = form(c)
        at[3] = form(d)
        count &+= 1
    }

    /// Zero for eight zeros.
    @inline(__always)
    private static func bits(_ values: UnsafePointer<Float>) -> SIMD4<UInt64> {
        UnsafeRawPointer(values).loadUnaligned(as: SIMD4<UInt64>.self)
    }

    /// Whether a bit is set; comparing vectors goes lane by lane.
    @inline(__always)
    private static func any(_ bits: SIMD4<UInt64>) -> Bool {
        let half = bits.lowHalf | bits.highHalf
        return half.x | half.y != 0
    }

    /// Codes of eight numbers: two quads of four 16-bit words.
    ///
    /// Adding 1.5 × 2²³ leaves the number rounded to the nearest whole one, halves to even, in
    /// the low bits of the sum: there is no SIMD conversion to integers in Swift that does not
    /// go number by number.
    @inline(__always)
    private static func words(_ values: UnsafePointer<Float>, _ steps: Float) -> (UInt64, UInt64) {
        let eight = UnsafeRawPointer(values).loadUnaligned(as: SIMD8<Float>.self)
        let shifted = SIMD8<Float>(repeating: 12_582_912).addingProduct(eight, steps)
        let words = SIMD8<UInt16>(
            truncatingIfNeeded: unsafeBitCast(shifted, to: SIMD8<UInt32>.self))
        let pair = unsafeBitCast(words, to: SIMD2<UInt64>.self)
        return (pair[0], pair[1])
    }

    /// Four 16-bit words of 14 bits as four bytes with the low seven bits, then four with the
    /// high seven.
    @inline(__always)
    private static func planes(_ words: UInt64) -> UInt64 {
        let low = words & 0x007F_007F_007F_007F
        let high = (words >> 7) & 0x007F_007F_007F_007F
        return squeeze(low) | squeeze(high) << 32
    }

    /// The low bytes of four 16-bit words, side by side.
    @inline(__always)
    private static func squeeze(_ words: UInt64) -> UInt64 {
        let pairs = (words | words >> 8) & 0x0000_FFFF_0000_FFFF
        return (pairs | pairs >> 16) & 0xFFFF_FFFF
    }
}
