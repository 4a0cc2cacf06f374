import Quantities

/// The host's end of one serial line, as a machine without I/O: bytes and time go in, bytes and
/// events come out. Several instruments may share a line (pump chains); the machine keeps their
/// conversations apart, one exchange at a time.
///
/// The owner's duties, in this order at every turn:
/// 1. `receive` what arrived, then `advance(to:)` when `deadline` has come;
/// 2. write `output` to the line and empty what was written; set the line to `baud` when it
///    changed (only after all output before the change has left);
/// 3. take `events`.
public protocol LineMachine {
    /// Bytes to put on the line, oldest first. The owner removes what it has written.
    var output: [UInt8] { get set }
    /// What happened, oldest first. The owner empties it. Bounded by the machine.
    var events: [InstrumentEvent] { get set }
    /// The speed the line must have now, in bits per second.
    var baud: Int { get }
    /// When `advance` must be called next; `.distantFuture` for never.
    var deadline: Instant { get }

    /// The line is open (again): identify and configure from the beginning.
    mutating func lineOpened(at now: Instant)
    /// The line is gone: everything known about the instruments is stale from now on.
    mutating func lineClosed(at now: Instant)
    /// The line cannot be opened: whoever waits for its instruments is told that they are lost.
    mutating func lineMissing(at now: Instant)
    /// Bytes arrived, in any portions.
    mutating func receive(_ bytes: ArraySlice<UInt8>, at now: Instant)
    /// Time passed: timeouts, heartbeats, polls.
    mutating func advance(to now: Instant)

    /// The first `count` bytes of `output` were written.
    mutating func removeOutput(_ count: Int)
    /// Moves the events into `events`; both keep the room they have.
    mutating func takeEvents(into events: inout [InstrumentEvent])
}

extension LineMachine {
    /// The first `count` bytes of `output` were written.
    public mutating func removeOutput(_ count: Int) {
        output.removeFirst(min(max(count, 0), output.count))
    }
    /// Moves the events into `events`.
    public mutating func takeEvents(into events: inout [InstrumentEvent]) {
        guard !self.events.isEmpty else { return }
        events.append(contentsOf: self.events)
        self.events.removeAll(keepingCapacity: true)
    }
}

/// The host's end of a line with one or more syringe pumps on it.
public protocol PumpLine: LineMachine {
    /// How many pumps share the line; pumps are addressed by index, in configuration order.
    var pumpCount: Int { get }
    /// What is known of pump `index` now.
    func pump(_ index: Int) -> PumpState
    /// What pump `index` shall do. Replaces the previous goal; a stop overtakes every other
    /// exchange that is not yet on the wire. The machine repeats commands until the pump's own
    /// answers agree with the goal, and reports `goalReached` or `lost`.
    mutating func setGoal(_ goal: PumpGoal, pump index: Int, at now: Instant)
    /// Whenever the line is opened from now on, every pump on it is told to stop at once, all of
    /// them before any is asked for anything: their replies collide and are not looked at.
    mutating func stopFirst()
    /// The person at the rig looked at the pump's alarm: try again from the beginning.
    mutating func acknowledgeAlarm(pump index: Int, at now: Instant)
}

/// What a pump shall do.
public enum PumpGoal: Equatable, Sendable {
    /// Stand still.
    case stopped
    /// Infuse at `rate`; the device itself must end the run after `bound` even if nobody speaks
    /// to it again (where it can: target volume; where it has a dead-man timer, that as well).
    case infusing(rate: FlowRate, bound: Volume)

    /// Share of its bound that a goal is sure to get: a pump that runs already goes on with what is
    /// left of its run's target when that is no less. Ask for so much more than is needed.
    public static let sureShare = 0.8
}

/// What is known of a pump.
public struct PumpState: Equatable, Sendable {
    /// Where the conversation stands.
    public enum Link: Equatable, Sendable {
        /// No line, or no answer yet.
        case absent
        /// Being identified and configured.
        case connecting
        /// Configured, verified, obeying.
        case ready
        /// Answers, but refuses to work until its alarm is acknowledged.
        case alarmed(PumpAlarm)
    }
    /// Where the conversation stands.
    public var link: Link
    /// What the pump itself last said it does; nil while unknown.
    public var actual: PumpGoal?
    /// When `actual` was last confirmed by the pump.
    public var confirmedAt: Instant
    /// When it last gave a useful answer to anything.
    public var heardAt: Instant
    /// Volume infused since the driver connected, as the pump counts it; nil while unknown.
    public var infused: Volume?
    /// Model and firmware as the pump tells it; empty while unknown.
    public var identity: String

