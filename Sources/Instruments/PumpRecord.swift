import Quantities

/// What both dialects remember of one pump.
struct PumpRecord: Sendable {
    /// Exchanges that fail in a row before a pump counts as lost.
    static let silenceLimit = 5
    /// Refusals and disobediences, without reaching anything in between, before it does.
    static let refusalLimit = 5
    /// Failed exchanges of any kind, without reaching anything in between, before it does: a
    /// pump may answer every query and still never take a command.
    static let failureLimit = 15
    /// How often a lost pump is looked for.
    static let reconnectEvery = TimeSpan.seconds(2)

    /// The pump's name in events.
    let name: String
    var state = PumpState()
    /// Things that happened, to be reported by the line.
    var news: [InstrumentEvent.Kind] = []
    var goal = PumpGoal.stopped
    /// Nobody waits to hear of a goal nobody set.
    var isGoalReported = true
    /// It was lost and is not ready again.
    var isLost = false
    /// It is not looked for before.
    var retryAt = Instant.zero
    var counter = VolumeCounter()
    private(set) var silences = 0
    private(set) var refusals = 0
    private(set) var failures = 0
    /// The alarm nobody acknowledged yet; it outlives a lost connection.
    private var pending: PumpAlarm?

    /// Room for what happens in one exchange.
    private static let newsRoom = 16

    init(name: String) {
        self.name = name
        news.reserveCapacity(Self.newsRoom)
    }

    /// The line is open again: search at once, and anew.
    mutating func lineOpened(at now: Instant) {
        if state.link != .absent { isGoalReported = false }
        state.link = .absent
        state.actual = nil
        state.infused = nil
        isLost = false
        retryAt = now
        silences = 0
        forgive()
    }

    /// It answers, and is not configured (any more).
    mutating func connect() { state.link = pending.map { .alarmed($0) } ?? .connecting }

    /// The alarm was acknowledged. False: there was none.
    mutating func acknowledge() -> Bool {
        guard alarm != nil else { return false }
        pending = nil
        forgive()
        connect()
        return true
    }

    /// The alarm it stands still for.
    var alarm: PumpAlarm? {
        guard case .alarmed(let alarm) = state.link else { return nil }
        return alarm
    }

    /// It answered.
    mutating func answered(at now: Instant) {
        silences = 0
        state.heardAt = now
    }

    /// It got somewhere: earlier failures are forgiven.
    mutating func forgive() {
        refusals = 0
        failures = 0
    }

    /// Counts a failed exchange, and reports it unless it `isExpected`. True: the pump counts as
    /// lost.
    mutating func countFailure(_ error: InstrumentError, isExpected: Bool = false) -> Bool {
        if !isExpected, !(isLost && state.link == .absent) { news.append(.trouble(error)) }
        failures += 1
        switch error {
        case .refused, .disobeyed, .wrongDevice: refusals += 1
        default: silences += 1
        }
        // A lost pump gets one try per period, so that it does not hold up the others.
        return silences >= Self.silenceLimit || refusals >= Self.refusalLimit
            || failures >= Self.failureLimit || isLost && state.link == .absent
    }

    /// An alarm that will not go away counts like a refusal. True: the pump counts as lost.
    mutating func countAlarmAnswer() -> Bool {
        refusals += 1
        return refusals >= Self.refusalLimit
    }

    /// Nothing is known any more; look for it again after a while.
    mutating func lose(_ error: InstrumentError, at now: Instant) {
        if !isLost { news.append(.lost(error)) }
        isLost = true
        state.link = .absent
        state.actual = nil
        state.infused = nil
        state.identity = ""
        isGoalReported = false
        silences = 0
        forgive()
        retryAt = now + Self.reconnectEvery
    }

    /// It raised an alarm.
    mutating func raise(_ alarm: PumpAlarm, at now: Instant) {
        guard self.alarm == nil else { return }
        pending = alarm
        state.link = .alarmed(alarm)
        state.actual = .stopped
        state.confirmedAt = now
        isGoalReported = false
        news.append(.alarm(alarm))
    }

    /// It is configured and verified.
    mutating func becomeReady() {
        guard state.link == .connecting else { return }
        state.link = .ready
        isLost = false
        forgive()
        news.append(.ready)
    }

