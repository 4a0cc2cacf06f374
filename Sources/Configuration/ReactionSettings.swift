import Quantities

/// `[[reaction]]`: what is done when something is wrong. What a row leaves out it takes from the
/// built-in row of the same hazard (`ReactionTable`).
public struct ReactionSettings: Equatable, Sendable {
    /// A limit with the unit it was written in.
    public struct Limit: Equatable, Sendable {
        /// In the unit of `measure`.
        public var value: Double
        /// What the unit measures.
        public var measure: Measure

        /// A limit.
        public init(_ value: Double, _ measure: Measure) {
            self.value = value
            self.measure = measure
        }
    }

    /// What is wrong.
    public var hazard = Hazard.interlock
    /// Whose: the name of an interlock, a sensor, a pump, or `spectrometer`. Empty: of all.
    public var subject = ""
    /// A value above this is wrong…
    public var above: Limit?
    /// …or below this.
    public var below: Limit?
    /// How long it must be wrong before it counts.
    public var delay: TimeSpan?
    /// The pumps whose flow passes the sensor; empty: all of them.
    public var pumps: [String] = []
    /// Flow or volume may be wrong by this share…
    public var tolerance: Double?
    /// …and by this much besides: a flow…
    public var slackFlow: FlowRate?
    /// …or a volume.
    public var slackVolume: Volume?
    /// Time that flow takes to follow a change of the commands.
    public var settle: TimeSpan?
    /// Time constant over which measured flow is smoothed.
    public var filter: TimeSpan?
    /// What is done; nil: what is built in.
    public var reactions: Reactions?
    /// Time of a ramp-down.
    public var rampTime: TimeSpan?
    /// Who lets the rig go on.
    public var release: Release?
    /// How long all must have been well before an automatic release.
    public var releaseAfter: TimeSpan?

    /// A row that says nothing yet.
    public init() {}

    /// A row for `hazard` of `subject`.
    public init(_ hazard: Hazard, of subject: String = "", do reactions: Reactions? = nil) {
        self.hazard = hazard
        self.subject = subject
        self.reactions = reactions
    }
}

/// What reactions need to know of a sensor: its name, what it measures, and when it is stale.
public struct WatchedSensor: Equatable, Sendable {
    /// Its name.
    public var name: String
    /// What its readings are.
    public var measure: Measure
    /// Age at which its last value says nothing any more.
    public var staleAfter: TimeSpan
}

extension Settings {
    /// What reactions know of the sensors, in their order.
    public var watchedSensors: [WatchedSensor] {
        sensors.map { sensor in
            WatchedSensor(
                name: sensor.name, measure: Measure(rawValue: sensor.measured.rawValue) ?? .voltage,
                staleAfter: sensor.staleAfter)
        }
    }
}
