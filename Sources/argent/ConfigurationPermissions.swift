import Agent
import Configuration
import World

extension ConfigurationFile {
    /// What is wrong with the permissions of the file, its drop-ins and their folder. A warning
    /// and no refusal: what is in force already is no less safe for it, and a rig that does not
    /// come up again after an edit over SSH, because of an editor's file mode, is worse than one
    /// that says so.
    var permissionProblems: [ConfigurationProblem] {
        var trusted: Set<UInt32> = [0, Files.user]
        // The service's user, whoever asks: the log is its own.
        if let settings = reading.settings, let owner = try? Files.owner(of: settings.log.directory)
        {
            trusted.insert(owner)
        }
        var paths = sources.map(\.file)
        let dropIns = directory + "/argent.d"
        if Files.isDirectory(dropIns) { paths.append(dropIns) }
        return paths.flatMap { Self.problems($0, trusted: trusted) }
    }

    private static func problems(
        _ path: String, trusted: Set<UInt32>
    ) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        func warn(_ message: String, _ hint: String) {
            problems.append(
                ConfigurationProblem(
                    severity: .warning, place: Place(file: path, line: 1, column: 1),
                    message: message, hint: hint))
        }
        guard let mode = try? Files.mode(of: path), let owner = try? Files.owner(of: path) else {
            return []
        }
        let writers = mode & 0o002 != 0 ? "everybody" : mode & 0o020 != 0 ? "its group" : ""
        if !writers.isEmpty {
            warn("\(writers) may write it, and so steer the pumps", "chmod go-w \(path)")
        }
        if !trusted.contains(owner) {
            warn(
                "it belongs to user \(owner), who is neither root nor the service's",
                "chown root \(path)")
        }
        return problems
    }
}
