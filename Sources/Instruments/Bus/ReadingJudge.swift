import Quantities

/// Turns what a channel says into a reading in the unit a configuration asks for, and refuses
/// what cannot be one. One for every sensor.
public struct ReadingJudge: Equatable, Sendable {
    /// What a judge must know of its sensor.
    public struct Rules: Equatable, Sendable {
        /// Value per unit of the chip…
        public var scale = 1.0
        /// …and what is added to it.
        public var offset = 0.0
        /// Values outside of this are none.
        public var range = -1e9...1e9
        /// Time after which a value that has not moved at all is none; zero: never.
        public var stuckAfter = TimeSpan.zero

        /// As the chip says it, and everything goes.
        public init() {}
    }

    /// A reading that passed, or the reason why it did not.
    public enum Verdict: Equatable, Sendable {
        /// The value, in the configured unit.
        case value(Double)
        /// No value.
        case none(SensorFault)
    }

    /// What it judges by.
    public let rules: Rules
    /// The last raw value, and since when it has been the very same.
    private var last: (raw: Double, since: Instant)?

    /// A judge that has seen nothing yet.
    public init(_ rules: Rules) { self.rules = rules }

    /// Judges `sample`, which must not be older than the one before.
    public mutating func judge(_ sample: SensorSample) -> Verdict {
        guard let raw = sample.value else {
            // What failed in between says nothing about whether the value would have moved, so
            // the clock of a stuck value runs on.
            return .none(sample.fault ?? .silent)
        }
        if let last, last.raw == raw {
            let isStuck = rules.stuckAfter > .zero && sample.at - last.since >= rules.stuckAfter
            if isStuck { return .none(.stuck) }
        } else {
            last = (raw, sample.at)
        }
        let value = raw * rules.scale + rules.offset
        guard value.isFinite, rules.range.contains(value) else { return .none(.implausible) }
        return .value(value)
    }

    /// Whether two judges have the same rules and have seen the same.
    public static func == (a: ReadingJudge, b: ReadingJudge) -> Bool {
        a.rules == b.rules && a.last?.raw == b.last?.raw && a.last?.since == b.last?.since
    }
}
