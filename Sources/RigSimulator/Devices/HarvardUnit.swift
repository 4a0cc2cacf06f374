import Quantities

/// One Harvard or Legato pump: settings, motor, counters. Commands are in the extension.
struct HarvardUnit {
    static let stallCheck = TimeSpan.milliseconds(100)
    /// Fastest and slowest piston, mm/min: all rows of the Elite manual's tables (app. A, B) fit
    /// these; the other families are taken to be alike.
    static let fastest = 159.0
    static let slowest = 0.1531e-3

    /// A rate as the host wrote it.
    struct Rate: Equatable {
        var number: Double
        /// Unit as told back, e.g. `ul/min`.
        var unit: String
        /// The rate in µL/min.
        var microlitersPerMinute: Double
    }

    /// What survives a power cut.
    struct Memory {
        var diameter = 14.567
        var syringe = "10.0000 ml"
        var infuse = Rate(number: 1, unit: "ml/min", microlitersPerMinute: 1_000)
        var withdraw = Rate(number: 1, unit: "ml/min", microlitersPerMinute: 1_000)
        var force = 30
    }

    let model: SimulatedHarvard.Model
    let drive: any SimulatedDrive
    let options: SimulatedHarvard.Options
    var address: Int
    var memory = Memory()
    /// Rates in force; they differ from the memory's while `nvram` is off.
    var infuse: Rate
    var withdraw: Rate
    var writesMemory = true
    var polls = false
    var echoes = false
    var brightness = 100
    var clock = "01/01/20 12:00:00 AM"
    var load = "iw"
    var motion = SimulatedHarvard.PumpMotion.idle
    /// The direction of the running or last run.
    var infuses = true
    /// µL and seconds counted, infused and withdrawn.
    var volumes = (infused: 0.0, withdrawn: 0.0)
    var times = (infused: 0.0, withdrawn: 0.0)
    var targetVolume: (microliters: Double, text: String)?
    var targetSeconds: Double?
    var newBaud: Int?
    var toldBaud = 115_200
    var replies: [[UInt8]] = []
    private var volumeAtStart = 0.0
    private var timeAtStart = 0.0
    private var countedAt: Instant
    private var nextStallCheck = Instant.distantFuture

    init(
        address: Int, model: SimulatedHarvard.Model, drive: any SimulatedDrive,
        options: SimulatedHarvard.Options, now: Instant
    ) {
        self.address = address
        self.model = model
        self.drive = drive
        self.options = options
        infuse = memory.infuse
        withdraw = memory.withdraw
        countedAt = now
    }

    var isRunning: Bool { motion == .infusing || motion == .withdrawing }
    /// µL/min.
    var maximumRate: Double { Length(millimeters: memory.diameter).circleArea * Self.fastest }
    var minimumRate: Double { Length(millimeters: memory.diameter).circleArea * Self.slowest }
    var rate: Rate { infuses ? infuse : withdraw }

    func allows(_ rate: Rate) -> Bool {
        // The limits are told in four digits: what was told must be accepted.
        rate.microlitersPerMinute >= minimumRate * 0.9995
            && rate.microlitersPerMinute <= maximumRate * 1.0005
    }

    // MARK: Time

    var deadline: Instant { min(targetDeadline, nextStallCheck) }

    private var targetDeadline: Instant {
        guard isRunning else { return .distantFuture }
        var seconds = Double.infinity
        let base = options.targetCountsFromClear
        if let target = targetVolume, rate.microlitersPerMinute > 0 {
            let done = (infuses ? volumes.infused : volumes.withdrawn) - (base ? 0 : volumeAtStart)
            seconds = max(0, target.microliters - done) / rate.microlitersPerMinute * 60
        }
        if let target = targetSeconds {
            let done = (infuses ? times.infused : times.withdrawn) - (base ? 0 : timeAtStart)
            seconds = min(seconds, max(0, target - done))
        }
        return seconds.isFinite ? countedAt + .seconds(seconds) : .distantFuture
    }

    mutating func advance(to now: Instant) {
        for _ in 0..<1_000 {
            let next = deadline
            guard next <= now else { break }
            let reached = targetDeadline <= next
            count(to: next)
            if reached {
                end(.targetReached, at: next)
            } else {
                nextStallCheck = max(next + Self.stallCheck, now)
                if drive.isBlocked(at: next) { end(.stalled, at: next) }
            }
        }
        count(to: now)
    }

    private mutating func count(to now: Instant) {
        guard now > countedAt else { return }
        let seconds = (now - countedAt).seconds
        countedAt = now
        guard isRunning else { return }
        if infuses {
            times.infused += seconds
            volumes.infused += infuse.microlitersPerMinute * seconds / 60
        } else {
            times.withdrawn += seconds
            volumes.withdrawn += withdraw.microlitersPerMinute * seconds / 60
        }
    }

    // MARK: Motion

    mutating func start(infusing: Bool, at now: Instant) {
        infuses = infusing
        motion = infusing ? .infusing : .withdrawing
        volumeAtStart = infusing ? volumes.infused : volumes.withdrawn
        timeAtStart = infusing ? times.infused : times.withdrawn
        applyRate(at: now)
        nextStallCheck = now + Self.stallCheck
    }

    mutating func applyRate(at now: Instant) {
        let wanted = isRunning ? rate.microlitersPerMinute : 0
        let signed = infuses ? wanted : -wanted
        drive.drive(at: FlowRate(microlitersPerMinute: signed), now: now)
    }

    mutating func halt(_ state: SimulatedHarvard.PumpMotion, at now: Instant) {
        motion = state
        nextStallCheck = .distantFuture
        applyRate(at: now)
    }

    /// The pump stops by itself; with polling off it says so unasked (p. 53).
    private mutating func end(_ state: SimulatedHarvard.PumpMotion, at now: Instant) {
        halt(state, at: now)
        if !polls { reply([]) }
    }

    mutating func powerCycle(at now: Instant) {
        infuse = memory.infuse
        withdraw = memory.withdraw
        writesMemory = true
        polls = false
        echoes = false
        volumes = (0, 0)
        times = (0, 0)
        targetVolume = nil
        targetSeconds = nil
        replies.removeAll()
        countedAt = now
        halt(.idle, at: now)
    }

    // MARK: Replies (p. 52)

    /// `lines`, each as LF [address ":"] text CR, and the prompt.
    mutating func reply(_ lines: [String]) {
        let prefix = address == 0 ? "" : (address < 10 ? "0" : "") + String(address)
        var text = ""
        for line in lines { text += "\n" + (prefix.isEmpty ? "" : prefix + ":") + line + "\r" }
        text += "\n" + prefix + prompt + (polls ? "\u{11}" : "")
        replies.append(Array(text.utf8))
    }

    private var prompt: String {
        switch motion {
        case .idle: ":"
        case .infusing: ">"
        case .withdrawing: "<"
        case .stalled: "*"
        case .targetReached: "T*"
        }
    }
}
