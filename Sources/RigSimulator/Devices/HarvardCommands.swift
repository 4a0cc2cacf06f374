import Quantities

/// The commands (Pump 11 Elite manual, pp. 53-58).
extension HarvardUnit {
    /// What a command answers.
    private enum Answer {
        case lines([String])
        /// `Command error:` with its explanation.
        case refused(String)
        /// `Argument error:` with the bad argument and its explanation.
        case badArgument(Substring, String)

        static var done: Answer { .lines([]) }
        static func line(_ text: String) -> Answer { .lines([text]) }
        static func range(_ argument: Substring) -> Answer {
            .badArgument(argument, "Out of range")
        }
        static func invalid(_ argument: Substring) -> Answer {
            .badArgument(argument, argument.isEmpty ? "Missing argument" : "Invalid argument")
        }
    }

    private static let names = [
        "address", "baud", "poll", "echo", "nvram", "ver", "version", "metrics", "force", "dim",
        "time", "load", "irun", "wrun", "rrun", "run", "stop", "stp", "irate", "wrate", "iramp",
        "wramp", "crate", "diameter", "svolume", "ivolume", "wvolume", "tvolume", "ttime", "itime",
        "wtime", "civolume", "cwvolume", "cvolume", "ctvolume", "citime", "cwtime", "ctime",
        "cttime", "status",
    ]
    private static let bauds = [
        9_600, 19_200, 38_400, 57_600, 115_200, 128_000, 230_400, 256_000, 460_800, 921_600,
    ]

    /// One command without address; an empty one asks for the prompt.
    mutating func execute(_ text: Substring, at now: Instant) {
        let words = text.lowercased().split(separator: " ", maxSplits: 8).map(Substring.init)
        guard let word = words.first else { return reply([]) }
        // The first four letters suffice.
        let name = Self.names.first {
            $0 == word || word.utf8.count >= 4 && $0.hasPrefix(word)
        }
        let answer = name.map { perform($0, words.dropFirst().map { $0 }, at: now) }
        switch answer ?? .refused("Unknown command") {
        case .lines(let lines): reply(lines)
        case .refused(let why): reply(["Command error:", "   " + why])
        case .badArgument(let argument, let why):
            let shown = argument.isEmpty ? "" : " " + argument.prefix(40)
            reply(["Argument error:" + shown, "   " + why])
        }
    }

    private mutating func perform(
        _ name: String, _ arguments: [Substring], at now: Instant
    ) -> Answer {
        switch name {
        case "irun", "wrun", "rrun", "run", "stop", "stp": return move(name, at: now)
        case "irate", "wrate", "crate", "iramp", "wramp": return rates(name, arguments, at: now)
        case "diameter": return diameter(arguments)
        case "svolume": return syringeVolume(arguments)
        case "tvolume", "ttime": return target(name, arguments)
        case "ivolume": return .line(Self.volumeText(volumes.infused))
        case "wvolume": return .line(Self.volumeText(volumes.withdrawn))
        case "itime": return .line(timeText(times.infused))
        case "wtime": return .line(timeText(times.withdrawn))
        case "status": return .line(statusLine)
        case "version", "ver", "metrics": return identity(name)
        case let name where name.hasPrefix("c"): return clear(name)
        default: return system(name, arguments)
        }
    }

    // MARK: Motion

    private mutating func move(_ name: String, at now: Instant) -> Answer {
        if name == "stop" || name == "stp" {
            let keeps =
                motion == .stalled && options.stallMark == .screenOnly
                || motion == .targetReached && options.targetMark == .runOnly
            if !keeps { halt(.idle, at: now) }
            return .done
        }
        guard motion != .stalled else { return .refused("Pump stalled") }
        let infusing: Bool
        switch name {
        case "irun": infusing = true
        case "wrun": infusing = false
        case "rrun": infusing = !infuses
        default: infusing = infuses
        }
        if isRunning, infusing == infuses { return .refused("Pump already running") }
        guard allows(infusing ? infuse : withdraw) else { return .refused("Rate out of range") }
        start(infusing: infusing, at: now)
        // A target already passed ends the run before its first step.
        let polling = polls
        polls = true
        advance(to: now)
        polls = polling
        return .done
    }

