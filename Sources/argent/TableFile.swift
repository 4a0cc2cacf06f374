import Agent
import Campaign
import World

/// CSV tables a person names on the command line.
enum TableFile {
    /// Reads the table at `path`, which may have at most `rowLimit` rows.
    static func read(_ path: String, rowLimit: Int) throws(CommandFailure) -> DataTable {
        let text = try InputFile.text(path)
        return try naming { () throws(TableError) in
            try DataTable(file: path, bytes: Array(text.utf8), rowLimit: rowLimit)
        }
    }

    /// What `body` gives, or its complaint as that of a wrong input file.
    static func naming<Value>(
        _ body: () throws(TableError) -> Value
    ) throws(CommandFailure) -> Value {
        do throws(TableError) { return try body() } catch {
            throw CommandFailure(.badInput, plain("\(error)"))
        }
    }

    /// `value` with as many digits as tell it from all others, and no more.
    static func exact(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A name as a field: quoted where it needs to be.
    static func field(_ text: String) -> String {
        guard text.contains(where: { $0 == "," || $0 == "\"" }) || text.first == " " else {
            return text
        }
        return "\""
            + text.split(separator: "\"", omittingEmptySubsequences: false)
            .joined(separator: "\"\"") + "\""
    }
}
