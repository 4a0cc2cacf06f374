import Configuration

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
                let near = Suggestion.nearest(to: name, among: options + known)
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

    /// The second verb of `argent name VERB …` and the words after it; without one, `help`.
    static func verb(
        of name: String, _ words: [String], help: String
    ) throws(CommandFailure) -> (verb: String, rest: [String]) {
        guard let verb = words.first else {
            Output.line(help)
            throw CommandFailure(.usage, "\(name): which of these? (argent \(name) VERB …)")
        }
        return (verb, Array(words.dropFirst()))
    }

    /// That `argent name` has no `verb`, and which was meant.
    static func unknown(_ verb: String, of name: String, among verbs: [String]) -> CommandFailure {
        let near = Suggestion.nearest(to: verb, among: verbs)
        let hint = near.map { "; did you mean `argent \(name) \($0)`?" }
        return CommandFailure(
            .usage,
            "there is no `argent \(name) \(verb)`\(hint ?? "; see `argent \(name) --help`")")
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

    /// The value of `--name` as a number within `range`.
    func number(_ name: String, in range: ClosedRange<Double>) throws(CommandFailure) -> Double? {
        guard let text = values[name] else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw CommandFailure(
                .usage,
                "--\(name) \(text): expected a number from \(TableFile.exact(range.lowerBound)) to "
                    + TableFile.exact(range.upperBound))
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
