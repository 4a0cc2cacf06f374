import Configuration
import Glibc
import Instruments
import Numerics
import Quantities
import Spectra

@testable import Rig

/// A rig on the bench, without lines or bytes: pumps that do as told after a moment, and a
/// detector past which oil and droplets of known absorbance travel. It plays the instruments'
/// part towards a `RigController`, so that a test can break one thing at a time.
struct BenchRig {
    var controller: RigController
    var now = Instant(nanoseconds: 1_000_000_000)
    var reports: [RigReport] = []
    /// Pumps that do not do as they are told.
    var disobedient: Set<Int> = []
    /// Pumps of which nothing is heard any more.
    var silent: Set<Int> = []
    /// Whether scans arrive.
    var isBlind = false
    /// Whether aqueous droplets pass, or only oil.
    var hasDroplets = true
    /// What a sensor says instead of what is so; nil: nothing.
    var sensorSays: [Int: Double?] = [:]
    /// Pumps whose counter stands still.
    var frozenCounters: Set<Int> = []
    /// Time from one turn to the next.
    var period = Self.period
    /// Largest absorbance of a reagent droplet.
    var absorbance = 0.9
    private var pumps: [PumpState]
    private var plan: AcquisitionPlan?
    private var nextScanAt = Instant.zero
    private var generator = SeededGenerator(seed: 5)

    static let period = TimeSpan.milliseconds(50)
    /// Scans per droplet and per oil gap.
    static let dropletScans = 12
    static let oilScans = 8

    /// A sensor for this kind of quantity, stale after a second.
    static func sensor(_ name: String, _ quantity: SensorSettings.Quantity) -> SensorSettings {
        var sensor = SensorSettings(name: name)
        sensor.chip = .ads1115
        sensor.channel = "AIN0"
        sensor.quantity = quantity
        return sensor
    }

    static func settings() -> Settings {
        var settings = Settings()
        settings.pumps = ["silver", "solvent", "oil"].map { name in
            var pump = PumpSettings(name: name)
            pump.syringeDiameter = Length(millimeters: 14.43)
            pump.syringeVolume = Volume(microliters: 10_000)
            return pump
        }
        settings.variables = [
            VariableSettings(
                name: "Q_silver", kind: .reagentPercent(pump: "silver"), low: 5, high: 50,
                lowLimit: 5, highLimit: 80),
            VariableSettings(
                name: "Q_tot", kind: .totalFlow, low: 200, high: 1_000, lowLimit: 100,
                highLimit: 1_000),
        ]
        settings.rig.droplets = 6
        settings.rig.referenceDroplets = 4
        settings.rig.darkScans = 4
        settings.rig.lampWarmUp = .seconds(1)
        settings.rig.collectLimit = .seconds(30)
        settings.rig.obeyLimit = .seconds(2)
        settings.interlocks = [InterlockSettings(name: "door"), InterlockSettings(name: "leak")]
        settings.interlocks[1].latching = false
        return settings
    }

    /// Wavelengths of the bench's detector: 300 to 900 nm.
    static let wavelengths = (0..<601).map { Wavelength(nanometers: 300 + Double($0)) }

    init(
        _ change: (inout Settings) -> Void = { _ in }, remaining: [Volume?] = []
    ) throws {
        var settings = Self.settings()
        change(&settings)
        // A wanted spectrum with one band at 600 nm, like the droplets themselves.
        let target = try TargetSpectrum(
            wavelengths: stride(from: 380.0, through: 800, by: 5).map { $0 },
            values: stride(from: 380.0, through: 800, by: 5).map(Self.band))
        controller = RigController(
            settings: settings, loss: try Loss(target: target, settings: settings.loss),
            remaining: remaining)
        pumps = settings.pumps.map { _ in
            var state = PumpState()
            state.link = .ready
            state.actual = .stopped
            return state
        }
        controller.start(at: now)
        for pump in settings.pumps { tell(pump.name, .ready) }
        tell(RigController.spectrometerName, .ready)
        controller.calibrate(wavelengths: Self.wavelengths, at: now)
        for index in settings.interlocks.indices {
            controller.interlock(index, danger: false, at: now)
        }
    }

    private static func band(_ nanometers: Double) -> Double {
        exp(-pow((nanometers - 600) / 40, 2))
    }

    /// Something happened at an instrument.
    mutating func tell(_ instrument: String, _ kind: InstrumentEvent.Kind) {
        controller.handle(InstrumentEvent(instrument: instrument, at: now, kind: kind), at: now)
    }

    /// Sets what is known of pump `index`.
    mutating func set(pump index: Int, _ change: (inout PumpState) -> Void) {
        change(&pumps[index])
    }

