import Configuration
import Glibc
import Instruments
import Quantities
import Rig
import Spectra

/// A rig for storms: a `RigController` with pumps that obey at once, a coarse detector past which
/// droplets travel, and switches for everything that can go wrong. One turn is one scan.
struct StormRig {
    var controller: RigController
    var now = Instant(nanoseconds: 1_000_000_000)
    /// What the interlock lines say; nil: they cannot be read.
    var lines: [Bool?] = [false, false]
    /// What the sensors say; nil: nothing.
    var values: [Double?]
    var isLogBroken = false
    var isHeartBroken = false
    var isBlind = false
    /// Instruments that are gone: the pumps, then the spectrometer.
    var lost: [Bool]
    var silent: [Bool]
    var disobedient: [Bool]
    /// What the flow sensor says per µL/min that flows; 1: the truth.
    var flowFactor = 1.0
    /// The flow sensor says nothing.
    var isFlowSilent = false
    /// Instruments that said that they are ready since the controller began.
    private(set) var wasReady: [Bool]
    /// When the pumps were told something last.
    private(set) var toldAt = Instant.zero
    /// When the spectrometer was asked for scans, or gave one, last.
    private(set) var sawAt = Instant.zero
    /// What fired so far.
    var tally: StormTally?
    /// Goals the pumps were given last.
    private(set) var goals: [Double]
    /// A goal grew in the last turn.
    private(set) var rose = false
    private(set) var pumps: [PumpState]
    private let loss: Loss
    private var plan: AcquisitionPlan?
    private var scans = 0
    private var orders = 0

    static let names = ["silver", "solvent", "oil"]
    static let usual: [Double] = [25, 100, 0]
    /// Place of the sensor of all flow, after the usual ones.
    static let flowSensor = 3

    /// A rig of `settings`, brought to the state `ready`.
    init(_ settings: Settings) throws {
        let target = try TargetSpectrum(
            wavelengths: stride(from: 380.0, through: 800, by: 10).map { $0 },
            values: stride(from: 380.0, through: 800, by: 10).map { exp(-pow(($0 - 600) / 40, 2)) })
        loss = try Loss(target: target, settings: settings.loss)
        controller = RigController(settings: settings, loss: loss)
        pumps = settings.pumps.map { _ in
            var state = PumpState()
            state.link = .ready
            state.actual = .stopped
            return state
        }
        goals = pumps.map { _ in 0 }
        values = Self.usual + [0]
        wasReady = Array(repeating: false, count: pumps.count + 1)
        lost = Array(repeating: false, count: pumps.count + 1)
        silent = Array(repeating: false, count: pumps.count)
        disobedient = silent
        begin()
        for _ in 0..<400 where controller.state != .ready { turn(.milliseconds(50)) }
        guard controller.state == .ready else {
            let faults = controller.faults.all.map(\.text)
            throw FuzzFailure("the rig never got ready: \(controller.state) \(faults)")
        }
    }

    /// The controller begins: instruments are found, lines are read.
    private mutating func begin() {
        controller.start(at: now)
        sawAt = now
        carryOut()
        for index in lost.indices {
            wasReady[index] = false
            if lost[index] { continue }
            tell(index, index < pumps.count && isAlarmed(index) ? .alarm(.stalled) : .ready)
        }
        controller.calibrate(
            wavelengths: (0..<61).map { Wavelength(nanometers: 300 + 10 * Double($0)) }, at: now)
        for index in lines.indices {
            controller.interlock(index, danger: lines[index], at: now)
        }
        carryOut()
    }

    /// The process is started anew while the rig is as it is: pumps may run, things may be wrong.
    mutating func restart() {
        controller = RigController(settings: controller.settings, loss: loss)
        plan = nil
        begin()
    }

    /// Something happened at the instrument at `index`.
    mutating func tell(_ index: Int, _ kind: InstrumentEvent.Kind) {
        let name =
            index < Self.names.count ? Self.names[index] : RigController.spectrometerName
        if kind == .ready { wasReady[index] = true }
        controller.handle(InstrumentEvent(instrument: name, at: now, kind: kind), at: now)
    }

    /// The instrument at `index` is lost, or back.
    mutating func lose(_ index: Int, _ isLost: Bool) {
        guard lost[index] != isLost else { return }
        lost[index] = isLost
        if index < pumps.count {
            pumps[index].link = isLost ? .absent : .ready
            pumps[index].actual = isLost ? nil : .stopped
        }
        tell(index, isLost ? .lost(.lineClosed) : .ready)
    }

    /// A pump stops by itself.
    mutating func alarm(_ index: Int) {
        guard !lost[index] else { return }
        pumps[index].link = .alarmed(.stalled)
        pumps[index].actual = .stopped
        tell(index, .alarm(.stalled))
    }

    /// Whether pump `index` stands still with an alarm.
    func isAlarmed(_ index: Int) -> Bool { pumps[index].link == .alarmed(.stalled) }

