import Quantities

/// One New Era pump's side of the conversation (DEVICES 2 and 12).
struct NewEraTalk: PumpTalk {
    typealias Reader = NewEraReader

    /// Everything that is ever said to a pump.
    enum Ask: Equatable, Sendable {
        /// Ends a line that a packet in the other framing may have begun in the pump's buffer.
        case flush
        case probe(NewEraFraming)
        case status, stop, version
        case deadMan
        case setDeadMan(Int)
        case diameter
        case setDiameter(String)
        case direction, setDirection
        case selectPhase(Int)
        case function(Int)
        case setFunction(Int, String)
        case dispensed
        case clearDispensed
        case target
        case setTargetUnit(NewEraVolume.Unit)
        case setTarget(String)
        case rate
        case setRate(NewEraRate, namesUnit: Bool)
        case run
    }

    /// What the pump said of its own settings; nil is unknown. A setting is written only when it
    /// differs, because every write wears the pump's memory (DEVICES 2.5).
    struct Known: Sendable {
        var identity: String?
        var deadMan: Int?
        var diameter: Double?
        var direction: String?
        var phase: Int?
        /// Functions of phases 1 and 2.
        var functions = Functions()
        var target: (volume: Volume, unit: NewEraVolume.Unit)?
        var rate: (rate: FlowRate, unit: NewEraRate.Unit)?
    }

    /// What the phases of the pump's program do; nil is unknown.
    struct Functions: Sendable {
        private var first: String?
        private var second: String?

        /// Phase `index` + 1.
        subscript(_ index: Int) -> String? {
            get { index == 0 ? first : second }
            set { if index == 0 { first = newValue } else { second = newValue } }
        }
    }

    /// How often a pump that does nothing in particular is asked what it does.
    static let statusEvery = TimeSpan.seconds(1)
    /// Rates refused or ignored while running before the run is stopped and started anew.
    static let flyingChangeLimit = 2
    /// The pump gives back the four digits it was sent.
    static let tolerance = 1e-4

    let pump: NewEraLine.Pump
    let volumeEvery: TimeSpan
    var record: PumpRecord
    /// The framing it answers in; nil until found.
    var framing: NewEraFraming?
    /// The framing it is looked for in next.
    var trying = NewEraFraming.basic
    var mustFlush = false
    var status: NewEraReply.Status?
    var known = Known()
    /// The setting that was just written and must now be read back.
    var verifying: String?
    var hasProgram = true
    /// The interruption found while connecting, for the person who reads the log.
    var interruption: PumpAlarm?
    var run: PumpRun?
    var mustRestart = false
    var flyingFailures = 0
    /// The rate was sent since the pump last stood still.
    var isRateSent = false
    /// The counter was read since the pump last stood still.
    var isCountFresh = false
    /// The counter was set to zero since the pump last stood still.
    var isCountCleared = false
    var statusAt = Instant.zero
    var countAt = Instant.zero

    init(_ pump: NewEraLine.Pump, volumeEvery: TimeSpan) {
        self.pump = pump
        self.volumeEvery = volumeEvery
        record = PumpRecord(name: pump.name)
    }

    var address: Int { pump.address }

    /// Seconds of `SAFn`; 0 in Basic mode.
    var wantedDeadMan: Int {
        guard pump.framing == .safe else { return 0 }
        return Int(min(max(pump.deadMan.seconds, 1), 255))
    }

    /// A third of the dead-man time, so that two heartbeats may fail.
    private var heartbeat: TimeSpan {
        guard wantedDeadMan > 0 else { return Self.statusEvery }
        return min(Self.statusEvery, .milliseconds(Int64(wantedDeadMan) * 1000 / 3))
    }

    var mustSpeakBy: Instant {
        guard framing == .safe, record.state.link != .absent, let seconds = known.deadMan,
            seconds > 0, status != .stopped
        else { return .distantFuture }
        return record.state.heardAt + .milliseconds(Int64(seconds) * 2000 / 3)
    }

    /// The goal, unless there is a reason to stand still.
    var wanted: (rate: FlowRate, bound: Volume)? {
        guard record.state.link == .ready, case .infusing(let rate, let bound) = record.goal,
            rate.microlitersPerMinute > 0, NewEraRate.best(for: rate) != nil,
            NewEraVolume(bound) != nil
        else { return nil }
        return (rate, bound)
    }
}

// MARK: - What to say next

extension NewEraTalk {
    var next: NextAsk<Ask> {
        if framing == nil {
            let urgency = record.isLost ? Urgency.search : .usual
            return NextAsk(
                ask: mustFlush ? .flush : .probe(trying), from: record.retryAt, urgency: urgency)
        }
        if mustStand { return NextAsk(ask: .stop, from: .zero, urgency: .stop) }
        if let ask = pressing { return NextAsk(ask: ask, from: .zero) }
        return poll
    }

