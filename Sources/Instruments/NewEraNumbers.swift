import Quantities

/// New Era's numbers: at most four digits and a point, at most three of them behind it
/// (DEVICES 2.4).
enum NewEraNumber {
    /// `value` with as many decimals as fit; nil where it does not fit (negative, above 9999).
    static func format(_ value: Double) -> String? {
        guard value >= 0 else { return nil }
        for (decimals, limit) in [(3, 9.9995), (2, 99.995), (1, 999.95), (0, 9999.5)]
        where value < limit {
            return DecimalText.format(value, decimals: decimals)
        }
        return nil
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
        let order: [Unit] = [
            .microlitersPerMinute, .millilitersPerMinute, .microlitersPerHour,
            .millilitersPerHour,
        ]
        for unit in (present.map { [$0] } ?? []) + order {
            let value = rate.microlitersPerMinute / unit.factor
            guard let text = NewEraRate(rate, in: unit) else { continue }
            let isExact = DecimalText.format(value, decimals: 6) == text.number
            if isExact || NewEraNumber.significantDigits(value) >= 3 { return text }
        }
        return NewEraRate(rate, in: .microlitersPerHour)
    }

    /// The rate in a reply to `RAT`, such as `1500.UH`; nil if it is not one.
    static func parse(_ text: String) -> (rate: FlowRate, unit: Unit)? {
        guard let unit = Unit(rawValue: String(text.suffix(2))),
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
        for unit in Unit.allCases {
            let value = volume.microliters / unit.factor
            guard let number = NewEraNumber.format(value), let kept = DecimalText.parse(number.utf8)
            else { continue }
            // Zero would mean "no target": a run without end.
            guard kept > 0 else { return nil }
            self.number = number
            self.unit = unit
            self.volume = Volume(microliters: kept * unit.factor)
            return
        }
        return nil
    }

    /// The volume in a reply to `VOL`, such as `500.0UL`; nil if it is not one.
    static func parse(_ text: String) -> (volume: Volume, unit: Unit)? {
        guard let unit = Unit(rawValue: String(text.suffix(2))),
            let value = DecimalText.parse(text.utf8.dropLast(2))
        else { return nil }
        return (Volume(microliters: value * unit.factor), unit)
    }

    /// The infused volume in a reply to `DIS`, such as `I5.000W0.000ML`; nil if it is not one.
    static func parseDispensed(_ text: String) -> Volume? {
        guard text.hasPrefix("I"), let middle = text.firstIndex(of: "W"),
            let unit = Unit(rawValue: String(text.suffix(2)))
        else { return nil }
        let infused = text[text.index(after: text.startIndex)..<middle]
        let withdrawn = text[text.index(after: middle)...].dropLast(2)
        guard let value = DecimalText.parse(infused.utf8), DecimalText.parse(withdrawn.utf8) != nil
        else { return nil }
        return Volume(microliters: value * unit.factor)
    }
}