    /// A recipe, where one is wanted.
    mutating func order() {
        guard controller.wantsOrder else { return }
        orders += 1
        controller.run(
            ConditionOrder(run: 1, number: orders, attempt: 1, recipe: [30, 600]), at: now)
        // At once, as the rig's loop does, and not only when the turn is over.
        carryOut()
    }

    /// Everything is as it should be again.
    mutating func mend() {
        lines = lines.map { _ in false }
        for index in lines.indices { controller.interlock(index, danger: false, at: now) }
        for index in Self.usual.indices { values[index] = Self.usual[index] }
        flowFactor = 1
        isFlowSilent = false
        isLogBroken = false
        isHeartBroken = false
        isBlind = false
        for index in lost.indices { lose(index, false) }
        silent = silent.map { _ in false }
        disobedient = silent
    }

    /// `span` passes; then everything is looked at once.
    mutating func turn(_ span: TimeSpan) {
        scans(in: span)
        controller.log(failure: isLogBroken ? "no space" : nil, at: now)
        controller.heartbeat(failure: isHeartBroken ? "a check failed" : nil, at: now)
        values[Self.flowSensor] = isFlowSilent ? nil : flow * flowFactor
        for (index, value) in values.enumerated() {
            controller.take(
                SensorReading(
                    sensor: index, value: value,
                    measure: controller.settings.watchedSensors[index].measure, at: now), at: now)
        }
        for index in pumps.indices {
            if !silent[index], !lost[index] {
                pumps[index].confirmedAt = now
                pumps[index].heardAt = now
            }
            count(index, span)
            controller.update(pump: index, pumps[index], at: now)
        }
        controller.advance(to: now)
        carryOut()
    }

    /// What flows, uL/min.
    private var flow: Double {
        var flow = 0.0
        for pump in pumps {
            if case .infusing(let rate, _) = pump.actual { flow += rate.microlitersPerMinute }
        }
        return flow
    }

    /// Whether pump `index` does what it was told.
    func obeys(_ index: Int) -> Bool {
        guard pumps[index].link == .ready else { return false }
        switch pumps[index].actual {
        case .stopped: return goals[index] == 0
        case .infusing(let rate, _): return rate.microlitersPerMinute == goals[index]
        case nil: return false
        }
    }

    private mutating func count(_ index: Int, _ span: TimeSpan) {
        var volume = pumps[index].infused ?? .zero
        if case .infusing(let rate, _) = pumps[index].actual {
            volume.microliters += rate.volume(in: span).microliters
        }
        pumps[index].infused = volume
    }

    /// Takes what the controller wants done.
    mutating func carryOut() {
        rose = false
        let before = goals
        for command in controller.commands {
            switch command {
            case .pump(let index, let goal):
                toldAt = now
                goals[index] = 0
                if case .infusing(let rate, _) = goal { goals[index] = rate.microlitersPerMinute }
                let isDeaf = silent[index] || lost[index] || disobedient[index]
                if !isDeaf, pumps[index].link == .ready { pumps[index].actual = goal }
            case .acknowledgeAlarm(let pump): if !lost[pump] { pumps[pump].link = .ready }
            case .spectrometer(let next):
                plan = next
                sawAt = now
            }
        }
        for index in goals.indices where goals[index] > before[index] + 1e-9 { rose = true }
        controller.commands.removeAll(keepingCapacity: true)
        for report in controller.reports { tally?.note(report) }
        controller.reports.removeAll(keepingCapacity: true)
    }

    /// Whether scans are wanted.
    var isAcquiring: Bool { plan?.isAcquiring == true }

    /// Time passes, and scans with it, up to the first that has something done.
    private mutating func scans(in span: TimeSpan) {
        let end = now + span
        while end - now > Self.scanPeriod {
            now = now + Self.scanPeriod
            if controller.commands.isEmpty { scan() }
        }
        now = end
        if controller.commands.isEmpty { scan() }
    }

    /// Share of the light that passes a droplet with silver, by pixel.
    private static let light = (0..<61).map { pixel in
        pow(10, -0.5 * exp(-pow((300 + 10 * Double(pixel) - 600) / 40, 2)))
    }

    /// Time from one scan to the next.
    private static let scanPeriod = TimeSpan.milliseconds(25)

    /// Twelve scans of a droplet, eight of oil, and so on.
    private mutating func scan() {
        guard let plan, plan.isAcquiring, !isBlind, !lost[pumps.count] else { return }
        scans += 1
        sawAt = now
        let isDroplet = scans % 20 < 12
        let isColored = isDroplet && goals[0] > 0
        let noise = UInt16(scans % 3)
        var counts: [UInt16] = []
        var largest: UInt16 = 0
        for pixel in plan.pixels {
            var count: UInt16 = 900
            if plan.lampOn { count = isDroplet ? 40_900 : 39_700 }
            if plan.lampOn, isColored { count = 900 + UInt16(40_000 * Self.light[pixel]) }
            counts.append(count + noise)
            largest = max(largest, count + noise)
        }
        tell(
            pumps.count,
            .frame(
                SpectrometerFrame(
                    counts: counts, plan: plan,
                    requestedAt: now, receivedAt: now, maximumCount: largest,
                    isSaturated: false)))
    }
}
