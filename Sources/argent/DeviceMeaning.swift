import Agent
import Configuration

/// What `argent check` says of sensors, outputs and the heartbeat.
enum DeviceMeaning {
    /// One line each; empty where there are none.
    static func text(_ settings: Settings) -> String {
        var text = ""
        for sensor in settings.sensors {
            text += "  sensor \(sensor.name): \(sensor.measured.rawValue) in "
            text += "\(sensor.measured.unit) from \(sensor.chip.rawValue) "
            text += "\(sensor.channelName) at \(sensor.bus) \(hex(sensor.busAddress)), every "
            text += "\(short(sensor.period.milliseconds)) ms, stale after "
            text += "\(short(sensor.staleAfter.milliseconds)) ms\n"
        }
        for output in settings.outputs {
            let place = output.expander.isEmpty ? output.chipLabel : "expander \(output.expander)"
            text += "  \(output.kind.rawValue) \(output.name): \(place) \(output.line), "
            text += position(output)
            text += output.expander.isEmpty ? "\n" : "; FREEZES as it is when the board dies\n"
        }
        let heartbeat = settings.heartbeat
        if heartbeat.isPresent {
            text += "  heartbeat: \(heartbeat.chipLabel) \(heartbeat.line), an edge every "
            text += "\(short(heartbeat.period.milliseconds)) ms while all checks hold; the relay "
            text += "drops before \(short(heartbeat.earliest.milliseconds)) ms and after "
            text += "\(short(heartbeat.latest.milliseconds)) ms\n"
        }
        return text
    }

    private static func position(_ output: OutputSettings) -> String {
        let words = output.kind.hasPosition ? ("open", "closed") : ("on", "off")
        func word(_ isOn: Bool) -> String { isOn ? words.0 : words.1 }
        let when =
            switch output.rule {
            case .flowing: "\(words.0) while liquid flows"
            case .lit: "\(words.0) while the lamp is on"
            case .awake: "\(words.0) unless the rig is safe"
            case .never: "always \(words.1)"
            }
        return "\(when), safe \(word(output.isOnWhenSafe)), without power "
            + word(output.kind.hasPosition && output.normally == .open)
    }

    private static func hex(_ address: Int) -> String { "0x" + String(address, radix: 16) }
}
