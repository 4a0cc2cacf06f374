import Quantities

/// `[[output]]`: one line that the rig drives: a valve, the lamp, a shutter, an enable line.
public struct OutputSettings: Equatable, Sendable {
    /// What hangs on it.
    public enum Kind: String, CaseIterable, Sendable {
        /// A valve: open or closed.
        case valve
        /// A lamp: on or off.
        case lamp
        /// A shutter before the lamp or the detector: open or closed.
        case shutter
        /// Power or permission for something: on or off.
        case enable

        /// Whether it stands in one of two positions when it has no power.
        public var hasPosition: Bool { self == .valve || self == .shutter }
    }

    /// Position of a valve or shutter without power.
    public enum Normally: String, CaseIterable, Sendable {
        /// Closed without power.
        case closed
        /// Open without power.
        case open
    }

    /// When a valve or shutter is open, and a lamp or enable line on. In the safe state the line
    /// has its safe level whatever is said here.
    public enum Rule: String, CaseIterable, Sendable {
        /// While liquid may flow: priming, references, conditions.
        case flowing
        /// While the spectrometer's plan has the lamp on.
        case lit
        /// Always but in the safe state.
        case awake
        /// Never.
        case never
    }

    /// Name for people and for interlocks.
    public var name: String
    /// What hangs on it.
    public var kind = Kind.valve
    /// Label of the GPIO chip, e.g. `pinctrl-rp1`; empty on an expander.
    public var chipLabel = ""
    /// Name of the expander; empty for a line of the board.
    public var expander = ""
    /// Name of the line on that chip, or its offset as digits; A0 … B7 on an expander.
    public var line = ""
    /// Electrical low is the level that gives power.
    public var activeLow = false
    /// Position without power (valves and shutters).
    public var normally = Normally.closed
    /// Whether it has power in the safe state. What has power there loses it when the process
    /// dies.
    public var safePowered = false
    /// When it is open or on.
    public var rule = Rule.flowing
    /// Said by a person: whatever level it has when the board dies, it may keep it for ever.
    /// Needed on an expander, which has no watchdog.
    public var frozenIsSafe = false

    /// An output with the documented defaults.
    public init(name: String) { self.name = name }

    /// Whether the line gives power when the thing is to be open or on.
    public func isPowered(on: Bool) -> Bool {
        kind.hasPosition && normally == .open ? !on : on
    }

    /// Whether the thing is open or on in the safe state.
    public var isOnWhenSafe: Bool { isPowered(on: safePowered) }
}

/// `[[expander]]`: an MCP23017 with sixteen more output lines. It has no watchdog: when the board
/// dies, every line of it keeps its level, for as long as it has power.
public struct ExpanderSettings: Equatable, Sendable {
    /// Name, by which outputs refer to it.
    public var name: String
    /// Device path of the bus.
    public var bus = "/dev/i2c-1"
    /// Address on the bus, 0x20 … 0x27.
    public var address = 0x20
    /// How often its registers are compared with what was written.
    public var period = TimeSpan.milliseconds(250)
    /// Age at which the last good comparison says nothing any more.
    public var staleAfter = TimeSpan.seconds(2)

    /// An expander with the documented defaults.
    public init(name: String) { self.name = name }

    /// The names of its lines, in the order of the register bits.
    public static let lines: [String] = ["A", "B"].flatMap { port in
        (0..<8).map { "\(port)\($0)" }
    }
}

/// `[heartbeat]`: a line toggled by the rig's loop, and only while all its own checks hold in
/// order; an external watchdog relay cuts the power of what is dangerous when the edges come too
/// fast, too slowly or not at all.
public struct HeartbeatSettings: Equatable, Sendable {
    /// Label of the GPIO chip; empty: there is no such relay.
    public var chipLabel = ""
    /// Name of the line on that chip, or its offset as digits.
    public var line = ""
    /// Time between two edges.
    public var period = TimeSpan.milliseconds(100)
    /// The relay drops when an edge comes sooner than this after the last one; so the loop never
    /// does that.
    public var earliest = TimeSpan.milliseconds(50)
    /// The relay drops when no edge comes for this long.
    public var latest = TimeSpan.milliseconds(400)

    /// The documented defaults: no relay.
    public init() {}

    /// Whether there is a relay.
    public var isPresent: Bool { !chipLabel.isEmpty }
}

/// What a pump of the dialect `stepper` is made of: a stepper driver with step, direction and
/// enable inputs on lines of the GPIO chip that the pump's `port` names by its label.
public struct StepperSettings: Equatable, Sendable {
    /// Name of the line that steps at its rising edge, or its offset as digits.
    public var stepLine = ""
    /// Name of the line that gives the direction.
    public var directionLine = ""
    /// Name of the line that lets current into the motor.
    public var enableLine = ""
    /// The driver is enabled by electrical low, as most are.
    public var enableActiveLow = true
    /// A high direction line withdraws.
    public var directionReversed = false
    /// Steps (of the driver, microsteps included) that push out one microlitre.
    public var stepsPerMicroliter = 0.0
    /// Fastest rate of steps, 1/s.
    public var maximumStepRate = 2_000.0
    /// Rate of steps the motor takes up at once and stops from at once, 1/s.
    public var startStepRate = 100.0
    /// Time of the ramp from standstill to the fastest rate; its slope holds for all ramps.
    public var ramp = TimeSpan.milliseconds(500)

    /// The documented defaults; the lines and `stepsPerMicroliter` have none.
    public init() {}
}
