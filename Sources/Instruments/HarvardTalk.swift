import Quantities

/// One Harvard pump's side of the conversation (DEVICES 1, 10 and 12).
struct HarvardTalk: PumpTalk {
    typealias Reader = HarvardReader

    /// Everything that is ever said to a pump.
    enum Ask: Equatable, Sendable {
        /// A bare CR: takes the pump back from its touch screen.
        case wake
        /// Replies end in XON from now on. What this one ends in, nobody knows.
        case pollOn
        case polling, version, status, stop, leaveMemory
        case diameter
        case setDiameter(String)
        case force
        case setForce(Int)
        case clearTargetTime, clearTarget, clearVolume
        case target
        case setTarget(String)
        case rate
        case setRate(String)
        case run
    }

    /// What the motor does by the pump's word.
    enum Motor: Equatable, Sendable { case idle, infusing, withdrawing }

    /// What the pump said of its own settings; nil is unknown.
    struct Known: Equatable, Sendable {
        var identity: String?
        var diameter: Length?
        var force: Double?
        var target: Volume?
        var rate: FlowRate?
    }

    /// How far the beginning has come: each is done once per connection.
    struct Done: Equatable, Sendable {
        var wake = false
        var pollOn = false
        var polling = false
        var stop = false
        var leaveMemory = false
        var clearTargetTime = false
    }

    /// Done once before every run.
    struct Prepared: Equatable, Sendable {
        var target = false
        var volume = false
        var rate = false
    }

    static let flyingChangeLimit = 2
    /// Rates and volumes come back with four digits, so rounding explains this much…
    static let tolerance = 1e-3
    /// …and diameters with four decimals.
    static let diameterTolerance = 1e-4

    let pump: HarvardLine.Pump
    let statusEvery: TimeSpan
    var record: PumpRecord
    var motor: Motor?
    var known = Known()
    var done = Done()
    var prepared = Prepared()
    /// The setting that was just written and must now be read back.
    var verifying: Ask?
    var run: PumpRun?
    var mustRestart = false
    var flyingFailures = 0
    /// The volume was read since the motor last stood still.
    var isCountFresh = false
    var statusAt = Instant.zero

    init(_ pump: HarvardLine.Pump, statusEvery: TimeSpan) {
        self.pump = pump
        self.statusEvery = statusEvery
        record = PumpRecord(name: pump.name)
    }

    var address: Int { pump.address }

    /// These pumps have no dead-man timer.
    var mustSpeakBy: Instant { .distantFuture }

    /// The goal, unless there is a reason to stand still.
    var wanted: (rate: FlowRate, bound: Volume)? {
        guard record.state.link == .ready, case .infusing(let rate, let bound) = record.goal,
            HarvardUnits.argument(rate) != nil, HarvardUnits.argument(bound) != nil
        else { return nil }
        return (rate, bound)
    }
}

// MARK: - What to say next

extension HarvardTalk {
    var next: NextAsk<Ask> {
        if !done.polling {
            let ask: Ask = !done.wake ? .wake : !done.pollOn ? .pollOn : .polling
            let urgency = record.isLost ? Urgency.search : .usual
            return NextAsk(ask: ask, from: record.retryAt, urgency: urgency)
        }
        if mustStand { return NextAsk(ask: .stop, from: .zero, urgency: .stop) }
        if let ask = pressing { return NextAsk(ask: ask, from: .zero) }
        return NextAsk(ask: .status, from: statusAt + statusEvery)
    }

    /// It runs, or may, and shall not.
    private var mustStand: Bool {
        if !done.stop { return true }
        guard wanted != nil else { return motor.map { $0 != .idle } ?? (run != nil) }
        switch motor {
        case nil, .idle: return false
        case .infusing: return run == nil || mustRestart
        case .withdrawing: return run == nil
        }
    }

    /// What must be said now; nil when all is as it shall be.
    private var pressing: Ask? {
        if motor == nil { return .status }
        if record.alarm != nil { return nil }
        if let run, run.hasEnded { return .status }
        if let ask = configuration { return ask }
        guard let wanted else { return isCountFresh || motor != .idle ? nil : .status }
        return motor == .infusing
            ? change(to: wanted.rate) : start(wanted.rate, wanted.bound)
    }

