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

    /// Largest configuration file.
    private static let sizeLimit = 1 << 20

    /// Reads `path` and, in the order of their names, `argent.d/*.toml` beside it.
    init(path: String) throws(CommandFailure) {
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
        reading = SettingsReader.read(sources: sources)
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
        settings.simulation.chemistryPath = absolute(settings.simulation.chemistryPath)
        return settings
    }

    /// The campaign it describes.
    func job() throws(CommandFailure) -> CampaignJob {
        let settings = try settings()
        guard !settings.campaign.targetPath.isEmpty else {
            throw CommandFailure(
                .badInput,
                "\(path): [campaign] target is missing: name the CSV file of the "
                    + "wanted spectrum (wavelength in nm, value)")
        }
        let text = try InputFile.text(settings.campaign.targetPath)
        do throws(SpectraError) {
            let target = try TargetSpectrum.parse(text)
            return CampaignJob(
                settings: settings, configurationText: configurationText,
                loss: try Loss(target: target, settings: settings.loss),
                logDirectory: settings.log.directory)
        } catch { throw CommandFailure(.badInput, "\(settings.campaign.targetPath): \(error)") }
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
