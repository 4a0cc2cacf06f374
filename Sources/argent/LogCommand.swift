import Configuration
import Export
import RunLog
import World

/// `argent log list | cat | verify | export`: what is in a run log.
enum LogCommand {
    static let verbs = ["list", "cat", "verify", "export"]

    static func run(_ words: [String]) throws(CommandFailure) {
        let (verb, rest) = try Arguments.verb(of: "log", words, help: Help.log)
        switch verb {
        case "list": try LogList.run(rest)
        case "cat": try LogCat.run(rest)
        case "verify": try LogVerify.run(rest)
        case "export": try LogExportCommand.run(rest)
        default: throw Arguments.unknown(verb, of: "log", among: verbs)
        }
    }

    /// The log a command line names: `LOG`, or the one of `--config FILE`, or this machine's own.
    static func path(_ arguments: Arguments) throws(CommandFailure) -> String {
        if let path = arguments.positional.first {
            guard arguments.values["config"] == nil else {
                throw CommandFailure(.usage, "name a log or --config FILE, not both")
            }
            guard Files.exists(path) else {
                throw CommandFailure(.badInput, "\(path): not there")
            }
            return path
        }
        let file = try ConfigurationFile.path(
            arguments, orSay: "say which log: LOG or --config FILE")
        return try ConfigurationFile(path: file).settings().log.directory
    }

    /// What `body` gives, or its complaint as a failure of this program.
    static func naming<Value>(
        _ body: () throws(LogInputError) -> Value
    ) throws(CommandFailure) -> Value {
        do throws(LogInputError) { return try body() } catch {
            throw CommandFailure(.badInput, "\(error)")
        }
    }
}

/// `argent log cat`: every record, one line each.
enum LogCat {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "log cat", options: ["config", "from", "type"],
            flags: ["json", "spectra"], positional: 1)
        let path = try LogCommand.path(arguments)
        let from = UInt64(try arguments.integer("from") ?? 1)
        let type = arguments.values["type"]
        if let type, !Record.Body.names.contains(type) {
            let near = Suggestion.nearest(to: type, among: Record.Body.names)
            throw CommandFailure(
                .usage,
                "--type \(type): no such record; "
                    + (near.map { "did you mean \"\($0)\"?" }
                        ?? "there are \(Record.Body.names.joined(separator: ", "))"))
        }
        let json = arguments.flags.contains("json")
        let spectra = arguments.flags.contains("spectra")
        guard json || !spectra else {
            throw CommandFailure(.usage, "--spectra needs --json: spectra are too long for a line")
        }
        var text = ""
        try LogCommand.naming { () throws(LogInputError) in
            try LogInput.read(path) { entry in
                guard wanted(entry, from: from, type: type) else { return true }
                text += json ? RecordJSON.line(entry, withSpectra: spectra) : RecordLine.text(entry)
                text += "\n"
                if text.utf8.count > 1 << 16 {
                    // A reader that has seen enough (`| head`) ends it.
                    guard Output.raw(text) else { return false }
                    text = ""
                }
                return true
            }
        }
        Output.raw(text)
    }

    /// Losses are always shown.
    private static func wanted(_ entry: JournalEntry, from: UInt64, type: String?) -> Bool {
        switch entry {
        case .record(let sequence, let record):
            sequence >= from && (type == nil || type == record.body.name)
        case .unknown(let sequence, _), .unreadable(let sequence, _):
            sequence >= from && type == nil
        case .gap: true
        }
    }
}

/// `argent log export`: files other programs open.
enum LogExportCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "log export", options: ["config", "into"],
            flags: ["csv", "spectra", "jcamp", "json"], positional: 1)
        let path = try LogCommand.path(arguments)
        guard let directory = arguments.values["into"] else {
            throw CommandFailure(.usage, "say where to: --into DIR")
        }
        var choice = ExportChoice()
        choice.spectraInTables = arguments.flags.contains("spectra")
        choice.tables = arguments.flags.contains("csv") || choice.spectraInTables
        choice.jcamp = arguments.flags.contains("jcamp")
        choice.json = arguments.flags.contains("json")
        guard choice != ExportChoice() else {
            throw CommandFailure(.usage, "say what to write: --csv, --spectra, --jcamp, --json")
        }
        let report = try LogCommand.naming { () throws(LogInputError) in
            try LogExport.run(path, into: directory, choice)
        }
        Output.raw(report.text(directory))
        guard report.missing == 0 else {
            throw CommandFailure(
                .failure, "\(report.missing) records are missing; see `argent log verify`")
        }
    }
}