    private var configuration: Ask? {
        if known.identity == nil { return .version }
        guard let diameter = known.diameter else { return .diameter }
        if !DecimalText.agree(
            diameter.millimeters, pump.syringeDiameter.millimeters, within: Self.diameterTolerance),
            let argument = HarvardUnits.argument(pump.syringeDiameter)
        {
            return .setDiameter(argument)
        }
        if let wanted = pump.force {
            guard let force = known.force else { return .force }
            if force != Double(wanted) { return .setForce(wanted) }
        }
        if pump.sparesMemory, !done.leaveMemory { return .leaveMemory }
        // A target time left behind would end the next run early.
        return done.clearTargetTime ? nil : .clearTargetTime
    }

    private func change(to rate: FlowRate) -> Ask? {
        guard let present = known.rate else { return .rate }
        guard !isSame(present, rate), let argument = HarvardUnits.argument(rate)
        else { return nil }
        return .setRate(argument)
    }

    private func isSame(_ a: FlowRate, _ b: FlowRate) -> Bool {
        DecimalText.agree(a.microlitersPerMinute, b.microlitersPerMinute, within: Self.tolerance)
    }

    /// From standing still to running. Target and counter are cleared first, because when a
    /// reached target clears by itself is not stated (DEVICES 12).
    private func start(_ rate: FlowRate, _ bound: Volume) -> Ask? {
        guard isCountFresh else { return .status }
        guard let volume = HarvardUnits.argument(bound), let text = HarvardUnits.argument(rate)
        else { return nil }
        if !prepared.target { return .clearTarget }
        if !prepared.volume { return .clearVolume }
        guard let target = known.target else { return .target }
        if !DecimalText.agree(target.microliters, bound.microliters, within: Self.tolerance) {
            return .setTarget(volume)
        }
        if !prepared.rate { return .setRate(text) }
        guard let present = known.rate else { return .rate }
        return isSame(present, rate) ? .run : .setRate(text)
    }

    /// Whether the pump's own answers agree with the goal.
    var isSettled: Bool {
        guard record.state.link == .ready, motor != nil, !mustStand, pressing == nil
        else { return false }
        guard case .infusing(let rate, _) = record.goal, rate.microlitersPerMinute > 0
        else { return motor == .idle }
        return wanted != nil && motor == .infusing && run?.isConfirmed == true
    }

    /// Whether it may be declared ready.
    var isConfigured: Bool {
        done.polling && done.stop && motor == .idle && record.alarm == nil
            && configuration == nil
    }
}

// MARK: - On the wire

extension HarvardTalk {
    func title(_ ask: Ask) -> String {
        let command = "\(Self.command(ask))"
        return command.isEmpty ? "CR" : command
    }

    func write(_ ask: Ask, into bytes: inout [UInt8]) -> Bool {
        let command = Self.command(ask)
        // Address 0 is the pump wired to the computer and needs no prefix; a bare CR wakes
        // whoever hears it.
        if pump.address != 0, !command.isEmpty {
            bytes.append(UInt8(ascii: "0") + UInt8(clamping: pump.address / 10 % 10))
            bytes.append(UInt8(ascii: "0") + UInt8(clamping: pump.address % 10))
            if pump.model == .ultra { bytes.append(UInt8(ascii: ":")) }
        }
        command.withBytes { for byte in $0 { bytes.append(byte) } }
        bytes.append(0x0D)
        return ask != .wake && ask != .pollOn
    }

    /// A CR first, which ends what stands in the pump's buffer and takes it back from its touch
    /// screen. With polling switched on in the same breath, the pump is ready to be asked once
    /// the line is silent.
    mutating func stopBlindly(into bytes: inout [UInt8]) {
        _ = write(.wake, into: &bytes)
        _ = write(.stop, into: &bytes)
        _ = write(.pollOn, into: &bytes)
        (done.wake, done.pollOn) = (true, true)
    }

    /// The command without its address.
    static func command(_ ask: Ask) -> BriefText {
        switch ask {
        case .wake: ""
        case .pollOn: "poll on"
        case .polling: "poll"
        case .version: "ver"
        case .status: "status"
        case .stop: "stop"
        case .leaveMemory: "nvram off"
        case .diameter: "diameter"
        case .setDiameter(let argument): "diameter \(argument)"
        case .force: "force"
        case .setForce(let percent): "force \(percent)"
        case .clearTargetTime: "cttime"
        case .clearTarget: "ctvolume"
        case .clearVolume: "civolume"
        case .target: "tvolume"
        case .setTarget(let argument): "tvolume \(argument)"
        case .rate: "irate"
        case .setRate(let argument): "irate \(argument)"
        case .run: "irun"
        }
    }
}
