import Configuration
import Instruments
import Quantities
import Rig
import World

/// What the service manager hears of the rig: ready once every device is known and safe, alive as
/// long as the rig's loop turns, and a line for people.
///
/// The steward asks it, and only after the rig thread has turned: a loop that stands still, or
/// never comes out of a turn, is silent here too, and the manager ends the process.
final class ServiceReport {
    /// How often the manager hears that it lives, in one watchdog period.
    static let beatsPerPeriod: Int64 = 4
    /// How often the start's time is extended while devices are looked for, by how much, and for
    /// how long altogether: a start that gets nowhere is the manager's to end.
    static let startPeriod = TimeSpan.seconds(5)
    static let startExtension = TimeSpan.seconds(30)
    static let startLimit = TimeSpan.seconds(180)

    private let manager: ServiceManager
    private let period: TimeSpan?
    private let begunAt: Instant
    private var beatAt: Instant
    private(set) var isReady = false
    private var told = ""

    /// Reports to `manager`, from `now` on.
    init(_ manager: ServiceManager, now: Instant) {
        self.manager = manager
        period = manager.watchdogPeriod.map {
            TimeSpan(nanoseconds: max(1, $0.nanoseconds / Self.beatsPerPeriod))
        }
        begunAt = now
        beatAt = now
    }

    /// When the loop must turn for this report's sake.
    var deadline: Instant { beatAt }

    /// The loop turned. `isKnown` tells whether every device is known and safe.
    func turned(at now: Instant, isKnown: () -> Bool) {
        if !isReady, isKnown() {
            isReady = true
            manager.ready()
            beatAt = now
        }
        guard now >= beatAt else { return }
        if isReady {
            guard let period else {
                beatAt = .distantFuture
                return
            }
            manager.alive()
            beatAt = now + period
        } else {
            if now - begunAt <= Self.startLimit {
                manager.starting(another: Self.startExtension)
            }
            beatAt = now + Self.startPeriod
        }
    }

    /// Tells people what the rig does, when that is something new.
    func show(_ status: Status) {
        let text = Self.line(status)
        guard text != told else { return }
        told = text
        manager.status(text)
    }

    /// The configuration is being read again. A start that goes on stays one.
    func reloading() { if isReady { manager.reloading() } }

    /// It was, whatever came of it.
    func reloaded() { if isReady { manager.ready() } }

    /// The end has begun.
    func stopping() { manager.stopping() }

    /// One line of `status`.
    static func line(_ status: Status) -> String {
        var line = status.state
        if !status.holdReason.isEmpty { line += " (\(status.holdReason))" }
        if status.run > 0 { line += ", run \(status.run) of \(status.runs)" }
        if let condition = status.condition { line += ", condition \(condition)" }
        line += ", \(status.conditionsDone) of \(status.conditionsPlanned) done"
        if let fault = status.faults.first {
            let more = status.faults.count - 1
            line += "; FAULT: \(fault.text)" + (more > 0 ? " (and \(more) more)" : "")
        }
        return line
    }
}

extension RigPicture {
    /// Whether every pump's state is known and the rig is past its start: each pump answered and
    /// was found or brought to rest, stopped by itself, or is missing with a fault that says so.
    func isKnown(_ settings: Settings) -> Bool {
        guard state != .connecting else { return false }
        for (index, pump) in settings.pumps.enumerated() {
            switch pumps[index].link {
            case .ready, .alarmed: continue
            case .absent, .connecting:
                let isMissed = faults.contains {
                    ($0.hazard == .instrumentAbsent || $0.hazard == .instrumentLost)
                        && $0.subject == pump.name
                }
                if !isMissed { return false }
            }
        }
        return true
    }
}
