import Agent
import Configuration
import World

/// Which configuration a program goes by: that of the file, or, where the file is broken, the
/// last good one of the same rig.
enum StartConfiguration {
    /// What a start of `argent run` goes by, and how it reads it again.
    static func find(
        _ path: String, _ arguments: Arguments
    ) throws(CommandFailure) -> (job: CampaignJob, supply: ConfigurationSupply) {
        // What is kept of it must not depend on where it was started.
        let path = path.hasPrefix("/") ? path : Files.absolute(path)
        let broken: CommandFailure
        do throws(CommandFailure) {
            let file = try ConfigurationFile(path: path)
            let job = try file.job()
            if !file.reading.problems.isEmpty { Output.error(file.report) }
            let place = place(path, arguments, logDirectory: job.settings.log.directory)
            var supply = supply(path, place)
            supply.doubts = file.permissionProblems.map(\.description)
            supply.notices = news(file, job.settings, since: place)
            return (job, supply)
        } catch { broken = error }
        guard broken.code == .badInput, !arguments.flags.contains("strict") else { throw broken }
        let logged = loggedAt(path)
        let place = place(path, arguments, logDirectory: logged)
        let job: CampaignJob
        do throws(CommandFailure) {
            job = try lastGood(place).job()
            try demand(job.settings.log.directory, is: logged, place)
        } catch {
            throw CommandFailure(.badInput, broken.message + "\n" + error.message)
        }
        var supply = supply(path, place)
        supply.substituteReason = firstLine(broken)
        return (job, supply)
    }

    /// The settings of the file at `path`; where it is broken, the last good ones, and a word
    /// about it.
    static func settings(
        _ path: String, _ arguments: Arguments
    ) throws(CommandFailure) -> Settings {
        let broken: CommandFailure
        do throws(CommandFailure) { return try ConfigurationFile(path: path).settings() } catch {
            broken = error
        }
        let place = place(path, arguments, logDirectory: loggedAt(path))
        guard broken.code == .badInput, let settings = try? lastGood(place).settings() else {
            throw broken
        }
        Output.error(
            "argent: \(plain(firstLine(broken))); going by the last good configuration "
                + "(\(place.path))")
        return settings
    }

    /// A campaign that was to begin elsewhere does not become the one before it.
    private static func demand(
        _ kept: String, is wanted: String?, _ place: LastGood.Place
    ) throws(CommandFailure) {
        guard let wanted, Files.absolute(wanted) != Files.absolute(kept) else { return }
        throw CommandFailure(
            .badInput,
            "the last good configuration (\(place.path)) has its log in \(kept), this one in "
                + "\(wanted): not used; mend the configuration")
    }

    /// The last good configuration kept at `place`.
    static func lastGood(_ place: LastGood.Place) throws(CommandFailure) -> ConfigurationFile {
        do throws(LastGoodError) {
            let text = try LastGood.read(place)
            return ConfigurationFile(
                path: place.path, sources: [ConfigurationSource(file: place.path, text: text)])
        } catch { throw CommandFailure(.badInput, plain("\(error)")) }
    }

    /// Where the last good configuration of the one at `path` is kept: in the folder that was
    /// named, in the service's own, or where the log is.
    static func place(
        _ path: String, _ arguments: Arguments, logDirectory: String?
    ) -> LastGood.Place {
        // systemd names several state directories with colons between them.
        let service = ServiceManager.environment("STATE_DIRECTORY")?.split(separator: ":").first
        let directory =
            arguments.values["state"] ?? service.map(String.init) ?? logDirectory
            ?? LogSettings().directory
        return LastGood.Place(
            directory: Files.absolute(directory), configuration: Files.absolute(path))
    }

    private static func supply(_ path: String, _ place: LastGood.Place) -> ConfigurationSupply {
        // A line break in a path would end the line it is written in.
        let isPlain =
            plain(place.directory + place.configuration)
            == place.directory + place.configuration
        return ConfigurationSupply(
            path: path, lastGood: isPlain ? place : nil, tell: ConfigurationText.tell,
            read: { read(path) })
    }

    private static func read(_ path: String) -> Result<SuppliedConfiguration, SupplyFailure> {
        do throws(CommandFailure) {
            let file = try ConfigurationFile(path: path)
            let job = try file.job()
            return .success(
                SuppliedConfiguration(
                    job: job, places: file.reading.places,
                    doubts: file.permissionProblems.map(\.description)))
        } catch {
            return .failure(SupplyFailure(first: firstLine(error), report: error.message))
        }
    }

    /// What differs from the last good configuration: a file that was cut short may still be a
    /// good one, without its last tables.
    private static func news(
        _ file: ConfigurationFile, _ settings: Settings, since place: LastGood.Place
    ) -> [String] {
        guard let before = try? lastGood(place).settings() else { return [] }
        let changes = SettingsChange.between(before, and: settings, places: file.reading.places)
        guard !changes.isEmpty else { return [] }
        let shown = changes.prefix(changeLimit).map(\.description).joined(separator: "; ")
        let more = changes.count > changeLimit ? "; and \(changes.count - changeLimit) more" : ""
        return ["changed since the configuration that worked last: \(shown)\(more)"]
    }

    /// Changes named in one line.
    private static let changeLimit = 20

    /// The line that says what is wrong, without the one that says that something is.
    private static func firstLine(_ failure: CommandFailure) -> String {
        let lines = failure.message.split(separator: "\n", maxSplits: 2)
        return String(lines.count > 1 ? lines[1] : lines.first ?? "")
    }

    /// Where a broken configuration has its log, as far as that can be read.
    private static func loggedAt(_ path: String) -> String? {
        guard let file = try? ConfigurationFile(path: path) else { return nil }
        // By lines, as nothing is known of a text whose syntax is wrong somewhere.
        for source in file.sources.reversed() {
            var section = ""
            for line in source.text.split(whereSeparator: \.isNewline) {
                let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "=" })
                guard let first = words.first else { continue }
                if first.hasPrefix("[") { section = String(first) }
                guard section == "[log]", first == "directory" else { continue }
                let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
                guard parts.count == 3, parts[1].hasPrefix("/") else { continue }
                return String(parts[1])
            }
        }
        return nil
    }
}

extension ConfigurationFile {
    /// A configuration whose text is at hand; its paths are absolute.
    init(path: String, sources: [ConfigurationSource]) {
        self.path = path
        directory = Files.parent(of: path)
        self.sources = sources
        reading = SettingsReader.read(sources: sources)
    }
}
