/// Numbers as instruments print them, without the formatting machinery of a bigger library.
enum PumpText {
    /// `value` with exactly `places` (0…9) digits after the point; saturates at ±9e9.
    static func fixed(_ value: Double, places: Int) -> String {
        var scale = 1.0
        for _ in 0..<max(0, min(places, 9)) { scale *= 10 }
        let safe = value.isFinite ? min(max(value, -9e9), 9e9) : 0
        let whole = Int64((safe * scale).rounded())
        let digits = String(whole.magnitude)
        let sign = whole < 0 ? "-" : ""
        guard places > 0 else { return sign + digits }
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return sign + padded.dropLast(places) + "." + padded.suffix(places)
    }

    /// `value` (not negative) with at most `significant` digits, without trailing zeros.
    static func trimmed(_ value: Double, significant: Int) -> String {
        var places = significant - 1
        var bound = 10.0
        while value >= bound, places > 0 {
            bound *= 10
            places -= 1
        }
        var small = 1.0
        while value > 0, value < small, places < 9 {
            small /= 10
            places += 1
        }
        var text = fixed(value, places: places)
        guard text.contains(".") else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// A plain decimal number (digits, at most one point, at least one digit), or nil.
    static func number(_ text: Substring) -> Double? {
        var digits = 0
        var points = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits += 1
            case UInt8(ascii: "."): points += 1
            default: return nil
            }
        }
        guard digits > 0, digits <= 24, points <= 1 else { return nil }
        return Double(text)
    }
}

/// Replies on their way out: each leaves when the instrument has had its time to answer.
struct ReplyQueue {
    /// Bytes that may wait at once; what is more is lost, as in a real transmit buffer.
    static let bytesMax = 16_384

    private var waiting: [(ready: Int64, bytes: [UInt8])] = []
    private var size = 0

    /// When the oldest reply is ready, in nanoseconds; nil when there is none.
    var nextReady: Int64? { waiting.first?.ready }

    /// Puts `bytes` behind what waits; they never overtake.
    mutating func append(_ bytes: [UInt8], ready: Int64) {
        guard !bytes.isEmpty, size + bytes.count <= Self.bytesMax else { return }
        waiting.append((max(ready, waiting.last?.ready ?? ready), bytes))
        size += bytes.count
    }

    /// Moves what is ready at `now` to `output`; true when anything was.
    @discardableResult
    mutating func take(into output: inout [UInt8], now: Int64) -> Bool {
        let count = waiting.prefix { $0.ready <= now }.count
        guard count > 0 else { return false }
        for reply in waiting.prefix(count) {
            output += reply.bytes
            size -= reply.bytes.count
        }
        waiting.removeFirst(count)
        return true
    }

    /// Forgets everything (power cut).
    mutating func removeAll() {
        waiting.removeAll()
        size = 0
    }
}
