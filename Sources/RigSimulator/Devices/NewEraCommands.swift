import Quantities

/// The commands (NE-500 manual p. 7; NE-9000 manual p. 48).
extension NewEraUnit {
    private static let notApplicable = "?NA"
    private static let outOfRange = "?OOR"
    private static let unknown = "?"
    private static let bauds = [300, 1_200, 2_400, 9_600, 19_200]

    /// One whole packet, stripped and in capitals.
    mutating func execute(_ text: String, at now: Instant) {
        if text.hasPrefix("*") {
            heard(at: now)
            return answer(text.dropFirst(), system: true, at: now)
        }
        let digits = text.prefix(2).prefix { $0.isASCII && $0.isNumber }
        let address = digits.isEmpty ? 0 : Int(digits)
        guard address == memory.address else { return }
        heard(at: now)
        answer(text.dropFirst(digits.count), system: false, at: now)
    }

    /// Every valid packet restarts the dead-man timer (p. 34).
    private mutating func heard(at now: Instant) {
        silenceEnds = isSafe ? now + .seconds(Double(memory.safeTimeout)) : .distantFuture
    }

    private mutating func answer(_ command: Substring, system: Bool, at now: Instant) {
        guard alarm != nil else {
            let data = system ? self.system(command, at: now) : perform(command, at: now)
            send(data)
            // An alarm this very command raised is told by its reply, too.
            alarm = nil
            return
        }
        // Telling the alarm acknowledges it; the command itself is not executed.
        if command.hasPrefix("SAF"), options.safeModeSwitchesUnderAlarm {
            _ = safeMode(command.dropFirst(3), at: now)
        }
        send("")
        alarm = nil
    }

    private mutating func perform(_ command: Substring, at now: Instant) -> String {
        guard !command.isEmpty else { return "" }
        let name = String(command.prefix(3))
        let argument = command.dropFirst(3)
        switch name {
        case "DIA": return diameter(argument)
        case "RAT": return rate(argument, at: now)
        case "VOL": return volume(argument)
        case "DIR": return direction(argument, at: now)
        case "RUN": return run(argument, at: now)
        case "STP": return argument.isEmpty ? halt(at: now) : Self.unknown
        case "PUR": return argument.isEmpty ? purge(at: now) : Self.unknown
        case "DIS": return argument.isEmpty ? dispensed : Self.unknown
        case "CLD": return clear(argument)
        case "PHN": return phaseNumber(argument)
        case "FUN": return function(argument)
        case "SAF": return safeMode(argument, at: now)
        case "VER":
            return argument.isEmpty ? "NE\(model.rawValue)V3.923" : Self.unknown
        case "BUZ", "LOC", "TRG", "DIN", "ROM": return setting(name, argument)
        default: break
        }
        let short = String(command.prefix(2))
        guard ["AL", "PF", "LN", "BP"].contains(short) else { return Self.unknown }
        return setting(short, command.dropFirst(2))
    }

    // MARK: Numbers (p. 33: four digits and a point, three of them behind it)

    private enum Parsed { case number(Double), error(String) }

    private func parse(_ text: Substring) -> Parsed {
        guard let number = PumpText.number(text) else { return .error(Self.unknown) }
        let digits = text.utf8.filter { $0 != UInt8(ascii: ".") }.count
        let behind = text.firstIndex(of: ".").map { text[$0...].utf8.count - 1 } ?? 0
        return digits <= 4 && behind <= 3 ? .number(number) : .error(Self.outOfRange)
    }

    /// `value` as the pump shows it: as many decimals as four digits leave, always with a point.
    static func show(_ value: Double) -> String {
        for places in [3, 2, 1] {
            let text = PumpText.fixed(max(value, 0), places: places)
            if text.utf8.count <= 5 { return text }
        }
        return PumpText.fixed(min(max(value, 0), 9_999), places: 0) + "."
    }

    // MARK: Settings

