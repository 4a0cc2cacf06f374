/// A thing that can be wrong with a rig. The raw values are what a `[[reaction]]` says in `when`,
/// and what the log calls the fault.
public enum Hazard: String, CaseIterable, Sendable {
    /// An interlock line says danger.
    case interlock
    /// An interlock line cannot be read, or was not yet.
    case unreadable = "interlock-unreadable"
    /// A sensor's value is above or below a limit for some time, or it has no value.
    case outOfRange = "out-of-range"
    /// The same for a sensor of pressure.
    case pressure
    /// The same for a sensor of temperature.
    case temperature
    /// The same for a sensor that tells liquid where none should be.
    case leak
    /// A pump that should run, or a sensor, was not heard of for too long.
    case staleReading = "stale-reading"
    /// A flow sensor tells another flow than its pumps were told to give.
    case flowDeviation = "flow-deviation"
    /// Pumps say that they run, and next to nothing flows: a stall that the pump does not feel.
    case noFlow = "no-flow"
    /// Another volume was delivered than the pump's own counter, or the commands, say.
    case volumeDeviation = "volume-deviation"
    /// A pump stopped by itself.
    case pumpAlarm = "pump-alarm"
    /// Pumps did not take up their setpoints in time.
    case pumpDisobedient = "pump-disobedient"
    /// An instrument was not found since the start.
    case instrumentAbsent = "instrument-absent"
    /// An instrument that was ready does not answer any more, or its line is gone.
    case instrumentLost = "instrument-lost"
    /// No spectra while acquiring.
    case noSpectra = "no-spectra"
    /// Dark or reference could not be taken.
    case reference
    /// A step of the start sequence took too long.
    case stepTime = "step-time"
    /// Records cannot be written.
    case log
    /// The space for records is running out.
    case logBudget = "log-budget"
    /// The heartbeat that holds the pumps' relay cannot be given.
    case heartbeat
    /// The time of day jumped.
    case clockStep = "clock-step"

    /// What a `[[reaction]]` for it names in `of`.
    public enum Subject: Sendable {
        /// One of the interlocks.
        case interlock
        /// One of the sensors.
        case sensor
        /// One of the sensors of flow.
        case flowSensor
        /// One of the pumps.
        case pump
        /// A pump or a sensor.
        case pumpOrSensor
        /// A pump or a sensor of flow.
        case pumpOrFlowSensor
        /// A pump or the spectrometer.
        case instrument
        /// Nothing: there is one of it.
        case rig
    }

    /// What it can happen to.
    public var subject: Subject {
        switch self {
        case .interlock, .unreadable: .interlock
        case .outOfRange, .pressure, .temperature, .leak: .sensor
        case .flowDeviation, .noFlow: .flowSensor
        case .staleReading: .pumpOrSensor
        case .volumeDeviation: .pumpOrFlowSensor
        case .pumpAlarm: .pump
        case .instrumentAbsent, .instrumentLost: .instrument
        case .pumpDisobedient, .noSpectra, .reference, .stepTime, .log, .logBudget, .heartbeat,
            .clockStep:
            .rig
        }
    }

    /// Whether it is a limit to a sensor's value, which nobody but the person at the rig knows.
    public var isLimit: Bool { subject == .sensor }

    /// Whether it compares what flows with what was commanded.
    public var isFlow: Bool {
        self == .flowDeviation || self == .noFlow || self == .volumeDeviation
    }

    /// Whether somebody must look before it may be forgotten: the cause is not gone because it
    /// cannot be seen any more. A pump that stalled reads as fine as soon as it stands still.
    public var mustLatch: Bool {
        switch self {
        case .leak, .noFlow, .pumpAlarm, .pumpDisobedient, .instrumentLost, .volumeDeviation: true
        default: false
        }
    }

    /// Whether it may be told without anything being done: nothing moves wrongly because of it.
    public var mayBeReported: Bool { self == .logBudget || self == .clockStep }

    /// Whether it may last a while before it counts, which the row says in `for`.
    public var hasDelay: Bool {
        isLimit || isFlow || self == .interlock
    }
}

/// What is done against a hazard. Exactly one of `hold`, `rampDown` and `stopAll` belongs to every
/// reaction (none of them to `report`): whatever is wrong, no pump keeps running.
public struct Reactions: OptionSet, Equatable, Hashable, Sendable {
    /// One bit each.
    public let rawValue: UInt8

    /// Reactions from their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Pumps stop, the lamp stays as it is: the rig can go on soon.
    public static let hold = Reactions(rawValue: 1)
    /// Pumps slow down to a stop within a time, so that pressure falls gently.
    public static let rampDown = Reactions(rawValue: 2)
    /// Every pump stops at once; the start sequence begins anew afterwards.
    public static let stopAll = Reactions(rawValue: 4)
    /// Valves go to their safe position.
    public static let valvesSafe = Reactions(rawValue: 8)
    /// The lamp goes off.
    public static let lampOff = Reactions(rawValue: 16)
    /// Nothing is done; it is only told.
    public static let report = Reactions(rawValue: 32)

    /// Those of which every reaction has exactly one.
    public static let pumpReactions: Reactions = [.hold, .rampDown, .stopAll]
    /// What stands against a hazard unless a person says otherwise.
    public static let everything: Reactions = [.stopAll, .valvesSafe, .lampOff]

    /// The names in a configuration, in the order they are shown.
    public static let names: [(name: String, reaction: Reactions)] = [
        ("hold", .hold), ("ramp-down", .rampDown), ("stop-all", .stopAll),
        ("valves-safe", .valvesSafe), ("lamp-off", .lampOff), ("report", .report),
    ]

    /// The names of these reactions.
    public var list: [String] {
        Self.names.filter { contains($0.reaction) }.map(\.name)
    }
}

/// Who lets the rig go on after a hazard.
public enum Release: String, CaseIterable, Sendable {
    /// The rig itself, when all has been well for a time.
    case automatic
    /// A person, by `argent clear`.
    case `operator`
}
