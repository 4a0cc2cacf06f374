import Agent
import Configuration
import Spectra
import World

/// A configuration on the disk: the file, the drop-ins beside it, and what they mean together.
struct ConfigurationFile {
    let path: String
    /// Directory of the file: relative paths in it start here.
    let directory: String
    let sources: [ConfigurationSource]
    let reading: SettingsReading

    /// Where the configuration lies that a rig uses.
    private static let standard = "/etc/argent/argent.toml"

    /// The file that `--config` names, or this machine's own; `complaint` where there is neither.
    static func path(
        _ arguments: Arguments, orSay complaint: String
    ) throws(CommandFailure) -> String {
        guard
            let path = arguments.values["config"] ?? (Files.exists(standard) ? standard : nil)
        else { throw CommandFailure(.usage, complaint) }
        return path
    }

    /// Largest configuration file.
    private static let sizeLimit = 1 << 20

    /// Reads `path` and, in the order of their names, `argent.d/*.toml` beside it.
    init(path: String, for purpose: SettingsPurpose = .rig) throws(CommandFailure) {
        self.path = path
        directory = Self.directory(of: path)
        var sources = [ConfigurationSource(file: path, text: try InputFile.text(path))]
        let dropIns = directory + "/argent.d"
        if Files.exists(dropIns) {
            let names: [String]
            do throws(WorldError) { names = try Files.list(dropIns) } catch {
                throw CommandFailure(.badInput, "\(error)")
            }
            for name in names.sorted() where name.hasSuffix(".toml") && !name.hasPrefix(".") {
                let file = dropIns + "/" + name
                sources.append(ConfigurationSource(file: file, text: try InputFile.text(file)))
            }
        }
        self.sources = sources
        reading = SettingsReader.read(sources: sources, for: purpose)
    }

    /// The problems, as a person reads them.
    var report: String { ProblemReport.text(reading.problems, sources: sources) }

    /// The settings with all paths made absolute, or a failure that shows every problem.
    func settings() throws(CommandFailure) -> Settings {
        guard var settings = reading.settings else {
            throw CommandFailure(.badInput, "\(path) cannot be used\n\(report)")
        }
        settings.campaign.targetPath = absolute(settings.campaign.targetPath)
        settings.log.directory = absolute(settings.log.directory)
        settings.control.socket = absolute(settings.control.socket)
        settings.metrics.file = absolute(settings.metrics.file)
        settings.sync.identity = absolute(settings.sync.identity)
        settings.simulation.chemistryPath = absolute(settings.simulation.chemistryPath)
        return settings
    }

    /// The campaign it describes.
    func job() throws(CommandFailure) -> CampaignJob {
        let settings = try settings()
        do throws(ConfigurationProblem) {
            let (text, loss) = try wanted(settings)
            return CampaignJob(
                settings: settings, configurationText: configurationText, targetText: text,
                loss: loss, logDirectory: settings.log.directory)
        } catch {
            let report = ProblemReport.text([error], sources: sources)
            throw CommandFailure(.badInput, "\(path) cannot be used\n\(report)")
        }
    }

    /// What is wrong with the files it names, as far as that can be told without the rig.
    func fileProblems() throws(CommandFailure) -> [ConfigurationProblem] {
        let settings = try settings()
        do throws(ConfigurationProblem) { _ = try wanted(settings) } catch { return [error] }
        return []
    }

    /// The wanted spectrum, and a name for it. `settings` are those with absolute paths.
    func target(
        _ settings: Settings
    ) throws(CommandFailure) -> (name: String, target: TargetSpectrum) {
        let path = settings.campaign.targetPath
        let text = path.isEmpty ? DemoFiles.builtInTarget : try InputFile.text(path)
        let name = path.isEmpty ? "the built-in prism" : path
        do throws(SpectraError) { return (name, try TargetSpectrum.parse(text)) } catch {
            throw CommandFailure(.badInput, "\(name): \(error)")
        }
    }

    /// The wanted spectrum as text, and the distance from it.
    private func wanted(
        _ settings: Settings
    ) throws(ConfigurationProblem) -> (text: String, loss: Loss) {
        let path = settings.campaign.targetPath
        var text = DemoFiles.builtInTarget
        if !path.isEmpty {
            do throws(CommandFailure) { text = try InputFile.text(path) } catch {
                throw problem("the wanted spectrum cannot be read: \(error.message)")
            }
        }
        do throws(SpectraError) {
            let target = try TargetSpectrum.parse(text)
            return (text, try Loss(target: target, settings: settings.loss))
        } catch { throw problem("\(path.isEmpty ? "the built-in target" : path): \(error)") }
    }

    /// A problem with [campaign] target, at its place.
    private func problem(_ message: String) -> ConfigurationProblem {
        ConfigurationProblem(
            severity: .error, place: place(ofKey: "target"), message: message,
            hint: "[campaign] target names a CSV file: wavelength in nm, value")
    }

    /// Where `key` stands last, which is where it counts; the first line of the file if nowhere.
    private func place(ofKey key: String) -> Place {
        for source in sources.reversed() {
            let lines = source.text.split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated().reversed() {
                let start = line.prefix { $0 == " " || $0 == "\t" }.count
                let name = line.dropFirst(start).prefix { $0 != "=" && $0 != " " && $0 != "\t" }
                guard name == key || name == "campaign.\(key)" else { continue }
                return Place(file: source.file, line: index + 1, column: start + 1)
            }
        }
        return Place(file: path, line: 1, column: 1)
    }

    /// All sources as one text for the log.
    private var configurationText: String {
        guard sources.count > 1 else { return sources[0].text }
        return sources.map { "# \($0.file)\n\($0.text)" }.joined(separator: "\n")
    }

    private func absolute(_ path: String) -> String {
        path.isEmpty || path.hasPrefix("/") ? path : directory + "/" + path
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