    private mutating func diameter(_ argument: Substring) -> String {
        guard !argument.isEmpty else { return Self.show(memory.diameter) }
        guard !isOperating else { return Self.notApplicable }
        switch parse(argument) {
        case .error(let error): return error
        case .number(let value):
            guard value >= 0.1, value <= options.maximumDiameter else { return Self.outOfRange }
            memory.diameter = value
            memory.volumeUnits = value <= 14 ? "UL" : "ML"
            infused = 0
            withdrawn = 0
            return ""
        }
    }

    private mutating func rate(_ text: Substring, at now: Instant) -> String {
        var argument = text
        // RATC and RATI are older spellings of the same.
        if let letter = argument.first, letter == "C" || letter == "I" { argument.removeFirst() }
        let shown = isOperating || motion == .paused ? running : selected
        let phase = memory.phases[shown]
        guard phase.function == .rate else { return Self.notApplicable }
        guard !argument.isEmpty else {
            let live = options.queryTellsRunningRate ? liveRate : nil
            return Self.show(live?.number ?? phase.rate) + (live?.units ?? phase.units)
        }
        guard motion != .purging else { return Self.notApplicable }
        var units = phase.units
        if let given = ["UM", "MM", "UH", "MH"].first(where: { argument.hasSuffix($0) }) {
            if isPumping, given != units { return Self.notApplicable }
            units = given
            argument.removeLast(2)
        }
        switch parse(argument) {
        case .error(let error): return error
        case .number(let value):
            guard allows(value, units) else { return Self.outOfRange }
            if isPumping {
                liveRate = (value, units)
                applyMotion(at: now)
            } else {
                memory.phases[shown].rate = value
                memory.phases[shown].units = units
                liveRate = nil
            }
            return ""
        }
    }

    private mutating func volume(_ argument: Substring) -> String {
        guard !argument.isEmpty else {
            return Self.show(memory.phases[selected].volume) + memory.volumeUnits
        }
        guard !isOperating else { return Self.notApplicable }
        if argument == "UL" || argument == "ML" {
            memory.volumeUnits = String(argument)
            return ""
        }
        switch parse(argument) {
        case .error(let error): return error
        case .number(let value):
            memory.phases[selected].volume = value
            return ""
        }
    }

    private mutating func direction(_ argument: Substring, at now: Instant) -> String {
        let shown = isOperating || motion == .paused ? running : selected
        let infuses = memory.phases[shown].infuses
        if argument.isEmpty { return infuses ? "INF" : "WDR" }
        guard ["INF", "WDR", "REV", "STK"].contains(argument) else { return Self.unknown }
        if argument == "STK" { return isOperating ? Self.notApplicable : "" }
        if isOperating, motion == .purging || memory.phases[shown].volume != 0 {
            return Self.notApplicable
        }
        memory.phases[shown].infuses = argument == "REV" ? !infuses : argument == "INF"
        if isPumping {
            motion = memory.phases[shown].infuses ? .infusing : .withdrawing
            applyMotion(at: now)
        }
        return ""
    }

    // MARK: Motion

    private mutating func run(_ argument: Substring, at now: Instant) -> String {
        guard !isOperating else { return Self.notApplicable }
        if !argument.isEmpty {
            guard let phase = Int(argument), argument.utf8.count <= 2 else { return Self.unknown }
            guard phase >= 1, phase <= Self.phaseCount else { return Self.outOfRange }
            enterPhase(phase - 1, at: now)
        } else if motion == .paused {
            if !options.resumeKeepsRate { liveRate = nil }
            motion = memory.phases[running].infuses ? .infusing : .withdrawing
            if !allows(
                liveRate?.number ?? memory.phases[running].rate,
                liveRate?.units ?? memory.phases[running].units)
            {
                alarm = .outOfRange
                stop(.stopped, at: now)
            } else {
                applyMotion(at: now)
            }
        } else {
            enterPhase(0, at: now)
        }
        return ""
    }

    private mutating func halt(at now: Instant) -> String {
        let pauses = motion == .infusing || motion == .withdrawing
        stop(pauses ? .paused : .stopped, at: now)
        return ""
    }

    private mutating func purge(at now: Instant) -> String {
        guard motion == .stopped else { return Self.notApplicable }
        motion = .purging
        applyMotion(at: now)
        return ""
    }

