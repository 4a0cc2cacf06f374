import Agent
import Configuration
import Export
import World

/// `argent diff`: what a reload would change on the rig.
enum DiffCommand {
    static func run(_ words: [String]) throws(CommandFailure) {
        let arguments = try Arguments(
            words, verb: "diff", options: ["config", "against", "socket", "state"],
            flags: ["json"])
        guard arguments.values["against"] == nil || arguments.values["socket"] == nil else {
            throw CommandFailure(.usage, "--against or --socket, not both")
        }
        let path = try ConfigurationFile.path(
            arguments, orSay: "say which configuration: --config FILE")
        let file = try ConfigurationFile(path: path)
        let new = try file.settings()
        let (old, against) = try current(path, new, arguments)
        let changes = SettingsChange.between(old, and: new, places: file.reading.places)
        if arguments.flags.contains("json") {
            Output.line(json(changes, against))
        } else {
            Output.line(text(changes, against))
        }
        guard changes.isEmpty else { Argent.end(.failure) }
    }

    /// What is in force, and where that is known from.
    private static func current(
        _ path: String, _ new: Settings, _ arguments: Arguments
    ) throws(CommandFailure) -> (settings: Settings, name: String) {
        if let other = arguments.values["against"] {
            return (try ConfigurationFile(path: other).settings(), other)
        }
        let place = StartConfiguration.place(
            path, arguments, logDirectory: new.log.directory)
        let kept = try? StartConfiguration.lastGood(place).settings()
        // The agent listens where the configuration in force says, which may be elsewhere.
        var sockets = [new.control.socket]
        if let before = kept?.control.socket, before != sockets[0] { sockets.append(before) }
        if let named = arguments.values["socket"] { sockets = [named] }
        var failure = CommandFailure(.unavailable, "no agent answers")
        for socket in sockets {
            do throws(CommandFailure) {
                return (try running(at: socket), "the agent at \(socket)")
            } catch {
                guard error.code == .unavailable else { throw error }
                failure = error
            }
        }
        guard let kept, arguments.values["socket"] == nil else { throw failure }
        return (kept, "the last good configuration, as no agent answers")
    }

    /// The settings that the agent at `socket` goes by.
    private static func running(at socket: String) throws(CommandFailure) -> Settings {
        let request = JSONText.object { $0.member("command", "configuration") }
        let answer = try ControlCommand.ask(request, at: socket)
        guard let value = JSONValue(answer.utf8), value["ok"]?.bool == true,
            let text = value["settings"]?.string
        else {
            let text = JSONValue(answer.utf8)?["text"]?.string ?? answer
            throw CommandFailure(.failure, "the agent does not say: \(plain(text))")
        }
        let reading = SettingsReader.read(text: text, file: "the running configuration")
        guard let settings = reading.settings else {
            throw CommandFailure(
                .failure, "the agent's configuration is not understood: is it another version?")
        }
        return settings
    }

    private static func text(_ changes: [SettingsChange], _ against: String) -> String {
        guard let kind = changes.kind else { return "nothing changes (against \(plain(against)))" }
        var lines = changes.map { change in
            "\(change.place.file):\(change.place.line): \(change.description) "
                + "(\(change.kind.words))"
        }
        let count = changes.count == 1 ? "1 change" : "\(changes.count) changes"
        let then =
            switch kind {
            case .atOnce: "`argent reload` puts all of it in force at once"
            case .atBoundary:
                "`argent reload` puts all of it in force at the next boundary between conditions"
            case .refused: "`argent reload` would refuse all of it; a restart takes it up"
            }
        lines.append("\(count) against \(against): \(then)")
        return lines.map(plain).joined(separator: "\n")
    }

    private static func json(_ changes: [SettingsChange], _ against: String) -> String {
        JSONText.object { json in
            json.member("against", against)
            json.member("class", changes.kind?.name)
            json.key("changes")
            json.array { list in
                for change in changes {
                    list.object {
                        $0.member("setting", change.setting)
                        $0.member("file", change.place.file)
                        $0.member("line", change.place.line)
                        $0.member("column", change.place.column)
                        $0.member("from", change.from)
                        $0.member("to", change.to)
                        $0.member("class", change.kind.name)
                    }
                }
            }
        }
    }
}
