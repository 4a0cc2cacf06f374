/// A CSV file whose first line names the columns: every field keeps its place, so that whatever
/// is wrong with one can be said with file, line and column.
///
/// Fields are separated by commas and may be quoted with `"`, a quote inside doubled; a quoted
/// field does not span lines. Lines end with LF or CR LF; blank lines are skipped.
public struct DataTable: Sendable {
    /// The file's name, for messages.
    public let file: String
    /// The names of the columns, without blanks around them.
    public let names: [String]
    /// Number of rows below the header.
    public let rowCount: Int
    let bytes: [UInt8]
    /// Where every field is, the header's first, `names.count` a row; quotes not included.
    private let fields: [Span]
    /// Where every line is that is not blank, the header first, and its number from 1.
    private let lines: [(span: Span, number: Int)]

    /// Columns at most.
    public static let columnLimit = 4_096
    /// Bytes of a file at most.
    public static let byteLimit = 256 << 20

    /// A part of the bytes.
    struct Span: Sendable {
        var start: Int32
        var end: Int32
    }

    /// The table in `bytes`, which must be UTF-8 and hold at most `rowLimit` rows. Throws the
    /// first thing that is wrong, with its place.
    public init(file: String, bytes: [UInt8], rowLimit: Int) throws(TableError) {
        guard bytes.count <= Self.byteLimit else {
            throw TableError(
                file: file, line: 1, column: 1, message: "\(bytes.count) bytes are too many",
                hint: "permitted: \(Self.byteLimit)")
        }
        var scanner = TableScanner(file: file, bytes: bytes)
        var count = 0
        while try scanner.nextLine() {
            if scanner.lines.count == 1 {
                count = scanner.fields.count
                guard count <= Self.columnLimit else {
                    throw scanner.error(
                        "\(count) columns are too many", "permitted: \(Self.columnLimit)")
                }
            }
            let found = scanner.fields.count - (scanner.lines.count - 1) * count
            guard found == count else {
                let noun = found == 1 ? "field" : "fields"
                throw scanner.error(
                    "\(found) \(noun) where the header has \(count)",
                    "write one per column, separated by commas")
            }
            guard scanner.lines.count - 1 <= rowLimit else {
                throw scanner.error(
                    "more than \(rowLimit) rows", "leave the oldest or the least useful ones out")
            }
        }
        guard !scanner.lines.isEmpty else {
            throw TableError(
                file: file, line: 1, column: 1, message: "the file is empty",
                hint: "the first line names the columns")
        }
        self.file = file
        self.bytes = bytes
        fields = scanner.fields
        lines = scanner.lines
        rowCount = lines.count - 1
        names = fields[..<count].map { Self.name(bytes[Int($0.start)..<Int($0.end)]) }
    }

    /// The number of the line `row` (from 0) stands on, from 1.
    public func line(of row: Int) -> Int { lines[row + 1].number }

    /// Line `row` as it was written, without its end.
    public func text(of row: Int) -> String { text(lines[row + 1].span) }

    /// The header as it was written, without its end.
    public var header: String { text(lines[0].span) }

    /// The one column called `name`; nil where there is none. Throws for two.
    public func column(_ name: String) throws(TableError) -> Int? {
        guard let first = names.firstIndex(of: name) else { return nil }
        if let second = names[(first + 1)...].firstIndex(of: name) {
            throw headerError(second, "there are two columns \(name)", "rename one of them")
        }
        return first
    }

    /// The finite number in `row` and `column`. Throws, with the place, for anything else.
    public func number(row: Int, column: Int) throws(TableError) -> Double {
        let span = fields[(row + 1) * names.count + column]
        if let value = DecimalNumber.parse(bytes, from: Int(span.start), to: Int(span.end)) {
            return value
        }
        let text = text(span)
        let name = names[column]
        if text.allSatisfy({ $0 == " " || $0 == "\t" }) {
            throw error(
                row: row, column: column, "\(name) is empty",
                "write a number, or remove the line if nothing was measured")
        }
        throw error(
            row: row, column: column, "\(name): \"\(TableError.shown(text))\" is no finite number",
            "write it like 12.5 or 3e-4, or remove the line if nothing was measured")
    }

    /// Something wrong in `row` and `column`.
    public func error(
        row: Int, column: Int, _ message: String, _ hint: String = ""
    ) -> TableError {
        place(fields[(row + 1) * names.count + column], line: row + 1, message, hint)
    }

    /// Something wrong with the header of `column`.
    public func headerError(_ column: Int, _ message: String, _ hint: String = "") -> TableError {
        place(fields[column], line: 0, message, hint)
    }

    private func place(_ span: Span, line: Int, _ message: String, _ hint: String) -> TableError {
        let start = Int(lines[line].span.start)
        return TableError(
            file: file, line: lines[line].number,
            column: TableScanner.columns(bytes[start..<Int(span.start)]) + 1, message: message,
            hint: hint)
    }

    private func text(_ span: Span) -> String {
        String(decoding: bytes[Int(span.start)..<Int(span.end)], as: UTF8.self)
    }

    private static func name(_ field: ArraySlice<UInt8>) -> String {
        var text = field
        while let first = text.first, first == 0x20 || first == 0x09 { text.removeFirst() }
        while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
        guard text.contains(0x22) else { return String(decoding: text, as: UTF8.self) }
        // Inside a quoted name a quote is doubled.
        var plain: [UInt8] = []
        for byte in text where !(byte == 0x22 && plain.last == 0x22) { plain.append(byte) }
        return String(decoding: plain, as: UTF8.self)
    }
}

/// What is wrong with a table, and where.
public struct TableError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file's name.
    public var file: String
    /// The line, from 1.
    public var line: Int
    /// The column, from 1, in characters as an editor counts them.
    public var column: Int
    /// What is wrong.
    public var message: String
    /// What to do about it; may be empty.
    public var hint: String

    /// `file:line:column: message; hint`.
    public var description: String {
        "\(file):\(line):\(column): \(message)" + (hint.isEmpty ? "" : "; \(hint)")
    }

    /// Longest piece of a file that a message repeats.
    private static let shownLimit = 40

    /// `text` short and without what could command a terminal.
    static func shown(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(shownLimit) {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            result.append(isControl ? "?" : scalar)
        }
        return String(result) + (text.unicodeScalars.count > shownLimit ? "…" : "")
    }
}
