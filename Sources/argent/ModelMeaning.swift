import Configuration
import Spectra

/// What `--config` and `--target` say of a network.
struct ModelMeaning {
    let settings: Settings
    /// The variables of the configuration, or those named one by one; nil without either.
    let variables: [VariableSettings]?
    let target: TargetSpectrum
    let targetName: String

    init(_ arguments: Arguments) throws(CommandFailure) {
        var settings = Settings()
        var file: ConfigurationFile?
        if let path = arguments.values["config"] {
            let read = try ConfigurationFile(path: path, for: .recipes)
            settings = try read.settings()
            file = read
        }
        self.settings = settings
        variables = try Self.named(arguments) ?? (file == nil ? nil : settings.variables)
        if let path = arguments.values["target"] {
            let text = try InputFile.text(path)
            targetName = path
            do throws(SpectraError) { target = try TargetSpectrum.parse(text) } catch {
                throw CommandFailure(.badInput, "\(path): \(error)")
            }
        } else if let file {
            (targetName, target) = try file.target(settings)
        } else {
            targetName = "the built-in prism"
            do throws(SpectraError) {
                target = try TargetSpectrum.parse(DemoFiles.builtInTarget)
            } catch { throw CommandFailure(.failure, "\(error)") }
        }
    }

    private static func named(
        _ arguments: Arguments
    ) throws(CommandFailure) -> [VariableSettings]? {
        guard let text = arguments.values["variables"] else { return nil }
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard !names.contains(""), Set(names).count == names.count else {
            throw CommandFailure(
                .usage, "--variables \(text): names of columns, each once, separated by commas")
        }
        return names.map(variable)
    }

    /// A variable of which only the name is known.
    static func variable(_ name: String) -> VariableSettings {
        VariableSettings(
            name: name, kind: .free(unit: ""), low: 0, high: 0, lowLimit: 0, highLimit: 0)
    }
}
