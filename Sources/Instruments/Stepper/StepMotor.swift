import Quantities

/// A stepper driver with a step and an enable input, as a machine without I/O: current is let in
/// some time before the first step and out some time after the last one; and when nobody feeds
/// it for its dead-man time, it makes no more steps and lets go.
public struct StepMotor: Equatable, Sendable {
    /// What is to be done to its lines.
    public enum Action: Equatable, Sendable {
        /// Let current in.
        case enable
        /// Let no current in.
        case disable
        /// Make one step.
        case step
    }

    /// Time from current to the first step: drivers wake within 1.7 ms (DRV8825, A4988
    /// datasheets).
    public static let wakeTime = TimeSpan.milliseconds(2)
    /// Time from the last step to no current: the rotor has settled by then.
    public static let holdTime = TimeSpan.milliseconds(500)

    /// Its steps.
    public private(set) var generator: StepGenerator
    /// Whether current is let in.
    public private(set) var isEnabled = false
    /// Nobody fed it in time, and it stopped; the next `run` begins anew.
    public private(set) var isDead = false
    private let deadMan: TimeSpan
    private var fedAt = Instant.zero
    private var restingSince = Instant.zero
    /// A run that waits for the driver to wake.
    private var waiting: (steps: Int64, rate: StepRate, from: Instant)?

    /// A motor that stands still without current, and makes no steps once it was not fed for
    /// `deadMan`.
    public init(ramp: StepRamp, deadMan: TimeSpan) {
        generator = StepGenerator(ramp: ramp)
        self.deadMan = deadMan
    }

    /// Whether steps are to come.
    public var isRunning: Bool { generator.isRunning || waiting != nil }

    /// Whoever gives the commands is alive.
    public mutating func feed(at now: Instant) { fedAt = max(fedAt, now) }

    /// Makes `steps` steps at `rate`, in place of what was left.
    public mutating func run(steps: Int64, rate: StepRate, at now: Instant) {
        isDead = false
        feed(at: now)
        guard steps > 0, rate > .zero else { return stop(at: now) }
        if isEnabled, waiting == nil {
            generator.run(steps: steps, rate: rate, at: now)
        } else {
            waiting = (steps, rate, waiting?.from ?? .distantFuture)
        }
    }

    /// Slows down and stops.
    public mutating func stop(at now: Instant) {
        waiting = nil
        guard generator.isRunning else { return }
        generator.stop()
        if !generator.isRunning { restingSince = now }
    }

    /// No more steps, and no current.
    public mutating func halt(at now: Instant) {
        waiting = nil
        generator.halt()
        restingSince = now - Self.holdTime
    }

    /// When `due` has something to say next.
    public var deadline: Instant {
        if let waiting { return isEnabled ? min(waiting.from, deadAt) : .zero }
        if generator.isRunning { return min(generator.next, deadAt) }
        return isEnabled ? restingSince + Self.holdTime : .distantFuture
    }

    private var deadAt: Instant { fedAt + deadMan }

    /// What is to be done to the lines at `now`; nil: nothing. Tell `done` when it was.
    public mutating func due(at now: Instant) -> Action? {
        if isRunning, now >= deadAt {
            isDead = true
            halt(at: now)
        }
        if let waiting {
            guard isEnabled else { return .enable }
            guard now >= waiting.from else { return nil }
            self.waiting = nil
            generator.run(steps: waiting.steps, rate: waiting.rate, at: waiting.from)
        }
        if generator.isRunning { return now >= generator.next ? .step : nil }
        return isEnabled && now >= restingSince + Self.holdTime ? .disable : nil
    }

    /// `action` was done at `now`.
    public mutating func done(_ action: Action, at now: Instant) {
        switch action {
        case .enable:
            isEnabled = true
            restingSince = now
            waiting?.from = now + Self.wakeTime
        case .disable: isEnabled = false
        case .step:
            generator.stepped(at: now)
            if !generator.isRunning { restingSince = now }
        }
    }

    /// Whether two motors are in the same state.
    public static func == (a: StepMotor, b: StepMotor) -> Bool {
        a.generator == b.generator && a.isEnabled == b.isEnabled && a.isDead == b.isDead
            && a.fedAt == b.fedAt && a.restingSince == b.restingSince
            && a.waiting?.steps == b.waiting?.steps && a.waiting?.rate == b.waiting?.rate
            && a.waiting?.from == b.waiting?.from
    }
}
