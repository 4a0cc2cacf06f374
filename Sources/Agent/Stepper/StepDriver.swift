import Instruments
import Quantities
import World

/// Makes the steps of the motors on one chip: asks each what is due and moves its lines. Belongs
/// to one thread.
package final class StepDriver {
    /// A step input is high at least this long: 1.9 µs are needed (DRV8825 datasheet; others need
    /// less). The kernel call itself takes about one.
    static let pulse = TimeSpan.microseconds(3)

    private var motors: [StepMotor]
    private var serials: [Int]
    private let lines: any OutputLines
    private let clock: () -> Instant
    /// Whether the pulse must be held; under a virtual clock it has no length.
    private let holdsPulse: Bool
    /// Called with how late each step was.
    package var noteLateness: (TimeSpan) -> Void = { _ in }

    /// The motors of `settings`, whose lines are `lines` in the order step, direction, enable.
    package init(
        _ settings: [StepLines], lines: any OutputLines, holdsPulse: Bool,
        clock: @escaping () -> Instant
    ) {
        motors = settings.map { StepMotor(ramp: $0.ramp, deadMan: $0.deadMan) }
        serials = Array(repeating: 0, count: settings.count)
        self.lines = lines
        self.clock = clock
        self.holdsPulse = holdsPulse
    }

    /// Takes up `command`.
    package func apply(_ command: StepCommand, at now: Instant) {
        guard motors.indices.contains(command.motor) else { return }
        serials[command.motor] = command.serial
        switch command.order {
        case .run(let steps, let rate):
            motors[command.motor].run(steps: steps, rate: rate, at: now)
        case .stop: motors[command.motor].stop(at: now)
        case .halt: motors[command.motor].halt(at: now)
        }
    }

    /// The rig's loop was alive at `now`.
    package func feed(at now: Instant) {
        for index in motors.indices { motors[index].feed(at: now) }
    }

    /// Halts every motor.
    package func haltAll(at now: Instant) {
        for index in motors.indices { motors[index].halt(at: now) }
    }

    /// Does what is due. Throws when a line is gone.
    package func turn() throws(WorldError) {
        for index in motors.indices {
            // Bounded: a motor with more than this due is one whose clock jumped.
            for _ in 0..<4 {
                guard let action = motors[index].due(at: clock()) else { break }
                try carryOut(action, motor: index)
            }
        }
    }

    private func carryOut(_ action: StepMotor.Action, motor: Int) throws(WorldError) {
        let first = motor * StepLines.perMotor
        let planned = motors[motor].deadline
        switch action {
        case .enable: try lines.set(first + 2, to: true)
        case .disable: try lines.set(first + 2, to: false)
        case .step:
            let now = clock()
            try lines.set(first, to: true)
            if holdsPulse { Clocks.spin(until: now + Self.pulse) }
            try lines.set(first, to: false)
            noteLateness(now - planned)
            motors[motor].done(action, at: now)
            return
        }
        motors[motor].done(action, at: clock())
    }

    /// When the next thing is due.
    package var deadline: Instant {
        var next = Instant.distantFuture
        for motor in motors { next = min(next, motor.deadline) }
        return next
    }

    /// What `motor` does.
    package func status(_ motor: Int, at now: Instant) -> StepStatus {
        guard motors.indices.contains(motor) else { return StepStatus() }
        return StepStatus(
            serial: serials[motor], made: motors[motor].generator.made,
            isRunning: motors[motor].isRunning, isDead: motors[motor].isDead, at: now)
    }

    /// Steps that were too late to keep their time.
    package func slips(_ motor: Int) -> Int {
        motors.indices.contains(motor) ? motors[motor].generator.slips : 0
    }

    /// Puts every line at its safe level and gives them back.
    package func close() {
        for motor in motors.indices {
            try? lines.set(motor * StepLines.perMotor + 2, to: false)
        }
        lines.close()
    }
}

/// Makes the steps in the loop's own turns: under the virtual clock.
final class DirectSteps: StepBackend {
    private static let retryPeriod = TimeSpan.milliseconds(500)
    private let settings: [StepLines]
    private let world: any World
    private var driver: StepDriver?
    private var notice: String?
    private var told: WorldError?
    private var retryAt = Instant.zero
    private var isClosed = false

    init(_ settings: [StepLines], world: any World) {
        self.settings = settings
        self.world = world
    }

    var isOpen: Bool { driver != nil }

    func takeNotice() -> String? {
        defer { notice = nil }
        return notice
    }

    func send(_ command: StepCommand) -> Bool {
        driver?.apply(command, at: world.now)
        return driver != nil
    }

    func status(_ motor: Int) -> StepStatus {
        driver?.status(motor, at: world.now) ?? StepStatus()
    }

    func turn(at now: Instant) {
        guard !isClosed else { return }
        do throws(WorldError) {
            if driver == nil {
                guard now >= retryAt else { return }
                retryAt = now + Self.retryPeriod
                let lines = try world.openOutputs(settings.flatMap(\.all))
                let world = world
                driver = StepDriver(
                    settings, lines: lines, holdsPulse: false, clock: { world.now })
                told = nil
            }
            driver?.feed(at: now)
            try driver?.turn()
        } catch {
            if told != error { notice = "\(error)" }
            told = error
            driver?.close()
            driver = nil
        }
    }

    var deadline: Instant {
        guard !isClosed else { return .distantFuture }
        return driver?.deadline ?? retryAt
    }

    func close() {
        isClosed = true
        driver?.close()
        driver = nil
    }
}
