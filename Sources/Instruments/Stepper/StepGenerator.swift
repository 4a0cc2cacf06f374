import Quantities

/// When each step of a motor is to happen: climbs and descends a `StepRamp`, runs evenly between,
/// follows changes of the rate and stops at any time, and makes exactly as many steps as it was
/// told. Without I/O; whole numbers only.
public struct StepGenerator: Equatable, Sendable {
    /// Nanoseconds of a second times millionths of a step.
    private static let unit: Int64 = 1_000_000_000_000_000

    /// How it speeds up and slows down.
    public let ramp: StepRamp
    /// Steps made so far.
    public private(set) var made: Int64 = 0
    /// Steps still to be made.
    public private(set) var remaining: Int64 = 0
    /// When the next step is to be made; `.distantFuture` while standing still.
    public private(set) var next = Instant.distantFuture
    /// Times it was so late that the steps behind were moved instead of squeezed.
    public private(set) var slips = 0
    private var rate = StepRate.zero
    /// How far up the ramp it is: its rate is that of this level, or less.
    private var level: Int64 = 0
    /// The speeds of this level and of the next one up, millionths of a step per second.
    private var speed: Int64
    private var above: Int64
    /// What whole nanoseconds of even running left over, in parts of a nanosecond of which the
    /// rate makes a whole one.
    private var leftover: Int64 = 0

    /// A motor that stands still.
    public init(ramp: StepRamp) {
        self.ramp = ramp
        speed = ramp.start.microsteps
        above = ramp.speed(1)
    }

    /// Whether steps are to come.
    public var isRunning: Bool { remaining > 0 }

    /// Makes `steps` more steps from `now` on, at `rate` as far as the ramp allows, in place of
    /// what was left. The first one is due at once if it stands still. More steps than a motor
    /// makes in years count as that many.
    public mutating func run(steps: Int64, rate: StepRate, at now: Instant) {
        let wasRunning = isRunning
        remaining = min(max(0, steps), 1 << 48)
        self.rate = StepRate(microsteps: min(max(rate.microsteps, 0), ramp.fastest.microsteps))
        leftover = 0
        if self.rate == .zero { return stop() }
        guard isRunning else { return standStill() }
        if !wasRunning { next = now }
    }

    /// Slows down and stops, with no more steps than the ramp needs.
    public mutating func stop() {
        // The time of the next step stands; each one behind it can descend a level.
        remaining = level > 0 ? min(remaining, level + 1) : 0
        if !isRunning { standStill() }
    }

    /// Makes no more steps, whatever the speed.
    public mutating func halt() {
        remaining = 0
        standStill()
    }

    private mutating func standStill() {
        next = .distantFuture
        level = 0
        speed = ramp.start.microsteps
        above = ramp.speed(1)
        leftover = 0
    }

    /// The step that was due at `next` has been made at `now`. A step that came later than a
    /// quarter of the time to the one behind it moves all that follow: squeezing them together
    /// would ask the motor for a jump.
    public mutating func stepped(at now: Instant) {
        guard isRunning else { return }
        made += 1
        remaining -= 1
        guard isRunning else { return standStill() }
        let span = TimeSpan(nanoseconds: interval())
        let lateness = now - next
        if lateness.nanoseconds > span.nanoseconds / 4 {
            slips += 1
            next = now + span
        } else {
            next = next + span
        }
    }

    /// Nanoseconds from the step just made to the next one; moves along the ramp.
    private mutating func interval() -> Int64 {
        // As many levels as steps are left can still be descended, one each.
        if level > 0, level >= remaining || speed > rate.microsteps { return descend() }
        if remaining > level + 1, above <= rate.microsteps { return climb() }
        return even()
    }

    private mutating func climb() -> Int64 {
        let span = ramp.time(speed: above) - ramp.time(speed: speed)
        level += 1
        speed = above
        above = ramp.speed(level + 1)
        leftover = 0
        return span
    }

    private mutating func descend() -> Int64 {
        let below = ramp.speed(level - 1)
        let span = ramp.time(speed: speed) - ramp.time(speed: below)
        level -= 1
        above = speed
        speed = below
        leftover = 0
        return span
    }

    /// At the asked rate where the ramp has reached it, at the speed of the ramp where the steps
    /// end before. What a whole nanosecond cannot hold is carried to the next step.
    private mutating func even() -> Int64 {
        let pace = max(1, above > rate.microsteps ? rate.microsteps : speed)
        let whole = Self.unit / pace
        leftover += Self.unit % pace
        guard leftover >= pace else { return whole }
        leftover -= pace
        return whole + 1
    }
}