    /// It runs, or may, and shall not. Nothing is asked before: a stop does not wait.
    private var mustStand: Bool {
        guard let wanted else { return status.map { $0 != .stopped } ?? (run != nil) }
        switch status {
        case nil: return false
        case .stopped: return false
        case .infusing: return run == nil || mustRestart || !canKeepUnit(wanted.rate)
        default: return run == nil
        }
    }

    /// Units cannot change while pumping (DEVICES 2.5).
    private func canKeepUnit(_ rate: FlowRate) -> Bool {
        guard let unit = known.rate?.unit else { return true }
        return NewEraRate.best(for: rate, keeping: unit)?.unit == unit
    }

    /// What must be said now; nil when all is as it shall be.
    private var pressing: Ask? {
        if status == nil { return .status }
        if record.alarm != nil { return nil }
        if let run, run.hasEnded { return .dispensed }
        if let ask = configuration { return ask }
        guard let wanted else { return isCountFresh || status != .stopped ? nil : .dispensed }
        return status == .infusing ? change(to: wanted.rate) : start(wanted.rate, wanted.bound)
    }

    /// Identity and settings, in an order in which each can rely on the one before. Only while
    /// connecting: afterwards they change in a power cut alone, and that is an alarm.
    private var configuration: Ask? {
        if known.identity == nil { return .version }
        if framing != pump.framing { return .setDeadMan(wantedDeadMan) }
        if pump.framing == .safe {
            guard let seconds = known.deadMan else { return .deadMan }
            if seconds != wantedDeadMan { return .setDeadMan(wantedDeadMan) }
        }
        guard let diameter = known.diameter else { return .diameter }
        let wanted = NewEraNumber.format(pump.syringeDiameter.millimeters) ?? "0"
        if !DecimalText.agree(diameter, DecimalText.parse(wanted.utf8) ?? 0, within: Self.tolerance)
        {
            return .setDiameter(wanted)
        }
        guard let direction = known.direction else { return .direction }
        if direction != "INF" { return .setDirection }
        return program
    }

    /// Phase 1 pumps at the rate, phase 2 stops. Otherwise a pump that reaches its target volume
    /// runs on into whatever phase 2 holds (DEVICES 2.5).
    private var program: Ask? {
        guard hasProgram else { return known.phase == 2 ? .selectPhase(1) : nil }
        return program(phase: 2, is: "STP") ?? program(phase: 1, is: "RAT")
    }

    private func program(phase: Int, is function: String) -> Ask? {
        let present = known.functions[phase - 1]
        if present == function { return nil }
        if known.phase != phase { return .selectPhase(phase) }
        return present == nil ? .function(phase) : .setFunction(phase, function)
    }

    /// A new rate for the run that goes on.
    private func change(to rate: FlowRate) -> Ask? {
        guard let present = known.rate else { return .rate }
        guard let text = NewEraRate.best(for: rate, keeping: present.unit) else { return nil }
        if isSame(present.rate, text.rate) { return nil }
        return .setRate(text, namesUnit: false)
    }

    private func isSame(_ a: FlowRate, _ b: FlowRate) -> Bool {
        DecimalText.agree(a.microlitersPerMinute, b.microlitersPerMinute, within: Self.tolerance)
    }

    /// From standing still to running: target, rate, run. The rate is sent before every start,
    /// because a rate given to a running pump is not stored (DEVICES 12).
    private func start(_ rate: FlowRate, _ bound: Volume) -> Ask? {
        guard isCountFresh else { return .dispensed }
        // Four digits: after a millilitre the counter no longer sees a small run's microlitres.
        guard isCountCleared else { return .clearDispensed }
        guard let volume = NewEraVolume(bound), let text = NewEraRate.best(for: rate) else {
            return nil
        }
        guard let target = known.target else { return .target }
        if target.unit != volume.unit { return .setTargetUnit(volume.unit) }
        if !DecimalText.agree(
            target.volume.microliters, volume.volume.microliters, within: Self.tolerance)
        {
            return .setTarget(volume.number)
        }
        if !isRateSent { return .setRate(text, namesUnit: true) }
        guard let present = known.rate else { return .rate }
        if present.unit != text.unit || !isSame(present.rate, text.rate) {
            return .setRate(text, namesUnit: true)
        }
        return .run
    }

    /// The heartbeat, which is the poll of the state; and now and then the volume.
    private var poll: NextAsk<Ask> {
        let beat = NextAsk(ask: Ask.status, from: statusAt + heartbeat)
        guard status == .infusing else { return beat }
        let count = NextAsk(ask: Ask.dispensed, from: countAt + volumeEvery)
        return count.from < beat.from ? count : beat
    }

    /// Whether the pump's own answers agree with the goal.
    var isSettled: Bool {
        guard record.state.link == .ready, status != nil, !mustStand, pressing == nil
        else { return false }
        guard case .infusing(let rate, _) = record.goal, rate.microlitersPerMinute > 0
        else { return status == .stopped }
        return wanted != nil && status == .infusing && run?.isConfirmed == true
    }

    /// Whether it may be declared ready.
    var isConfigured: Bool {
        framing != nil && status == .stopped && record.alarm == nil && configuration == nil
    }
}
