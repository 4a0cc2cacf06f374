/// A physical dimension: the units its quantities are written in and the one they are kept in.
struct Dimension {
    /// A unit: `1 unit = factor × 10^exponent` of the unit kept. The power of ten is applied to
    /// the decimal text, so that no digit is lost on the way in or out.
    struct Unit {
        var names: [String]
        var exponent = 0
        var factor = 1.0
    }
    /// For messages, with its article.
    let noun: String
    /// A well-formed quantity, for hints.
    let example: String
    /// The unit kept and written first.
    let units: [Unit]

    static let flow = Dimension(
        noun: "a flow rate", example: "20 uL/min",
        units: [
            Unit(names: ["uL/min", "µL/min", "μL/min", "ul/min", "µl/min", "μl/min"]),
            Unit(names: ["mL/min", "ml/min"], exponent: 3),
            Unit(names: ["nL/min", "nl/min"], exponent: -3),
            Unit(names: ["uL/h", "µL/h", "μL/h", "ul/h", "µl/h", "μl/h"], factor: 1 / 60.0),
            Unit(names: ["mL/h", "ml/h"], exponent: 3, factor: 1 / 60.0),
            Unit(names: ["uL/s", "µL/s", "μL/s", "ul/s", "µl/s", "μl/s"], factor: 60),
        ])
    static let volume = Dimension(
        noun: "a volume", example: "10 mL",
        units: [
            Unit(names: ["uL", "µL", "μL", "ul", "µl", "μl"]),
            Unit(names: ["mL", "ml"], exponent: 3),
            Unit(names: ["nL", "nl"], exponent: -3),
        ])
    static let length = Dimension(
        noun: "a length", example: "14.43 mm",
        units: [
            Unit(names: ["mm"]), Unit(names: ["cm"], exponent: 1),
            Unit(names: ["um", "µm", "μm"], exponent: -3),
        ])
    static let wavelength = Dimension(
        noun: "a wavelength", example: "380 nm",
        units: [Unit(names: ["nm"]), Unit(names: ["um", "µm", "μm"], exponent: 3)])
    /// Kept in nanoseconds.
    static let time = Dimension(
        noun: "a time", example: "5 s",
        units: [
            Unit(names: ["ns"]), Unit(names: ["us", "µs", "μs"], exponent: 3),
            Unit(names: ["ms"], exponent: 6), Unit(names: ["s"], exponent: 9),
            Unit(names: ["min"], exponent: 9, factor: 60),
            Unit(names: ["h"], exponent: 9, factor: 3600),
        ])
    static let voltage = Dimension(
        noun: "a voltage", example: "4.096 V",
        units: [Unit(names: ["V"]), Unit(names: ["mV"], exponent: -3)])
    /// Kept in bytes.
    static let size = Dimension(
        noun: "a size", example: "16 MB",
        units: [
            Unit(names: ["B"]), Unit(names: ["kB", "KB"], exponent: 3),
            Unit(names: ["MB"], exponent: 6), Unit(names: ["GB"], exponent: 9),
            Unit(names: ["TB"], exponent: 12), Unit(names: ["KiB"], factor: 1_024),
            Unit(names: ["MiB"], factor: 1_048_576), Unit(names: ["GiB"], factor: 1_073_741_824),
        ])
    /// Kept as percent.
    static let percent = Dimension(
        noun: "a percentage", example: "20 %", units: [Unit(names: ["%"])])
    /// Kept as a share of 1.
    static let share = Dimension(
        noun: "a percentage", example: "90 %", units: [Unit(names: ["%"], exponent: -2)])

    /// Longest text taken for a quantity.
    static let lengthLimit = 40

    /// The value of `text` in the unit kept, or what is wrong with it and what to write.
    func parse(_ text: String) -> Result<Double, QuantityError> {
        guard text.utf8.count <= Self.lengthLimit else {
            return .failure(QuantityError("this is too long for \(noun)", write))
        }
        let (number, rest) = Self.splitNumber(text)
        let name = rest.trimmingSpaces
        guard let number else {
            return .failure(QuantityError("\"\(text)\" is not \(noun)", write))
        }
        if name.first == "," {
            return .failure(QuantityError("\"\(text)\" is not \(noun)", "use a decimal point"))
        }
        guard !name.isEmpty else {
            return .failure(QuantityError("\"\(text)\" lacks its unit", write))
        }
        guard let unit = units.first(where: { $0.names.contains(name) }) else {
            let known = units.compactMap(\.names.first).joined(separator: ", ")
            return .failure(
                QuantityError("unit \"\(name)\" is unknown for \(noun)", "known: \(known)"))
        }
        let shifted = "\(number.mantissa)e\(number.exponent + unit.exponent)"
        guard let value = Double(shifted), (value * unit.factor).isFinite else {
            return .failure(QuantityError("\"\(text)\" is absurd as \(noun)", write))
        }
        return .success(value * unit.factor)
    }

    private var write: String { "write for instance \"\(example)\"" }