    private mutating func rates(
        _ name: String, _ arguments: [Substring], at now: Instant
    ) -> Answer {
        if name == "crate" {
            guard isRunning else { return .refused("Pump not running") }
            return .line((infuses ? "Infusing at " : "Withdrawing at ") + Self.rateText(rate))
        }
        if name.hasSuffix("ramp") {
            return arguments.isEmpty
                ? .line("Ramp not set up.") : .refused("Ramps are not simulated")
        }
        let forInfusion = name == "irate"
        let minimum = Self.scaled(minimumRate)
        let maximum = Self.scaled(maximumRate)
        guard let first = arguments.first else {
            return .line(Self.rateText(forInfusion ? infuse : withdraw))
        }
        let wanted: Rate
        switch first {
        case "lim":
            return .line(
                Self.rateText(minimum, significant: 4) + " to "
                    + Self.rateText(maximum, significant: 4))
        case "min": wanted = minimum
        case "max": wanted = maximum
        default:
            guard let number = PumpText.number(first) else { return .invalid(first) }
            guard arguments.count == 2, let unit = Self.rateUnit(arguments[1]) else {
                return .invalid(arguments.count > 1 ? arguments[1] : "")
            }
            wanted = Rate(
                number: number, unit: unit.name, microlitersPerMinute: number * unit.factor)
        }
        guard allows(wanted) else { return .range(first) }
        if forInfusion { infuse = wanted } else { withdraw = wanted }
        if writesMemory {
            if forInfusion { memory.infuse = wanted } else { memory.withdraw = wanted }
        }
        if isRunning { applyRate(at: now) }
        return .done
    }

    // MARK: Syringe and targets

    private mutating func diameter(_ arguments: [Substring]) -> Answer {
        guard let first = arguments.first else {
            return .line(PumpText.fixed(memory.diameter, places: 4) + " mm")
        }
        guard !isRunning else { return .refused("Pump is running") }
        guard let value = PumpText.number(first) else { return .invalid(first) }
        if arguments.count > 1, options.strict || arguments[1] != "mm" {
            return .invalid(arguments[1])
        }
        guard value >= 0.1, value <= 33 else { return .range(first) }
        memory.diameter = value
        return .done
    }

    /// A volume argument in µL with its unit's name.
    private func volume(_ arguments: [Substring]) -> (microliters: Double, unit: String)? {
        guard arguments.count == 2, let number = PumpText.number(arguments[0]) else { return nil }
        let unit = arguments[1]
        if unit.utf8.count == 1, options.strict { return nil }
        guard unit.utf8.count == 1 || unit.utf8.count == 2 && unit.hasSuffix("l") else {
            return nil
        }
        guard let letter = unit.first, let factor = Self.prefixes[letter] else { return nil }
        return (number * factor, String(letter) + "l")
    }

    private mutating func syringeVolume(_ arguments: [Substring]) -> Answer {
        if arguments.isEmpty { return .line(memory.syringe) }
        guard !isRunning else { return .refused("Pump is running") }
        guard let (value, unit) = volume(arguments) else { return .invalid(arguments[0]) }
        guard value > 0, value <= 1e6, let factor = Self.prefixes[unit.first ?? "u"] else {
            return .range(arguments[0])
        }
        memory.syringe = PumpText.fixed(value / factor, places: 4) + " " + unit
        return .done
    }

