/// Writes the OpenMetrics 1.0 text format: every family once, with its samples together, `# EOF`
/// at the end. No timestamps and no exemplars.
///
/// The textfile collector of Prometheus' node_exporter reads the older text format 0.0.4 and
/// differs so: `# UNIT` and `# EOF` are comments to it; a counter's samples, whose names end in
/// `_total`, lose their type, because the family is declared without that end; a file with a type
/// it does not know (`info`, `stateset`, `unknown`) or with a timestamp is refused as a whole. So
/// only counters, gauges and histograms are written here.
struct OpenMetrics {
    /// A kind of family.
    enum Kind: String {
        /// A number that only grows.
        case counter
        /// A number at one moment.
        case gauge
        /// Counts of what was not larger than each of some limits.
        case histogram
    }

    private(set) var text = ""
    private var family = ""

    /// Begins the family `name`. Its `unit`, where it has one, ends the name.
    mutating func begin(_ name: String, _ kind: Kind, unit: String = "", _ help: String) {
        assert(unit.isEmpty || name.hasSuffix("_" + unit), "\(name) does not end in \(unit)")
        family = name
        text += "# TYPE \(name) \(kind.rawValue)\n"
        if !unit.isEmpty { text += "# UNIT \(name) \(unit)\n" }
        text += "# HELP \(name) \(Self.escaped(help))\n"
    }

    /// Adds a sample of the family; a missing or infinite value adds none.
    mutating func sample(
        _ suffix: String = "", _ labels: [(name: String, value: String)] = [], _ value: Double?
    ) {
        guard let value, value.isFinite else { return }
        text += family + suffix
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
            text += "{" + pairs.joined(separator: ",") + "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// A family with one gauge.
    mutating func gauge(_ name: String, unit: String = "", _ help: String, _ value: Double?) {
        begin(name, .gauge, unit: unit, help)
        sample("", [], value)
    }

    /// A family with one gauge that is 0 or 1.
    mutating func gauge(_ name: String, _ help: String, is value: Bool?) {
        gauge(name, help, value.map { $0 ? 1 : 0 })
    }

    /// A family with one counter.
    mutating func counter(_ name: String, _ help: String, _ value: Int?) {
        begin(name, .counter, help)
        sample("_total", [], value.map { Double($0) })
    }

    /// The whole text.
    mutating func finish() -> String {
        text += "# EOF\n"
        return text
    }

    /// Whole numbers without a fraction, others with all their digits.
    static func number(_ value: Double) -> String {
        if value == value.rounded(), value.magnitude < 1e15 { return "\(Int64(value))" }
        return "\(value)"
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
