import Quantities

// What a New Era pump's replies change in what is known of it.
extension NewEraTalk {
    mutating func heard(
        _ reply: NewEraReply, to ask: Ask, bytes: [UInt8], at now: Instant
    ) throws(InstrumentError) -> Bool {
        let title = title(ask)
        let isSwitching = if case .setDeadMan = ask { true } else { false }
        if let framing, framing != reply.framing, !isSwitching {
            self.framing = nil
            trying = reply.framing
            throw .garbled(command: title, received: bytes, why: "answered in the other framing")
        }
        record.answered(at: now)
        if framing == nil {
            framing = reply.framing
            record.connect()
        }
        if case .alarm(let alarm) = reply.status {
            // Whether the switch was executed differs between pumps: look where it is.
            if isSwitching {
                framing = nil
                trying = reply.framing
            }
            return raise(alarm, command: title, at: now)
        }
        note(reply.status, at: now)
        if let refusal = reply.refusal {
            try refused(ask, refusal, title, bytes)
        } else {
            try learn(ask, reply, title, bytes, at: now)
        }
        conclude(at: now)
        return true
    }

    /// The status in every reply.
    private mutating func note(_ status: NewEraReply.Status, at now: Instant) {
        self.status = status
        switch status {
        case .stopped:
            record.state.actual = .stopped
            record.state.confirmedAt = now
        case .infusing:
            (isCountFresh, isCountCleared) = (false, false)
            run?.isConfirmed = true
        default: record.state.actual = nil
        }
        if run?.isConfirmed == true, status != .infusing { run?.hasEnded = true }
    }

    /// Ready, or the goal reached?
    private mutating func conclude(at now: Instant) {
        if isConfigured { record.becomeReady() }
        if record.alarm != nil, status == .stopped { record.forgive() }
        guard isSettled else {
            if status == .infusing, run == nil { record.state.actual = nil }
            return
        }
        if status == .infusing {
            record.state.actual = record.goal
            record.state.confirmedAt = now
        }
        record.reachGoal()
    }

    /// An error in place of an answer. Some are answers enough.
    private mutating func refused(
        _ ask: Ask, _ refusal: NewEraReply.Refusal, _ title: String, _ bytes: [UInt8]
    ) throws(InstrumentError) {
        switch ask {
        case .probe: return  // Whatever it is, the pump speaks this framing.
        case .stop where status == .stopped && refusal == .notApplicable: return
        case .clearDispensed:
            // Coarser readings, no less true.
            isCountCleared = true
            return
        case .selectPhase(2), .function, .setFunction:
            // Models without programs end every run at the target.
            hasProgram = false
            return
        default:
            throw .refused(command: title, reason: refusal.reason, received: bytes)
        }
    }

    /// The answer to `ask`.
    private mutating func learn(
        _ ask: Ask, _ reply: NewEraReply, _ title: String, _ bytes: [UInt8], at now: Instant
    ) throws(InstrumentError) {
        let data = reply.data
        switch ask {
        case .version, .deadMan, .diameter, .direction, .function, .dispensed, .target, .rate:
            guard try learnQuery(ask, data, bytes, at: now) else {
                throw .garbled(command: title, received: bytes, why: "not the data asked for")
            }
            return
        default: break
        }
        guard data.isEmpty else {
            throw .garbled(command: title, received: bytes, why: "data where none was asked for")
        }
        switch ask {
        case .status:
            statusAt = now
            if status != .infusing, run != nil { run?.hasEnded = true }
        case .setDeadMan(let seconds):
            framing = seconds > 0 ? .safe : .basic
            known.deadMan = nil
            verifying = title
        case .setDiameter: (known.diameter, verifying) = (nil, title)
        case .setDirection: (known.direction, verifying) = (nil, title)
        case .selectPhase(let phase): known.phase = phase
        case .setFunction(let phase, _): (known.functions[phase - 1], verifying) = (nil, title)
        case .clearDispensed: (isCountFresh, isCountCleared) = (false, true)
        case .setTargetUnit, .setTarget: (known.target, verifying) = (nil, title)
        case .setRate:
            (known.rate, verifying) = (nil, title)
            isRateSent = true
        case .run:
            // The pump's second word counts: status and rate are asked for again.
            (status, known.rate, isRateSent) = (nil, nil, false)
        default: break
        }
    }

