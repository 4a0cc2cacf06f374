import Agent
import World

/// What is said about the configuration in force.
enum ConfigurationText {
    /// `text` line by line, each without what could command a terminal.
    static func lines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { plain(String($0)) }.joined(separator: "\n")
    }

    /// The lines of `argent status`; none while all is as the file says.
    static func status(_ value: JSONValue?) -> String {
        guard let value else { return "" }
        var text = ""
        let problem = value["problem"]?.string ?? ""
        if value["last_good"]?.bool == true {
            text += plain("  CONFIGURATION: the last good one runs, not the file: \(problem)")
            text += "\n"
        } else if !problem.isEmpty {
            text += plain("  CONFIGURATION: the file was not taken up: \(problem)") + "\n"
        }
        for line in value["waiting"]?.array ?? [] {
            text += plain("  at the next boundary: \(line.string ?? "")") + "\n"
        }
        return text
    }

    /// Tells people, with the urgency that the journal understands where it listens.
    static func tell(_ urgency: Urgency, _ text: String) {
        let mark = isJournal ? "<\(urgency.rawValue)>" : ""
        Output.error(mark + "argent: " + plain(text))
    }

    /// Whether standard error goes to the journal, which understands sd-daemon(3)'s prefixes: the
    /// device and inode it named are those of the descriptor (systemd.exec(5)).
    private static let isJournal: Bool = {
        guard let named = ServiceManager.environment("JOURNAL_STREAM") else { return false }
        return Files.identity(ofDescriptor: 2).map { $0 == named } ?? false
    }()
}
