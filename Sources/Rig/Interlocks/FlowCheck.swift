import Configuration
import Glibc
import Quantities

/// One row that compares what flows with what was commanded (`flow-deviation`, `no-flow`,
/// `volume-deviation`). It only ever judges; nothing is steered by a measured flow, so that a
/// silent sensor can never make a pump run harder.
struct FlowCheck: Sendable {
    /// What the check makes of the moment.
    enum Verdict: Equatable, Sendable {
        /// All is well.
        case fine
        /// Flow still follows a change: nothing can be said.
        case undecided
        /// The sensor says nothing.
        case missing
        /// `measured` (µL/min or µL) where `expected` was to be.
        case wrong(measured: Double, expected: Double)
    }

    let row: Int
    /// The sensor; nil for a pump's own counter.
    let sensor: Int?
    let pumps: [Int]
    private let hazard: Hazard
    private var tolerance: Double
    private var slack: Double
    private var settle: TimeSpan
    private var filter: TimeSpan
    /// Time by which a pump's counter may be behind: it is asked once a second or so, and
    /// the pump has its own ramp.
    static let counterDelay = TimeSpan.seconds(5)

    /// What was commanded last; not a number before the first look.
    private var expected = Double.nan
    private var judgesFrom = Instant.distantFuture
    private var smooth = Double.nan
    private var smoothAt = Instant.zero
    /// Since when volumes are added up; nil: they are not.
    private var countsFrom: Instant?
    private var addedAt = Instant.zero
    private var wanted = 0.0
    private var measured = 0.0
    private var counterAtStart = 0.0

    init(row: Int, _ settings: ReactionRow) {
        self.row = row
        hazard = settings.hazard
        sensor = settings.isSensor ? settings.index : nil
        pumps = settings.pumps
        tolerance = settings.tolerance
        slack = settings.slack
        settle = settings.settle
        filter = settings.filter
    }

    /// Judges by what `settings` permits from here on; what was measured stays.
    mutating func adopt(_ settings: ReactionRow) {
        tolerance = settings.tolerance
        slack = settings.slack
        settle = settings.settle
        filter = settings.filter
    }

    /// A good reading of the sensor.
    mutating func take(_ flow: Double, at now: Instant) {
        let span = (now - smoothAt).seconds
        let constant = filter.seconds
        if smooth.isFinite, constant > 0, span >= 0 {
            smooth += (flow - smooth) * -expm1(-span / constant)
        } else {
            smooth = flow
        }
        smoothAt = now
    }

    /// Judges the moment: `commanded` µL/min in all by the pumps of this row, which do
    /// (`obeyed`) as told or not yet; `flow` is the sensor's value now (NaN: none), `counter`
    /// what these pumps counted in all, µL (NaN: unknown).
    mutating func judge(
        commanded: Double, obeyed: Bool, flow: Double, counter: Double, at now: Instant
    ) -> Verdict {
        let isMissing = sensor != nil && !flow.isFinite
        if commanded != expected || !obeyed {
            expected = commanded
            judgesFrom = now + settle
            countsFrom = nil
        }
        if isMissing {
            // What is smoothed begins anew with the next value.
            smooth = .nan
            countsFrom = nil
            return .missing
        }
        return hazard == .volumeDeviation
            ? judgeVolume(flow, counter, at: now) : judgeFlow(at: now)
    }

    private func judgeFlow(at now: Instant) -> Verdict {
        guard now >= judgesFrom, smooth.isFinite else { return .undecided }
        let isWrong =
            hazard == .noFlow
            ? expected > slack && smooth < expected * (1 - tolerance)
            : abs(smooth - expected) > slack + tolerance * expected
        return isWrong ? .wrong(measured: smooth, expected: expected) : .fine
    }

    private mutating func judgeVolume(
        _ flow: Double, _ counter: Double, at now: Instant
    ) -> Verdict {
        guard expected > 0, counter.isFinite else {
            countsFrom = nil
            return .fine
        }
        // The pump needs its ramp and the tube its time before volumes are comparable.
        guard now >= judgesFrom else { return .undecided }
        guard countsFrom != nil else {
            countsFrom = now
            addedAt = now
            wanted = 0
            measured = 0
            counterAtStart = counter
            return .fine
        }
        let minutes = (now - addedAt).seconds / 60
        addedAt = now
        wanted += expected * minutes
        let counted = counter - counterAtStart
        let behind = expected * Self.counterDelay.seconds / 60
        if sensor != nil {
            measured += flow * minutes
            return compare(measured, with: counted, behind)
        }
        return compare(counted, with: wanted, behind)
    }

    private func compare(_ volume: Double, with other: Double, _ behind: Double) -> Verdict {
        abs(volume - other) > slack + tolerance * max(other, 0) + behind
            ? .wrong(measured: volume, expected: other) : .fine
    }
}
