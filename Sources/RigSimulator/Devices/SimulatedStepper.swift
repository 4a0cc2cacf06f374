import Configuration
import Quantities
import World

/// A stepper driver, its motor and the syringe it pushes, seen from its three lines: it steps at
/// a rising edge, and only while it is enabled and awake.
public final class SimulatedStepper {
    /// Time a driver takes to wake (DRV8825 datasheet: 1.7 ms at most).
    private static let wakeTime = TimeSpan.microseconds(1_700)

    private let settings: StepperSettings
    private var isEnabled = false
    private var enabledAt = Instant.zero
    private var pushesOut = true
    private var lastStep: Instant?
    /// Steps made forwards, less those made backwards.
    public private(set) var position = 0
    /// Edges that came while the driver was not enabled, or not awake.
    public private(set) var lost = 0
    /// The shortest time between two steps.
    public private(set) var shortestInterval = TimeSpan.seconds(1e6)
    /// How often current was let in.
    public private(set) var enables = 0

    /// The motor of `pump`, a pump of the dialect `stepper`.
    public init(_ pump: PumpSettings) { settings = pump.stepper }

    /// Whether current flows.
    public var hasCurrent: Bool { isEnabled }

    /// Volume pushed out so far.
    public var delivered: Volume {
        Volume(microliters: Double(position) / max(settings.stepsPerMicroliter, 1e-9))
    }

    /// Hangs it on its lines; `tubing` is told before every step.
    public func attach(to world: VirtualWorld, pump: PumpSettings, tubing: Fluidics? = nil) {
        let chip = pump.port
        world.watchLine(chipLabel: chip, line: settings.stepLine) { [self] level, now in
            guard level else { return }
            tubing?.advance(to: now)
            step(at: now)
        }
        world.watchLine(chipLabel: chip, line: settings.enableLine) { [self] level, now in
            isEnabled = level != settings.enableActiveLow
            if isEnabled {
                enabledAt = now
                enables += 1
            }
        }
        world.watchLine(chipLabel: chip, line: settings.directionLine) { [self] level, _ in
            pushesOut = level != settings.directionReversed
        }
        // An active-low enable input is pulled up: no current before somebody holds the line.
        let idle = settings.enableActiveLow
        world.setLine(chipLabel: chip, line: settings.enableLine, level: idle)
        pushesOut = settings.directionReversed
    }

    private func step(at now: Instant) {
        guard isEnabled, now - enabledAt >= Self.wakeTime else {
            lost += 1
            return
        }
        if let lastStep { shortestInterval = min(shortestInterval, now - lastStep) }
        lastStep = now
        position += pushesOut ? 1 : -1
    }
}
