/// What a New Era pump says: address, status, and data or an error (NE-1000 manual p. 33;
/// DEVICES 2.2).
struct NewEraReply: PumpReply, Equatable, Sendable {
    /// What the pump does.
    enum Status: Equatable, Sendable {
        case infusing, withdrawing, stopped, paused, timedPause, waiting, purging
        case alarm(PumpAlarm)
    }
    /// Why it did not do what it was told.
    enum Refusal: String, Equatable, Sendable {
        case notRecognized = "?"
        case notApplicable = "?NA"
        case outOfRange = "?OOR"
        case badPacket = "?COM"
        case ignored = "?IGN"

        /// The error for a person.
        var reason: String {
            switch self {
            case .notRecognized: "? (command not recognised)"
            case .notApplicable: "?NA (not applicable in its present state)"
            case .outOfRange: "?OOR (out of range for this syringe)"
            case .badPacket: "?COM (it received a bad packet)"
            case .ignored: "?IGN (ignored)"
            }
        }
    }

    var address: Int
    var status: Status
    /// The error, if the command failed.
    var refusal: Refusal?
    /// The data; empty for an error.
    var data: String
    var framing: NewEraFraming

    /// In Safe mode a pump reports alarms without being asked.
    var isNews: Bool {
        if case .alarm = status { return true }
        return false
    }

    /// The reply in `bytes` (what stands between STX and ETX, or the data of a Safe packet); nil
    /// if they do not follow the grammar.
    init?(_ bytes: ArraySlice<UInt8>, framing: NewEraFraming) {
        let start = bytes.startIndex
        guard bytes.count >= 3, let address = Self.address(bytes[start], bytes[start + 1]),
            bytes.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        self.address = address
        self.framing = framing
        data = ""
        if bytes[start + 2] == UInt8(ascii: "A") {
            guard bytes.count == 5, bytes[start + 3] == UInt8(ascii: "?"),
                let alarm = Self.alarm(bytes[start + 4])
            else { return nil }
            status = .alarm(alarm)
            return
        }
        guard let status = Self.prompt(bytes[start + 2]) else { return nil }
        self.status = status
        // Up to 15 bytes, and no more are asked for, a `String` holds in place.
        let text = String(decoding: bytes[(start + 3)...], as: UTF8.self)
        guard text.utf8.first == UInt8(ascii: "?") else {
            data = text
            return
        }
        guard let refusal = Refusal(rawValue: text) else { return nil }
        self.refusal = refusal
    }

    private static func address(_ tens: UInt8, _ ones: UInt8) -> Int? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard digits.contains(tens), digits.contains(ones) else { return nil }
        return Int(tens - digits.lowerBound) * 10 + Int(ones - digits.lowerBound)
    }

    private static func prompt(_ letter: UInt8) -> Status? {
        switch letter {
        case UInt8(ascii: "I"): .infusing
        case UInt8(ascii: "W"): .withdrawing
        case UInt8(ascii: "S"): .stopped
        case UInt8(ascii: "P"): .paused
        case UInt8(ascii: "T"): .timedPause
        case UInt8(ascii: "U"): .waiting
        case UInt8(ascii: "X"): .purging
        default: nil
        }
    }

    private static func alarm(_ letter: UInt8) -> PumpAlarm? {
        switch letter {
        case UInt8(ascii: "R"): .reset
        case UInt8(ascii: "S"): .stalled
        case UInt8(ascii: "T"): .deadMan
        case UInt8(ascii: "E"), UInt8(ascii: "O"): .program
        default: nil
        }
    }
}
