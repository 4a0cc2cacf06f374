import Quantities

/// Decides when the line to an external watchdog relay is toggled: only after a turn of the
/// rig's loop in which every checkpoint was passed, in order, and held; not sooner than a period
/// after the last edge; and never again by itself once the relay must have dropped.
///
/// A thread that hangs gives no edge; one that runs wild passes its checkpoints out of order, or
/// not all of them, and gives none either. Without I/O.
public struct HeartbeatGate: Equatable, Sendable {
    /// What every turn must pass, in this order.
    public enum Checkpoint: Int, CaseIterable, Sendable {
        /// The interlock inputs were read, or the rig is safe because they cannot be.
        case interlocks
        /// Every line had its turn.
        case lines
        /// The controller looked at its clocks; nothing is commanded where nothing must be.
        case control
        /// Every output has the level it shall have.
        case outputs
        /// No command is left behind.
        case commands
    }

    /// Healthy turns in a row before a relay that dropped may be picked up again.
    public static let healthyTurns = 10

    private let period: TimeSpan
    private let latest: TimeSpan
    /// The checkpoint that must come next; `allCases.count` when all were passed.
    private var expected = 0
    private var breach: String?
    private var healthy = 0
    private var lastEdge: Instant?
    /// When the last turn ended.
    private var endedAt = Instant.zero
    /// The level of the line.
    public private(set) var level = false
    /// The relay dropped, or was never picked up: edges begin again only at rest.
    public private(set) var hasDropped = true
    /// Why it gets no edges; nil when it does.
    public private(set) var failure: String?
    /// Edges given.
    public private(set) var edges = 0

    /// A gate with at least `period` between two edges, for a relay that drops without an edge
    /// for `latest`. `period` is longer than what the relay takes for too fast.
    public init(period: TimeSpan, latest: TimeSpan) {
        self.period = period
        self.latest = latest
    }

    /// When the next turn is wanted: when an edge is due, or, when one was due and withheld, a
    /// tenth of a period after the last turn.
    public var deadline: Instant {
        let due = lastEdge.map { $0 + period } ?? .zero
        let again = endedAt + TimeSpan(nanoseconds: max(period.nanoseconds / 10, 1_000_000))
        return due > endedAt ? due : again
    }

    /// A turn begins.
    public mutating func begin() {
        if expected != 0, breach == nil { breach = "a turn ended before its end" }
        if breach != nil { healthy = 0 }
        expected = 0
        breach = nil
    }

    /// The turn came to `checkpoint`, and what is checked there holds (or not).
    public mutating func pass(_ checkpoint: Checkpoint, holds: Bool = true) {
        if checkpoint.rawValue != expected {
            breach = breach ?? "checkpoint \(checkpoint) came out of order"
        } else {
            expected += 1
            if !holds { breach = breach ?? "checkpoint \(checkpoint) does not hold" }
        }
    }

    /// The turn ends at `now`. Returns the level the line gets now, nil when it keeps its level.
    /// `atRest`: nothing moves, so that power may come back.
    public mutating func end(atRest: Bool, at now: Instant) -> Bool? {
        endedAt = now
        if expected != Checkpoint.allCases.count { breach = breach ?? "checkpoints are missing" }
        let isHealthy = breach == nil
        healthy = isHealthy ? min(healthy + 1, Self.healthyTurns) : 0
        if !hasDropped, let lastEdge, now - lastEdge > latest {
            hasDropped = true
            healthy = 0
            failure = "no edge for \((now - lastEdge).inWords)" + (breach.map { ": \($0)" } ?? "")
        }
        expected = 0
        let reason = breach
        breach = nil
        guard isHealthy else {
            if hasDropped { failure = failure ?? reason }
            return nil
        }
        if hasDropped {
            guard atRest, healthy == Self.healthyTurns else { return nil }
            hasDropped = false
            failure = nil
        }
        if let lastEdge, now - lastEdge < period { return nil }
        lastEdge = now
        level.toggle()
        edges += 1
        return level
    }

    /// The line is gone: the relay gets no edges whatever is decided here.
    public mutating func lost(_ why: String) {
        hasDropped = true
        failure = why
        healthy = 0
    }
}
