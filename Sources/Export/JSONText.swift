/// Writes JSON (RFC 8259) without a library: the few shapes the control socket and `--json`
/// need. Values are appended in order; commas take care of themselves.
public struct JSONText: Sendable {
    /// The text so far.
    public private(set) var text = ""
    private var needsComma = false

    /// Nothing yet.
    public init() {}

    /// An object whose members `body` appends.
    public static func object(_ body: (inout JSONText) -> Void) -> String {
        var json = JSONText()
        json.object(body)
        return json.text
    }

    /// Appends an object.
    public mutating func object(_ body: (inout JSONText) -> Void) {
        separate()
        text += "{"
        needsComma = false
        body(&self)
        text += "}"
        needsComma = true
    }

    /// Appends an array.
    public mutating func array(_ body: (inout JSONText) -> Void) {
        separate()
        text += "["
        needsComma = false
        body(&self)
        text += "]"
        needsComma = true
    }

    /// Appends a member's name; its value must follow.
    public mutating func key(_ name: String) {
        separate()
        text += Self.quoted(name) + ":"
        needsComma = false
    }

    /// Appends a member with a text.
    public mutating func member(_ name: String, _ value: String?) {
        key(name)
        scalar(value.map(Self.quoted) ?? "null")
    }

    /// Appends a member with a whole number.
    public mutating func member(_ name: String, _ value: Int?) {
        key(name)
        scalar(value.map(String.init) ?? "null")
    }

    /// Appends a member with a truth value.
    public mutating func member(_ name: String, _ value: Bool) {
        key(name)
        scalar(value ? "true" : "false")
    }

    /// Appends a member with a number; what JSON cannot say (NaN, infinity, missing) is null.
    public mutating func member(_ name: String, _ value: Double?) {
        key(name)
        number(value)
    }

    /// Appends a number to an array.
    public mutating func number(_ value: Double?) {
        guard let value, value.isFinite else { return scalar("null") }
        scalar("\(value)")
    }

    /// Appends a number with a Float's own digits to an array.
    public mutating func number(_ value: Float) {
        scalar(value.isFinite ? "\(value)" : "null")
    }

    /// Appends a text to an array.
    public mutating func string(_ value: String) { scalar(Self.quoted(value)) }

    private mutating func scalar(_ written: String) {
        separate()
        text += written
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { text += "," }
        needsComma = false
    }

    private static func quoted(_ raw: String) -> String {
        var result = "\""
        for scalar in raw.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case let control where control.value < 0x20:
                let digits = String(control.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
