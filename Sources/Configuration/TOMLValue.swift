import CTOML

/// A value of a TOML document, with the place it was written.
public struct TOMLValue: Equatable, Sendable {
    /// What it is.
    public indirect enum Kind: Equatable, Sendable {
        /// A table, with its entries in the order of the file.
        case table(TOMLTable)
        /// An array, or an array of tables.
        case array([TOMLValue])
        /// A string.
        case string(String)
        /// A whole number.
        case integer(Int64)
        /// A floating-point number; TOML has `inf` and `nan` too.
        case float(Double)
        /// `true` or `false`.
        case boolean(Bool)
        /// A date or time; no setting is one.
        case date
    }
    /// What it is.
    public var kind: Kind
    /// Where it was written.
    public var place: Place

    /// What it is, for messages.
    var noun: String {
        switch kind {
        case .table: "a table"
        case .array: "an array"
        case .string: "a string"
        case .integer: "a whole number"
        case .float: "a number"
        case .boolean: "true or false"
        case .date: "a date or time"
        }
    }
}

/// A table of a TOML document.
public struct TOMLTable: Equatable, Sendable {
    /// A key and its value.
    public struct Entry: Equatable, Sendable {
        /// The key.
        public var key: String
        /// Where the key was written.
        public var place: Place
        /// Its value.
        public var value: TOMLValue
    }
    /// The entries, by place.
    public var entries: [Entry] = []

    /// The value of `key`.
    public subscript(key: String) -> TOMLValue? { entries.first { $0.key == key }?.value }
}

/// Reads TOML 1.0.
public enum TOMLReader {
    /// The root table of `source`, or its first syntax error.
    public static func parse(
        _ source: ConfigurationSource
    ) -> Result<TOMLTable, ConfigurationProblem> {
        var error = ctoml_error()
        var text = source.text
        let parsed = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                ctoml_parse($0.baseAddress, $0.count, &error)
            }
        }
        guard let document = parsed else {
            let message = withUnsafeBytes(of: &error.message) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            let place = Place(
                file: source.file, line: Int(error.line), column: Int(error.column))
            return .failure(
                ConfigurationProblem(
                    severity: .error, place: place, message: printable(message),
                    hint: "nothing else in this file was checked"))
        }
        defer { ctoml_free(document) }
        var builder = Builder(document: document, file: source.file)
        guard case .table(let root) = builder.next().kind else { return .success(TOMLTable()) }
        return .success(root)
    }

    /// `text` on one line, without what could command a terminal.
    static func printable(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar -> Unicode.Scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "\u{FFFD}"
            default: scalar
            }
        }
        return String(String.UnicodeScalarView(scalars))
    }
}

/// Makes a tree of the flat nodes. Recursion is as deep as `CTOML_DEPTH_LIMIT` at most.
private struct Builder {
    let document: OpaquePointer
    let file: String
    var index = 0

    mutating func next() -> TOMLValue {
        let node = ctoml_at(document, index)
        index += 1
        let place = Place(file: file, line: Int(node.line), column: Int(node.column))
        switch node.kind {
        case CTOML_TABLE:
            var entries: [TOMLTable.Entry] = []
            for _ in 0..<node.children {
                let child = ctoml_at(document, index)
                let key = text(child.key, child.key_length)
                let keyPlace = Place(
                    file: file, line: Int(child.key_line), column: Int(child.key_column))
                entries.append(TOMLTable.Entry(key: key, place: keyPlace, value: next()))
            }
            entries.sort {
                ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column)
            }
            return TOMLValue(kind: .table(TOMLTable(entries: entries)), place: place)
        case CTOML_ARRAY:
            return TOMLValue(
                kind: .array((0..<node.children).map { _ in next() }), place: place)
        case CTOML_STRING:
            return TOMLValue(kind: .string(text(node.string, node.string_length)), place: place)
        case CTOML_INTEGER: return TOMLValue(kind: .integer(node.integer), place: place)
        case CTOML_FLOAT: return TOMLValue(kind: .float(node.real), place: place)
        case CTOML_BOOLEAN: return TOMLValue(kind: .boolean(node.integer != 0), place: place)
        default: return TOMLValue(kind: .date, place: place)
        }
    }

    private func text(_ start: UnsafePointer<CChar>?, _ length: Int) -> String {
        UnsafeBufferPointer(start: start, count: start == nil ? 0 : length)
            .withMemoryRebound(to: UInt8.self) { String(decoding: $0, as: UTF8.self) }
    }
}
