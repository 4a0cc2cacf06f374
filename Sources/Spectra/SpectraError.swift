/// What is wrong with spectra, in terms a person can act on.
public enum SpectraError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The pixels' wavelengths do not rise; `pixel` is the first that does not.
    case wavelengthsNotRising(pixel: Int)
    /// Two spectra that belong together have different lengths.
    case lengthMismatch(expected: Int, got: Int)
    /// Two spectra that belong together were exposed for different times.
    case integrationMismatch(expectedSeconds: Double, gotSeconds: Double)
    /// A clipped scan was offered where every count must be true.
    case saturated(maximumCount: Int)
    /// Too few scans to average, or to know their scatter.
    case tooFewScans(got: Int, needed: Int)
    /// A wavelength lies outside what was measured or given, nm.
    case outOfRange(wavelength: Double, from: Double, through: Double)
    /// No pixel lies in this band, nm.
    case emptyBand(from: Double, through: Double)
    /// A setting that cannot be used, and why.
    case badSetting(name: String, why: String)
    /// Too few points of a spectrum are valid.
    case tooFewValid(share: Double, needed: Double)
    /// All points of a spectrum (`which`) are equal: it has no shape to compare.
    case flat(which: String)
    /// A text does not parse: line and column (field) from 1, and what to do.
    case malformed(line: Int, column: Int, what: String)

    /// One sentence for a person.
    public var description: String {
        switch self {
        case .wavelengthsNotRising(let pixel):
            "wavelengths do not rise at pixel \(pixel): check the wavelength coefficients"
        case .lengthMismatch(let expected, let got):
            "\(got) values where \(expected) belong: the pixels asked for have changed"
        case .integrationMismatch(let expected, let got):
            "exposed for \(got) s, but dark or reference for \(expected) s: take them again"
        case .saturated(let maximum):
            "clipped at \(maximum) counts: shorten the integration or dim the lamp"
        case .tooFewScans(let got, let needed): "\(got) scans, at least \(needed) are needed"
        case .outOfRange(let wavelength, let from, let through):
            "\(wavelength) nm is outside \(from)…\(through) nm: choose another range"
        case .emptyBand(let from, let through):
            "no pixel between \(from) and \(through) nm: widen the band"
        case .badSetting(let name, let why): "\(name): \(why)"
        case .tooFewValid(let share, let needed):
            "\(share) of the points are valid, \(needed) are needed: check lamp and reference"
        case .flat(let which): "the \(which) is flat or empty: it has no shape to compare"
        case .malformed(let line, let column, let what): "line \(line), column \(column): \(what)"
        }
    }
}