    private mutating func target(_ name: String, _ arguments: [Substring]) -> Answer {
        if name == "tvolume" {
            if arguments.isEmpty { return .line(targetVolume?.text ?? "Target volume not set") }
            guard let (value, unit) = volume(arguments) else { return .invalid(arguments[0]) }
            guard value > 0, value <= 1e6 else { return .range(arguments[0]) }
            let number = value / (Self.prefixes[unit.first ?? "u"] ?? 1)
            targetVolume = (value, PumpText.trimmed(number, significant: 6) + " " + unit)
        } else {
            guard let first = arguments.first else {
                return .line(targetSeconds.map(timeText) ?? "Target time not set")
            }
            guard let seconds = Self.seconds(first) else { return .invalid(first) }
            guard seconds > 0, seconds <= 359_999 else { return .range(first) }
            targetSeconds = seconds
        }
        unmarkTarget()
        return .done
    }

    private mutating func clear(_ name: String) -> Answer {
        switch name {
        case "civolume": volumes.infused = 0
        case "cwvolume": volumes.withdrawn = 0
        case "cvolume": volumes = (0, 0)
        case "citime": times.infused = 0
        case "cwtime": times.withdrawn = 0
        case "ctime": times = (0, 0)
        case "ctvolume":
            targetVolume = nil
            unmarkTarget()
        default:
            targetSeconds = nil
            unmarkTarget()
        }
        return .done
    }

    private mutating func unmarkTarget() {
        if motion == .targetReached, options.targetMark == .stopRunOrTarget { motion = .idle }
    }

    // MARK: System

    private mutating func system(_ name: String, _ arguments: [Substring]) -> Answer {
        let first = arguments.first
        switch name {
        case "poll":
            if first == nil { return .line("Polling mode is \(polls ? "ON" : "OFF")") }
            guard let on = Self.onOff(first) else { return .invalid(first ?? "") }
            polls = on
        case "echo":
            if first == nil { return .line("Echo is \(echoes ? "ON" : "OFF")") }
            guard let on = Self.onOff(first) else { return .invalid(first ?? "") }
            echoes = on
        case "nvram":
            let none = first == "none" && !options.strict
            guard none || Self.onOff(first) != nil else { return .invalid(first ?? "") }
            writesMemory = first == "on"
        case "address":
            guard let first else { return .line("Pump address is \(address)") }
            guard let value = Self.whole(first) else { return .invalid(first) }
            guard value <= 99 else { return .range(first) }
            address = value
        case "baud":
            guard let first else { return .line("\(toldBaud) baud") }
            guard let value = Self.whole(first) else { return .invalid(first) }
            guard Self.bauds.contains(value) else { return .range(first) }
            newBaud = value
            toldBaud = value
        case "force", "dim":
            let isForce = name == "force"
            guard let first else { return .line("\(isForce ? memory.force : brightness)%") }
            guard let value = Self.whole(first) else { return .invalid(first) }
            guard value <= 100, value >= (isForce ? 1 : 0) else { return .range(first) }
            if isForce { memory.force = value } else { brightness = value }
        case "time":
            if !arguments.isEmpty { clock = arguments.joined(separator: " ") }
            return .line(clock)
        default:  // load
            guard !options.strict else { return .refused("Unknown command") }
            guard arguments.count == 2, first == "qs" else { return .line("qs " + load) }
            guard ["i", "w", "iw", "wi"].contains(arguments[1]) else {
                return .invalid(arguments[1])
            }
            load = String(arguments[1])
        }
        return .done
    }

    private func identity(_ name: String) -> Answer {
        let title: String
        switch model {
        case .elite: title = "11 ELITE I/W Single"
        case .legato: title = "LEGATO 100"
        case .ultra: title = "PHD ULTRA"
        }
        switch name {
        case "ver": return .line(title + " 3.0.4")
        case "version":
            let serial = model == .legato ? ["Serial number:    D100001"] : []
            return .lines(
                ["Firmware:         v3.0.4"] + serial + ["Pump address:     \(address)"])
        default:
            return .lines([
                "Pump type          Pump 11", "Pump type string   " + title,
                "Min syringe size   0.1 mm", "Max syringe size   33 mm",
                "Direction          Infuse/withdraw",
            ])
        }
    }