    /// A pump of which nothing is known.
    public init() {
        link = .absent
        actual = nil
        confirmedAt = .zero
        heardAt = .zero
        infused = nil
        identity = ""
    }
}

/// A condition in which a pump stands still by itself.
public enum PumpAlarm: String, Equatable, Sendable {
    /// It was power-cycled: whatever ran, runs no more.
    case reset
    /// The motor stalled.
    case stalled
    /// Its dead-man timer ran out: the host was silent for too long.
    case deadMan = "dead-man"
    /// Its stored program is invalid.
    case program
    /// It reached its target volume or time before it was told to stop.
    case targetReached = "target-reached"
    /// A limit switch.
    case limitSwitch = "limit-switch"
    /// It stopped before its target although nobody told it to over the line: somebody used its
    /// own keys.
    case stoppedByHand = "stopped-by-hand"
}

/// Something an instrument did or failed to do.
public struct InstrumentEvent: Equatable, Sendable {
    /// What kind of thing happened.
    public enum Kind: Equatable, Sendable {
        /// The instrument told who it is.
        case identified(String)
        /// It is configured, verified and ready.
        case ready
        /// The pump's own answers agree with this goal.
        case goalReached(PumpGoal)
        /// The pump raised an alarm and stands still.
        case alarm(PumpAlarm)
        /// One exchange failed and was, or will be, repeated.
        case trouble(InstrumentError)
        /// The instrument does not answer usefully any more. The machine keeps trying to
        /// reconnect; until `ready` nothing is known of it.
        case lost(InstrumentError)
        /// A spectrum arrived.
        case frame(SpectrometerFrame)
        /// A spectrum was asked for and did not arrive; the next may.
        case frameMissed(InstrumentError)
    }
    /// The instrument's name in the configuration.
    public var instrument: String
    /// When it was noticed.
    public var at: Instant
    /// What happened.
    public var kind: Kind

    /// An event of `instrument` at `at`.
    public init(instrument: String, at: Instant, kind: Kind) {
        self.instrument = instrument
        self.at = at
        self.kind = kind
    }
}

/// Why an exchange with an instrument failed. `bytes` are what was on the wire, for the person
/// who has to find out why.
public enum InstrumentError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nothing, or not all of it, came back in time.
    case noReply(command: String, received: [UInt8])
    /// What came back does not parse, or its checksum is wrong.
    case garbled(command: String, received: [UInt8], why: String)
    /// The reply carries another instrument's address.
    case wrongAddress(expected: Int, received: [UInt8])
    /// The instrument understood and refused.
    case refused(command: String, reason: String, received: [UInt8])
    /// The instrument said yes, but a query says otherwise.
    case disobeyed(command: String, expected: String, received: [UInt8])
    /// It answers in another dialect or is another model than configured.
    case wrongDevice(expected: String, received: [UInt8])
    /// The line went away.
    case lineClosed

    /// What went wrong, in one line, with the bytes on the wire.
    public var description: String {
        switch self {
        case .noReply(let command, let received):
            "no complete reply to \(command)\(Self.wire(received))"
        case .garbled(let command, let received, let why):
            "garbled reply to \(command): \(why)\(Self.wire(received))"
        case .wrongAddress(let expected, let received):
            "reply from another address than \(expected)\(Self.wire(received))"
        case .refused(let command, let reason, let received):
            "refused \(command): \(reason)\(Self.wire(received))"
        case .disobeyed(let command, let expected, let received):
            "accepted \(command) but does not report \(expected)\(Self.wire(received))"
        case .wrongDevice(let expected, let received):
            "not a \(expected)\(Self.wire(received))"
        case .lineClosed: "the line is closed"
        }
    }

    /// At most 24 bytes in hexadecimal, as on the wire.
    private static func wire(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return " (no bytes)" }
        let shown = bytes.prefix(24).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return " (bytes \(shown.joined(separator: " "))\(bytes.count > 24 ? " …" : ""))"
    }
}
