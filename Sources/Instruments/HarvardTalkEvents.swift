import Quantities

// What goals, alarms and failures change in what is known of a Harvard pump.
extension HarvardTalk {
    mutating func lineOpened(at now: Instant) {
        forget()
        record.lineOpened(at: now)
    }

    mutating func lineClosed(at now: Instant) {
        lose(.lineClosed, at: now)
    }

    mutating func lose(_ error: InstrumentError, at now: Instant) {
        forget()
        record.lose(error, at: now)
    }

    /// Nothing is known of the pump any more.
    mutating func forget() {
        done = Done()
        forgetSettings()
    }

    mutating func forgetSettings() {
        motor = nil
        known = Known()
        prepared = Prepared()
        verifying = nil
        run = nil
        mustRestart = false
        flyingFailures = 0
        isCountFresh = false
    }

    mutating func setGoal(_ goal: PumpGoal, at now: Instant) {
        record.goal = goal
        record.isGoalReported = false
        record.forgive()
        flyingFailures = 0
        prepared = Prepared()
        // The pump's own word counts, and a fresh one.
        if run == nil || motor != .infusing { motor = nil }
        guard case .infusing(let rate, let bound) = goal else { return }
        if let run {
            mustRestart = !run.serves(bound: bound, total: record.counter.total)
            self.run?.fastest = max(run.fastest, rate)
        }
        let isSayable = HarvardUnits.argument(rate) != nil && HarvardUnits.argument(bound) != nil
        if rate.microlitersPerMinute > 0, !isSayable {
            record.news.append(
                .trouble(
                    .refused(
                        command: "irate, tvolume",
                        reason: "rate or bound is beyond what can be said; it stays stopped"
                            + " until it gets another goal", received: [])))
        }
    }

    mutating func acknowledgeAlarm(at now: Instant) {
        guard record.acknowledge() else { return }
        forget()
        record.retryAt = now
    }

    mutating func sent(_ ask: Ask, at now: Instant) {
        switch ask {
        case .wake: done.wake = true
        case .pollOn: done.pollOn = true
        case .stop:
            run = nil
            mustRestart = false
            isCountFresh = false
            prepared = Prepared()
        case .run:
            guard let target = known.target else { return }
            run = PumpRun(
                target: target, startTotal: record.counter.total, fastest: known.rate ?? .zero)
        default: break
        }
    }

    mutating func overheard(_ reply: HarvardReply, at now: Instant) {
        guard let alarm = reply.prompt.alarm else { return }
        _ = isNews(alarm, at: now)
    }

    mutating func failed(_ ask: Ask, _ error: InstrumentError, at now: Instant) {
        motor = nil
        var isUnacknowledged = false
        if case .noReply(_, let received) = error { isUnacknowledged = received.isEmpty }
        switch ask {
        case .polling where record.state.link == .ready:
            // Polling is on from the first command to a power cut.
            if Self.wholeReply(error)?.text == "Polling mode is OFF" { restarted(at: now) }
        case .polling: done = Done()
        case .setDiameter: known.diameter = nil
        case .setForce: known.force = nil
        case .setTarget: known.target = nil
        case .run: (known.rate, prepared.rate) = (nil, false)
        case .setRate:
            known.rate = nil
            prepared.rate = isUnacknowledged
            if run != nil, case .refused = error { mustRestart = true }
        case .stop, .clearTarget, .clearVolume, .clearTargetTime, .leaveMemory:
            // In a chain some pumps do what they are told and do not say so (DEVICES 10, 2):
            // what comes next shows whether they did.
            if isUnacknowledged { acknowledged(ask, wasHeard: false) }
        default: break
        }
        // All but the XON arrived: lost on the way, or polling is off. Ask which.
        if record.state.link == .ready, Self.wholeReply(error) != nil { done.polling = false }
        if record.countFailure(error) { lose(error, at: now) }
    }

    /// The reply without XON in what arrived, if there is one.
    private static func wholeReply(_ error: InstrumentError) -> HarvardReply? {
        guard case .noReply(_, let received) = error else { return nil }
        return HarvardReply(received)
    }

    /// The pump lost its polling mode, so its power was interrupted: whatever ran, runs no more.
    private mutating func restarted(at now: Instant) {
        let wasRunning = run != nil
        forget()
        record.retryAt = now
        if wasRunning { record.raise(.reset, at: now) } else { record.connect() }
    }

    /// Raises `alarm` if it says something new. A target that was reached, or a limit, in a run
    /// of which nothing is known any more says nothing; a stall does, once `stop` had its chance
    /// to clear it.
    mutating func isNews(_ alarm: PumpAlarm, at now: Instant) -> Bool {
        guard record.alarm == nil, alarm == .stalled ? done.stop : run != nil else { return false }
        forgetSettings()
        record.raise(alarm, at: now)
        return true
    }
}
