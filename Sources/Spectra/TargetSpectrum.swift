/// The wanted spectrum: a few points, joined by straight lines.
public struct TargetSpectrum: Equatable, Sendable {
    /// Wavelengths in nm, rising; at least two.
    public let wavelengths: [Double]
    /// Values in any unit: only the shape counts.
    public let values: [Double]

    /// A target from points. Throws unless there are at least two, as many values as
    /// wavelengths, all finite, and the wavelengths rise.
    public init(wavelengths: [Double], values: [Double]) throws(SpectraError) {
        guard wavelengths.count == values.count else {
            throw .lengthMismatch(expected: wavelengths.count, got: values.count)
        }
        guard wavelengths.count >= 2 else {
            throw .badSetting(name: "target", why: "needs at least two points")
        }
        _ = try WavelengthScale(nanometers: wavelengths)
        guard values.allSatisfy(\.isFinite) else {
            throw .badSetting(name: "target", why: "values must be finite")
        }
        self.wavelengths = wavelengths
        self.values = values
    }

    /// Reads CSV: wavelength in nm, value. The first line may be a header. Throws `malformed`
    /// with the line and column (field) of the first mistake.
    public static func parse(_ text: String) throws(SpectraError) -> TargetSpectrum {
        var wavelengths: [Double] = []
        var values: [Double] = []
        var reader = CSVReader(text)
        while let fields = try reader.next() {
            let line = reader.line
            guard fields.count == 2 else {
                throw .malformed(
                    line: line, column: min(fields.count, 3),
                    what: "\(fields.count) fields; write wavelength in nm, value")
            }
            let wavelength = CSVReader.number(fields[0])
            if wavelength == nil, CSVReader.number(fields[1]) == nil, line == 1 { continue }
            guard let wavelength else {
                throw .malformed(line: line, column: 1, what: "not a wavelength in nm")
            }
            guard let value = CSVReader.number(fields[1]) else {
                throw .malformed(line: line, column: 2, what: "not a number")
            }
            if let last = wavelengths.last, wavelength <= last {
                throw .malformed(
                    line: line, column: 1, what: "wavelengths must rise; sort the lines")
            }
            wavelengths.append(wavelength)
            values.append(value)
        }
        guard wavelengths.count >= 2 else {
            throw .malformed(
                line: reader.line, column: 1, what: "a target needs at least two points")
        }
        return try TargetSpectrum(wavelengths: wavelengths, values: values)
    }

    /// The target at `points` (nm), by straight lines. Throws `outOfRange` for a point it does
    /// not reach to: what is beyond is not known.
    public func interpolated(at points: [Double]) throws(SpectraError) -> [Double] {
        var result: [Double] = []
        result.reserveCapacity(points.count)
        for point in points {
            guard point >= wavelengths[0], point <= wavelengths[wavelengths.count - 1] else {
                throw .outOfRange(
                    wavelength: point, from: wavelengths[0],
                    through: wavelengths[wavelengths.count - 1])
            }
            var low = 0
            var high = wavelengths.count - 1
            while high - low > 1 {
                let middle = (low + high) / 2
                if wavelengths[middle] <= point { low = middle } else { high = middle }
            }
            let share = (point - wavelengths[low]) / (wavelengths[high] - wavelengths[low])
            result.append(values[low] + share * (values[high] - values[low]))
        }
        return result
    }
}
