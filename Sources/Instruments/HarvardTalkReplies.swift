import Quantities

// What a Harvard pump's replies change in what is known of it.
extension HarvardTalk {
    mutating func heard(
        _ reply: HarvardReply, to ask: Ask, bytes: [UInt8], at now: Instant
    ) throws(InstrumentError) -> Bool {
        record.answered(at: now)
        // An answer to `stop` still shows what was before it on some models.
        if ask != .stop, let alarm = reply.prompt.alarm, isNews(alarm, at: now) { return false }
        note(reply.prompt, at: now)
        if let reason = reply.refusal {
            // Not every model knows a target time; then none can be left behind.
            guard ask == .clearTargetTime else {
                throw .refused(command: title(ask), reason: reason, received: bytes)
            }
            done.clearTargetTime = true
            conclude(at: now)
            return true
        }
        let wantsLine = Self.isQuery(ask)
        guard reply.lineCount == (wantsLine ? 1 : 0) else {
            throw .garbled(
                command: title(ask), received: bytes,
                why: wantsLine ? "not one line of text" : "text where none was asked for")
        }
        if wantsLine {
            guard try learn(ask, reply.text, bytes, at: now) else {
                throw .garbled(
                    command: title(ask), received: bytes, why: "not the data asked for")
            }
        } else {
            acknowledged(ask)
        }
        conclude(at: now)
        return true
    }

    static func isQuery(_ ask: Ask) -> Bool {
        switch ask {
        case .polling, .version, .status, .diameter, .force, .target, .rate: true
        default: false
        }
    }

    /// The prompt of every reply.
    private mutating func note(_ prompt: HarvardPrompt, at now: Instant) {
        switch prompt {
        case .infusing: motor = .infusing
        case .withdrawing: motor = .withdrawing
        default: motor = .idle
        }
        switch motor {
        case .idle:
            record.state.actual = .stopped
            record.state.confirmedAt = now
        case .infusing:
            isCountFresh = false
            run?.isConfirmed = true
        default: record.state.actual = nil
        }
        if run?.isConfirmed == true, motor != .infusing { run?.hasEnded = true }
    }

    private mutating func conclude(at now: Instant) {
        if isConfigured { record.becomeReady() }
        if record.alarm != nil, motor == .idle { record.forgive() }
        guard isSettled else {
            if motor == .infusing, run == nil { record.state.actual = nil }
            return
        }
        if motor == .infusing {
            record.state.actual = record.goal
            record.state.confirmedAt = now
        }
        record.reachGoal()
    }

    /// A command without data was accepted; or, not `wasHeard`, may have been.
    mutating func acknowledged(_ ask: Ask, wasHeard: Bool = true) {
        let written = wasHeard ? ask : nil
        switch ask {
        case .stop: done.stop = true
        case .leaveMemory: done.leaveMemory = true
        case .clearTargetTime: done.clearTargetTime = true
        case .clearTarget: (prepared.target, known.target) = (true, nil)
        case .clearVolume:
            prepared.volume = true
            // Read it again: the next run is counted from what the pump made of this.
            isCountFresh = false
        case .setDiameter: (known.diameter, verifying) = (nil, written)
        case .setForce: (known.force, verifying) = (nil, written)
        case .setTarget: (known.target, verifying) = (nil, written)
        case .setRate:
            (known.rate, verifying) = (nil, written)
            prepared.rate = true
        case .run:
            // The pump's second word counts: status and rate are asked for again.
            (motor, known.rate) = (nil, nil)
        default: break
        }
    }

    /// The line of text that answers a query. False: it is not of the kind asked for.
    private mutating func learn(
        _ ask: Ask, _ text: BriefText, _ bytes: [UInt8], at now: Instant
    ) throws(InstrumentError) -> Bool {
        let before = verifying
        verifying = nil
        switch ask {
        case .polling:
            guard text == "Polling mode is ON" else { return false }
            done.polling = true
            if record.state.link != .ready { record.connect() }
        case .version:
            guard !text.isEmpty, text.count <= 80 else { return false }
            let identity = "\(text)"
            known.identity = identity
            record.state.identity = identity
            record.news.append(.identified(identity))
        case .status:
            guard let status = HarvardStatus(text, model: pump.model) else { return false }
            // The numbers refer to the present direction (DEVICES 1.3).
            if status.isInfusing {
                guard let leap = record.counter.read(status.volume, during: run, at: now) else {
                    throw .garbled(
                        command: "status", received: bytes,
                        why: "not where the last volume leads")
                }
                if run?.counted(leap, total: record.counter.total, goal: record.goal) == false {
                    mustRestart = true
                }
            }
            take(status, at: now)
        case .diameter:
            guard let diameter = HarvardUnits.length(text) else { return false }
            known.diameter = diameter
        case .force:
            guard let force = HarvardUnits.percent(text) else { return false }
            known.force = force
        case .target:
            let none = text == "Target volume not set" ? Volume.zero : nil
            guard let target = none ?? HarvardUnits.volume(text) else { return false }
            known.target = target
        case .rate:
            guard let rate = HarvardUnits.rate(text) else { return false }
            known.rate = rate
        default: return true
        }
        try verify(ask, wrote: before, bytes)
        return true
    }

    /// After a write the same question must not lead to the same write again.
    private mutating func verify(
        _ ask: Ask, wrote: Ask?, _ bytes: [UInt8]
    ) throws(InstrumentError) {
        guard let wrote, motor != nil, next.ask == wrote else { return }
        if run != nil, ask == .rate {
            flyingFailures += 1
            if flyingFailures >= Self.flyingChangeLimit { mustRestart = true }
        }
        let command = title(wrote)
        let expected = command.drop(while: { $0 != " " }).dropFirst()
        throw .disobeyed(command: command, expected: String(expected), received: bytes)
    }

    /// What the pump does, and how much it passed.
    private mutating func take(_ status: HarvardStatus, at now: Instant) {
        statusAt = now
        motor = !status.isRunning ? .idle : status.isInfusing ? .infusing : .withdrawing
        if status.isInfusing {
            record.state.infused = record.counter.total
        }
        if motor == .idle { isCountFresh = true }
        if status.isStalled, isNews(.stalled, at: now) { return }
        if status.isAtLimit, isNews(.limitSwitch, at: now) { return }
        if status.isTargetReached, isNews(.targetReached, at: now) { return }
        guard let run, motor != .infusing else { return }
        let end = run.end(total: record.counter.total)
        self.run = nil
        if let end {
            forgetSettings()
            record.raise(end, at: now)
            return
        }
        let error = InstrumentError.disobeyed(command: "irun", expected: "prompt >", received: [])
        prepared = Prepared()
        record.news.append(.trouble(error))
        if record.countAlarmAnswer() {
            forget()
            record.lose(error, at: now)
        }
    }
}
