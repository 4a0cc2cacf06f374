/// Cuts a CSV file into lines and fields.
struct TableScanner {
    private let file: String
    private let bytes: [UInt8]
    private var position = 0
    private var lineNumber = 0
    /// The fields found, line after line; quotes not included.
    private(set) var fields: [DataTable.Span] = []
    /// The lines found, and their numbers.
    private(set) var lines: [(span: DataTable.Span, number: Int)] = []

    init(file: String, bytes: [UInt8]) {
        self.file = file
        self.bytes = bytes
        // A byte order mark is not part of the first name.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// Takes the next line that is not blank; false at the end.
    mutating func nextLine() throws(TableError) -> Bool {
        while position < bytes.count {
            lineNumber += 1
            let start = position
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            position = min(end + 1, bytes.count)
            if end > start, bytes[end - 1] == 0x0D { end -= 1 }
            if bytes[start..<end].allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
            lines.append((Self.span(start, end), lineNumber))
            try split(start, end)
            return true
        }
        return false
    }

    private mutating func split(_ start: Int, _ end: Int) throws(TableError) {
        var at = start
        while true {
            if at < end, bytes[at] == 0x22 {
                at = try quoted(at, end)
            } else {
                let first = at
                while at < end, bytes[at] != 0x2C { at += 1 }
                fields.append(Self.span(first, at))
            }
            if at == end { return }
            at += 1
        }
    }

    /// Takes the quoted field at `start`; returns where the comma after it is, or the end.
    private mutating func quoted(_ start: Int, _ end: Int) throws(TableError) -> Int {
        var at = start + 1
        while at < end {
            if bytes[at] != 0x22 {
                at += 1
            } else if at + 1 < end, bytes[at + 1] == 0x22 {
                at += 2
            } else {
                fields.append(Self.span(start + 1, at))
                at += 1
                guard at == end || bytes[at] == 0x2C else {
                    throw error("text after the closing quote", "double a quote inside", at: at)
                }
                return at
            }
        }
        throw error(
            "the quote is not closed in its line", "close it; double a quote inside", at: start)
    }

    /// Something wrong with the line taken last, by default at its start.
    func error(_ message: String, _ hint: String, at place: Int? = nil) -> TableError {
        let start = lines.last.map { Int($0.span.start) } ?? 0
        return TableError(
            file: file, line: lineNumber,
            column: Self.columns(bytes[start..<(place ?? start)]) + 1, message: message, hint: hint)
    }

    /// How many characters (code points) `bytes` are: those that continue one do not count.
    static func columns(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    }

    private static func span(_ start: Int, _ end: Int) -> DataTable.Span {
        DataTable.Span(start: Int32(start), end: Int32(end))
    }
}

/// Decimal numbers as tables hold them.
enum DecimalNumber {
    /// Longest number read, bytes.
    private static let lengthLimit = 128
    /// The powers of ten a double holds exactly.
    private static let exactPowers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// The finite decimal number in `bytes[start..<end]`, blanks around it allowed; nil for
    /// anything else, also for "nan", "inf", hexadecimal, and numbers too large for a Double.
    ///
    /// Numbers of up to 15 digits with a small exponent are one exact integer times or through
    /// one exact power of ten, which IEEE 754 rounds correctly (Clinger, PLDI 1990); a table of
    /// spectra holds hundreds of thousands of them. The rest is left to the standard library.
    static func parse(_ bytes: [UInt8], from start: Int, to end: Int) -> Double? {
        var start = start
        var end = end
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        guard start < end, end - start <= lengthLimit else { return nil }
        var at = start
        let isNegative = bytes[at] == 0x2D
        if isNegative || bytes[at] == 0x2B { at += 1 }
        var digits = 0
        var mantissa: UInt64 = 0
        var exponent = 0
        func digit(_ at: Int) -> UInt64? {
            at < end && (0x30...0x39).contains(bytes[at]) ? UInt64(bytes[at] - 0x30) : nil
        }
        while let next = digit(at) {
            if digits < 19 { mantissa = mantissa * 10 + next }
            digits += 1
            at += 1
        }
        if at < end, bytes[at] == 0x2E {
            at += 1
            while let next = digit(at) {
                if digits < 19 { mantissa = mantissa * 10 + next }
                digits += 1
                exponent -= 1
                at += 1
            }
        }
        guard digits > 0 else { return nil }
        if at < end, bytes[at] == 0x65 || bytes[at] == 0x45 {
            at += 1
            let isDown = at < end && bytes[at] == 0x2D
            if at < end, isDown || bytes[at] == 0x2B { at += 1 }
            var power = 0
            guard digit(at) != nil else { return nil }
            while let next = digit(at) {
                power = min(power * 10 + Int(next), 100_000)
                at += 1
            }
            exponent += isDown ? -power : power
        }
        guard at == end else { return nil }
        if digits <= 15, exponent.magnitude < exactPowers.count {
            let whole = Double(mantissa)
            let power = exactPowers[Int(exponent.magnitude)]
            let value = exponent < 0 ? whole / power : whole * power
            return isNegative ? -value : value
        }
        let value = Double(String(decoding: bytes[start..<end], as: UTF8.self))
        return value.flatMap { $0.isFinite ? $0 : nil }
    }
}
