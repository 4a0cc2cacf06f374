/// One tensor as the header announces it.
struct HeaderEntry: Equatable {
    var name: String
    var dtype = ""
    var shape: [Int] = []
    var begin = 0
    var end = 0
}

/// Parses the one shape of JSON a safetensors header has: objects of known keys, arrays of whole
/// numbers, strings. No nesting beyond that exists, so no recursion is needed and none can be
/// driven from outside.
struct HeaderParser {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The whole header.
    mutating func header() throws(SafetensorsError) -> (
        entries: [HeaderEntry], metadata: [String: String]
    ) {
        var entries: [HeaderEntry] = []
        var metadata: [String: String] = [:]
        try expect("{")
        if !accept("}") {
            repeat {
                let name = try string()
                try expect(":")
                if name == "__metadata__" {
                    metadata = try texts()
                } else {
                    guard entries.count < Safetensors.maximumTensors else {
                        throw .tooManyTensors(limit: Safetensors.maximumTensors)
                    }
                    entries.append(try entry(name))
                }
            } while accept(",")
            try expect("}")
        }
        skipBlanks()
        guard position == bytes.endIndex else { throw fault("the end of the header") }
        return (entries, metadata)
    }

    private mutating func entry(_ name: String) throws(SafetensorsError) -> HeaderEntry {
        var entry = HeaderEntry(name: name)
        var seen: Set<String> = []
        try expect("{")
        repeat {
            let key = try string()
            guard seen.insert(key).inserted else { throw fault("one \(key) per tensor") }
            try expect(":")
            switch key {
            case "dtype": entry.dtype = try string()
            case "shape": entry.shape = try numbers()
            case "data_offsets":
                let offsets = try numbers()
                guard offsets.count == 2 else { throw fault("two data_offsets") }
                (entry.begin, entry.end) = (offsets[0], offsets[1])
            default: throw fault("dtype, shape or data_offsets before here")
            }
        } while accept(",")
        try expect("}")
        guard seen.count == 3 else { throw fault("dtype, shape and data_offsets before here") }
        return entry
    }

    private mutating func texts() throws(SafetensorsError) -> [String: String] {
        var result: [String: String] = [:]
        try expect("{")
        if accept("}") { return result }
        repeat {
            let key = try string()
            try expect(":")
            result[key] = try string()
        } while accept(",")
        try expect("}")
        return result
    }

    private mutating func numbers() throws(SafetensorsError) -> [Int] {
        var result: [Int] = []
        try expect("[")
        if accept("]") { return result }
        repeat {
            guard result.count <= Safetensors.maximumDimensions else {
                throw fault("at most \(Safetensors.maximumDimensions) numbers")
            }
            result.append(try number())
        } while accept(",")
        try expect("]")
        return result
    }

    private mutating func number() throws(SafetensorsError) -> Int {
        skipBlanks()
        var value = 0
        var digits = 0
        while position < bytes.endIndex, (0x30...0x39).contains(bytes[position]) {
            digits += 1
            guard digits <= 15 else { throw fault("a number of at most 15 digits") }
            value = value * 10 + Int(bytes[position] - 0x30)
            position += 1
        }
        guard digits > 0 else { throw fault("a whole number") }
        return value
    }

    private mutating func string() throws(SafetensorsError) -> String {
        try expect("\"")
        var text: [UInt8] = []
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            switch byte {
            case 0x22:
                guard let result = String(validating: text, as: UTF8.self) else {
                    throw fault("valid UTF-8 before here")
                }
                return result
            case 0x5C: text += try escape()
            case 0..<0x20: throw fault("no control character in a string before here")
            default: text.append(byte)
            }
        }
        throw fault("a closing quote")
    }

    /// What follows a backslash; pairs of surrogates are not needed in names of tensors.
    private mutating func escape() throws(SafetensorsError) -> [UInt8] {
        guard position < bytes.endIndex else { throw fault("an escape") }
        let letter = bytes[position]
        position += 1
        switch letter {
        case 0x22, 0x5C, 0x2F: return [letter]
        case 0x62: return [0x08]
        case 0x66: return [0x0C]
        case 0x6E: return [0x0A]
        case 0x72: return [0x0D]
        case 0x74: return [0x09]
        case 0x75:
            guard bytes.endIndex - position >= 4,
                let text = String(validating: bytes[position..<position + 4], as: UTF8.self),
                text.utf8.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
                let code = UInt32(text, radix: 16), let scalar = Unicode.Scalar(code)
            else { throw fault("four hexadecimal digits of a character") }
            position += 4
            return Array(String(Character(scalar)).utf8)
        default: throw fault("a known escape before here")
        }
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(SafetensorsError) {
        guard accept(character) else { throw fault("'\(character)'") }
    }

    private mutating func accept(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard position < bytes.endIndex, bytes[position] == UInt8(ascii: character) else {
            return false
        }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while position < bytes.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
            position += 1
        }
    }

    private func fault(_ expected: String) -> SafetensorsError {
        .badHeader(at: position - bytes.startIndex, expected: expected)
    }
}