    private var dispensed: String {
        "I" + Self.show(infused / unitsPerVolume) + "W" + Self.show(withdrawn / unitsPerVolume)
            + memory.volumeUnits
    }

    private mutating func clear(_ argument: Substring) -> String {
        guard argument == "INF" || argument == "WDR" else { return Self.unknown }
        guard !isOperating || options.clearsWhileRunning else { return Self.notApplicable }
        if argument == "INF" { infused = 0 } else { withdrawn = 0 }
        return ""
    }

    // MARK: Program

    private mutating func phaseNumber(_ argument: Substring) -> String {
        if argument.isEmpty {
            let number = (isOperating ? running : selected) + 1
            return (number < 10 ? "0" : "") + String(number)
        }
        guard !isOperating else { return Self.notApplicable }
        guard let phase = whole(argument, digits: 2) else { return Self.unknown }
        guard phase >= 1, phase <= Self.phaseCount else { return Self.outOfRange }
        selected = phase - 1
        return ""
    }

    private mutating func function(_ argument: Substring) -> String {
        if argument.isEmpty {
            switch memory.phases[selected].function {
            case .rate: return "RAT"
            case .stop: return "STP"
            case .jump(let phase): return "JMP" + (phase < 10 ? "0" : "") + String(phase)
            case .pause(let seconds): return "PAS" + (seconds < 10 ? "0" : "") + String(seconds)
            case .clear: return "CLD"
            case .beep: return "BEP"
            }
        }
        guard !isOperating else { return Self.notApplicable }
        let number = whole(argument.dropFirst(3), digits: 2)
        switch (argument.prefix(3), number) {
        case ("RAT", nil) where argument.utf8.count == 3: memory.phases[selected].function = .rate
        case ("STP", nil) where argument.utf8.count == 3: memory.phases[selected].function = .stop
        case ("CLD", nil) where argument.utf8.count == 3: memory.phases[selected].function = .clear
        case ("BEP", nil) where argument.utf8.count == 3: memory.phases[selected].function = .beep
        case ("JMP", let phase?):
            guard phase >= 1, phase <= Self.phaseCount else { return Self.outOfRange }
            memory.phases[selected].function = .jump(phase)
        case ("PAS", let seconds?): memory.phases[selected].function = .pause(max(1, seconds))
        default: return Self.unknown
        }
        return ""
    }

    private func whole(_ text: Substring, digits: Int) -> Int? {
        guard !text.isEmpty, text.utf8.count <= digits, !text.contains(".") else { return nil }
        return PumpText.number(text).map { Int($0) }
    }

    // MARK: Communication

    private mutating func safeMode(_ argument: Substring, at now: Instant) -> String {
        guard !argument.isEmpty else { return String(memory.safeTimeout) }
        guard let seconds = whole(argument, digits: 3) else { return Self.unknown }
        guard seconds <= 255 else { return Self.outOfRange }
        memory.safeTimeout = seconds
        heard(at: now)
        return ""
    }

    /// Switches that are kept and told, and have no effect here.
    private mutating func setting(_ name: String, _ argument: Substring) -> String {
        guard !argument.isEmpty else { return memory.switches[name] ?? "0" }
        guard let number = whole(argument, digits: 2) else { return Self.unknown }
        guard number <= (name == "BUZ" ? 19 : 1) else { return Self.outOfRange }
        memory.switches[name] = String(number)
        return ""
    }

    private mutating func system(_ command: Substring, at now: Instant) -> String {
        if command == "RESET" {
            stop(.stopped, at: now)
            memory = Memory(address: 0, options: options)
            selected = 0
            silenceEnds = .distantFuture
            return ""
        }
        guard command.hasPrefix("ADR") else { return Self.unknown }
        let argument = command.dropFirst(3)
        if argument.isEmpty {
            return (memory.address < 10 ? "0" : "") + String(memory.address)
        }
        let parts = argument.split(separator: "B", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = whole(parts[0], digits: 2) else { return Self.unknown }
        if parts.count == 2 {
            guard let baud = whole(parts[1], digits: 5) else { return Self.unknown }
            guard Self.bauds.contains(baud) else { return Self.outOfRange }
            newBaud = baud
        }
        memory.address = address
        return ""
    }
}
