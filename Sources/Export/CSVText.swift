/// Writes CSV (RFC 4180) as spreadsheets and data frames open it: a header, a comma, LF, a dot as
/// decimal mark, fields quoted where they must be, missing values empty.
public struct CSVText: Sendable {
    /// The lines so far.
    public private(set) var text = ""
    private var isFirst = true

    /// Nothing yet.
    public init() {}

    /// Appends a text.
    public mutating func field(_ value: String) {
        separate()
        let mustQuote = value.utf8.contains { $0 == 0x2C || $0 == 0x22 || $0 == 0x0A || $0 == 0x0D }
        guard mustQuote else { return text += value }
        text += "\""
        for character in value.unicodeScalars {
            if character == "\"" { text += "\"" }
            text.unicodeScalars.append(character)
        }
        text += "\""
    }

    /// Appends a whole number.
    public mutating func field(_ value: Int) {
        separate()
        text += String(value)
    }

    /// Appends a number; one that is missing or not finite leaves the field empty.
    public mutating func field(_ value: Double?) {
        separate()
        if let value, value.isFinite { text += "\(value)" }
    }

    /// Appends a number with a Float's own digits; one that is not finite leaves the field empty.
    public mutating func field(_ value: Float) {
        separate()
        if value.isFinite { text += "\(value)" }
    }

    /// Appends names of columns.
    mutating func head(_ names: [String]) {
        for name in names { field(name) }
    }

    /// Ends the line.
    public mutating func endLine() {
        text += "\n"
        isFirst = true
    }

    /// Hands out what was written and starts anew.
    public mutating func take() -> String {
        defer { text = "" }
        return text
    }

    private mutating func separate() {
        if !isFirst { text += "," }
        isFirst = false
    }
}
