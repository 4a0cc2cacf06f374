import Quantities

/// One New Era pump: its memory, its motor, its alarms. Commands are in the extension.
struct NewEraUnit {
    /// How often a pump that can feel a stall looks at its motor.
    static let stallCheck = TimeSpan.milliseconds(100)
    static let phaseCount = 41
    /// NE-1000 manual 12.5: fastest 5.1005 cm/min, slowest 0.004205 cm/h, here in mm/min.
    static let fastest = 51.005
    static let slowest = 0.04205 / 60

    /// One phase of the pumping program.
    struct Phase: Equatable {
        enum Function: Equatable { case rate, stop, jump(Int), pause(Int), clear, beep }
        var function = Function.stop
        var rate = 0.0
        var units = "UM"
        var volume = 0.0
        var infuses = true
    }

    /// What survives a power cut.
    struct Memory: Equatable {
        var address: Int
        var safeTimeout = 0
        var diameter = 14.43
        var volumeUnits = "ML"
        var phases: [Phase]
        var switches: [String: String] = [:]

        init(address: Int, options: SimulatedNewEra.Options) {
            self.address = address
            let function = options.freshPhasesStop ? Phase.Function.stop : .rate
            phases = Array(repeating: Phase(function: function), count: NewEraUnit.phaseCount)
            phases[0].function = .rate
        }
    }

    let model: SimulatedNewEra.Model
    let drive: any SimulatedDrive
    let options: SimulatedNewEra.Options
    var memory: Memory
    var motion = SimulatedNewEra.PumpMotion.stopped
    var alarm: NewEraAlarm? = .reset
    var replies: [[UInt8]] = []
    var newBaud: Int?
    /// Index of the phase shown, and of the phase that runs.
    var selected = 0
    var running = 0
    /// Rate changed while pumping: number and units, not stored.
    var liveRate: (number: Double, units: String)?
    /// µL by direction, as the pump counts its own steps.
    var infused = 0.0
    var withdrawn = 0.0
    /// µL of the running phase.
    var phaseVolume = 0.0
    private var countedAt: Instant
    private var pauseEnds = Instant.distantFuture
    private var nextStallCheck = Instant.distantFuture
    var silenceEnds = Instant.distantFuture
    private var receiver = NewEraReceiver()

    init(
        address: Int, model: SimulatedNewEra.Model, drive: any SimulatedDrive,
        options: SimulatedNewEra.Options, now: Instant
    ) {
        self.model = model
        self.drive = drive
        self.options = options
        memory = Memory(address: address, options: options)
        countedAt = now
    }

    var isSafe: Bool { memory.safeTimeout > 0 }
    var isPumping: Bool { motion == .infusing || motion == .withdrawing || motion == .purging }
    var isOperating: Bool { isPumping || motion == .waiting }
    /// mm² of the bore: also µL per mm of stroke.
    var area: Double { Length(millimeters: memory.diameter).circleArea }
    var unitsPerVolume: Double { memory.volumeUnits == "ML" ? 1_000 : 1 }

    /// µL/min of a rate as the pump knows it.
    static func microlitersPerMinute(_ number: Double, _ units: String) -> Double {
        switch units {
        case "MM": number * 1_000
        case "MH": number * 1_000 / 60
        case "UH": number / 60
        default: number
        }
    }

    func allows(_ number: Double, _ units: String) -> Bool {
        let rate = Self.microlitersPerMinute(number, units)
        return rate >= area * Self.slowest && rate <= area * Self.fastest
    }

    /// The rate of the motor now, µL/min, without sign.
    var motorRate: Double {
        switch motion {
        case .purging: return area * Self.fastest
        case .infusing, .withdrawing:
            let phase = memory.phases[running]
            let rate = liveRate ?? (phase.rate, phase.units)
            return Self.microlitersPerMinute(rate.number, rate.units)
        default: return 0
        }
    }

    // MARK: Time

    var deadline: Instant {
        min(min(receiver.expiry ?? .distantFuture, silenceEnds), min(motorDeadline, nextStallCheck))
    }

    private var motorDeadline: Instant {
        if motion == .waiting { return pauseEnds }
        guard motion == .infusing || motion == .withdrawing else { return .distantFuture }
        let target = memory.phases[running].volume * unitsPerVolume
        guard target > 0, motorRate > 0 else { return .distantFuture }
        let seconds = max(0, target - phaseVolume) / motorRate * 60
        return countedAt + .seconds(seconds)
    }