    /// `value`, which is in the unit kept, as text that reads back as the very same number.
    func format(_ value: Double) -> String {
        guard let unit = units.first, let name = unit.names.first else { return "" }
        return DecimalText(value).shifted(by: -unit.exponent) + " " + name
    }

    /// Bytes in the largest decimal unit that takes no fraction.
    static func format(bytes: Double) -> String {
        for (size, name) in [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")]
        where bytes >= size && bytes.truncatingRemainder(dividingBy: size) == 0 {
            return DecimalText(bytes / size).shifted() + " " + name
        }
        return size.format(bytes)
    }

    /// Nanoseconds in the largest unit that takes no fraction.
    static func format(nanoseconds: Int64) -> String {
        let steps: [(Int64, String, least: Int64)] = [
            (3_600_000_000_000, "h", 2), (60_000_000_000, "min", 2), (1_000_000_000, "s", 1),
            (1_000_000, "ms", 1), (1_000, "us", 1),
        ]
        for (size, name, least) in steps
        where nanoseconds % size == 0 && nanoseconds.magnitude / size.magnitude >= least {
            return "\(nanoseconds / size) \(name)"
        }
        return nanoseconds == 0 ? "0 s" : "\(nanoseconds) ns"
    }

    /// The decimal number at the start of `text`, and what follows it.
    private static func splitNumber(
        _ text: String
    ) -> (number: (mantissa: String, exponent: Int)?, rest: Substring) {
        let scalars = text.trimmingSpaces.unicodeScalars
        var index = scalars.startIndex
        var mantissa = ""
        func isDigit(_ at: String.UnicodeScalarView.Index) -> Bool {
            at < scalars.endIndex && ("0"..."9").contains(scalars[at])
        }
        func takeDigits() -> Bool {
            let start = index
            while isDigit(index) { index = scalars.index(after: index) }
            mantissa.unicodeScalars.append(contentsOf: scalars[start..<index])
            return index > start
        }
        if index < scalars.endIndex, scalars[index] == "-" || scalars[index] == "+" {
            mantissa.unicodeScalars.append(scalars[index])
            index = scalars.index(after: index)
        }
        guard takeDigits() else { return (nil, Substring(scalars[...])) }
        if index < scalars.endIndex, scalars[index] == "." {
            mantissa += "."
            index = scalars.index(after: index)
            guard takeDigits() else { return (nil, Substring(scalars[...])) }
        }
        var exponent = 0
        if index < scalars.endIndex, scalars[index] == "e" || scalars[index] == "E" {
            var end = scalars.index(after: index)
            if end < scalars.endIndex, scalars[end] == "-" || scalars[end] == "+" {
                end = scalars.index(after: end)
            }
            while isDigit(end) { end = scalars.index(after: end) }
            guard let read = Int(Substring(scalars[scalars.index(after: index)..<end])),
                read.magnitude <= 400
            else { return (nil, Substring(scalars[...])) }
            exponent = read
            index = end
        }
        return ((mantissa, exponent), Substring(scalars[index...]))
    }
}

/// What is wrong with a quantity, and what to write instead.
struct QuantityError: Error, Equatable {
    var message: String
    var hint: String

    init(_ message: String, _ hint: String) {
        self.message = message
        self.hint = hint
    }
}

/// The shortest decimal digits of a number, movable by powers of ten without rounding.
struct DecimalText {
    private var sign = ""
    private var digits: [Character] = []
    /// Where the point is, counted from before the first digit.
    private var point = 0

    /// The digits that read back as `value`, which is finite.
    init(_ value: Double) {
        var text = Substring("\(value.magnitude)")
        sign = value.sign == .minus && value != 0 ? "-" : ""
        if let mark = text.firstIndex(of: "e") {
            point = Int(text[text.index(after: mark)...]) ?? 0
            text = text[..<mark]
        }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        point += parts[0].count
        digits = Array(parts.joined())
        while digits.first == "0" {
            digits.removeFirst()
            point -= 1
        }
        while digits.last == "0" { digits.removeLast() }
        if digits.isEmpty { point = 0 }
    }

    /// The text of the number × 10^`exponent`.
    func shifted(by exponent: Int = 0) -> String {
        if digits.isEmpty { return "0" }
        let point = self.point + exponent
        if point > 15 || point < -5 {
            let rest = String(digits.dropFirst())
            return "\(sign)\(digits[0])\(rest.isEmpty ? "" : ".\(rest)")e\(point - 1)"
        }
        if point <= 0 {
            return sign + "0." + String(repeating: "0", count: -point) + String(digits)
        }
        if point >= digits.count {
            return sign + String(digits) + String(repeating: "0", count: point - digits.count)
        }
        return sign + String(digits[..<point]) + "." + String(digits[point...])
    }
}

extension StringProtocol {
    /// Without spaces and tabs at its ends.
    var trimmingSpaces: String {
        let isSpace = { (c: Character) in c == " " || c == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }),
            let last = lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}
