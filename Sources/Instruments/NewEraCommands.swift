// What a New Era pump's questions look like on the wire (DEVICES 2.2, 2.5).
extension NewEraTalk {
    func title(_ ask: Ask) -> String {
        if case .flush = ask { return "CR" }
        let command = Self.command(ask)
        return command.isEmpty ? "status query" : command
    }

    func write(_ ask: Ask, into bytes: inout [UInt8]) -> Bool {
        if case .flush = ask {
            bytes.append(NewEraFraming.cr)
            return false
        }
        var packing = framing ?? .basic
        if case .probe(let framing) = ask { packing = framing }
        packing.pack(Self.command(ask), to: pump.address, into: &bytes)
        return true
    }

    /// In both framings, because nobody knows which the pump was left in. A CR before and after
    /// the packet: in Basic mode it ends what stands in the pump's buffer, in Safe mode it is no
    /// packet.
    mutating func stopBlindly(into bytes: inout [UInt8]) {
        let command = Self.command(.stop)
        bytes.append(NewEraFraming.cr)
        NewEraFraming.safe.pack(command, to: pump.address, into: &bytes)
        bytes.append(NewEraFraming.cr)
        NewEraFraming.basic.pack(command, to: pump.address, into: &bytes)
        // Whoever comes after an agent finds the framing that the agent has set: trying the other
        // first would cost the time of a missing reply, for each pump.
        trying = pump.framing
    }

    /// The command without its address; empty is the status query. None has more than 15 bytes,
    /// which a `String` holds in place.
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
