/// Reads what `TokenWriter` wrote. Nothing it is given makes it read elsewhere: words and plain
/// bits are looked at up to `slack` bytes past their ends, which must be there, and what lies
/// past an end is an error.
struct TokenReader {
    /// Bytes that must be readable after the words and after the plain bits.
    static let slack = 64

    private let slots: UnsafePointer<UInt32>
    private let codes: UnsafePointer<UInt32>
    private var next: UnsafePointer<UInt16>
    private let end: UnsafePointer<UInt16>
    private var plain: PlainBitReader
    private let states: UnsafeMutablePointer<UInt32>

    /// A reader of `wordCount` words and of `plain`; `states` is memory for the states. Nil when
    /// the words do not begin with states.
    init?(
        words: UnsafePointer<UInt16>, wordCount: Int, plain: PlainBitReader,
        states: UnsafeMutablePointer<UInt32>, slots: UnsafePointer<UInt32>,
        codes: UnsafePointer<UInt32>
    ) {
        guard wordCount >= 2 * TokenWriter.lanes else { return nil }
        self.slots = slots
        self.codes = codes
        self.plain = plain
        self.states = states
        for lane in 0..<TokenWriter.lanes {
            states[lane] =
                UInt32(UInt16(littleEndian: words[2 * lane]))
                | UInt32(UInt16(littleEndian: words[2 * lane + 1])) << 16
            guard states[lane] >= TokenWriter.lowest else { return nil }
        }
        next = words + 2 * TokenWriter.lanes
        end = words + wordCount
    }

    /// Whether all was read and nothing is left, as after a whole block.
    var isDone: Bool {
        next == end && plain.isUsedUp
            && (0..<TokenWriter.lanes).allSatisfy { states[$0] == TokenWriter.lowest }
    }

    /// The residuals of the next frame; false when the block is damaged.
    mutating func take(
        pixels: Int, scales: FrameScales, into residuals: UnsafeMutablePointer<UInt16>
    ) -> Bool {
        var (s0, s1, s2, s3) = (states[0], states[1], states[2], states[3])
        var (s4, s5, s6, s7) = (states[4], states[5], states[6], states[7])
        var (next, plain) = (next, plain)
        let (slots, codes, end) = (slots, codes, end)
        var isGood = true
        for first in stride(from: 0, to: pixels & ~7, by: 8) {
            guard next <= end, !plain.isOver else { return false }
            let base = codes + ScaleTable.below + Int(scales.ofBand[first / FrameShape.band])
            let bins = scales.bins + first
            let out = residuals + first
            @inline(__always)
            func code(_ lane: Int) -> UInt32 { base[Int(scales.ofBin[Int(bins[lane])])] }
            out[0] = Self.take(code(0), slots, &s0, &next, &plain, &isGood)
            out[1] = Self.take(code(1), slots, &s1, &next, &plain, &isGood)
            out[2] = Self.take(code(2), slots, &s2, &next, &plain, &isGood)
            out[3] = Self.take(code(3), slots, &s3, &next, &plain, &isGood)
            out[4] = Self.take(code(4), slots, &s4, &next, &plain, &isGood)
            out[5] = Self.take(code(5), slots, &s5, &next, &plain, &isGood)
            out[6] = Self.take(code(6), slots, &s6, &next, &plain, &isGood)
            out[7] = Self.take(code(7), slots, &s7, &next, &plain, &isGood)
        }
        (states[0], states[1], states[2], states[3]) = (s0, s1, s2, s3)
        (states[4], states[5], states[6], states[7]) = (s4, s5, s6, s7)
        for pixel in (pixels & ~7)..<pixels {
            let base = codes + ScaleTable.below + Int(scales.ofBand[pixel / FrameShape.band])
            guard next <= end, !plain.isOver else { return false }
            residuals[pixel] = Self.take(
                base[Int(scales.ofBin[Int(scales.bins[pixel])])], slots, &states[pixel & 7],
                &next, &plain, &isGood)
        }
        (self.next, self.plain) = (next, plain)
        return isGood && next <= end && !plain.isOver
    }

    @inline(__always)
    private static func take(
        _ code: UInt32, _ slots: UnsafePointer<UInt32>, _ state: inout UInt32,
        _ next: inout UnsafePointer<UInt16>, _ plain: inout PlainBitReader, _ isGood: inout Bool
    ) -> UInt16 {
        let slot = slots[Int(code & 0x1F000 | state & 0xFFF)]
        let x = (slot &>> 12 & 0xFFF) &* (state &>> 12) &+ slot & 0xFFF
        let word = UInt32(UInt16(littleEndian: next.pointee))
        let needs = x < TokenWriter.lowest
        state = needs ? x &<< 16 | word : x
        next += needs ? 1 : 0
        var quotient = Int32(truncatingIfNeeded: slot &>> 24) &- Int32(TokenTables.zero)
        let isRare = quotient == -64 || quotient == 63
        if isRare {
            // Copies, or the reader would have to stay in memory for every other pixel.
            var (copy, good) = (plain, isGood)
            quotient = rare(quotient, code, &copy, &good)
            (plain, isGood) = (copy, good)
        }
        let shift = Int32(truncatingIfNeeded: code &>> 20 & 15)
        let low = Int32(bitPattern: plain.take(Int(shift)))
        let residual = (quotient &<< shift | low) &- (1 &<< shift) &>> 1
        return UInt16(truncatingIfNeeded: residual)
    }

    /// The quotient beyond the reach of its table.
    @inline(never)
    private static func rare(
        _ quotient: Int32, _ code: UInt32, _ plain: inout PlainBitReader, _ isGood: inout Bool
    ) -> Int32 {
        let reach = Int32(truncatingIfNeeded: code >> 26)
        guard let excess = plain.takeGolomb(order: Int(code >> 24 & 3)) else {
            isGood = false
            return 0
        }
        let size = reach &+ 1 &+ Int32(truncatingIfNeeded: excess)
        return quotient < 0 ? 0 &- size : size
    }
}
