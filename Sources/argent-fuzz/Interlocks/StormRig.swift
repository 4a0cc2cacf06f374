import Configuration
import Glibc
import Instruments
import Numerics
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
    /// Goals the pumps were given last.
    private(set) var goals: [Double]
    /// A goal grew in the last turn.
    private(set) var rose = false
    private var pumps: [PumpState]
    private var plan: AcquisitionPlan?
    private var scans = 0
    private var orders = 0

    static let names = ["silver", "solvent", "oil"]
    static let usual: [Double] = [25, 100, 0]

    /// A rig with the reactions that `random` draws, brought to the state `ready`.
    init(_ random: inout SeededGenerator) throws {
        let settings = StormSettings.make(&random)
        let target = try TargetSpectrum(
            wavelengths: stride(from: 380.0, through: 800, by: 10).map { $0 },
            values: stride(from: 380.0, through: 800, by: 10).map { exp(-pow(($0 - 600) / 40, 2)) })
        controller = RigController(
            settings: settings, loss: try Loss(target: target, settings: settings.loss))
        pumps = settings.pumps.map { _ in
            var state = PumpState()
            state.link = .ready
            state.actual = .stopped
            return state
        }
        goals = pumps.map { _ in 0 }
        values = Self.usual
        lost = Array(repeating: false, count: pumps.count + 1)
        silent = Array(repeating: false, count: pumps.count)
        disobedient = silent
        controller.start(at: now)
        for index in lost.indices { tell(index, .ready) }
        controller.calibrate(
            wavelengths: (0..<61).map { Wavelength(nanometers: 300 + 10 * Double($0)) }, at: now)
        for index in lines.indices { controller.interlock(index, danger: false, at: now) }
        for _ in 0..<400 where controller.state != .ready { turn(.milliseconds(50)) }
        guard controller.state == .ready else {
            let faults = controller.faults.all.map(\.text)
            throw FuzzFailure("the rig never got ready: \(controller.state) \(faults)")
        }
    }

    /// Something happened at the instrument at `index`.
    mutating func tell(_ index: Int, _ kind: InstrumentEvent.Kind) {
        let name =
            index < Self.names.count ? Self.names[index] : RigController.spectrometerName
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
    }

    /// Everything is as it should be again.
    mutating func mend() {
        lines = lines.map { _ in false }
        for index in lines.indices { controller.interlock(index, danger: false, at: now) }
        values = Self.usual
        isLogBroken = false
        isHeartBroken = false
        isBlind = false
        for index in lost.indices { lose(index, false) }
        silent = silent.map { _ in false }
        disobedient = silent
    }

    /// `span` passes; then everything is looked at once.
    mutating func turn(_ span: TimeSpan) {
        now = now + span
        controller.log(failure: isLogBroken ? "no space" : nil, at: now)
        controller.heartbeat(failure: isHeartBroken ? "a check failed" : nil, at: now)
        for (index, value) in values.enumerated() {
            controller.take(
                SensorReading(
                    sensor: index, value: value,
                    measure: controller.settings.watchedSensors[index].measure, at: now), at: now)
        }
        for index in pumps.indices {
            if !silent[index], !lost[index] { pumps[index].confirmedAt = now }
            count(index, span)
            controller.update(pump: index, pumps[index], at: now)
        }
        scan()
        controller.advance(to: now)
        carryOut()
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
                goals[index] = 0
                if case .infusing(let rate, _) = goal { goals[index] = rate.microlitersPerMinute }
                let isDeaf = silent[index] || lost[index] || disobedient[index]
                if !isDeaf, pumps[index].link == .ready { pumps[index].actual = goal }
            case .acknowledgeAlarm(let pump): if !lost[pump] { pumps[pump].link = .ready }
            case .spectrometer(let next): plan = next
            }
        }
        for index in goals.indices where goals[index] > before[index] + 1e-9 { rose = true }
        controller.commands.removeAll(keepingCapacity: true)
        controller.reports.removeAll(keepingCapacity: true)
    }

    /// Twelve scans of a droplet, eight of oil, and so on.
    private mutating func scan() {
        guard let plan, plan.isAcquiring, !isBlind, !lost[pumps.count] else { return }
        scans += 1
        let isDroplet = scans % 20 < 12
        let count: UInt16 = plan.lampOn ? (isDroplet ? 40_900 : 39_700) : 900
        let noise = UInt16(scans % 3)
        tell(
            pumps.count,
            .frame(
                SpectrometerFrame(
                    counts: Array(repeating: count + noise, count: plan.pixels.count), plan: plan,
                    requestedAt: now, receivedAt: now, maximumCount: count + noise,
                    isSaturated: false)))
    }
}
