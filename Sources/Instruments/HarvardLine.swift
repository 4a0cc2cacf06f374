import Quantities

/// The host's end of a line with Harvard-family syringe pumps: Pump 11 Elite, KD Scientific
/// Legato, PHD ULTRA (Elite manual pub. 5420-002 pp. 52-58; DEVICES 1 and 12).
///
/// `poll on` comes first: then every reply ends in XON. Every pump is identified (`ver`),
/// stopped, and given its syringe diameter and, if configured, its force; whatever is written is
/// read back. `status` is asked for every `statusEvery`, as a sign of life, for the delivered
/// volume and for stalls.
///
/// These pumps have no dead-man timer. What bounds a run when the host falls silent is the
/// target volume alone (`tvolume`), set from the goal's bound and verified before every start: a
/// short bound, renewed with a new goal, is the only protection there is. A goal that changes the
/// rate of a running pump is met on the fly (`irate`) only while what is left of the run's target
/// is between 80 % of the new bound and the new bound; otherwise the pump is stopped and started
/// anew. A rate of zero or less means standing still.
///
/// A lost pump is looked for every two seconds, and its goal is pursued again, with its full
/// bound, once it is ready: whoever does not want that sets another goal.
public struct HarvardLine: PumpLine {
    /// One pump on the line.
    public struct Pump: Equatable, Sendable {
        /// Its name in events.
        public var name: String
        /// Its address, 0…99; the pump wired to the host has 0.
        public var address: Int
        /// Its family, which decides the units of `status` and the address separator.
        public var model: HarvardModel
        /// Inner diameter of its syringe.
        public var syringeDiameter: Length
        /// Infusion force in percent, 1…100; nil leaves what the pump has.
        public var force: Int?
        /// Whether to send `nvram off`, so that rates do not wear the memory. The command is
        /// documented for the Elite only.
        public var sparesMemory: Bool

        /// A pump `name` at `address` with a syringe of `syringeDiameter`.
        public init(
            name: String, address: Int, model: HarvardModel, syringeDiameter: Length,
            force: Int? = nil, sparesMemory: Bool = false
        ) {
            self.name = name
            self.address = address
            self.model = model
            self.syringeDiameter = syringeDiameter
            self.force = force
            self.sparesMemory = sparesMemory
        }
    }

    private(set) var core: PumpLineCore<HarvardTalk>
    /// The line's speed, in bits per second; it never changes.
    public let baud: Int

    /// A closed line with `pumps` (their addresses must differ) at `baud` bit/s. `replyTimeout`
    /// is how long a whole reply may take.
    public init(
        pumps: [Pump], baud: Int = 115_200, replyTimeout: TimeSpan = .milliseconds(500),
        statusEvery: TimeSpan = .seconds(1)
    ) {
        self.baud = baud
        core = PumpLineCore(
            talks: pumps.map { HarvardTalk($0, statusEvery: statusEvery) },
            timing: ExchangeTiming(replyTimeout: replyTimeout, baud: baud))
    }

    /// Bytes to put on the line, oldest first; the owner removes what it has written.
    public var output: [UInt8] {
        get { core.output }
        set { core.output = newValue }
    }
    /// What happened, oldest first, at most 256; the owner empties it.
    public var events: [InstrumentEvent] {
        get { core.events }
        set { core.events = newValue }
    }
    /// When `advance` must be called next.
    public var deadline: Instant { core.deadline }
    /// How many pumps share the line.
    public var pumpCount: Int { core.talks.count }

    /// What is known of pump `index`; an empty state for an index that does not exist.
    public func pump(_ index: Int) -> PumpState { core.state(index) }

    /// What pump `index` shall do; nothing happens for an index that does not exist.
    public mutating func setGoal(_ goal: PumpGoal, pump index: Int, at now: Instant) {
        core.setGoal(goal, pump: index, at: now)
    }
    /// Configures an alarmed pump anew and pursues its goal again.
    public mutating func acknowledgeAlarm(pump index: Int, at now: Instant) {
        core.acknowledgeAlarm(pump: index, at: now)
    }
    /// The line is open: after a short silence the pumps are looked for.
    public mutating func lineOpened(at now: Instant) { core.lineOpened(at: now) }
    /// Every pump is told to stop as soon as the line is open, before any is asked anything.
    public mutating func stopFirst() { core.stopsFirst = true }
    /// The line is gone, and with it all that was known of the pumps.
    public mutating func lineClosed(at now: Instant) { core.lineClosed(at: now) }
    /// The line cannot be opened: every pump on it is lost.
    public mutating func lineMissing(at now: Instant) { core.lineMissing(at: now) }
    /// The first `count` bytes of `output` were written.
    public mutating func removeOutput(_ count: Int) { core.removeOutput(count) }
    /// Moves the events into `events`; both keep the room they have.
    public mutating func takeEvents(into events: inout [InstrumentEvent]) {
        core.takeEvents(into: &events)
    }
    /// Bytes arrived, in any portions.
    public mutating func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) {
        core.receive(bytes, at: now)
    }
    /// Time passed: timeouts, heartbeats, polls.
    public mutating func advance(to now: Instant) { core.advance(to: now) }
}
