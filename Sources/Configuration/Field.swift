/// One key of a section: how it is read with its bounds, and how it is written. The reader and
/// the writer both follow the same list of fields, so that they cannot drift apart.
struct Field<Section> {
    /// The key in the file.
    let key: String
    /// What it means, for the comment above it.
    let help: String
    /// What is permitted, for the same comment.
    let range: String
    /// Whether it must be written because no default can be right.
    var isRequired = false
    /// Takes the value over, or says what is wrong with it.
    let read: (TOMLValue, String, inout Section, inout SectionContext) -> Void
    /// The value as TOML; nil when the key does not apply.
    let write: (Section) -> String?

    /// The same field, without a default.
    var required: Field {
        var copy = self
        copy.isRequired = true
        return copy
    }
}

/// What reading fills besides the settings.
struct SectionContext {
    var problems = ProblemList()
    var places: SettingsPlaces

    mutating func wrongKind(_ value: TOMLValue, _ path: String, wanted: String, _ hint: String) {
        problems.error(value.place, "\(path) must be \(wanted), not \(value.noun)", hint)
    }

    /// Whether `value` is within bounds; an error otherwise.
    mutating func check(
        _ value: Double, _ bounds: ClosedRange<Double>, _ place: Place, _ path: String,
        _ show: (Double) -> String
    ) -> Bool {
        if bounds.contains(value) { return true }
        let shown = value.isFinite ? show(value) : "\(value)"
        problems.error(
            place, "\(path) = \(shown) is out of range",
            "permitted: \(show(bounds.lowerBound)) … \(show(bounds.upperBound))")
        return false
    }

    /// The quantity `value` is, in the unit kept; nil after an error.
    mutating func quantity(
        _ value: TOMLValue, _ dimension: Dimension, _ bounds: ClosedRange<Double>, _ path: String,
        show: ((Double) -> String)? = nil
    ) -> Double? {
        let show = show ?? { dimension.format($0) }
        switch value.kind {
        case .string(let text):
            switch dimension.parse(text) {
            case .success(let number):
                return check(number, bounds, value.place, path, show) ? number : nil
            case .failure(let error):
                problems.error(value.place, "\(path): \(error.message)", error.hint)
            }
        case .integer(let number):
            bare(value, path, dimension, "\(number)")
        case .float(let number) where number.isFinite:
            bare(value, path, dimension, DecimalText(number).shifted())
        default:
            wrongKind(
                value, path, wanted: dimension.noun, "write for instance \"\(dimension.example)\"")
        }
        return nil
    }

    private mutating func bare(
        _ value: TOMLValue, _ path: String, _ dimension: Dimension, _ number: String
    ) {
        let unit = dimension.units.first?.names.first ?? ""
        let usual = dimension.example.split(separator: " ").last.map(String.init) ?? unit
        problems.error(
            value.place, "\(path) = \(number) lacks its unit", "write \"\(number) \(usual)\"")
    }

    /// The number `value` is; nil after an error.
    mutating func number(
        _ value: TOMLValue, _ bounds: ClosedRange<Double>, _ path: String
    ) -> Double? {
        let number: Double
        switch value.kind {
        case .integer(let whole): number = Double(whole)
        case .float(let real): number = real
        default:
            wrongKind(value, path, wanted: "a number", "write it without quotes and unit")
            return nil
        }
        let isRight = check(number, bounds, value.place, path) { DecimalText($0).shifted() }
        return isRight ? number : nil
    }

    /// The string `value` is; nil after an error.
    mutating func text(_ value: TOMLValue, _ path: String) -> String? {
        guard case .string(let text) = value.kind else {
            wrongKind(value, path, wanted: "a string", "write it in double quotes")
            return nil
        }
        guard text.utf8.count <= SettingsReader.textLimit else {
            problems.error(
                value.place, "\(path) is too long", "permitted: \(SettingsReader.textLimit) bytes")
            return nil
        }
        guard TOMLReader.printable(text) == text else {
            problems.error(value.place, "\(path) holds control characters", "remove them")
            return nil
        }
        return text
    }
}

/// `text` as a TOML basic string.
func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": result += "\\\""
        case "\\": result += "\\\\"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
