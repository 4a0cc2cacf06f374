import Quantities
import Synchronization
import World

/// The parts of a turn of the rig's loop, in their order.
public enum RigStage: Int, CaseIterable, Sendable {
    /// Interlock inputs.
    case interlock
    /// Bytes from every line, and what they mean.
    case read
    /// The controller: faults, limits, the next step.
    case control
    /// Commands into bytes, and the bytes to the lines.
    case write
    /// Reports to the thread below, and its requests.
    case handOver

    /// Its name in `argent status`.
    public var name: String {
        switch self {
        case .interlock: "interlock"
        case .read: "read"
        case .control: "control"
        case .write: "write"
        case .handOver: "hand-over"
        }
    }

    /// What it may take on the board, at most; all of them fit into a turn of a millisecond with
    /// as much again to spare. One that takes longer is counted, and nothing else happens.
    public var budget: TimeSpan {
        switch self {
        case .interlock: .microseconds(30)
        case .read: .microseconds(150)
        case .control: .microseconds(100)
        case .write: .microseconds(150)
        case .handOver: .microseconds(50)
        }
    }
}

/// Measures the rig's loop while it runs: how late its turns begin, how long their parts take.
/// The rig thread notes, any thread reads.
package final class RigMeter: Sendable {
    /// How long after its time a turn of the schedule began.
    package let lateness = DurationHistogram()
    /// What each part took, in the order of `RigStage`.
    package let stages = RigStage.allCases.map { _ in DurationHistogram() }
    /// Turns of the schedule that were left out because an earlier one lasted too long.
    private let missedSlots = Atomic<Int>(0)
    private let allTurns = Atomic<Int>(0)

    package init() {}

    /// Turns left out so far.
    package var missed: Int { missedSlots.load(ordering: .relaxed) }
    /// Turns so far, those for input between two of the schedule too.
    package var turns: Int { allTurns.load(ordering: .relaxed) }

    /// A part of a turn took from `start` to `end`. Returns `end`, where the next one begins.
    func note(_ stage: RigStage, from start: Instant, to end: Instant) -> Instant {
        stages[stage.rawValue].note(end - start)
        return end
    }

    /// A turn is over.
    func noteTurn() { allTurns.store(turns + 1, ordering: .relaxed) }

    /// So many turns had to be left out.
    func noteMissed(_ slots: Int) { missedSlots.store(missed + slots, ordering: .relaxed) }

    /// Forgets everything; only while the rig thread rests.
    package func clear() {
        lateness.clear()
        for stage in stages { stage.clear() }
        missedSlots.store(0, ordering: .relaxed)
        allTurns.store(0, ordering: .relaxed)
    }
}

/// The absolute schedule of the rig's loop: turns at multiples of a period from its start. A turn
/// that comes late does not move the ones after it; those it runs over are left out and counted.
struct RigSchedule {
    let period: TimeSpan
    /// When the next turn is due.
    private(set) var next: Instant

    /// A schedule whose first turn is due one period (at least 1 µs) after `start`.
    init(period: TimeSpan, start: Instant) {
        self.period = max(period, .microseconds(1))
        next = start + self.period
    }

    /// The loop woke at `now`. Nil: no turn of the schedule is due, something arrived. Otherwise
    /// how late the turn is, and how many after it are past already.
    mutating func wake(at now: Instant) -> (lateness: TimeSpan, missed: Int)? {
        guard now >= next else { return nil }
        let lateness = now - next
        let missed = lateness.nanoseconds / period.nanoseconds
        next = next + period * (missed + 1)
        return (lateness, Int(missed))
    }
}

/// Missed turns are told at most this often, however many there are.
struct MissedTurnsNotice {
    static let every = TimeSpan.seconds(10)
    private var slots = 0
    private var worst = TimeSpan.zero
    private var toldAt: Instant?

    /// Notes turns left out, and says whether it is time to tell.
    mutating func note(_ missed: Int, lateness: TimeSpan) {
        slots += missed
        worst = max(worst, lateness)
    }

    /// What to tell at `now`, once; nil for nothing.
    mutating func take(at now: Instant) -> RigNews? {
        guard slots > 0 else { return nil }
        if let toldAt, now - toldAt < Self.every { return nil }
        defer { (slots, worst, toldAt) = (0, .zero, now) }
        return .missedTurns(count: slots, worst: worst)
    }
}
