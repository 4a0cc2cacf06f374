import Quantities

/// Decimal numbers as instruments write them: digits and at most one point; no sign, no exponent.
enum DecimalText {
    /// More digits than any pump sends; also what a `Double` holds exactly.
    static let maximumDigits = 15

    /// The number in `text`, or nil if it is not one.
    static func parse(_ text: BriefText) -> Double? { text.withBytes { parse($0) } }

    /// The number in `text`, or nil if it is not one.
    static func parse(_ text: some Sequence<UInt8>) -> Double? {
        var mantissa: Int64 = 0
        var digits = 0
        var scale = 1.0
        var isPointSeen = false
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                digits += 1
                guard digits <= maximumDigits else { return nil }
                mantissa = mantissa * 10 + Int64(byte - UInt8(ascii: "0"))
                if isPointSeen { scale *= 10 }
            case UInt8(ascii: ".") where !isPointSeen:
                isPointSeen = true
            default:
                return nil
            }
        }
        return digits > 0 ? Double(mantissa) / scale : nil
    }

    /// `value` rounded to `decimals` places (0…9), without trailing zeros; nil where it is not a
    /// number from 0 up to what fits `maximumDigits`.
    static func format(_ value: Double, decimals: Int) -> String? {
        guard (0...9).contains(decimals), value >= 0 else { return nil }
        var power = 1.0
        for _ in 0..<decimals { power *= 10 }
        let scaled = (value * power).rounded()
        guard scaled < 1e15 else { return nil }
        var mantissa = Int64(scaled)
        var places = decimals
        while places > 0, mantissa % 10 == 0 {
            mantissa /= 10
            places -= 1
        }
        var digits = 1
        var rest = mantissa
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        digits = max(digits, places + 1)
        let length = digits + (places > 0 ? 1 : 0)
        // Written from its end; up to 15 bytes a `String` holds in place.
        return String(unsafeUninitializedCapacity: length) { bytes in
            var place = length - 1
            for digit in 0..<digits {
                if digit == places, places > 0 {
                    bytes[place] = UInt8(ascii: ".")
                    place -= 1
                }
                bytes[place] = UInt8(ascii: "0") + UInt8(mantissa % 10)
                mantissa /= 10
                place -= 1
            }
            return length
        }
    }

    /// Whether two numbers agree within `tolerance`, relative to the larger.
    static func agree(_ a: Double, _ b: Double, within tolerance: Double) -> Bool {
        (a - b).magnitude <= tolerance * max(a.magnitude, b.magnitude)
    }
}
