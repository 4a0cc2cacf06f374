import Quantities

/// A Pump 11 Elite written from the manual's grammar (DEVICES 1), as far as the driver's
/// questions go.
struct PlayedHarvard: PlayedPump {
    var address = 0
    var separator = ""
    var isPolling = false
    var prompt = ":"
    var flags = "i...i."
    var rate = "10 ul/min"
    var diameter = "14.4300 mm"
    var target = "Target volume not set"
    var force = "50%"
    var infusedFemtoliters = 0
    /// Commands that are answered with these two lines.
    var refuses: [String: [String]] = [:]
    var executed: [String] = []

    private var prefix: String { address == 0 ? "" : (address < 10 ? "0" : "") + "\(address)" }

    /// Lines, each after LF and before CR; then LF, address and prompt; then XON with polling.
    func pack(_ lines: [String]) -> [UInt8] {
        let head = prefix.isEmpty ? "" : prefix + ":"
        let text = lines.map { "\n\(head)\($0)\r" }.joined() + "\n\(prefix)\(prompt)"
        return Array(text.utf8) + (isPolling ? [0x11] : [])
    }

    mutating func reply(to bytes: [UInt8]) -> [UInt8] {
        guard bytes.last == 13 else { return [] }
        var command = String(decoding: bytes.dropLast(), as: UTF8.self)
        if !command.isEmpty {
            let head = prefix.isEmpty ? "" : prefix + separator
            guard command.hasPrefix(head) else { return [] }
            command.removeFirst(head.count)
            guard command.first?.isLetter == true else { return [] }
        }
        executed.append(command)
        if let lines = refuses[command] { return pack(lines) }
        let words = command.split(separator: " ", maxSplits: 1).map(String.init)
        return pack(execute(words.first ?? "", words.count > 1 ? words[1] : nil))
    }

    private mutating func execute(_ name: String, _ argument: String?) -> [String] {
        switch (name, argument) {
        case ("", _), ("civolume", _), ("cttime", _), ("nvram", _):
            if name == "civolume" { infusedFemtoliters = 0 }
        case ("poll", "on"): isPolling = true
        case ("poll", nil): return ["Polling mode is \(isPolling ? "ON" : "OFF")"]
        case ("ver", _): return [" 11 Elite 3.0.4"]
        case ("status", _): return ["1666666666 56000000 \(infusedFemtoliters) \(flags)"]
        case ("stop", _):
            prompt = ":"
            flags = "i...i."
        case ("irun", _):
            prompt = ">"
            flags = "I...i."
        case ("diameter", nil): return [diameter]
        case ("diameter", let value?): diameter = value + " mm"
        case ("force", nil): return [force]
        case ("force", let value?): force = value + "%"
        case ("ctvolume", _): target = "Target volume not set"
        case ("tvolume", nil): return [target]
        case ("tvolume", let value?): target = value
        case ("irate", nil): return [rate]
        case ("irate", let value?):
            // "100 u/m" is answered as "100 ul/min".
            rate = value.replacing("/m", with: "l/min")
        default: return ["Command error: ", "   Unknown command"]
        }
        return []
    }
}
