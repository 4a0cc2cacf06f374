import Quantities

/// The host's end of a line with New Era syringe pumps (NE-1000, NE-1010, NE-500 and their kin;
/// NE-1000 manual pub. 1200-01 p. 33-34, NE-500 manual pub. 1200-03 p. 7; DEVICES 2 and 12).
///
/// Every pump is found in whichever framing it presently has, identified (`VER`), stopped,
/// put into the configured framing, and given its syringe diameter, direction and a program that
/// ends after phase 1. Whatever is written is read back; what already agrees is not written,
/// because writes wear the pump's memory. In Safe framing the pump's own dead-man timer (`SAFn`)
/// is armed and fed with status queries at a third of its time.
///
/// A goal `.infusing(rate, bound)` becomes a target volume (`VOL`), so that the pump ends the run
/// itself. The bound counts from the start of the run: a goal that changes the rate of a running
/// pump is met on the fly only while what is left of the run's target is between 80 % of the new
/// bound and the new bound; otherwise the pump is stopped and started anew, which takes about ten
/// exchanges. A rate of zero or less means standing still.
///
/// `reset` and `deadMan` found on a pump that this driver had not started are no alarms: they are
/// named in the `identified` event, and the pump is configured again. A lost pump is looked for
/// every two seconds (not while the search could starve another pump's dead-man timer), and its
/// goal is pursued again, with its full bound, once it is ready: whoever does not want that sets
/// another goal.
public struct NewEraLine: PumpLine {
    /// One pump on the line.
    public struct Pump: Equatable, Sendable {
        /// Its name in events.
        public var name: String
        /// Its address, 0…99.
        public var address: Int
        /// The framing it shall use; Safe arms its dead-man timer.
        public var framing: NewEraFraming
        /// Safe framing only: it stops by itself after this much silence; whole seconds from 1
        /// to 255 are used, fractions are dropped.
        public var deadMan: TimeSpan
        /// Inner diameter of its syringe; 0.1…50 mm by the manual.
        public var syringeDiameter: Length

        /// A pump `name` at `address` with a syringe of `syringeDiameter`.
        public init(
            name: String, address: Int, framing: NewEraFraming = .safe,
            deadMan: TimeSpan = .seconds(5), syringeDiameter: Length
        ) {
            self.name = name
            self.address = address
            self.framing = framing
            self.deadMan = deadMan
            self.syringeDiameter = syringeDiameter
        }
    }

    private(set) var core: PumpLineCore<NewEraTalk>
    /// The line's speed, in bits per second; it never changes.
    public let baud: Int

    /// A closed line with `pumps` (their addresses must differ) at `baud` bit/s. `replyTimeout`
    /// is how long a whole reply may take; `volumeEvery`, how often a running pump is asked for
    /// its dispensed volume.
    public init(
        pumps: [Pump], baud: Int = 19_200, replyTimeout: TimeSpan = .milliseconds(500),
        volumeEvery: TimeSpan = .seconds(1)
    ) {
        self.baud = baud
        core = PumpLineCore(
            talks: pumps.map { NewEraTalk($0, volumeEvery: volumeEvery) },
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
