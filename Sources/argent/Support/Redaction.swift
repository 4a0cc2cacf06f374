/// Takes out of a text what nobody else may know: values of keys that sound secret, key files,
/// passwords in addresses. Rather too much than too little.
enum Redaction {
    /// What stands in place of what was taken out.
    static let mark = "[left out]"
    /// Parts of a key's name that make its value a secret. `key` itself only as a whole word.
    private static let parts = [
        "secret", "token", "passw", "passphrase", "credential", "private", "apikey", "api_key",
        "api-key", "auth", "psk", "cookie",
    ]
    /// So many letters and digits in a row are a key, not a word; hashes of segments and
    /// configurations are as long, and no loss.
    private static let longestWord = 40

    /// `text` without secrets. `byName`: what a line says after a name that sounds secret goes
    /// too; not so in text of our own making, whose lines are long.
    static func clean(_ text: String, byName: Bool = true) -> String {
        var isInKey = false
        var isInSecretTable = false
        var closing: String?
        var lines: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.holds("-----BEGIN") {
                isInKey = true
                lines.append(mark)
            }
            defer { if line.holds("-----END") { isInKey = false } }
            if isInKey { continue }
            if let end = closing {
                // The rest of a secret value that goes over several lines.
                if line.holds(end) { closing = nil }
                continue
            }
            let start = line.drop { $0 == " " || $0 == "\t" }
            if byName, start.first == "[" { isInSecretTable = isSecret(start) }
            let hides = isInSecretTable && start.first != "["
            lines.append(hides ? mark : clean(line: line, byName))
            if byName, lines.last?.hasSuffix(mark) == true { closing = end(of: line) }
        }
        return lines.joined(separator: "\n")
    }

    /// What ends a value that begins at the end of `line` and goes on below; nil: it does not.
    private static func end(of line: Substring) -> String? {
        for (opening, closing) in [("\"\"\"", "\"\"\""), ("'''", "'''"), ("[", "]"), ("{", "}")] {
            guard let last = line.start(of: opening) else { continue }
            let rest = line[line.index(last, offsetBy: opening.count)...]
            if !rest.holds(closing) { return closing }
        }
        return nil
    }

    private static func clean(line: Substring, _ byName: Bool) -> String {
        var start = line.startIndex
        while byName, let split = line[start...].firstIndex(where: { $0 == "=" || $0 == ":" }) {
            if isSecret(line[start..<split]) { return String(line[...split]) + " " + mark }
            start = line.index(after: split)
        }
        return withoutLongWords(withoutLogins(String(line)))
    }

    /// Whether the text before `=` or `:` names a secret.
    private static func isSecret(_ name: Substring) -> Bool {
        let lower = name.lowercased()
        if parts.contains(where: { lower.holds($0) }) { return true }
        let words = lower.split { !($0.isLetter || $0.isNumber) }
        return words.contains("key")
    }

    /// `scheme://user:password@host` without the user and the password.
    private static func withoutLogins(_ line: String) -> String {
        var result = ""
        var rest = line[...]
        while let start = rest.start(of: "://") {
            let after = rest.index(start, offsetBy: 3)
            result += rest[..<after]
            let host = rest[after...].prefix { !" /\"'".contains($0) }
            rest = rest[after...]
            if let at = host.lastIndex(of: "@") {
                result += mark + "@"
                rest = rest[rest.index(after: at)...]
            }
        }
        return result + rest
    }

    private static func withoutLongWords(_ line: String) -> String {
        guard line.utf8.count >= longestWord else { return line }
        var result = ""
        var word = ""
        for character in line {
            let isPart =
                character.isASCII
                && (character.isLetter || character.isNumber || "+=".contains(character))
            if isPart {
                word.append(character)
                continue
            }
            result += word.count >= longestWord ? mark : word
            word = ""
            result.append(character)
        }
        return result + (word.count >= longestWord ? mark : word)
    }
}
