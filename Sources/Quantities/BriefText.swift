/// A short text that lies in place, in 240 bytes, so that it is made, copied and thrown away
/// without the heap: for what a real-time thread has to say. What is too long ends in `…`.
public struct BriefText: Equatable, Sendable {
    /// Bytes (UTF-8) at most.
    public static let capacity = 236

    private typealias Words = (
        SIMD8<UInt64>, SIMD8<UInt64>, SIMD8<UInt64>, SIMD4<UInt64>, SIMD2<UInt64>
    )
    private var words: Words = (.zero, .zero, .zero, .zero, .zero)
    private var length: Int16 = 0
    private var isCut = false

    /// An empty text.
    public init() {}

    /// `text`, or its beginning.
    public init(_ text: String) { append(text) }

    /// The bytes of a text in UTF-8, or their beginning.
    public init(bytes: UnsafeBufferPointer<UInt8>) { append(bytes: bytes) }

    /// Bytes so far.
    public var count: Int { Int(length) }
    /// Whether there are none.
    public var isEmpty: Bool { length == 0 }

    /// Calls `body` with the bytes.
    public func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        withUnsafeBytes(of: words) { raw in
            body(UnsafeBufferPointer(rebasing: raw.bindMemory(to: UInt8.self)[..<count]))
        }
    }

    /// Appends `text`, as far as it fits.
    public mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(bytes: $0) }
    }

    /// Appends another brief text, as far as it fits.
    public mutating func append(_ text: BriefText) { text.withBytes { append(bytes: $0) } }

    /// Appends bytes of UTF-8, as far as they fit.
    public mutating func append(bytes: UnsafeBufferPointer<UInt8>) {
        guard !isCut else { return }
        var taken = min(bytes.count, Self.capacity - count)
        // Never the beginning of a character without its end.
        if taken < bytes.count {
            while taken > 0, bytes[taken] & 0xC0 == 0x80 { taken -= 1 }
        }
        let start = count
        withUnsafeMutableBytes(of: &words) { raw in
            for offset in 0..<taken { raw[start + offset] = bytes[offset] }
        }
        length += Int16(taken)
        if taken < bytes.count { markCut() }
    }

    /// Three bytes are kept free for this.
    private mutating func markCut() {
        let start = count
        withUnsafeMutableBytes(of: &words) { raw in
            raw[start] = 0xE2
            raw[start + 1] = 0x80
            raw[start + 2] = 0xA6
        }
        length += 3
        isCut = true
    }

    /// Appends one byte, if it fits.
    mutating func append(byte: UInt8) {
        withUnsafePointer(to: byte) { append(bytes: UnsafeBufferPointer(start: $0, count: 1)) }
    }

    /// Appends a whole number.
    public mutating func append(_ number: Int) {
        if number < 0 { append(byte: UInt8(ascii: "-")) }
        append(digits: number.magnitude, atLeast: 1)
    }

    private mutating func append(digits number: UInt, atLeast places: Int) {
        var divisor: UInt = 1
        var count = 1
        while number / divisor >= 10 || count < places {
            divisor *= 10
            count += 1
        }
        while divisor > 0 {
            append(byte: UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    /// Appends a number with six significant digits or more, as people read it: no exponent
    /// between a millionth and 10¹⁵, no zeros at its end.
    public mutating func append(_ number: Double) {
        guard number.isFinite else { return append(number.isNaN ? "nan" : "infinity") }
        if number < 0 { append(byte: UInt8(ascii: "-")) }
        let size = number.magnitude
        guard size < 1e15 else { return append(scientific: size) }
        guard size >= 1e-6 || size == 0 else { return append(scientific: size) }
        var decimals = 1
        var power = 10.0
        while decimals < 11, (size * power).rounded() / power != size, size * power < 1e6 {
            decimals += 1
            power *= 10
        }
        let scaled = UInt((size * power).rounded())
        let whole = UInt(power)
        append(digits: scaled / whole, atLeast: 1)
        append(byte: UInt8(ascii: "."))
        var rest = scaled % whole
        var places = decimals
        while places > 1, rest % 10 == 0 {
            rest /= 10
            places -= 1
        }
        append(digits: rest, atLeast: places)
    }

    private mutating func append(scientific size: Double) {
        var exponent = 0
        var value = size
        while value >= 10 {
            value /= 10
            exponent += 1
        }
        while value < 1 {
            value *= 10
            exponent -= 1
        }
        append((value * 1e5).rounded() / 1e5)
        append("e")
        append(exponent)
    }

    /// Whether both are the same text.
    public static func == (a: BriefText, b: BriefText) -> Bool {
        guard a.length == b.length else { return false }
        return a.words.0 == b.words.0 && a.words.1 == b.words.1 && a.words.2 == b.words.2
            && a.words.3 == b.words.3 && a.words.4 == b.words.4
    }
}

extension BriefText: CustomStringConvertible {
    /// The text.
    public var description: String { withBytes { String(decoding: $0, as: UTF8.self) } }

    /// Whether `part` occurs in it, byte for byte. (`String.contains` of a text is the regular
    /// expressions' in Swift 6.0, which a board's program goes without.)
    public func contains(_ part: String) -> Bool {
        let wanted = Array(part.utf8)
        return withBytes { bytes in
            guard wanted.count <= bytes.count else { return false }
            return (0...(bytes.count - wanted.count)).contains { start in
                bytes[start..<(start + wanted.count)].elementsEqual(wanted)
            }
        }
    }

    /// Whether it begins with `start`.
    public func hasPrefix(_ start: String) -> Bool { description.hasPrefix(start) }
}

extension BriefText: ExpressibleByStringInterpolation {
    /// A text written in the code.
    public init(stringLiteral text: String) { append(text) }

    /// A text written in the code, with values in it.
    public init(stringInterpolation parts: Interpolation) { self = parts.text }

    /// Puts a text together in place.
    public struct Interpolation: StringInterpolationProtocol {
        var text = BriefText()

        /// Nothing yet.
        public init(literalCapacity: Int, interpolationCount: Int) {}
        /// Text between values.
        public mutating func appendLiteral(_ literal: String) { text.append(literal) }
        /// A text.
        public mutating func appendInterpolation(_ value: String) { text.append(value) }
        /// A brief text.
        public mutating func appendInterpolation(_ value: BriefText) { text.append(value) }
        /// A whole number.
        public mutating func appendInterpolation(_ value: Int) { text.append(value) }
        /// A number.
        public mutating func appendInterpolation(_ value: Double) { text.append(value) }
        /// Anything else, by its description (which may use the heap).
        public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text.append(value.description)
        }
    }
}

extension BriefText {
    /// One text after the other.
    public static func + (a: BriefText, b: BriefText) -> BriefText {
        var sum = a
        sum.append(b)
        return sum
    }
}

extension BriefText {
    /// The `index`-th of the words between blanks, from 0; nil where there are fewer.
    public func word(_ index: Int) -> BriefText? {
        withBytes { bytes in
            var place = 0
            var skipped = 0
            while true {
                while place < bytes.count, bytes[place] == UInt8(ascii: " ") { place += 1 }
                guard place < bytes.count else { return nil }
                let start = place
                while place < bytes.count, bytes[place] != UInt8(ascii: " ") { place += 1 }
                if skipped == index {
                    return BriefText(bytes: UnsafeBufferPointer(rebasing: bytes[start..<place]))
                }
                skipped += 1
            }
        }
    }

    /// How many words there are between blanks.
    public var wordCount: Int {
        withBytes { bytes in
            var count = 0
            var isWithin = false
            for byte in bytes {
                if byte != UInt8(ascii: " "), !isWithin { count += 1 }
                isWithin = byte != UInt8(ascii: " ")
            }
            return count
        }
    }

    /// The part from byte `start` up to `end`, as far as it exists.
    public func part(_ range: Range<Int>) -> BriefText {
        withBytes { bytes in
            BriefText(bytes: UnsafeBufferPointer(rebasing: bytes[range.clamped(to: 0..<count)]))
        }
    }

    /// Byte `index`; nil behind the end.
    public func byte(_ index: Int) -> UInt8? {
        guard index >= 0, index < count else { return nil }
        return withBytes { $0[index] }
    }

    /// Where `byte` stands first, if anywhere.
    public func firstIndex(of byte: UInt8) -> Int? {
        withBytes { bytes in bytes.firstIndex(of: byte) }
    }
}
