import Configuration
import Instruments
import Quantities
import Rig
import RunLog
import Spectra
import World

/// The rig's loop without its thread: one `turn` looks at every line, lets the controller act,
/// and sends its commands out. Whoever owns the loop decides when: a real-time thread between
/// two `wait`s (`RigThread`), or the virtual clock.
final class RigLoop {
    let world: any World
    var settings: Settings
    var controller: RigController
    /// What happened and was not handed over yet; see `handOver`.
    var news: [StampedNews] = []
    /// Whether the steward knows that an order is wanted.
    var wantedOrder = false
    /// Why records cannot be written, by the steward's word.
    var logFailure: String?
    /// The steward does not take its news.
    var isOverflowing = false
    /// Since when it is to come to rest for good.
    var haltedAt: Instant?
    /// Measures the turns, where somebody wants to know.
    let meter: RigMeter?

    /// Time the pumps are given to confirm that they stopped at the end.
    static let restLimit = TimeSpan.seconds(3)
    /// News kept beside a full queue at most, before the rig goes safe.
    static let newsLimit = 16_384
    /// Room made for news beforehand: more than one turn ever brings.
    private static let newsRoom = 256

    private let lines: [any LineRunning]
    private let pumpLines: [any PumpLineRunning]
    private let spectrometer: any SpectrometerLineRunning
    /// Where each pump of the configuration hangs: line, and index on it.
    private let places: [(line: Int, index: Int)]
    /// Sensors, outputs and the heartbeat, where there are any.
    let devices: RigDevices?
    var interlocks: (any InputLines)?
    var interlocksRetryAt = Instant.zero
    var edges: [EdgeEvent] = []
    /// Where raw frames go besides; nil: nowhere. Set before the rig's thread starts.
    var frames: FrameRing?
    private var events: [InstrumentEvent] = []
    private var spectrometerWasReady = false

    init(
        world: any World, settings: Settings, loss: Loss, remaining: [Volume?],
        meter: RigMeter? = nil
    ) throws(LineSetupError) {
        self.world = world
        self.meter = meter
        self.settings = settings
        controller = RigController(settings: settings, loss: loss, remaining: remaining)
        let setup = try LineSetup(settings: settings, world: world)
        pumpLines = setup.pumpLines
        places = setup.places
        spectrometer = setup.spectrometer
        lines = setup.pumpLines.map { $0 as any LineRunning } + [setup.spectrometer]
        news.reserveCapacity(Self.newsRoom)
        events.reserveCapacity(Self.newsRoom)
        edges.reserveCapacity(Self.newsRoom)
        do throws(WorldError) {
            devices = try RigDevices(settings: settings, world: world)
        } catch {
            throw .noThread(chip: "the I2C buses", error)
        }
        controller.start(at: world.now)
    }

    /// When the next turn is due if nothing arrives.
    var deadline: Instant {
        var next = controller.deadline
        for line in lines { next = min(next, line.deadline) }
        if let devices { next = min(next, devices.deadline) }
        if interlocks == nil, !settings.interlocks.isEmpty { next = min(next, interlocksRetryAt) }
        return next
    }

    /// Looks at everything once. What endangers comes first: an interlock that trips has its
    /// stop commands on the lines before anything else is said.
    func turn() {
        let now = world.now
        devices?.begin()
        watchInterlocks(at: now)
        devices?.pass(.interlocks, holds: isWatchingInterlocks)
        if !controller.commands.isEmpty { carryOut(at: now) }
        var mark = measured(.interlock, from: now)
        for line in lines { line.listen(at: now) }
        mark = measured(.read, from: mark)
        takeEvents(at: now)
        devices?.pass(.lines)
        takeReadings(at: now)
        controller.advance(to: now)
        devices?.pass(.control, holds: controller.isCoherent)
        mark = measured(.control, from: mark)
        devices?.setOutputs(for: controller, at: now)
        carryOut(at: now)
        devices?.pass(.commands, holds: controller.commands.isEmpty)
        for line in lines { line.flush(at: now) }
        devices?.end(atRest: controller.isAtRest, at: now)
        mark = measured(.write, from: mark)
        meter?.noteTurn()
    }

