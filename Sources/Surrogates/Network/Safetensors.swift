/// Named tensors in the safetensors file format: a length, a JSON header, then raw numbers.
///
/// ```
/// 8 bytes   length of the header, unsigned, least significant byte first
/// header    {"name": {"dtype": "F32", "shape": [5, 50], "data_offsets": [0, 1000]}, …}
/// data      the tensors, row by row, least significant byte first
/// ```
///
/// F32 and F64 are read, for networks as they are trained, and I8, for quantised ones. Every
/// length is checked against a bound and against the bytes there are before it is used.
public struct Safetensors: Equatable, Sendable {
    /// The tensors by name.
    public var tensors: [String: Tensor]
    /// The texts under `__metadata__`.
    public var metadata: [String: String]

    /// A set of named tensors.
    public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    /// Longest header that is read, bytes.
    public static let maximumHeaderBytes = 1 << 20
    /// Most tensors that are read from one file.
    public static let maximumTensors = 4_096
    /// Most numbers in one tensor.
    public static let maximumCount = 1 << 28
    /// Most dimensions of one tensor.
    public static let maximumDimensions = 8

    /// Reads a whole file. Throws `SafetensorsError` when anything in it does not add up.
    public init(bytes: [UInt8]) throws(SafetensorsError) {
        guard bytes.count >= 8 else { throw .truncated(needed: 8, present: bytes.count) }
        var length: UInt64 = 0
        for index in 0..<8 { length |= UInt64(bytes[index]) << UInt64(8 * index) }
        guard length <= UInt64(Self.maximumHeaderBytes) else {
            throw .headerTooLong(bytes: length, limit: Self.maximumHeaderBytes)
        }
        let dataStart = 8 + Int(length)
        guard bytes.count >= dataStart else {
            throw .truncated(needed: dataStart, present: bytes.count)
        }
        var parser = HeaderParser(bytes: bytes[8..<dataStart])
        let header = try parser.header()
        metadata = header.metadata
        tensors = [:]
        for entry in header.entries {
            guard tensors[entry.name] == nil else { throw .duplicate(tensor: entry.name) }
            tensors[entry.name] = try Self.tensor(entry, in: bytes, from: dataStart)
        }
    }

    private static func tensor(
        _ entry: HeaderEntry, in bytes: [UInt8], from dataStart: Int
    ) throws(SafetensorsError) -> Tensor {
        guard let element = Tensor.Element(rawValue: entry.dtype) else {
            throw .unsupportedType(tensor: entry.name, dtype: entry.dtype)
        }
        guard entry.shape.count <= maximumDimensions else {
            throw .shapeTooLarge(tensor: entry.name)
        }
        var count = 1
        for size in entry.shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, product <= maximumCount else {
                throw .shapeTooLarge(tensor: entry.name)
            }
            count = product
        }
        let present = bytes.count - dataStart
        guard entry.begin <= entry.end, entry.end <= present else {
            throw .outsideFile(
                tensor: entry.name, begin: entry.begin, end: entry.end, dataBytes: present)
        }
        guard entry.end - entry.begin == count * element.byteCount else {
            throw .wrongLength(
                tensor: entry.name, expected: count * element.byteCount,
                found: entry.end - entry.begin)
        }
        let values = element.decode(bytes, at: dataStart + entry.begin, count: count)
        return Tensor(shape: entry.shape, element: element, values: values)
    }

    /// The file's bytes: tensors in order of name, the header padded with blanks so that the
    /// data starts on a multiple of eight bytes.
    public func encoded() -> [UInt8] {
        var data: [UInt8] = []
        var entries: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }
                .map { "\(Self.quoted($0.key)):\(Self.quoted($0.value))" }
            entries.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            let begin = data.count
            tensor.element.encode(tensor.values, into: &data)
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            entries.append(
                "\(Self.quoted(name)):{\"dtype\":\"\(tensor.element.rawValue)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(data.count)]}")
        }
        var header = Array("{\(entries.joined(separator: ","))}".utf8)
        while (header.count + 8) % 8 != 0 { header.append(0x20) }
        var file: [UInt8] = []
        file.reserveCapacity(8 + header.count + data.count)
        for index in 0..<8 { file.append(UInt8(truncatingIfNeeded: header.count >> (8 * index))) }
        return file + header + data
    }

    /// A JSON string; control characters, quotes and backslashes escaped.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

