/// Bits, the first in the lowest place of the first byte, written to memory that is large enough.
struct PlainBitWriter {
    private let start: UnsafeMutablePointer<UInt8>
    private var next: UnsafeMutablePointer<UInt8>
    private let limit: UnsafeMutablePointer<UInt8>
    private var held: UInt64 = 0
    private var count: UInt64 = 0
    /// Whether the memory was too small: bytes were left out.
    private(set) var isFull = false

    /// A writer to `capacity` bytes at `start`, of which eight stay free.
    init(_ start: UnsafeMutablePointer<UInt8>, capacity: Int) {
        self.start = start
        next = start
        limit = start + max(capacity - 8, 0)
    }

    /// Bytes written so far, with those begun.
    var bytes: Int { next - start + Int(count + 7) / 8 }

    /// Writes the low `width` bits of `value`, at most 32; those above must be 0.
    @inline(__always)
    mutating func put(_ value: UInt32, _ width: Int) {
        held |= UInt64(value) &<< count
        count &+= UInt64(truncatingIfNeeded: width)
        if count >= 32 { flush() }
    }

    @inline(__always)
    private mutating func flush() {
        UnsafeMutableRawPointer(next).storeBytes(
            of: UInt32(truncatingIfNeeded: held).littleEndian, as: UInt32.self)
        // Past the end the last bytes are written over and over.
        isFull = isFull || next >= limit
        next += next < limit ? 4 : 0
        held &>>= 32
        count &-= 32
    }

    /// Writes `value` as Exp-Golomb code of an order: v = value + 2^order has n + order + 1 bits;
    /// n zeros, a one, the n + order low bits of v.
    mutating func putGolomb(_ value: UInt32, order: Int) {
        let shifted = value + 1 << UInt32(order)
        let low = 31 - shifted.leadingZeroBitCount
        let zeros = low - order
        put(1 << UInt32(zeros), zeros + 1)
        put(shifted & (1 << UInt32(low) - 1), low)
    }

    /// Writes a number of either sign in `width` bits of two's complement.
    mutating func putSigned(_ value: Int, _ width: Int) {
        put(UInt32(truncatingIfNeeded: value) & (1 << UInt32(width) - 1), width)
    }

    /// Writes the bits that are left; returns how many bytes there are in all.
    mutating func finish() -> Int {
        let total = bytes
        if count > 0 {
            for index in 0..<Int(count + 7) / 8 {
                next[index] = UInt8(truncatingIfNeeded: held >> UInt64(8 * index))
            }
        }
        return total
    }
}

/// Reads bits, the first from the lowest place of the first byte. Memory is read up to eight
/// bytes past the end, which must be there; `isOver` says that bits were asked for that are not.
struct PlainBitReader {
    private let start: UnsafeRawPointer
    private let end: Int
    /// The bit that comes next.
    private(set) var place = 0

    /// Largest Exp-Golomb prefix: values have at most this many bits more than the order.
    static let golombLimit = 18

    /// A reader of `count` bytes at `start`.
    init(_ start: UnsafeRawPointer, count: Int) {
        self.start = start
        end = count * 8
    }

    /// Whether more bits were taken than there are.
    var isOver: Bool { place > end }
    /// Whether less than a byte is left.
    var isUsedUp: Bool { place <= end && end - place < 8 }

    /// At least 57 bits from the place on; zeros past the end.
    @inline(__always)
    private var window: UInt64 {
        guard place <= end else { return 0 }
        let eight = start.loadUnaligned(fromByteOffset: place >> 3, as: UInt64.self).littleEndian
        return eight &>> UInt64(truncatingIfNeeded: place & 7)
    }

    /// The next `width` bits, at most 32.
    @inline(__always)
    mutating func take(_ width: Int) -> UInt32 {
        let mask: UInt64 = 1 &<< UInt64(truncatingIfNeeded: width) &- 1
        let value = UInt32(truncatingIfNeeded: window & mask)
        place &+= width
        return value
    }

    /// A number of either sign in `width` bits of two's complement.
    mutating func takeSigned(_ width: Int) -> Int {
        let bits = Int32(bitPattern: take(width) << UInt32(32 - width))
        return Int(bits >> Int32(32 - width))
    }

    /// The next Exp-Golomb code; nil where there is none.
    mutating func takeGolomb(order: Int) -> UInt32? {
        let zeros = window.trailingZeroBitCount
        guard zeros <= Self.golombLimit else { return nil }
        place += zeros + 1
        let low = take(zeros + order)
        guard place <= end else { return nil }
        return (1 << UInt32(zeros + order) | low) - 1 << UInt32(order)
    }
}
