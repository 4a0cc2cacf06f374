import Quantities

/// New Era's numbers: at most four digits and a point, at most three of them behind it
/// (DEVICES 2.4).
enum NewEraNumber {
    /// `value` with as many decimals as fit; nil where it does not fit (negative, above 9999).
    static func format(_ value: Double) -> String? {
        guard value >= 0 else { return nil }
        if value < 9.9995 { return DecimalText.format(value, decimals: 3) }
        if value < 99.995 { return DecimalText.format(value, decimals: 2) }
        if value < 999.95 { return DecimalText.format(value, decimals: 1) }
        return value < 9999.5 ? DecimalText.format(value, decimals: 0) : nil
    }

    /// The last two letters of `text`; nil where there are fewer.
    static func unit(of text: String) -> (first: UInt8, second: UInt8)? {
        var end = text.utf8.suffix(2).makeIterator()
        guard let first = end.next(), let second = end.next() else { return nil }
        return (first, second)
    }

    /// The significant digits `format` keeps of `value`: four, unless it is small.
    static func significantDigits(_ value: Double) -> Int {
        switch value {
        case 1...: 4
        case 0.1..<1: 3
        case 0.01..<0.1: 2
        case 0.001..<0.01: 1
        default: 0
        }
    }
}

/// A rate in the pump's own words.
struct NewEraRate: Equatable, Sendable {
    /// Microlitres or millilitres per minute or hour.
    enum Unit: String, CaseIterable, Sendable {
        case microlitersPerMinute = "UM"
        case microlitersPerHour = "UH"
        case millilitersPerMinute = "MM"
        case millilitersPerHour = "MH"

        /// The unit at the end of `text`, if there is one.
        init?(endOf text: String) {
            switch NewEraNumber.unit(of: text) {
            case (UInt8(ascii: "U"), UInt8(ascii: "M"))?: self = .microlitersPerMinute
            case (UInt8(ascii: "U"), UInt8(ascii: "H"))?: self = .microlitersPerHour
            case (UInt8(ascii: "M"), UInt8(ascii: "M"))?: self = .millilitersPerMinute
            case (UInt8(ascii: "M"), UInt8(ascii: "H"))?: self = .millilitersPerHour
            default: return nil
            }
        }

        /// One of it, in microlitres per minute.
        var factor: Double {
            switch self {
            case .microlitersPerMinute: 1
            case .microlitersPerHour: 1 / 60
            case .millilitersPerMinute: 1000
            case .millilitersPerHour: 1000 / 60
            }
        }
    }
    /// The number as sent.
    var number: String
    var unit: Unit
    /// What number and unit mean together.
    var rate: FlowRate

    /// `rate` in `unit`, rounded to what the format holds; nil where it does not fit.
    init?(_ rate: FlowRate, in unit: Unit) {
        let value = rate.microlitersPerMinute / unit.factor
        guard let number = NewEraNumber.format(value), let kept = DecimalText.parse(number.utf8),
            kept > 0
        else { return nil }
        self.number = number
        self.unit = unit
        self.rate = FlowRate(microlitersPerMinute: kept * unit.factor)
    }

    /// `rate` in the unit that keeps three significant digits or more. `present`, the unit a
    /// running pump has and cannot change, is kept where it can say the rate that well.
    /// Otherwise µL/min comes first because people read it; where no unit keeps three digits
    /// (below 0.0017 µL/min), the finest.
    static func best(for rate: FlowRate, keeping present: Unit? = nil) -> NewEraRate? {
        guard rate.microlitersPerMinute > 0 else { return nil }
        if let present, let text = good(rate, in: present) { return text }
        return good(rate, in: .microlitersPerMinute) ?? good(rate, in: .millilitersPerMinute)
            ?? good(rate, in: .microlitersPerHour) ?? good(rate, in: .millilitersPerHour)
            ?? NewEraRate(rate, in: .microlitersPerHour)
    }

    /// `rate` in `unit`, if that says it exactly or with three significant digits.
    private static func good(_ rate: FlowRate, in unit: Unit) -> NewEraRate? {
        let value = rate.microlitersPerMinute / unit.factor
        guard let text = NewEraRate(rate, in: unit) else { return nil }
        let isExact = DecimalText.format(value, decimals: 6) == text.number
        return isExact || NewEraNumber.significantDigits(value) >= 3 ? text : nil
    }

    /// The rate in a reply to `RAT`, such as `1500.UH`; nil if it is not one.
    static func parse(_ text: String) -> (rate: FlowRate, unit: Unit)? {
        guard let unit = Unit(endOf: text),
            let value = DecimalText.parse(text.utf8.dropLast(2))
        else { return nil }
        return (FlowRate(microlitersPerMinute: value * unit.factor), unit)
    }
}

/// A volume in the pump's own words.
struct NewEraVolume: Equatable, Sendable {
    /// Microlitres or millilitres.
    enum Unit: String, CaseIterable, Sendable {
        case microliters = "UL"
        case milliliters = "ML"

        /// The unit at the end of `text`, if there is one.
        init?(endOf text: String) {
            switch NewEraNumber.unit(of: text) {
            case (UInt8(ascii: "U"), UInt8(ascii: "L"))?: self = .microliters
            case (UInt8(ascii: "M"), UInt8(ascii: "L"))?: self = .milliliters
            default: return nil
            }
        }

        /// One of it, in microlitres.
        var factor: Double { self == .microliters ? 1 : 1000 }
    }
    /// The number as sent.
    var number: String
    var unit: Unit
    /// What number and unit mean together.
    var volume: Volume

    /// `volume` in microlitres where they fit and else in millilitres, rounded to what the
    /// format holds; nil where it is not positive, too small or too large to say.
    init?(_ volume: Volume) {
        unit =
            NewEraNumber.format(volume.microliters) == nil ? .milliliters : .microliters
        // Zero would mean "no target": a run without end.
        guard let number = NewEraNumber.format(volume.microliters / unit.factor),
            let kept = DecimalText.parse(number.utf8), kept > 0
        else { return nil }
        self.number = number
        self.volume = Volume(microliters: kept * unit.factor)
    }

    /// The volume in a reply to `VOL`, such as `500.0UL`; nil if it is not one.
    static func parse(_ text: String) -> (volume: Volume, unit: Unit)? {
        guard let unit = Unit(endOf: text),
            let value = DecimalText.parse(text.utf8.dropLast(2))
        else { return nil }
        return (Volume(microliters: value * unit.factor), unit)
    }

    /// The infused volume in a reply to `DIS`, such as `I5.000W0.000ML`; nil if it is not one.
    static func parseDispensed(_ text: String) -> Volume? {
        let bytes = text.utf8
        guard bytes.first == UInt8(ascii: "I"), let unit = Unit(endOf: text),
            let middle = bytes.firstIndex(of: UInt8(ascii: "W"))
        else { return nil }
        let infused = bytes[bytes.index(after: bytes.startIndex)..<middle]
        let withdrawn = bytes[bytes.index(after: middle)...].dropLast(2)
        guard let value = DecimalText.parse(infused), DecimalText.parse(withdrawn) != nil
        else { return nil }
        return Volume(microliters: value * unit.factor)
    }
}
