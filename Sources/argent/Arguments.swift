/// The words after a verb, taken apart: `--name value`, `--name=value`, `--flag`, and the rest.
/// Every option a verb knows is declared, so that a slip of the keyboard is an error with a
/// suggestion and never silently ignored.
struct Arguments {
    private(set) var values: [String: String] = [:]
    private(set) var flags: Set<String> = []
    private(set) var positional: [String] = []

    /// Takes `words` apart for `verb`, which knows `options` (with a value) and `flags`.
    init(
        _ words: [String], verb: String, options: [String] = [], flags known: [String] = [],
        positional limit: Int = 0
    ) throws(CommandFailure) {
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("--"), word.count > 2 else {
                positional.append(word)
                continue
            }
            let parts = word.dropFirst(2).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if known.contains(name) {
                guard parts.count == 1 else {
                    throw CommandFailure(.usage, "--\(name) takes no value")
                }
                flags.insert(name)
            } else if options.contains(name) {
                guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                    throw CommandFailure(.usage, "--\(name) needs a value")
                }
                guard values.updateValue(value, forKey: name) == nil else {
                    throw CommandFailure(.usage, "--\(name) is given twice")
                }
            } else {
                let near = nearest(name, among: options + known)
                let hint =
                    near.map { "; did you mean --\($0)?" } ?? "; see `argent \(verb) --help`"
                throw CommandFailure(.usage, "`argent \(verb)` has no option --\(name)\(hint)")
            }
        }
        guard positional.count <= limit else {
            throw CommandFailure(
                .usage, "`\(positional[limit])` is one word too many; see `argent \(verb) --help`")
        }
    }

    /// The value of `--name` as a whole number of at least `minimum`.
    func integer(_ name: String, minimum: Int = 1) throws(CommandFailure) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), number >= minimum, number <= 1_000_000 else {
            throw CommandFailure(
                .usage, "--\(name) \(text): expected a whole number from \(minimum) to 1000000")
        }
        return number
    }

    /// The value of `--name` as a seed.
    func seed(_ name: String) throws(CommandFailure) -> UInt64? {
        guard let text = values[name] else { return nil }
        guard let number = UInt64(text), number <= UInt64(Int64.max) else {
            throw CommandFailure(.usage, "--\(name) \(text): expected a whole number from 0 on")
        }
        return number
    }
}

/// The known word nearest to `word`, if it is near enough to be what was meant.
func nearest(_ word: String, among known: [String]) -> String? {
    func distance(_ a: [Character], _ b: [Character]) -> Int {
        var row = Array(0...b.count)
        for i in a.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in b.indices {
                let kept = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(kept, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
    let best = known.map { (word: $0, cost: distance(Array(word), Array($0))) }
        .min { $0.cost < $1.cost }
    guard let best, best.cost <= max(1, word.count / 3) else { return nil }
    return best.word
}
