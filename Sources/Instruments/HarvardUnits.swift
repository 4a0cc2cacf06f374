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
    static func rate(_ text: BriefText) -> FlowRate? {
        guard text.wordCount == 2, let number = text.word(0).flatMap(DecimalText.parse),
            let unit = text.word(1), let slash = unit.firstIndex(of: UInt8(ascii: "/")),
            let volume = liters(unit.part(0..<slash))
        else { return nil }
        let rate = number * volume
        let time = unit.part((slash + 1)..<unit.count)
        if time == "min" || time == "m" { return FlowRate(microlitersPerMinute: rate) }
        if time == "hr" || time == "h" { return FlowRate(microlitersPerMinute: rate / 60) }
        if time == "sec" || time == "s" { return FlowRate(microlitersPerMinute: rate * 60) }
        return nil
    }

    /// The volume in an answer such as `500 ul`; nil if it is not one.
    static func volume(_ text: BriefText) -> Volume? {
        guard text.wordCount == 2, let number = text.word(0).flatMap(DecimalText.parse),
            let unit = text.word(1).flatMap(liters)
        else { return nil }
        return Volume(microliters: number * unit)
    }

    /// The length in an answer such as `14.4300 mm`; nil if it is not one.
    static func length(_ text: BriefText) -> Length? {
        guard text.wordCount == 2, text.word(1) == "mm",
            let number = text.word(0).flatMap(DecimalText.parse)
        else { return nil }
        return Length(millimeters: number)
    }

    /// The number in an answer such as `50%` or `50 %`; nil if it is not one.
    static func percent(_ text: BriefText) -> Double? {
        switch text.wordCount {
        case 1:
            guard let word = text.word(0), word.byte(word.count - 1) == UInt8(ascii: "%") else {
                return nil
            }
            return DecimalText.parse(word.part(0..<(word.count - 1)))
        case 2 where text.word(1) == "%": return text.word(0).flatMap(DecimalText.parse)
        default: return nil
        }
    }

    /// `ml`, `ul`, `nl`, `pl` in microlitres.
    private static func liters(_ unit: BriefText) -> Double? {
        guard unit.count == 2, unit.byte(1) == UInt8(ascii: "l") else { return nil }
        switch unit.byte(0) {
        case UInt8(ascii: "m"): return 1e3
        case UInt8(ascii: "u"): return 1
        case UInt8(ascii: "n"): return 1e-3
        case UInt8(ascii: "p"): return 1e-6
        default: return nil
        }
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
    init?(_ text: BriefText, model: HarvardModel) {
        guard text.wordCount == 4, let rate = text.word(0).flatMap(DecimalText.parse),
            let time = text.word(1).flatMap(DecimalText.parse),
            let volume = text.word(2).flatMap(DecimalText.parse), let flags = text.word(3)
        else { return nil }
        // The sheet's PHD ULTRA has five flags and does not say which one it lacks: the first
        // three and the last are read, and the last is `T` or `.` only where it means the target.
        guard flags.count == (model == .ultra ? 5 : 6) || flags.count == 6,
            let motion = flags.byte(0), let limit = flags.byte(1), let stall = flags.byte(2),
            Self.isMotion(motion), Self.isMotion(limit) || limit == UInt8(ascii: "."),
            stall == UInt8(ascii: "S") || stall == UInt8(ascii: ".")
        else { return nil }
        isRunning = motion == UInt8(ascii: "I") || motion == UInt8(ascii: "W")
        isInfusing = motion | 0x20 == UInt8(ascii: "i")
        isAtLimit = limit != UInt8(ascii: ".")
        isStalled = stall == UInt8(ascii: "S")
        isTargetReached = flags.byte(flags.count - 1) == UInt8(ascii: "T")
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

    /// `i`, `I`, `w` or `W`: infusing, withdrawing; large while it runs.
    private static func isMotion(_ letter: UInt8) -> Bool {
        letter | 0x20 == UInt8(ascii: "i") || letter | 0x20 == UInt8(ascii: "w")
    }
}
