/// Shows problems to a person at a terminal.
public enum ProblemReport {
    /// Widest source line shown, in code points.
    private static let widthLimit = 100

    /// Every problem with the line it is about and a caret below its column, and a summary.
    /// Nothing from the files can command the terminal.
    public static func text(
        _ problems: [ConfigurationProblem], sources: [ConfigurationSource]
    ) -> String {
        var lines: [String: [Substring]] = [:]
        for source in sources {
            lines[source.file] = source.text.unicodeScalars
                .split(separator: "\n", omittingEmptySubsequences: false).map(Substring.init)
        }
        var text = ""
        for problem in problems {
            text += TOMLReader.printable(problem.description) + "\n"
            if let all = lines[problem.place.file], all.indices.contains(problem.place.line - 1) {
                text += excerpt(all[problem.place.line - 1], problem.place)
            }
        }
        let errors = problems.count { $0.severity == .error }
        let warnings = problems.count - errors
        return text + "\(count(errors, "error")), \(count(warnings, "warning"))\n"
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)" + (number == 1 ? "" : "s")
    }

    private static func excerpt(_ line: Substring, _ place: Place) -> String {
        let scalars = Array(line.unicodeScalars)
        let column = min(max(place.column - 1, 0), scalars.count)
        // Of a long line, the part around the column.
        let start = column > widthLimit ? column - widthLimit / 2 : 0
        let end = min(scalars.count, start + widthLimit)
        func shown(_ part: ArraySlice<Unicode.Scalar>) -> String {
            TOMLReader.printable(
                part.reduce(into: "") {
                    if $1 == "\t" {
                        $0 += "    "
                    } else if $1 != "\r" {
                        $0.unicodeScalars.append($1)
                    }
                })
        }
        let number = "\(place.line)"
        let head = String(repeating: " ", count: max(0, 6 - number.count)) + number + " | "
        let before = shown(scalars[start..<column])
        let margin = String(repeating: " ", count: max(6, number.count)) + " | "
        let padding = String(repeating: " ", count: before.count)
        return head + shown(scalars[start..<end]) + "\n" + margin + padding + "^\n"
    }
}