    /// Its own answers agree with the goal.
    mutating func reachGoal() {
        guard state.link == .ready else { return }
        forgive()
        guard !isGoalReported else { return }
        isGoalReported = true
        news.append(.goalReached(goal))
    }
}

/// Follows a volume counter that an instrument may clear at times of its own.
struct VolumeCounter: Sendable {
    /// Time by which two readings may have been made further apart than they arrived.
    static let slack = TimeSpan.seconds(1)
    /// Counters have four digits.
    static let rounding = 2e-3

    /// What passed since the first reading.
    private(set) var total = Volume.zero
    private var last: (volume: Volume, at: Instant)?
    /// A reading that the last one does not lead to.
    private var doubtful: (volume: Volume, at: Instant)?

    /// A reading. Smaller than the last while nothing runs: the counter was cleared in between.
    ///
    /// A line without checksums may change digits, and a run of which too much is believed to
    /// have passed would be left a target beyond its bound. So a reading that the running pump
    /// cannot have come to from the last one does not count (nil) before another one agrees
    /// with it. Returns the part of it, in microlitres, that cannot have passed in `run`.
    mutating func read(_ reading: Volume, during run: PumpRun?, at now: Instant) -> Double? {
        defer { if doubtful == nil { last = (reading, now) } }
        guard let last else { return 0 }
        let step = reading.microliters - last.volume.microliters
        guard let run, !run.hasEnded else {
            doubtful = nil
            total.microliters += step < 0 ? reading.microliters : step
            return 0
        }
        var leap = 0.0
        if !Self.leads(last, to: reading, run, at: now) {
            guard let before = doubtful, Self.leads(before, to: reading, run, at: now) else {
                doubtful = (reading, now)
                return nil
            }
            leap = max(step, 0)
        }
        doubtful = nil
        total.microliters += step
        return leap
    }

    private static func leads(
        _ old: (volume: Volume, at: Instant), to new: Volume, _ run: PumpRun, at now: Instant
    ) -> Bool {
        let step = new.microliters - old.volume.microliters
        let rounding = Self.rounding * max(new.microliters, old.volume.microliters)
        return step >= -rounding
            && step <= run.fastest.volume(in: now - old.at + slack).microliters + rounding
    }
}

/// A run the driver started.
struct PumpRun: Equatable, Sendable {
    /// Volume after which the pump ends the run itself.
    var target: Volume
    /// The counter's total when it started.
    var startTotal: Volume
    /// The fastest it was ever told to go.
    var fastest: FlowRate
    /// The pump said that it runs.
    var isConfirmed = false
    /// The pump stands still and was not told to.
    var hasEnded = false

    /// What it passed, in microlitres, when the counter's total is `total`.
    private func passed(_ total: Volume) -> Double {
        total.microliters - startTotal.microliters
    }

    /// The counter was read: `leap` of it cannot have passed in this run. False: more is left of
    /// the run than `goal` allows, as an earlier reading was wrong.
    mutating func counted(_ leap: Double, total: Volume, goal: PumpGoal) -> Bool {
        startTotal.microliters += leap
        guard case .infusing(_, let bound) = goal else { return true }
        return !exceeds(bound: bound, total: total)
    }

    /// Whether more is left of it than a goal with `bound` allows.
    func exceeds(bound: Volume, total: Volume) -> Bool {
        target.microliters - passed(total) > bound.microliters * 1.001
    }

    /// Whether this run can serve a goal with `bound`: it must not pass more than that, and not
    /// end before the share of it has passed that the goal is sure to get.
    func serves(bound: Volume, total: Volume) -> Bool {
        let left = target.microliters - passed(total)
        let sure = bound.microliters * PumpGoal.sureShare
        return !exceeds(bound: bound, total: total) && left >= sure
    }

    /// Why it ended, when `total` has passed; nil when it cannot have begun.
    func end(total: Volume) -> PumpAlarm? {
        // Counters have four digits and round down: 95 % of the target is the target.
        if passed(total) >= 0.95 * target.microliters { return .targetReached }
        return isConfirmed ? .stoppedByHand : nil
    }
}
