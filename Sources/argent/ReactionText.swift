import Agent
import Configuration
import Export
import Quantities

/// `argent check --interlocks`: the whole table from hazards to reactions, with where each row
/// comes from.
enum ReactionText {
    /// One line of the table; things that share all but the name share a line.
    struct Line: Equatable {
        var hazard: String
        var subjects: [String]
        var limit: String
        var delay: String
        var answer: String
        var release: String
        var origin: String

        /// Whether only the subject differs.
        func matches(_ other: Line) -> Bool {
            var copy = other
            copy.subjects = subjects
            return self == copy
        }
    }

    /// The lines of the table of `settings`, whose rows were written at `places`.
    static func lines(_ settings: Settings, _ places: SettingsPlaces) -> [Line] {
        var lines: [Line] = []
        for row in ReactionTable(settings).rows {
            let line = Line(
                hazard: row.hazard.rawValue, subjects: row.subject.isEmpty ? [] : [row.subject],
                limit: limit(row, settings),
                delay: row.delay > .zero ? seconds(row.delay) : "at once",
                answer: answer(row), release: release(row), origin: origin(row, places))
            if let last = lines.indices.last, !line.subjects.isEmpty, lines[last].matches(line) {
                lines[last].subjects += line.subjects
            } else {
                lines.append(line)
            }
        }
        return lines
    }

    /// The table as aligned text.
    static func table(_ settings: Settings, _ places: SettingsPlaces) -> String {
        let head = ["hazard", "of", "limit", "for", "reaction", "release", "from"]
        let pumps = settings.pumps.map(\.name)
        var cells = [head]
        for line in lines(settings, places) {
            let isAll = pumps.count > 1 && line.subjects == pumps
            let isAllBut =
                pumps.count > 1 && line.subjects == pumps + [ReactionTable.spectrometer]
            let whose =
                isAll
                ? "every pump"
                : isAllBut
                    ? "every pump, \(ReactionTable.spectrometer)"
                    : line.subjects.joined(separator: ", ")
            cells.append([
                line.hazard, whose.isEmpty ? "the rig" : whose, line.limit, line.delay,
                line.answer, line.release, line.origin,
            ])
        }
        var widths = head.map(\.count)
        for row in cells {
            for (column, cell) in row.enumerated() {
                widths[column] = max(widths[column], cell.count)
            }
        }
        return cells.map { row in
            var text = ""
            for (column, cell) in row.enumerated() {
                text += cell
                guard column < row.count - 1 else { break }
                text += String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            return text + "\n"
        }.joined()
    }

    /// The same as members of a JSON object.
    static func json(_ settings: Settings, _ places: SettingsPlaces, _ json: inout JSONText) {
        json.key("interlocks")
        json.array { list in
            for row in ReactionTable(settings).rows {
                list.object {
                    $0.member("hazard", row.hazard.rawValue)
                    $0.member("of", row.subject)
                    $0.member("limit", limit(row, settings))
                    $0.member("for_seconds", row.delay.seconds)
                    $0.member("reaction", row.reactions.list.joined(separator: ","))
                    $0.member(
                        "ramp_seconds",
                        row.reactions.contains(.rampDown) ? row.rampTime.seconds : nil)
                    $0.member("release", row.release.rawValue)
                    $0.member("after_seconds", row.releaseAfter.seconds)
                    $0.member("from", origin(row, places))
                }
            }
        }
    }

    private static func limit(_ row: ReactionRow, _ settings: Settings) -> String {
        if row.hazard.isLimit {
            let unit = row.measure?.unit ?? ""
            let sides = [
                row.below.map { "below \(short($0)) \(unit)" },
                row.above.map { "above \(short($0)) \(unit)" },
            ]
            return sides.compactMap { $0 }.joined(separator: " or ")
        }
        guard row.hazard.isFlow else { return "" }
        let unit = row.hazard == .volumeDeviation ? "uL" : "uL/min"
        let share = short(row.tolerance * 100)
        let pumps =
            row.pumps.count == settings.pumps.count
            ? "all pumps" : row.pumps.map { settings.pumps[$0].name }.joined(separator: "+")
        let than = row.isSensor ? " of \(pumps)" : ""
        return row.hazard == .noFlow
            ? "\(share) % missing\(than)"
            : "\(share) % and \(short(row.slack)) \(unit) off\(than)"
    }

    private static func answer(_ row: ReactionRow) -> String {
        row.reactions.list.map { name in
            name == "ramp-down" ? "\(name) in \(seconds(row.rampTime))" : name
        }.joined(separator: ", ")
    }

    private static func release(_ row: ReactionRow) -> String {
        if row.reactions == .report { return "-" }
        if row.release == .operator { return "argent clear" }
        return row.releaseAfter > .zero
            ? "by itself after \(seconds(row.releaseAfter))" : "by itself at once"
    }

    private static func origin(_ row: ReactionRow, _ places: SettingsPlaces) -> String {
        guard case .reaction(let index) = row.origin else { return "built in" }
        let place = places.place("reaction[\(index)].when")
        return "\(place.file):\(place.line)"
    }

    private static func seconds(_ span: TimeSpan) -> String { "\(short(span.seconds)) s" }
}
