/// Why bytes are not a record this program can read, or a record cannot become bytes. `at` is
/// the offset within the payload.
public enum RecordError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It ends within an item, or announces more items than bytes.
    case tooShort(at: Int)
    /// It is no CBOR, or CBOR of indefinite length.
    case notCBOR(at: Int)
    /// There is an item of another kind.
    case wrongKind(at: Int, expected: String)
    /// A number does not fit its field.
    case outOfRange(at: Int)
    /// A text is not UTF-8.
    case notUTF8(at: Int)
    /// Items lie within items too deep.
    case tooDeep(at: Int)
    /// Field keys do not ascend: some key may be there twice.
    case keysOutOfOrder(at: Int)
    /// A field that records of this type have had from the first is not there.
    case missingField(type: UInt64, key: UInt64)
    /// Bytes follow the record.
    case trailingBytes(at: Int)
    /// The record has more bytes than a frame may.
    case tooLarge(bytes: Int, limit: Int)

    /// What is wrong, for people.
    public var description: String {
        switch self {
        case .tooShort(let at): "the record ends too early (item at byte \(at))"
        case .notCBOR(let at): "byte \(at) does not start a CBOR item of definite length"
        case .wrongKind(let at, let expected): "the item at byte \(at) is no \(expected)"
        case .outOfRange(let at): "the number at byte \(at) does not fit its field"
        case .notUTF8(let at): "the text at byte \(at) is not UTF-8"
        case .tooDeep(let at): "the items at byte \(at) are nested too deep"
        case .keysOutOfOrder(let at): "the field keys at byte \(at) do not ascend"
        case .missingField(let type, let key): "a record of type \(type) lacks its field \(key)"
        case .trailingBytes(let at): "bytes follow the record at byte \(at)"
        case .tooLarge(let bytes, let limit):
            "the record would have \(bytes) bytes, a frame holds \(limit): split or shorten it"
        }
    }
}