    /// Events in their order up to `now`; bounded, as programs may loop.
    mutating func advance(to now: Instant) {
        receiver.expire(at: now)
        for _ in 0..<10_000 {
            let next = min(min(silenceEnds, motorDeadline), nextStallCheck)
            guard next <= now else { break }
            // Asked before counting: rounding may leave a rest of volume that takes no time.
            let phaseEnds = motorDeadline <= next
            count(to: next)
            if next >= silenceEnds {
                silenceEnds = .distantFuture
                raise(.timeout, at: next)
            } else if phaseEnds {
                enterPhase(running + 1, at: next)
            } else {
                checkStall(at: next)
                // A long sleep needs one look at its end, not one per interval of it.
                if isPumping { nextStallCheck = max(next + Self.stallCheck, now) }
            }
        }
        count(to: now)
    }

    private mutating func count(to now: Instant) {
        guard now > countedAt else { return }
        let volume = motorRate * (now - countedAt).seconds / 60
        countedAt = now
        guard isPumping else { return }
        if memory.phases[running].infuses { infused += volume } else { withdrawn += volume }
        phaseVolume += volume
    }

    private mutating func checkStall(at now: Instant) {
        nextStallCheck = .distantFuture
        if isPumping, drive.isBlocked(at: now) { raise(.stalled, at: now) }
    }

    // MARK: Motion

    /// Makes the motor do what `motion` says.
    mutating func applyMotion(at now: Instant) {
        let sign = memory.phases[running].infuses ? 1.0 : -1.0
        drive.drive(at: FlowRate(microlitersPerMinute: sign * motorRate), now: now)
        // An NE-500 has nothing to feel a stall with.
        nextStallCheck = isPumping && model == .ne1000 ? now + Self.stallCheck : .distantFuture
    }

    mutating func stop(_ state: SimulatedNewEra.PumpMotion, at now: Instant) {
        motion = state
        if state == .stopped {
            running = 0
            phaseVolume = 0
            liveRate = nil
        }
        applyMotion(at: now)
    }

    /// Begins phase `index`, running through phases that take no time; a program that never
    /// pumps is a program error.
    mutating func enterPhase(_ index: Int, at now: Instant) {
        phaseVolume = 0
        liveRate = nil
        var next = index
        for _ in 0...Self.phaseCount {
            guard memory.phases.indices.contains(next) else { return stop(.stopped, at: now) }
            running = next
            switch memory.phases[next].function {
            case .stop: return stop(.stopped, at: now)
            case .rate: return startRate(at: now)
            case .jump(let phase): next = phase - 1
            case .pause(let seconds):
                motion = .waiting
                pauseEnds = now + .seconds(Double(seconds))
                return applyMotion(at: now)
            case .clear:
                infused = 0
                withdrawn = 0
                next += 1
            case .beep: next += 1
            }
        }
        raise(.program, at: now)
    }

    private mutating func startRate(at now: Instant) {
        let phase = memory.phases[running]
        guard allows(phase.rate, phase.units) else { return raise(.outOfRange, at: now) }
        motion = phase.infuses ? .infusing : .withdrawing
        applyMotion(at: now)
    }

    /// Everything stops; a Safe pump says so unasked (p. 34), which acknowledges nothing.
    mutating func raise(_ alarm: NewEraAlarm, at now: Instant) {
        self.alarm = alarm
        stop(.stopped, at: now)
        if isSafe { send("") }
    }

    mutating func powerCycle(at now: Instant) {
        receiver.reset()
        replies.removeAll()
        infused = 0
        withdrawn = 0
        selected = 0
        silenceEnds = .distantFuture
        countedAt = now
        raise(.reset, at: now)
    }

    mutating func baudChanged() { silenceEnds = .distantFuture }

    // MARK: Packets

    /// The status of this moment, and `data` behind it unless an alarm takes its place.
    mutating func send(_ data: String) {
        let address = (memory.address < 10 ? "0" : "") + String(memory.address)
        let status = alarm.map { "A?\($0.rawValue)" } ?? prompt + data
        replies.append(NewEraPackets.reply(address + status, safe: isSafe))
    }

    private var prompt: String {
        switch motion {
        case .stopped: "S"
        case .paused: "P"
        case .infusing: "I"
        case .withdrawing: "W"
        case .purging: "X"
        case .waiting: "T"
        }
    }

    mutating func receive(_ byte: UInt8, at now: Instant) {
        receiver.expire(at: now)
        switch receiver.receive(byte, safe: isSafe, at: now) {
        case nil: break
        case .safe(let text): execute(text, at: now)
        case .basic(let text):
            if !isSafe {
                execute(text, at: now)
            } else if options.basicInSafeMode == .answered {
                send("?COM")
            }
        case .damaged:
            if options.damagedPacket == .answered { send("?COM") }
        }
    }
}
