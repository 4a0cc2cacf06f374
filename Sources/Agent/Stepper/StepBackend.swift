import Instruments
import Quantities
import World

/// What a motor is told. `serial` counts the commands of a motor, so that an answer is known to
/// be one to the last of them.
package struct StepCommand: Sendable {
    /// What it shall do.
    package enum Order: Equatable, Sendable {
        /// Make `steps` steps at `rate`, in place of what was left.
        case run(steps: Int64, rate: StepRate)
        /// Slow down and stop.
        case stop
        /// No more steps, no current.
        case halt
    }
    /// The motor, by its place on the chip.
    package var motor: Int
    /// Number of the command, from 1.
    package var serial: Int
    /// What it shall do.
    package var order: Order

    /// Command `serial` of `motor`.
    package init(motor: Int, serial: Int, order: Order) {
        self.motor = motor
        self.serial = serial
        self.order = order
    }
}

/// What a motor does, as whoever makes its steps last said.
package struct StepStatus: Equatable, Sendable {
    /// The last command that was taken up; 0 for none.
    package var serial = 0
    /// Steps made since the lines were taken.
    package var made: Int64 = 0
    /// Whether steps are to come.
    package var isRunning = false
    /// Whether it stopped because nobody gave a sign of life.
    package var isDead = false
    /// When this was so.
    package var at = Instant.zero
}

/// Whoever makes the steps of the motors on one chip: a thread on a board, the loop itself under
/// the virtual clock.
protocol StepBackend: AnyObject {
    /// Whether the lines are taken.
    var isOpen: Bool { get }
    /// Why they are not, or were lost, told once.
    func takeNotice() -> String?
    /// Tells a motor what to do. False: it cannot be told; everything halts.
    func send(_ command: StepCommand) -> Bool
    /// What `motor` does.
    func status(_ motor: Int) -> StepStatus
    /// The rig's loop is alive; makes steps where no thread does.
    func turn(at now: Instant)
    /// When `turn` has something to do.
    var deadline: Instant { get }
    /// Halts every motor and gives the lines back.
    func close()
}

/// The lines of one motor.
package struct StepLines: Equatable, Sendable {
    /// Step input of the driver: a rising edge is a step.
    package var step: OutputLineSettings
    /// Direction input; its safe level pushes out.
    package var direction: OutputLineSettings
    /// Enable input; its safe level lets no current in.
    package var enable: OutputLineSettings
    /// How it speeds up.
    package var ramp: StepRamp
    /// Silence of the rig's loop after which it stops.
    package var deadMan: TimeSpan

    /// The lines of a motor with `ramp` that stops after `deadMan` of silence.
    package init(
        step: OutputLineSettings, direction: OutputLineSettings, enable: OutputLineSettings,
        ramp: StepRamp, deadMan: TimeSpan
    ) {
        self.step = step
        self.direction = direction
        self.enable = enable
        self.ramp = ramp
        self.deadMan = deadMan
    }

    /// Lines of one motor in a request.
    static let perMotor = 3
    var all: [OutputLineSettings] { [step, direction, enable] }
}