    /// Rate in fL/s, time in the family's unit, volume in fL, all of the present direction, and
    /// the flags. Which flag the five-letter form lacks is not told; here it is the port's.
    private var statusLine: String {
        let flow = isRunning ? rate.microlitersPerMinute / 60 * 1e9 : 0
        let seconds = infuses ? times.infused : times.withdrawn
        let milliseconds = (seconds * 1_000).rounded(.down)
        let time: Double
        switch model {
        // Clock cycles of 1/56,000,000 s in steps of 1 ms.
        case .elite: time = milliseconds * 56_000
        case .legato: time = milliseconds
        case .ultra: time = seconds.rounded(.down)
        }
        let volume = (infuses ? volumes.infused : volumes.withdrawn) * 1e9
        let letter = infuses ? "i" : "w"
        let flags =
            (isRunning ? letter.uppercased() : letter) + "."
            + (motion == .stalled ? "S" : ".") + "." + (model == .ultra ? "" : letter)
            + (motion == .targetReached ? "T" : ".")
        return "\(Self.integer(flow)) \(Self.integer(time)) \(Self.integer(volume)) \(flags)"
    }

    // MARK: Text

    /// µL per unit.
    private static let prefixes: [Character: Double] = ["m": 1_000, "u": 1, "n": 1e-3, "p": 1e-6]

    private static func integer(_ value: Double) -> Int64 {
        Int64(min(max(value.rounded(), 0), 9e18))
    }

    private static func onOff(_ text: Substring?) -> Bool? {
        text == "on" ? true : text == "off" ? false : nil
    }

    private static func whole(_ text: Substring) -> Int? {
        text.utf8.count <= 6 && !text.contains(".") ? PumpText.number(text).map { Int($0) } : nil
    }

    /// `m/m`, `ul/min`, `nl/h` …: its full name and µL/min per unit.
    private static func rateUnit(_ text: Substring) -> (name: String, factor: Double)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let letter = parts[0].first, let volume = prefixes[letter],
            parts[0].utf8.count == 1 || parts[0].dropFirst() == "l"
        else { return nil }
        switch parts[1] {
        case "m", "min": return ("\(letter)l/min", volume)
        case "h", "hr", "hour": return ("\(letter)l/hr", volume / 60)
        case "s", "sec": return ("\(letter)l/sec", volume * 60)
        default: return nil
        }
    }

    /// A rate in the unit that leaves the fewest digits before the point.
    private static func scaled(_ microlitersPerMinute: Double) -> Rate {
        for letter in ["m", "u", "n"] as [Character] {
            guard let factor = prefixes[letter], microlitersPerMinute >= factor else { continue }
            return Rate(
                number: microlitersPerMinute / factor, unit: "\(letter)l/min",
                microlitersPerMinute: microlitersPerMinute)
        }
        return Rate(
            number: microlitersPerMinute * 1e6, unit: "pl/min",
            microlitersPerMinute: microlitersPerMinute)
    }

    private static func rateText(_ rate: Rate, significant: Int = 6) -> String {
        PumpText.trimmed(rate.number, significant: significant) + " " + rate.unit
    }

    private static func volumeText(_ microliters: Double) -> String {
        for letter in ["m", "u", "n"] as [Character] {
            guard let factor = prefixes[letter], microliters >= factor else { continue }
            return PumpText.trimmed(microliters / factor, significant: 6) + " \(letter)l"
        }
        return PumpText.trimmed(microliters * 1e6, significant: 4) + " pl"
    }

    private func timeText(_ seconds: Double) -> String {
        guard options.timesAsClock else {
            return PumpText.trimmed(seconds, significant: 6) + " seconds"
        }
        let whole = Int(min(max(seconds, 0), 359_999))
        return [whole / 3_600, whole / 60 % 60, whole % 60]
            .map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: ":")
    }

    private static func seconds(_ text: Substring) -> Double? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 3 else { return nil }
        var total = 0.0
        for part in parts {
            guard let number = PumpText.number(part), number < 1e6 else { return nil }
            total = total * 60 + number
        }
        return total
    }
}