    /// The data of a query. False: it is not of the kind asked for.
    private mutating func learnQuery(
        _ ask: Ask, _ data: String, _ bytes: [UInt8], at now: Instant
    ) throws(InstrumentError) -> Bool {
        let before = verifying
        verifying = nil
        switch ask {
        case .version:
            guard data.hasPrefix("NE"), data.dropFirst(2).contains("V") else {
                throw .wrongDevice(expected: "New Era pump", received: bytes)
            }
            identify(data)
        case .deadMan:
            guard data.utf8.count <= 3, let seconds = Int(data) else { return false }
            known.deadMan = seconds
        case .diameter:
            guard let diameter = DecimalText.parse(data.utf8) else { return false }
            known.diameter = diameter
        case .direction:
            guard ["INF", "WDR", "REV", "STK"].contains(data) else { return false }
            known.direction = data
        case .function(let phase):
            guard data.utf8.count >= 3, DecimalText.parse(data.utf8) == nil else { return false }
            known.functions[phase - 1] = data
        case .dispensed:
            guard let volume = NewEraVolume.parseDispensed(data) else { return false }
            guard let leap = record.counter.read(volume, during: run, at: now) else {
                throw .garbled(
                    command: "DIS", received: bytes, why: "not where the last volume leads")
            }
            if run?.counted(leap, total: record.counter.total, goal: record.goal) == false {
                mustRestart = true
            }
            count(at: now)
        case .target:
            guard let target = NewEraVolume.parse(data) else { return false }
            known.target = target
        case .rate:
            guard let rate = NewEraRate.parse(data) else { return false }
            known.rate = rate
        default: return true
        }
        try verify(ask, wrote: before, bytes)
        return true
    }

    /// After a write the same question must not lead to the same write again.
    private mutating func verify(
        _ ask: Ask, wrote: String?, _ bytes: [UInt8]
    ) throws(InstrumentError) {
        guard let wrote, let again = pressingAfterWrite, Self.command(again) == wrote else {
            return
        }
        if run != nil, case .rate = ask {
            flyingFailures += 1
            // "Applies at once, not stored": what a query reports then differs between pumps.
            if flyingFailures >= Self.flyingChangeLimit { mustRestart = true }
        }
        throw .disobeyed(
            command: wrote, expected: String(wrote.dropFirst(3)), received: bytes)
    }

    /// What would be said now, if it is a write.
    private var pressingAfterWrite: Ask? {
        guard status != nil else { return nil }
        switch next.ask {
        case .setDeadMan, .setDiameter, .setDirection, .setFunction, .setTargetUnit, .setTarget,
            .setRate:
            return next.ask
        default: return nil
        }
    }

    private mutating func identify(_ version: String) {
        known.identity = version
        record.state.identity = version
        let note =
            switch interruption {
            case .reset?: " (power had been interrupted)"
            case .deadMan?: " (its dead-man timer had run out)"
            default: ""
            }
        interruption = nil
        record.news.append(.identified(version + note))
    }

    /// A reading of the infused volume; also tells why a run ended.
    private mutating func count(at now: Instant) {
        record.state.infused = record.counter.total
        countAt = now
        if status == .stopped { isCountFresh = true }
        guard let run, run.hasEnded else { return }
        if let alarm = run.end(total: record.counter.total) {
            forgetSettings()
            record.raise(alarm, at: now)
        } else {
            // RUN was said and not done.
            self.run = nil
            isRateSent = false
            record.news.append(
                .trouble(.disobeyed(command: "RUN", expected: "status I", received: [])))
            if record.countAlarmAnswer() {
                lose(.disobeyed(command: "RUN", expected: "status I", received: []), at: now)
            }
        }
    }
}
