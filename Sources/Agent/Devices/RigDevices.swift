import Configuration
import Quantities
import Rig
import World

/// What the rig has besides pumps and spectrometer: sensors, outputs and the heartbeat. The loop
/// calls it at its checkpoints.
final class RigDevices {
    private let world: any World
    private let settings: Settings
    private let sensors: (any SensorSource)?
    private let outputs: OutputBoard
    private var gate: HeartbeatGate?
    private var relay: (any OutputLines)?
    private var relayRetryAt = Instant.zero
    private var relayRefusal: WorldError?
    private var notices: [String] = []
    /// The readings of this turn, oldest first.
    private(set) var readings: [SensorReading] = []
    /// The last reading of each sensor.
    private(set) var latest: [SensorReading?]
    /// What was told of the heartbeat, to the rig and to people.
    private var actedFailure: String?
    private var toldFailure: String?

    private static let relayRetry = TimeSpan.seconds(1)
    /// Room made for readings beforehand.
    private static let room = 256

    /// The devices of `settings`; nil when there are none. `sensors` are read by threads on a
    /// board (`world` is real), and by the loop itself under the virtual clock.
    init?(settings: Settings, world: any World) throws(WorldError) {
        let buses = settings.buses
        guard !buses.isEmpty || !settings.outputs.isEmpty || settings.heartbeat.isPresent
        else { return nil }
        self.world = world
        self.settings = settings
        if buses.isEmpty {
            sensors = nil
        } else if world is RealWorld {
            sensors = try ThreadedSensors(settings) { (bus, address) throws(WorldError) in
                try I2CBus.open(bus: bus, address: address)
            }
        } else {
            sensors = DirectSensors(settings, world: world)
        }
        outputs = OutputBoard(settings, world: world)
        if settings.heartbeat.isPresent {
            gate = HeartbeatGate(
                period: settings.heartbeat.period, latest: settings.heartbeat.latest)
        }
        latest = Array(repeating: nil, count: settings.sensors.count)
        readings.reserveCapacity(Self.room)
    }

    /// When the loop must turn at the latest.
    var deadline: Instant {
        var next = min(sensors?.deadline ?? .distantFuture, outputs.deadline)
        if let gate { next = min(next, relay == nil ? relayRetryAt : gate.deadline) }
        return next
    }

    /// A turn begins.
    func begin() { gate?.begin() }

    /// The loop passed `checkpoint`.
    func pass(_ checkpoint: HeartbeatGate.Checkpoint, holds: Bool = true) {
        gate?.pass(checkpoint, holds: holds)
    }

    /// Takes the readings since the last turn.
    func takeReadings(at now: Instant) {
        readings.removeAll(keepingCapacity: true)
        sensors?.take(into: &readings, at: now)
        for reading in readings where latest.indices.contains(reading.sensor) {
            latest[reading.sensor] = reading
        }
    }

    /// Whether the relay lost its edges, or got them back, since the last call.
    func heartbeatChanged() -> Bool {
        guard let gate, (gate.failure == nil) != (actedFailure == nil) else { return false }
        actedFailure = gate.failure
        return true
    }

    /// Gives every output what `controller` says, and passes that checkpoint.
    func setOutputs(for controller: RigController, at now: Instant) {
        outputs.follow(controller, sensors: sensors, at: now)
        gate?.pass(.outputs, holds: outputs.isHeld)
    }

    /// A turn is over: the relay gets its edge when all was in order.
    func end(atRest: Bool, at now: Instant) {
        guard gate != nil else { return }
        openRelay(at: now)
        guard let relay else {
            // No edge reaches the relay, whatever the turn was worth: it is not in order again
            // before somebody holds its line.
            _ = gate?.end(atRest: false, at: now)
            gate?.lost(relayRefusal.map { "\($0)" } ?? "its line is not held")
            return
        }
        guard let level = gate?.end(atRest: atRest, at: now) else { return }
        do throws(WorldError) { try relay.set(0, to: level) } catch {
            notices.append("heartbeat: \(error)")
            gate?.lost("\(error)")
            relay.close()
            self.relay = nil
            relayRetryAt = now + Self.relayRetry
        }
    }

    private func openRelay(at now: Instant) {
        guard relay == nil, now >= relayRetryAt else { return }
        relayRetryAt = now + Self.relayRetry
        do throws(WorldError) {
            relay = try world.openOutputs([
                OutputLineSettings(
                    chipLabel: settings.heartbeat.chipLabel, line: settings.heartbeat.line,
                    activeLow: false, safeLevel: gate?.level ?? false)
            ])
            relayRefusal = nil
        } catch {
            if relayRefusal != error { notices.append("heartbeat: \(error)") }
            relayRefusal = error
            gate?.lost("\(error)")
        }
    }

    /// Why the relay gets no edges; nil when it does, or there is none.
    var heartbeatFailure: String? { gate?.failure }

    /// What a person should know, once.
    func takeNotice() -> String? {
        if let failure = gate?.failure, failure != toldFailure {
            toldFailure = failure
            return "heartbeat: \(failure)"
        }
        if gate?.failure == nil { toldFailure = nil }
        if !notices.isEmpty { return notices.removeFirst() }
        return outputs.takeNotice() ?? sensors?.takeNotice()
    }

    /// Whether every expander has the levels it shall have.
    func expandersHold(at now: Instant) -> Bool {
        settings.expanders.indices.allSatisfy {
            sensors?.isConfirmed(expander: $0, at: now) ?? true
        }
    }

    /// Lines fall to their safe levels and go back to the kernel.
    func close() {
        outputs.close()
        sensors?.close()
        relay?.close()
        relay = nil
    }
}
