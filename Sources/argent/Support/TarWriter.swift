/// Writes a tar archive of small regular files: POSIX ustar (IEEE Std 1003.1), without extensions.
struct TarWriter {
    /// Bytes of a header, and what every content is filled up to.
    private static let block = 512
    /// Longest name.
    static let longestName = 100
    /// Largest content: eleven octal digits would say more than anybody wants to send.
    static let largest = 64 << 20

    private(set) var bytes: [UInt8] = []

    /// Adds `content` under `name`, as of `time` (Unix time, s). False when the name is too long
    /// or the content too large.
    @discardableResult
    mutating func add(_ name: String, _ content: [UInt8], time: Int64) -> Bool {
        guard name.utf8.count <= Self.longestName, content.count <= Self.largest else {
            return false
        }
        var header = [UInt8](repeating: 0, count: Self.block)
        func put(_ text: String, at place: Int) {
            for (offset, byte) in text.utf8.enumerated() { header[place + offset] = byte }
        }
        put(name, at: 0)
        put(Self.octal(0o600, 7), at: 100)
        put(Self.octal(0, 7), at: 108)
        put(Self.octal(0, 7), at: 116)
        put(Self.octal(Int64(content.count), 11), at: 124)
        put(Self.octal(max(0, time), 11), at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar", at: 257)
        put("00", at: 263)
        // The sum of the header's bytes, counting its own place as spaces.
        let sum = header.reduce(0) { $0 + Int64($1) }
        put(Self.octal(sum, 6), at: 148)
        header[154] = 0
        bytes += header + content
        pad(to: Self.block)
        return true
    }

    /// The whole archive: two empty blocks end it.
    func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 2 * Self.block) }

    private mutating func pad(to block: Int) {
        let rest = bytes.count % block
        if rest > 0 { bytes += [UInt8](repeating: 0, count: block - rest) }
    }

    private static func octal(_ number: Int64, _ digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