    /// Lets `seconds` pass, or less when `until` holds. Returns whether it came to hold.
    @discardableResult
    mutating func run(_ seconds: Double, until: (BenchRig) -> Bool = { _ in false }) -> Bool {
        let end = now + .seconds(seconds)
        while now < end {
            turn()
            if until(self) { return true }
            now = now + period
        }
        return false
    }

    /// What a bench did not do in time.
    struct DidNotHappen: Error {
        var what: String
        var state: RigState
        var faults: [String]
    }

    /// Runs until `condition` holds; throws when it does not within `seconds`.
    mutating func must(_ seconds: Double, _ condition: (BenchRig) -> Bool) throws {
        guard run(seconds, until: condition) else {
            throw DidNotHappen(
                what: "within \(seconds) s", state: controller.state,
                faults: controller.faults.all.map(\.text))
        }
    }

    /// Runs until the controller is in `state`; throws when it is not within five minutes.
    mutating func mustReach(_ state: RigState) throws {
        try must(300) { $0.controller.state == state }
    }

    /// An operator asks; throws when the answer does not contain `says`.
    mutating func operate(_ command: OperatorCommand, says: String) throws {
        let answer = controller.operate(command, at: now)
        guard answer.contains(says) else {
            throw DidNotHappen(
                what: "answer was: \(answer)", state: controller.state,
                faults: controller.faults.all.map(\.text))
        }
    }

    private mutating func turn() {
        for index in pumps.indices where !silent.contains(index) {
            pumps[index].confirmedAt = now
            pumps[index].heardAt = now
            count(index)
        }
        sense()
        for index in pumps.indices { controller.update(pump: index, pumps[index], at: now) }
        scan()
        controller.advance(to: now)
        for command in controller.commands {
            switch command {
            case .pump(let index, let goal):
                if !disobedient.contains(index), !silent.contains(index) {
                    pumps[index].actual = goal
                }
            case .spectrometer(let next): plan = next
            case .acknowledgeAlarm(let pump): pumps[pump].link = .ready
            }
        }
        controller.commands = []
        reports += controller.reports
        controller.reports = []
    }

    /// The pump counts what it gave since the last turn.
    private mutating func count(_ index: Int) {
        var volume = pumps[index].infused ?? .zero
        if case .infusing(let rate, _) = pumps[index].actual, !frozenCounters.contains(index) {
            volume.microliters += rate.volume(in: period).microliters
        }
        pumps[index].infused = volume
    }

    /// Every sensor is read: flow sensors see all pumps, the others see nothing unusual.
    private mutating func sense() {
        for (index, sensor) in controller.settings.watchedSensors.enumerated() {
            let usual = sensor.measure == .flow ? flowing : 25
            controller.take(
                SensorReading(
                    sensor: index, value: sensorSays[index] ?? usual, measure: sensor.measure,
                    at: now), at: now)
        }
    }

    private mutating func scan() {
        guard let plan, plan.isAcquiring, !isBlind, now >= nextScanAt else { return }
        nextScanAt = now + Self.period
        let place =
            Int(now.nanoseconds / Self.period.nanoseconds)
            % (Self.dropletScans + Self.oilScans)
        let isDroplet = hasDroplets && place < Self.dropletScans
        let reagent = controller.commanded.first.map { $0 > .zero } ?? false
        let counts = plan.pixels.map { pixel -> UInt16 in
            var light = plan.lampOn ? 40_000.0 : 0
            if isDroplet {
                let wavelength = Self.wavelengths[pixel].nanometers
                if reagent { light *= pow(10, -absorbance * Self.band(wavelength)) }
            } else {
                light *= 0.97
            }
            return UInt16(900 + light + generator.normal() * 5)
        }
        tell(
            RigController.spectrometerName,
            .frame(
                SpectrometerFrame(
                    counts: counts, plan: plan, requestedAt: now, receivedAt: now,
                    maximumCount: counts.max() ?? 0, isSaturated: false)))
    }

    /// An order for condition `number`.
    static func order(_ number: Int, _ recipe: [Double] = [30, 600]) -> ConditionOrder {
        ConditionOrder(run: 1, number: number, attempt: 1, recipe: recipe)
    }

    /// The rates that flow by the pumps' own word, µL/min in total.
    var flowing: Double {
        pumps.reduce(0) { sum, pump in
            if case .infusing(let rate, _) = pump.actual {
                return sum + rate.microlitersPerMinute
            }
            return sum
        }
    }

    /// How the conditions ended that did.
    var outcomes: [ConditionOutcome] {
        reports.compactMap {
            if case .conditionEnded(_, let outcome) = $0 { outcome } else { nil }
        }
    }

    /// The states gone through, in order.
    var states: [RigState] {
        reports.compactMap { if case .state(let state, _) = $0 { state } else { nil } }
    }
}
