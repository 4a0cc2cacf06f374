import Quantities

/// Harvard's numbers with units: sent as `100 u/m`, answered as `100 ul/min` (Elite manual
/// pp. 53-58; DEVICES 1.3).
enum HarvardUnits {
    /// Prefixes of the litre, largest first, and one such litre in microlitres.
    static let prefixes: [(letter: Character, microliters: Double)] = [
        ("m", 1e3), ("u", 1), ("n", 1e-3), ("p", 1e-6),
    ]

    /// `rate` as the argument of `irate`, four to five significant digits; nil where it is not
    /// positive or too small to say in picolitres.
    static func argument(_ rate: FlowRate) -> String? {
        scaled(rate.microlitersPerMinute).map { "\($0.number) \($0.prefix)/m" }
    }

    /// `volume` as the argument of `tvolume`; nil where it is not positive or too small.
    static func argument(_ volume: Volume) -> String? {
        scaled(volume.microliters).map { "\($0.number) \($0.prefix)l" }
    }

    /// `diameter` as the argument of `diameter`: millimetres, four decimals as in its reply.
    static func argument(_ diameter: Length) -> String? {
        DecimalText.format(diameter.millimeters, decimals: 4)
    }

    /// A number from 1 up to 9999.9 and its prefix.
    private static func scaled(_ microliters: Double) -> (number: String, prefix: Character)? {
        guard microliters > 0, microliters < 1e9 else { return nil }
        // Millilitres only where microlitres would need five digits before the point.
        let fitting = prefixes.first {
            $0.letter == "m" ? microliters >= 9999.95 : microliters >= $0.microliters
        }
        guard let chosen = fitting ?? prefixes.last else { return nil }
        let value = microliters / chosen.microliters
        let decimals = value < 10 ? 4 : value < 100 ? 3 : value < 1000 ? 2 : 1
        guard let number = DecimalText.format(value, decimals: decimals), number != "0"
        else { return nil }
        return (number, chosen.letter)
    }

    /// The rate in an answer such as `100 ul/min`; nil if it is not one.
    static func rate(_ text: String) -> FlowRate? {
        let words = text.split(separator: " ")
        guard words.count == 2, let number = DecimalText.parse(words[0].utf8) else { return nil }
        let units = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard units.count == 2, let volume = liters(units[0]) else { return nil }
        switch units[1] {
        case "hr", "h": return FlowRate(microlitersPerMinute: number * volume / 60)
        case "min", "m": return FlowRate(microlitersPerMinute: number * volume)
        case "sec", "s": return FlowRate(microlitersPerMinute: number * volume * 60)
        default: return nil
        }
    }

    /// The volume in an answer such as `500 ul`; nil if it is not one.
    static func volume(_ text: String) -> Volume? {
        let words = text.split(separator: " ")
        guard words.count == 2, let number = DecimalText.parse(words[0].utf8),
            let unit = liters(words[1])
        else { return nil }
        return Volume(microliters: number * unit)
    }

    /// The length in an answer such as `14.4300 mm`; nil if it is not one.
    static func length(_ text: String) -> Length? {
        let words = text.split(separator: " ")
        guard words.count == 2, words[1] == "mm", let number = DecimalText.parse(words[0].utf8)
        else { return nil }
        return Length(millimeters: number)
    }

    /// The number in an answer such as `50%`; nil if it is not one.
    static func percent(_ text: String) -> Double? {
        let word = text.filter { $0 != " " }
        guard word.last == "%" else { return nil }
        return DecimalText.parse(word.utf8.dropLast())
    }

    /// `ml`, `ul`, `nl`, `pl` in microlitres.
    private static func liters(_ unit: Substring) -> Double? {
        guard unit.count == 2, unit.last == "l" else { return nil }
        return prefixes.first { $0.letter == unit.first }?.microliters
    }
}

/// The answer to `status`: rate in fL/s, time, volume in fL, flags (Elite manual p. 57;
/// DEVICES 1.3). All numbers refer to the present direction.
struct HarvardStatus: Equatable, Sendable {
    var isRunning: Bool
    var isInfusing: Bool
    var isAtLimit: Bool
    var isStalled: Bool
    var isTargetReached: Bool
    var rate: FlowRate
    var elapsed: TimeSpan
    var volume: Volume

    /// The status in `text` as `model` writes it; nil if it is not one.
    init?(_ text: String, model: HarvardModel) {
        let words = text.split(separator: " ")
        guard words.count == 4, let rate = DecimalText.parse(words[0].utf8),
            let time = DecimalText.parse(words[1].utf8),
            let volume = DecimalText.parse(words[2].utf8)
        else { return nil }
        let flags = Array(words[3])
        // The sheet's PHD ULTRA has five flags and does not say which one it lacks: the first
        // three and the last are read, and the last is `T` or `.` only where it means the target.
        guard flags.count == (model == .ultra ? 5 : 6) || flags.count == 6,
            "iIwW".contains(flags[0]), "iIwW.".contains(flags[1]), "S.".contains(flags[2])
        else { return nil }
        isRunning = flags[0].isUppercase
        isInfusing = flags[0] == "i" || flags[0] == "I"
        isAtLimit = flags[1] != "."
        isStalled = flags[2] == "S"
        isTargetReached = flags[flags.count - 1] == "T"
        self.rate = FlowRate(microlitersPerMinute: rate * 1e-9 * 60)
        self.volume = Volume(microliters: volume * 1e-9)
        let unit =
            switch model {
            case .elite: 1 / 56e6
            case .legato: 1e-3
            case .ultra: 1.0
            }
        elapsed = .seconds(time * unit)
    }
}
