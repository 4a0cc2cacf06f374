import RunLog

extension Record.Body {
    /// The names of all records.
    public static let names = [
        "start", "configuration", "decision", "recipe", "setpoints", "readings", "droplet",
        "spectra", "condition end", "event", "fault", "operator action", "clock step", "stop",
        "spectra block",
    ]

    /// The record's name, as FORMAT.md has it.
    public var name: String {
        switch self {
        case .start: "start"
        case .configuration: "configuration"
        case .decision: "decision"
        case .recipe: "recipe"
        case .setpoints: "setpoints"
        case .readings: "readings"
        case .droplet: "droplet"
        case .spectra: "spectra"
        case .conditionEnd: "condition end"
        case .event: "event"
        case .fault: "fault"
        case .operatorAction: "operator action"
        case .clockStep: "clock step"
        case .stop: "stop"
        case .spectraBlock: "spectra block"
        }
    }
}
