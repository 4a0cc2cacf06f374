// What a New Era pump's questions look like on the wire (DEVICES 2.2, 2.5).
extension NewEraTalk {
    func wire(_ ask: Ask) -> WireQuestion {
        if case .flush = ask {
            return WireQuestion(title: "CR", bytes: [NewEraFraming.cr], expectsReply: false)
        }
        var packing = framing ?? .basic
        if case .probe(let framing) = ask { packing = framing }
        let command = Self.command(ask)
        return WireQuestion(
            title: command.isEmpty ? "status query" : command,
            bytes: packing.pack(String(pump.address) + command))
    }

    /// The command without its address; empty is the status query.
    static func command(_ ask: Ask) -> String {
        switch ask {
        case .flush, .probe, .status: ""
        case .stop: "STP"
        case .version: "VER"
        case .deadMan: "SAF"
        case .setDeadMan(let seconds): "SAF\(seconds)"
        case .diameter: "DIA"
        case .setDiameter(let number): "DIA\(number)"
        case .direction: "DIR"
        case .setDirection: "DIRINF"
        case .selectPhase(let phase): "PHN\(phase)"
        case .function: "FUN"
        case .setFunction(_, let function): "FUN\(function)"
        case .dispensed: "DIS"
        case .clearDispensed: "CLDINF"
        case .target: "VOL"
        case .setTargetUnit(let unit): "VOL\(unit.rawValue)"
        case .setTarget(let number): "VOL\(number)"
        case .rate: "RAT"
        case .setRate(let rate, let namesUnit):
            "RAT\(rate.number)" + (namesUnit ? rate.unit.rawValue : "")
        case .run: "RUN"
        }
    }
}
