import Configuration
import RunLog

/// What the numbers of a log mean: the names of the recipe's variables and the wavelengths of
/// the spectra, from the configuration that stands in the log itself.
public struct LogMeaning: Equatable, Sendable {
    /// Names of the variables, in order; `x1`, `x2`… where the configuration cannot be read.
    public private(set) var variables: [String] = []
    /// First wavelength of a droplet's spectrum in nm.
    public private(set) var firstNanometers: Double = 0
    /// Wavelength step in nm; 0: unknown.
    public private(set) var stepNanometers: Double = 0
    /// Name of the campaign; empty: unknown.
    public private(set) var campaign = ""

    /// Nothing known yet.
    public init() {}

    /// Whether wavelengths are known.
    public var knowsWavelengths: Bool { stepNanometers > 0 }

    /// Takes up the configuration `text` of a log. Of what this version cannot read, what was
    /// known before stays. Only what is needed is looked at, so that settings of later versions
    /// do no harm.
    public mutating func take(configuration text: String) {
        let sources = Self.sources(text)
        let reading = SettingsReader.read(
            sources: sources, for: .recipes, only: ["variable", "loss"])
        guard let settings = reading.settings else { return }
        variables = settings.variables.map(\.name)
        firstNanometers = settings.loss.from.nanometers
        stepNanometers = settings.loss.step.nanometers
        for source in sources {
            guard case .success(let root) = TOMLReader.parse(source),
                case .table(let table)? = root["campaign"]?.kind,
                case .string(let name)? = table["name"]?.kind
            else { continue }
            campaign = name
        }
    }

    /// Names for `count` variables: those of the configuration where they are as many.
    public func names(for count: Int) -> [String] {
        variables.count == count ? variables : (0..<count).map { "x\($0 + 1)" }
    }

    /// The wavelength of point `index` of a spectrum, in nm.
    public func nanometers(_ index: Int) -> Double {
        firstNanometers + Double(index) * stepNanometers
    }

    /// The wavelength of point `index` in as many digits as it needs: `380`, `380.5`.
    public func name(ofPoint index: Int) -> String {
        let text = "\(nanometers(index))"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A configuration of several files stands in the log as one text, each file below a comment
    /// with its name; read together they would define their tables twice.
    private static func sources(_ text: String) -> [ConfigurationSource] {
        var sources: [ConfigurationSource] = []
        var lines: [Substring] = []
        var name = "configuration"
        func finish() {
            guard !lines.isEmpty else { return }
            sources.append(ConfigurationSource(file: name, text: lines.joined(separator: "\n")))
            lines = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("# "), line.hasSuffix(".toml"), line.contains("/") {
                finish()
                name = String(line.dropFirst(2))
            }
            lines.append(line)
        }
        finish()
        return sources
    }
}
