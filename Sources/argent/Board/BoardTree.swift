import World

/// The file tree of a board: this one's, or a copy of another's below a directory.
struct BoardTree {
    /// Where the tree begins; empty: at the real root.
    let root: String

    /// Entries of a directory looked at, at most.
    private static let entryLimit = 4_096

    init(root: String = "") { self.root = root == "/" ? "" : root }

    /// Whether it is the machine this runs on.
    var isLive: Bool { root.isEmpty }

    /// The names in `path`, sorted; none where there is no such directory.
    func names(_ path: String) -> [String] {
        (try? Files.list(root + path, limit: Self.entryLimit)) ?? []
    }

    /// The first line of a file; nil where there is none, or nothing in it.
    func line(_ path: String) -> String? {
        guard let line = Files.line(root + path) else { return nil }
        let trimmed = line.drop { $0 == " " || $0 == "\t" }
        return trimmed.isEmpty ? nil : String(trimmed)
    }

    /// A whole file, as text.
    func text(_ path: String, limit: Int = 1 << 20) -> String? {
        (try? Files.read(root + path, limit: limit)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A list of strings as the device tree has it: each ends with a zero byte.
    func strings(_ path: String) -> [String] {
        guard let bytes = try? Files.read(root + path, limit: 1 << 16) else { return [] }
        var parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        if parts.last?.isEmpty == true { parts.removeLast() }
        return parts.map { String(decoding: $0, as: UTF8.self) }
    }

    /// What a symbolic link says.
    func link(_ path: String) -> String? { Files.target(ofLink: root + path) }

    func exists(_ path: String) -> Bool { Files.exists(root + path) }
}

/// Numbers at the end of names in their order: `i2c-2` before `i2c-10`.
func byNumber(_ a: String, _ b: String) -> Bool {
    func parts(_ name: String) -> (Substring, Int) {
        let head = name.prefix { !$0.isNumber }
        return (head, Int(name.dropFirst(head.count).prefix(9)) ?? 0)
    }
    let (left, right) = (parts(a), parts(b))
    return left.0 == right.0 ? left.1 < right.1 : left.0 < right.0
}
