import Quantities

/// A New Era pump written from the manual's grammar (DEVICES 2), and only as much of it as the
/// driver's questions need. Framing and checksum are its own.
struct PlayedNewEra: PlayedPump {
    var address = 0
    var isSafe = false
    var pendingAlarm: Character?
    var state: Character = "S"
    var settings: [String: String] = [
        "DIA": "14.43", "DIR": "INF", "VER": "NE1000V3.923", "SAF": "0", "VOL": "0.000",
        "RAT": "10.00",
    ]
    var functions = ["1": "RAT", "2": "STP"]
    var phase = "1"
    var rateUnit = "MH"
    var volumeUnit = "ML"
    var dispensed = "0.000"
    /// Commands that are answered with an error.
    var refuses: [String: String] = [:]
    /// Every command that was executed.
    var executed: [String] = []

    /// CRC by long division of the message, bit by bit, with 16 zero bits behind it.
    static func remainder(_ message: [UInt8]) -> UInt16 {
        var register: UInt32 = 0
        for byte in message + [0, 0] {
            for bit in (0..<8).reversed() {
                register = register << 1 | UInt32(byte >> UInt8(bit) & 1)
                if register & 0x10000 != 0 { register ^= 0x11021 }
            }
        }
        return UInt16(register)
    }

    static func safe(_ text: String) -> [UInt8] {
        let crc = remainder(Array(text.utf8))
        return [2, UInt8(text.utf8.count + 4)] + Array(text.utf8)
            + [UInt8(crc >> 8), UInt8(crc & 255), 3]
    }
    static func basic(_ text: String) -> [UInt8] { [2] + Array(text.utf8) + [3] }

    private func pack(_ text: String) -> [UInt8] { isSafe ? Self.safe(text) : Self.basic(text) }

    private var prefix: String { (address < 10 ? "0" : "") + "\(address)" }

    mutating func reply(to bytes: [UInt8]) -> [UInt8] {
        guard var command = unpack(bytes) else { return [] }
        let digits = command.prefix { $0.isNumber }
        guard (Int(digits) ?? 0) == address else { return [] }
        command.removeFirst(digits.count)
        if let alarm = pendingAlarm {
            pendingAlarm = nil
            return pack("\(prefix)A?\(alarm)")
        }
        if let error = refuses[command] { return pack("\(prefix)\(state)\(error)") }
        executed.append(command)
        let data = execute(command)
        return pack("\(prefix)\(state)\(data)")
    }

    /// The command in `bytes`, if they are in the present framing.
    private func unpack(_ bytes: [UInt8]) -> String? {
        if isSafe {
            guard bytes.count >= 5, bytes[0] == 2, Int(bytes[1]) == bytes.count - 1 else {
                return nil
            }
            let text = String(decoding: bytes[2..<(bytes.count - 3)], as: UTF8.self)
            return Self.safe(text) == bytes ? text : nil
        }
        guard bytes.last == 13 else { return nil }
        return String(decoding: bytes.filter { $0 > 32 }, as: UTF8.self)
    }

    private mutating func execute(_ command: String) -> String {
        let name = String(command.prefix(3))
        let argument = String(command.dropFirst(3))
        switch name {
        case "": return ""
        case "RUN": state = "I"
        case "STP": state = state == "I" ? "P" : "S"
        case "DIS": return "I\(dispensed)W0.000\(volumeUnit)"
        case "PHN": phase = argument
        case "FUN":
            if argument.isEmpty { return functions[phase] ?? "RAT" }
            functions[phase] = argument
        case "VOL":
            if argument.isEmpty { return (settings["VOL"] ?? "") + volumeUnit }
            if argument == "UL" || argument == "ML" {
                volumeUnit = argument
            } else {
                settings["VOL"] = Self.pointed(argument)
            }
        case "RAT":
            if argument.isEmpty { return (settings["RAT"] ?? "") + rateUnit }
            let unit = argument.suffix(2)
            if unit.allSatisfy(\.isLetter) {
                guard state == "S" else { return "?NA" }
                rateUnit = String(unit)
                settings["RAT"] = Self.pointed(String(argument.dropLast(2)))
            } else {
                settings["RAT"] = Self.pointed(argument)
            }
        case "SAF" where !argument.isEmpty:
            settings["SAF"] = argument
            isSafe = argument != "0"
        default:
            if argument.isEmpty { return settings[name] ?? "?" }
            settings[name] = argument
        }
        return ""
    }

    /// Replies always have a decimal point (DEVICES 12).
    private static func pointed(_ number: String) -> String {
        number.contains(".") ? number : number + "."
    }
}
