import Quantities

/// One absorbance spectrum as a JCAMP-DX 4.24 file (McDonald and Wilks, Appl. Spectrosc. 42,
/// 151–162, 1988): ASCII, lines of at most 80 characters, points evenly spaced as
/// `(X++(Y..Y))`. A spectrum with invalid points is written as pairs `(XY..XY)` without them, so
/// that no program takes a gap for a number.
public enum JCAMPText {
    /// Ordinates are written as whole multiples of this: far below what any detector resolves.
    public static let absorbanceStep = 1e-6
    /// Characters of a line at most.
    static let lineLimit = 80

    /// A spectrum.
    public struct Spectrum: Sendable {
        /// Name for people; one line.
        public var title: String
        /// Where it comes from; one line.
        public var origin: String
        /// When it was measured.
        public var time: WallTime
        /// Further notes, name and value, written as labels of this program's own (`##$NAME=`).
        public var notes: [(name: String, value: String)] = []
        /// Wavelength of the first point, in nm.
        public var firstNanometers: Double
        /// From one point to the next, in nm; above 0.
        public var stepNanometers: Double
        /// Absorbance (decadic), NaN where invalid.
        public var absorbance: [Float]

        /// A spectrum without notes.
        public init(
            title: String, origin: String, time: WallTime, firstNanometers: Double,
            stepNanometers: Double, absorbance: [Float]
        ) {
            self.title = title
            self.origin = origin
            self.time = time
            self.firstNanometers = firstNanometers
            self.stepNanometers = stepNanometers
            self.absorbance = absorbance
        }
    }

    /// The file; nil where no point of the spectrum is valid.
    public static func text(_ spectrum: Spectrum) -> String? {
        let steps = spectrum.absorbance.map { absorbance -> Int? in
            guard absorbance.isFinite, abs(absorbance) < 1_000 else { return nil }
            return Int((Double(absorbance) / absorbanceStep).rounded())
        }
        let valid = steps.indices.filter { steps[$0] != nil }
        guard let first = valid.first, let last = valid.last else { return nil }
        let isWhole = valid.count == steps.count
        var writer = JCAMPWriter()
        writer.label("TITLE", spectrum.title)
        writer.label("JCAMP-DX", "4.24")
        writer.label("DATA TYPE", "UV/VIS SPECTRUM")
        writer.label("ORIGIN", spectrum.origin)
        writer.label("OWNER", "")
        // 4.24 knows years of two digits, apart from the time of day.
        let iso = spectrum.time.iso8601
        writer.label(
            "DATE",
            iso.dropFirst(2).prefix { $0 != "T" }.split(separator: "-").joined(separator: "/"))
        writer.label("TIME", String(iso.drop { $0 != "T" }.dropFirst().prefix { $0 != "." }))
        for note in spectrum.notes { writer.label("$" + JCAMPWriter.name(note.name), note.value) }
        writer.label("XUNITS", "NANOMETERS")
        writer.label("YUNITS", "ABSORBANCE")
        writer.label("XFACTOR", "1")
        // Some readers know no exponents.
        writer.label("YFACTOR", "0.000001")
        func nanometers(_ index: Int) -> Double {
            spectrum.firstNanometers + Double(index) * spectrum.stepNanometers
        }
        let values = valid.map { steps[$0]! }
        writer.label("FIRSTX", number(nanometers(first)))
        writer.label("LASTX", number(nanometers(last)))
        if isWhole { writer.label("DELTAX", number(spectrum.stepNanometers)) }
        writer.label("NPOINTS", "\(valid.count)")
        writer.label("FIRSTY", number(Double(values[0]) * absorbanceStep))
        writer.label("MAXY", number(Double(values.max() ?? 0) * absorbanceStep))
        writer.label("MINY", number(Double(values.min() ?? 0) * absorbanceStep))
        if isWhole {
            writer.label("XYDATA", "(X++(Y..Y))")
            writer.table(values, abscissa: { number(nanometers($0)) })
        } else {
            writer.label("XYPOINTS", "(XY..XY)")
            for index in valid { writer.pair(number(nanometers(index)), steps[index]!) }
        }
        writer.label("END", "")
        return writer.text
    }

    /// A number in the least digits that say it, to a millionth.
    private static func number(_ value: Double) -> String {
        let text = "\((value * 1e6).rounded() / 1e6)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

/// The lines of a JCAMP-DX file.
private struct JCAMPWriter {
    private(set) var text = ""

    /// `text` as the name of a label: readers end it at the first `=`.
    static func name(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isPlain =
                        scalar.isASCII
                        && (scalar.properties.isAlphabetic
                            || scalar.properties.numericType != nil)
                    return isPlain || scalar == " " ? scalar : "_"
                }))
    }

    /// A labelled data record. What is no printable ASCII would end it or puzzle a reader, and
    /// `$$` would begin a comment.
    mutating func label(_ name: String, _ value: String) {
        var clean = ""
        for scalar in value.unicodeScalars {
            switch scalar.value {
            case 0x20...0x7E where !(scalar == "$" && clean.hasSuffix("$")):
                clean.unicodeScalars.append(scalar)
            case 0xB5, 0x3BC: clean += "u"
            default: clean += " "
            }
        }
        text += clean.isEmpty ? "##\(name)=\n" : "##\(name)= \(clean)\n"
    }

    /// Ordinates, as many a line as fit, each line behind the abscissa of its first.
    mutating func table(_ values: [Int], abscissa: (Int) -> String) {
        var line = ""
        for (index, value) in values.enumerated() {
            let written = " \(value)"
            if line.utf8.count + written.utf8.count > JCAMPText.lineLimit || line.isEmpty {
                if !line.isEmpty { text += line + "\n" }
                line = abscissa(index)
            }
            line += written
        }
        text += line + "\n"
    }

    /// One point.
    mutating func pair(_ abscissa: String, _ value: Int) { text += "\(abscissa), \(value)\n" }
}
