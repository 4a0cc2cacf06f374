import Quantities

// What goals, alarms and failures change in what is known of a New Era pump.
extension NewEraTalk {
    mutating func lineOpened(at now: Instant) {
        forget()
        record.lineOpened(at: now)
    }

    mutating func lineClosed(at now: Instant) {
        forget()
        record.lose(.lineClosed, at: now)
    }

    /// Nothing is known of the pump any more.
    private mutating func forget() {
        framing = nil
        mustFlush = false
        forgetSettings()
    }

    /// Nothing is known of its settings any more; it still answers.
    mutating func forgetSettings() {
        status = nil
        known = Known()
        verifying = nil
        hasProgram = true
        run = nil
        mustRestart = false
        flyingFailures = 0
        isRateSent = false
        (isCountFresh, isCountCleared) = (false, false)
    }

    mutating func setGoal(_ goal: PumpGoal, at now: Instant) {
        record.goal = goal
        record.isGoalReported = false
        record.forgive()
        flyingFailures = 0
        // The pump's own word counts, and a fresh one.
        if run == nil || status != .infusing { status = nil }
        guard case .infusing(let rate, let bound) = goal else { return }
        if let run {
            mustRestart = !run.serves(bound: bound, total: record.counter.total)
            self.run?.fastest = max(run.fastest, rate)
        }
        let isSayable = NewEraRate.best(for: rate) != nil && NewEraVolume(bound) != nil
        if rate.microlitersPerMinute > 0, !isSayable {
            record.news.append(
                .trouble(
                    .refused(
                        command: "RAT, VOL",
                        reason: "rate or bound does not fit the pump's four digits; it stays"
                            + " stopped until it gets another goal", received: [])))
        }
    }

    mutating func acknowledgeAlarm(at now: Instant) {
        guard record.acknowledge() else { return }
        interruption = nil
        forgetSettings()
    }

    mutating func sent(_ ask: Ask, at now: Instant) {
        switch ask {
        case .flush: mustFlush = false
        case .stop:
            run = nil
            mustRestart = false
            isCountFresh = false
        case .run:
            guard let bound = known.target?.volume else { return }
            run = PumpRun(
                target: bound, startTotal: record.counter.total,
                fastest: known.rate?.rate ?? .zero)
        default: break
        }
    }

    mutating func overheard(_ reply: NewEraReply, at now: Instant) {
        guard case .alarm(let alarm) = reply.status else { return }
        _ = raise(alarm, command: "status query", at: now)
    }

    mutating func failed(_ ask: Ask, _ error: InstrumentError, at now: Instant) {
        // A stop that failed is repeated at once; anything else may have had any effect.
        status = ask == .stop ? status ?? .infusing : nil
        let isExpected = isFirstProbe(ask, error)
        switch ask {
        case .probe(let tried):
            // A Safe packet leaves bytes without CR in the buffer of a pump in Basic mode.
            mustFlush = tried == .safe
            trying = tried == .safe ? .basic : .safe
        case .setDeadMan:
            framing = nil
            trying = pump.framing
        case .setDiameter: known.diameter = nil
        case .setDirection: known.direction = nil
        case .selectPhase, .function, .setFunction: known.phase = nil
        case .setTarget, .setTargetUnit: known.target = nil
        case .setRate: failedRate(error)
        case .run: (known.rate, isRateSent) = (nil, false)
        default: break
        }
        if record.countFailure(error, isExpected: isExpected) { lose(error, at: now) }
    }

    /// A pump hears one of two framings: silence in the first one tried is nobody's trouble.
    private func isFirstProbe(_ ask: Ask, _ error: InstrumentError) -> Bool {
        guard case .probe = ask, record.failures == 0, case .noReply(_, let received) = error
        else { return false }
        return received.isEmpty
    }

    private mutating func failedRate(_ error: InstrumentError) {
        known.rate = nil
        isRateSent = false
        if run != nil, case .refused = error { mustRestart = true }
    }

    mutating func lose(_ error: InstrumentError, at now: Instant) {
        // A probe that failed has just chosen the next framing.
        if let framing { trying = framing }
        let flush = mustFlush
        forget()
        mustFlush = flush
        record.lose(error, at: now)
    }

    /// An alarm. False, for "no answer".
    mutating func raise(_ alarm: PumpAlarm, command: String, at now: Instant) -> Bool {
        let wasRunning = run != nil
        let isInterruption = alarm == .reset || alarm == .deadMan
        // It is cleared by having been told; an alarm that comes every time is a broken pump.
        if record.alarm == nil, !wasRunning, isInterruption, record.countAlarmAnswer() {
            lose(
                .refused(command: command, reason: "alarm \(alarm) does not clear", received: []),
                at: now)
            return false
        }
        forgetSettings()
        if isInterruption, !wasRunning, record.alarm == nil {
            interruption = alarm
            if framing != nil { record.connect() }
        } else {
            record.raise(alarm, at: now)
        }
        return false
    }
}