    /// Notes what a stage took; returns when it ended.
    func measured(_ stage: RigStage, from start: Instant) -> Instant {
        guard let meter else { return start }
        return meter.note(stage, from: start, to: world.now)
    }

    /// Takes what sensors said, and what there is to tell of the devices.
    private func takeReadings(at now: Instant) {
        guard let devices else { return }
        devices.takeReadings(at: now)
        for reading in devices.readings { controller.take(reading, at: now) }
        if devices.heartbeatChanged() {
            controller.heartbeat(failure: devices.heartbeatFailure, at: now)
        }
        while let notice = devices.takeNotice() {
            tell(.report(.event(kind: "device", text: .text(notice))), at: now)
        }
    }

    /// Sends the controller's commands to the instruments, and their bytes on their way.
    func carryOut(at now: Instant) {
        if !controller.commands.isEmpty {
            for command in controller.commands {
                switch command {
                case .pump(let pump, let goal): send(goal, to: pump, at: now)
                case .acknowledgeAlarm(let pump):
                    let place = places[pump]
                    pumpLines[place.line].acknowledgeAlarm(pump: place.index, at: now)
                case .spectrometer(let plan): spectrometer.setPlan(plan, at: now)
                }
            }
            controller.commands.removeAll(keepingCapacity: true)
            for line in lines { line.flush(at: now) }
        }
        if !controller.reports.isEmpty {
            for report in controller.reports { tell(.report(report), at: now) }
            controller.reports.removeAll(keepingCapacity: true)
        }
    }

    /// Gives a pump its goal, and its line what is to be said, at once: what stops a pump does not
    /// wait for the goals of the others.
    func send(_ goal: PumpGoal, to pump: Int, at now: Instant) {
        let place = places[pump]
        pumpLines[place.line].setGoal(goal, pump: place.index, at: now)
        pumpLines[place.line].flush(at: now)
    }

    /// What is known of pump `index`, in configuration order.
    func pumpState(_ index: Int) -> PumpState {
        pumpLines[places[index].line].pump(places[index].index)
    }

    /// What is known of each pump, in configuration order.
    var pumpStates: [PumpState] {
        places.map { pumpLines[$0.line].pump($0.index) }
    }

    /// Whether it was told to come to rest, and has, or had its time for it.
    func isOver(at now: Instant) -> Bool {
        guard let haltedAt else { return false }
        return controller.isAtRest || now - haltedAt >= Self.restLimit
    }

    /// Closes every line.
    func close() {
        for line in lines { line.close() }
        devices?.close()
        interlocks?.close()
    }

    private func takeEvents(at now: Instant) {
        for (pump, place) in places.enumerated() where pumpLines[place.line].isChanged {
            controller.update(pump: pump, pumpLines[place.line].pump(place.index), at: now)
        }
        let spectrometerChanged = spectrometer.isChanged
        events.removeAll(keepingCapacity: true)
        for line in lines {
            for notice in line.takeNotices() {
                tell(.report(.event(kind: "line", text: .text(notice))), at: now)
            }
            line.takeEvents(into: &events)
        }
        if spectrometerChanged, spectrometer.isReady != spectrometerWasReady {
            spectrometerWasReady = spectrometer.isReady
            if spectrometerWasReady {
                controller.calibrate(wavelengths: spectrometer.wavelengths, at: now)
            }
        }
        for event in events {
            switch event.kind {
            case .frame(let frame): keep(frame)
            case .alarm: stopAhead(of: .pumpAlarm, controller.place(of: event), at: now)
            default: break
            }
            controller.handle(event, at: now)
        }
    }

    /// Hands a raw frame to whoever keeps them.
    private func keep(_ frame: SpectrometerFrame) {
        guard let frames else { return }
        let known = FrameFacts(
            at: frame.receivedAt, integration: frame.plan.integration,
            firstPixel: frame.plan.firstPixel, pixelStep: frame.plan.pixelStep,
            pixels: frame.counts.count)
        _ = frame.counts.withUnsafeBufferPointer { frames.push($0, known) }
    }
}