/// An array of numbers with a shape, first dimension slowest.
public struct Tensor: Equatable, Sendable {
    /// How the numbers are stored.
    public enum Element: String, Sendable {
        /// IEEE 754 single precision.
        case float32 = "F32"
        /// IEEE 754 double precision.
        case float64 = "F64"
        /// Whole numbers −128…127.
        case int8 = "I8"

        /// Bytes of one number.
        public var byteCount: Int {
            switch self {
            case .int8: 1
            case .float32: 4
            case .float64: 8
            }
        }

        /// `count` numbers from `start` on; the caller has checked that they are there.
        func decode(_ bytes: [UInt8], at start: Int, count: Int) -> [Double] {
            bytes.withUnsafeBytes { raw in
                (0..<count).map { index in
                    let at = start + index * byteCount
                    if self == .int8 { return Double(raw.load(fromByteOffset: at, as: Int8.self)) }
                    if self == .float32 {
                        let bits = raw.loadUnaligned(fromByteOffset: at, as: UInt32.self)
                        return Double(Float(bitPattern: UInt32(littleEndian: bits)))
                    }
                    let bits = raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                    return Double(bitPattern: UInt64(littleEndian: bits))
                }
            }
        }

        func encode(_ values: [Double], into bytes: inout [UInt8]) {
            for value in values {
                if self == .int8 {
                    let whole = max(-128, min(127, value.rounded()))
                    bytes.append(UInt8(bitPattern: whole.isNaN ? 0 : Int8(whole)))
                    continue
                }
                let bits = self == .float32 ? UInt64(Float(value).bitPattern) : value.bitPattern
                for index in 0..<byteCount {
                    bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(8 * index)))
                }
            }
        }
    }

    /// Size of each dimension; empty for a single number.
    public let shape: [Int]
    /// How the numbers are stored in a file.
    public let element: Element
    /// The numbers; as many as the product of the shape.
    public let values: [Double]

    /// A tensor of `shape`; `values` must fill it exactly.
    public init(shape: [Int], element: Element = .float32, values: [Double]) {
        precondition(shape.reduce(1, *) == values.count, "values must fill the shape")
        self.shape = shape
        self.element = element
        self.values = values
    }
}

/// Why a safetensors file was refused.
public enum SafetensorsError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file ends too early.
    case truncated(needed: Int, present: Int)
    /// The header claims an absurd length: most likely not a safetensors file.
    case headerTooLong(bytes: UInt64, limit: Int)
    /// The header is not the JSON it should be; `at` counts bytes from the header's start.
    case badHeader(at: Int, expected: String)
    /// More tensors than `Safetensors.maximumTensors`.
    case tooManyTensors(limit: Int)
    /// Two tensors of the same name.
    case duplicate(tensor: String)
    /// A number format other than F32, F64 and I8.
    case unsupportedType(tensor: String, dtype: String)
    /// More numbers or dimensions than any network here has.
    case shapeTooLarge(tensor: String)
    /// The tensor's data would lie outside the file.
    case outsideFile(tensor: String, begin: Int, end: Int, dataBytes: Int)
    /// The tensor's data does not have the length its shape asks for.
    case wrongLength(tensor: String, expected: Int, found: Int)

    /// What is wrong and what to do about it.
    public var description: String {
        switch self {
        case .truncated(let needed, let present):
            "the file ends after \(present) bytes, \(needed) are needed: copy it again"
        case .headerTooLong(let bytes, let limit):
            "a header of \(bytes) bytes (limit \(limit)): is this a safetensors file?"
        case .badHeader(let at, let expected):
            "the header's byte \(at) should be \(expected): write the file again"
        case .tooManyTensors(let limit): "more than \(limit) tensors: save only the network"
        case .duplicate(let tensor): "tensor \(tensor) appears twice: write the file again"
        case .unsupportedType(let tensor, let dtype):
            "tensor \(tensor) is \(dtype): save it as F32 or F64"
        case .shapeTooLarge(let tensor): "tensor \(tensor) has an absurd shape"
        case .outsideFile(let tensor, let begin, let end, let dataBytes):
            "tensor \(tensor) lies at \(begin)..<\(end) of \(dataBytes) data bytes: copy it again"
        case .wrongLength(let tensor, let expected, let found):
            "tensor \(tensor) has \(found) bytes, its shape needs \(expected)"
        }
    }
}
