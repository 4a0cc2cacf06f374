import Configuration
import Instruments
import Quantities
import World

/// The stepper pumps on one GPIO chip, as the rig's loop sees them: goals become steps, steps
/// become volume.
final class StepperLine: PumpLineRunning {
    private struct Pump {
        let name: String
        var volume: StepVolume
        var state = PumpState()
        var goal = PumpGoal.stopped
        /// What the motor was last seen to do, and when that was passed on.
        var seen = StepStatus()
        var shownAt = Instant.zero
        /// Number of the last command.
        var serial = 0
        /// The command that carries the goal was sent.
        var isSent = false
        /// Nobody waits to hear of a goal nobody set.
        var isReported = true
    }

    let path: String
    let instruments: [String]
    private(set) var isChanged = true
    private let backend: any StepBackend
    private var pumps: [Pump]
    private var events: [InstrumentEvent] = []
    private var wasOpen = false
    /// How often a volume that only grows is passed on.
    private static let showPeriod = TimeSpan.milliseconds(50)

    /// Steppers on the chip labelled `chip`.
    init(chip: String, pumps settings: [PumpSettings], backend: any StepBackend) {
        path = chip
        instruments = settings.map(\.name)
        self.backend = backend
        pumps = settings.map {
            Pump(
                name: $0.name,
                volume: StepVolume(stepsPerMicroliter: $0.stepper.stepsPerMicroliter))
        }
        events.reserveCapacity(64)
    }

    /// The lines and the ramp of `pump`.
    static func lines(of pump: PumpSettings) -> StepLines {
        let stepper = pump.stepper
        func line(_ name: String, activeLow: Bool, level: Bool = false) -> OutputLineSettings {
            OutputLineSettings(
                chipLabel: pump.port, line: name, activeLow: activeLow, safeLevel: level)
        }
        return StepLines(
            step: line(stepper.stepLine, activeLow: false),
            direction: line(
                stepper.directionLine, activeLow: stepper.directionReversed, level: true),
            enable: line(stepper.enableLine, activeLow: stepper.enableActiveLow),
            ramp: StepRamp(
                start: StepRate(perSecond: stepper.startStepRate),
                fastest: StepRate(perSecond: stepper.maximumStepRate), time: stepper.ramp),
            deadMan: pump.deadMan)
    }

    var isOpen: Bool { wasOpen }

    var deadline: Instant { backend.deadline }

    func listen(at now: Instant) {
        backend.turn(at: now)
        let isOpen = backend.isOpen
        if isOpen != wasOpen {
            wasOpen = isOpen
            isChanged = true
            for index in pumps.indices { isOpen ? connect(index, at: now) : lose(index, at: now) }
        }
        guard isOpen else { return }
        for index in pumps.indices { look(at: index, now: now) }
    }

    func flush(at now: Instant) {
        backend.turn(at: now)
    }

    func takeEvents(into taken: inout [InstrumentEvent]) {
        isChanged = false
        taken.append(contentsOf: events)
        events.removeAll(keepingCapacity: true)
    }

    func takeNotices() -> [String] {
        var all: [String] = []
        while let notice = backend.takeNotice() { all.append(notice) }
        return all
    }

    func close() { backend.close() }

    func pump(_ index: Int) -> PumpState {
        pumps.indices.contains(index) ? pumps[index].state : PumpState()
    }

    func setGoal(_ goal: PumpGoal, pump index: Int, at now: Instant) {
        guard pumps.indices.contains(index) else { return }
        pumps[index].goal = goal
        pumps[index].isReported = false
        pumps[index].isSent = false
        isChanged = true
        pursue(index)
    }

    /// Motors stand until they are told otherwise.
    func stopFirst() {}

    func acknowledgeAlarm(pump index: Int, at now: Instant) {
        guard pumps.indices.contains(index), case .alarmed = pumps[index].state.link else {
            return
        }
        pumps[index].state.link = .ready
        pumps[index].isSent = false
        pumps[index].isReported = false
        isChanged = true
        tell(index, .ready, at: now)
        pursue(index)
    }

    /// Sends what the goal asks for, once.
    private func pursue(_ index: Int) {
        let pump = pumps[index]
        guard wasOpen, !pump.isSent else { return }
        var order = StepCommand.Order.stop
        if case .infusing(let rate, let bound) = pump.goal, pump.state.link == .ready {
            let steps = pumps[index].volume.steps(for: bound)
            order = .run(steps: steps, rate: pump.volume.rate(of: rate))
        }
        pumps[index].serial += 1
        let command = StepCommand(motor: index, serial: pumps[index].serial, order: order)
        pumps[index].isSent = backend.send(command)
    }

    private func look(at index: Int, now: Instant) {
        pursue(index)
        let status = backend.status(index)
        let seen = pumps[index].seen
        let isNews =
            status.serial != seen.serial || status.isRunning != seen.isRunning
            || status.isDead != seen.isDead
        guard isNews || now - pumps[index].shownAt >= Self.showPeriod else { return }
        pumps[index].seen = status
        pumps[index].shownAt = now
        pumps[index].state.confirmedAt = status.at
        pumps[index].state.heardAt = status.at
        pumps[index].state.infused = pumps[index].volume.volume(of: status.made)
        isChanged = true
        // What it does is an answer to the goal only once it took the goal up.
        guard pumps[index].isSent, status.serial == pumps[index].serial else { return }
        guard case .infusing = pumps[index].goal, pumps[index].state.link == .ready else {
            if !status.isRunning { settle(index, .stopped, at: now) }
            return
        }
        if status.isRunning {
            settle(index, pumps[index].goal, at: now)
        } else {
            raise(status.isDead ? .deadMan : .targetReached, index, at: now)
        }
    }

    private func settle(_ index: Int, _ actual: PumpGoal, at now: Instant) {
        pumps[index].state.actual = actual
        guard !pumps[index].isReported, pumps[index].state.link == .ready else { return }
        pumps[index].isReported = true
        tell(index, .goalReached(pumps[index].goal), at: now)
    }

    private func raise(_ alarm: PumpAlarm, _ index: Int, at now: Instant) {
        pumps[index].state.link = .alarmed(alarm)
        pumps[index].state.actual = .stopped
        tell(index, .alarm(alarm), at: now)
    }

    private func connect(_ index: Int, at now: Instant) {
        pumps[index].state.identity = "stepper on \(path)"
        pumps[index].state.link = .ready
        pumps[index].isSent = false
        tell(index, .identified(pumps[index].state.identity), at: now)
        tell(index, .ready, at: now)
        pursue(index)
    }

    private func lose(_ index: Int, at now: Instant) {
        pumps[index].state.link = .absent
        pumps[index].state.actual = nil
        pumps[index].isSent = false
        pumps[index].isReported = false
        tell(index, .lost(.lineClosed), at: now)
    }

    private func tell(_ index: Int, _ kind: InstrumentEvent.Kind, at now: Instant) {
        events.append(InstrumentEvent(instrument: pumps[index].name, at: now, kind: kind))
    }
}
