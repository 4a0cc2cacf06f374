/// Reads comma-separated lines one by one, in time linear in the text.
///
/// Fields may be quoted with `"`, a quote inside doubled; a quoted field does not span lines.
/// Lines end with LF or CR LF. Blank lines are allowed at the end only.
struct CSVReader {
    private let bytes: [UInt8]
    private var position = 0
    /// The line read last, from 1; 0 before the first.
    private(set) var line = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
        // A byte order mark is not part of the first header.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The fields of the next line as bytes; nil at the end.
    mutating func next() throws(SpectraError) -> [ArraySlice<UInt8>]? {
        guard position < bytes.count else { return nil }
        line += 1
        var end = position
        while end < bytes.count, bytes[end] != 0x0A { end += 1 }
        let start = position
        position = min(end + 1, bytes.count)
        if end > start, bytes[end - 1] == 0x0D { end -= 1 }
        if start == end {
            let rest = bytes[position...]
            guard rest.allSatisfy({ $0 == 0x0A || $0 == 0x0D }) else {
                throw .malformed(line: line, column: 1, what: "blank line; remove it")
            }
            position = bytes.count
            return nil
        }
        return try split(bytes[start..<end])
    }

    private func split(_ text: ArraySlice<UInt8>) throws(SpectraError) -> [ArraySlice<UInt8>] {
        var fields: [ArraySlice<UInt8>] = []
        var at = text.startIndex
        while true {
            if at < text.endIndex, text[at] == 0x22 {
                let (field, after) = try quoted(text[at...], column: fields.count + 1)
                fields.append(field)
                at = after
            } else {
                let end = text[at...].firstIndex(of: 0x2C) ?? text.endIndex
                fields.append(text[at..<end])
                at = end
            }
            if at == text.endIndex { return fields }
            at += 1
        }
    }

    /// A quoted field and the place of what follows it: a comma, or the end.
    private func quoted(
        _ text: ArraySlice<UInt8>, column: Int
    ) throws(SpectraError) -> (ArraySlice<UInt8>, Int) {
        var field: [UInt8] = []
        var at = text.startIndex + 1
        while at < text.endIndex {
            if text[at] != 0x22 {
                field.append(text[at])
                at += 1
            } else if at + 1 < text.endIndex, text[at + 1] == 0x22 {
                field.append(0x22)
                at += 2
            } else {
                at += 1
                guard at == text.endIndex || text[at] == 0x2C else {
                    throw .malformed(
                        line: line, column: column, what: "text after the closing quote")
                }
                return (field[...], at)
            }
        }
        throw .malformed(line: line, column: column, what: "the quote is not closed in its line")
    }

    /// The decimal number in `field`, blanks around it allowed; nil for anything else, also for
    /// "nan", "inf", hexadecimal, and numbers too large for a Double.
    static func number(_ field: ArraySlice<UInt8>) -> Double? {
        var text = field
        while text.first == 0x20 || text.first == 0x09 { text.removeFirst() }
        while text.last == 0x20 || text.last == 0x09 { text.removeLast() }
        guard !text.isEmpty, text.count <= 64, text.allSatisfy(isNumeric) else { return nil }
        guard let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite else {
            return nil
        }
        return value
    }

    private static func isNumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x2B, 0x2D, 0x2E, 0x45, 0x65: true
        default: false
        }
    }
}
