import Configuration
import Instruments
import Quantities
import Rig
import World

/// Brings the instruments of a configuration to rest without an agent: after one that died, or
/// before anybody touches the rig. Speaks with every line at once, each in its own protocol, and
/// believes nothing but the instruments' own answers. Bounded in time.
public enum SafeState {
    /// What became of one instrument.
    public struct Result: Equatable, Sendable {
        /// Its name.
        public var instrument: String
        /// Whether it confirmed that it is safe: a pump that it stands still, the spectrometer
        /// that its lamp is off, outputs that they are at their safe level.
        public var isSafe: Bool
        /// What happened, for people.
        public var text: String
        /// Time from the beginning to the confirmation, or to the end of the attempt.
        public var after: TimeSpan
    }

    /// Time the whole may take unless somebody says otherwise: a pump network at 9600 baud
    /// answers within a second, a spectrometer left at another speed is found within four.
    public static let usualLimit = TimeSpan.seconds(10)
    /// Longest pause between two looks: nothing wakes this loop but its lines.
    private static let look = TimeSpan.milliseconds(50)

    /// Brings everything in `settings` to rest on `world`; serial instruments have until `limit`.
    /// Lines of the board are set to their safe level first and fall to their electrical state
    /// when this returns, as always when nobody holds them.
    ///
    /// - Throws: `AgentError` when the lines of the configuration do not make sense.
    public static func reach(
        _ settings: Settings, world: any World, within limit: TimeSpan = usualLimit
    ) throws(AgentError) -> [Result] {
        var results: [Result] = []
        // Lines first: they need no answer. They are given back at the end, not before.
        let held = SafeOutputs.setLines(settings, world, &results)
        defer { for lines in held { lines.close() } }
        var serial = settings
        serial.pumps.removeAll { $0.dialect == .stepper }
        results += try stopInstruments(serial, world, within: limit)
        // Last, because a bus that hangs is waited for by the kernel.
        SafeOutputs.setExpanders(settings, world, &results)
        return results
    }

    private static func stopInstruments(
        _ settings: Settings, _ world: any World, within limit: TimeSpan
    ) throws(AgentError) -> [Result] {
        let start = world.now
        let setup: LineSetup
        do throws(LineSetupError) { setup = try LineSetup(settings: settings, world: world) } catch
        {
            throw .lines("\(error)")
        }
        // Told before the line is open: the first thing that is configured is the lamp.
        setup.spectrometer.setPlan(plan(settings), at: start)
        for line in setup.pumpLines { line.stopFirst() }
        let lines = setup.pumpLines.map { $0 as any LineRunning } + [setup.spectrometer]
        var log = Attempts(count: settings.pumps.count + 1)
        while world.now - start < limit, !log.isComplete {
            let now = world.now
            for line in lines {
                line.listen(at: now)
                line.flush(at: now)
            }
            for line in lines { log.note(line.takeNotices(), of: line.instruments, settings) }
            for (pump, place) in setup.places.enumerated() {
                let state = setup.pumpLines[place.line].pump(place.index)
                log.note(pump, isSafe: state.actual == .stopped, after: now - start)
            }
            log.note(settings.pumps.count, isSafe: setup.spectrometer.isReady, after: now - start)
            guard !log.isComplete else { break }
            var next = min(start + limit, now + look)
            for line in lines { next = min(next, line.deadline) }
            world.wait(until: next)
        }
        for line in lines { line.close() }
        return log.results(settings, took: world.now - start)
    }

    /// A plan in which nothing is acquired and the lamp is off.
    private static func plan(_ settings: Settings) -> AcquisitionPlan {
        AcquisitionPlan(
            isAcquiring: false, lampOn: false, integration: settings.spectrometer.integration,
            firstPixel: 0, lastPixel: settings.spectrometer.pixelCount - 1,
            pixelStep: settings.spectrometer.pixelStep)
    }
}

/// What is known of every pump, and of the spectrometer after them.
private struct Attempts {
    private var safeAfter: [TimeSpan?]
    private var trouble: [String]

    init(count: Int) {
        safeAfter = Array(repeating: nil, count: count)
        trouble = Array(repeating: "", count: count)
    }

    var isComplete: Bool { safeAfter.allSatisfy { $0 != nil } }

    mutating func note(_ index: Int, isSafe: Bool, after time: TimeSpan) {
        if !isSafe {
            safeAfter[index] = nil
        } else if safeAfter[index] == nil {
            safeAfter[index] = time
        }
    }

    mutating func note(_ notices: [String], of names: [String], _ settings: Settings) {
        guard let notice = notices.last else { return }
        for name in names {
            let pump = settings.pumps.firstIndex { $0.name == name }
            trouble[pump ?? settings.pumps.count] = notice
        }
    }

    func results(_ settings: Settings, took: TimeSpan) -> [SafeState.Result] {
        safeAfter.indices.map { index in
            let isPump = index < settings.pumps.count
            let name =
                isPump ? settings.pumps[index].name : RigController.spectrometerName
            if let after = safeAfter[index] {
                return SafeState.Result(
                    instrument: name, isSafe: true,
                    text: isPump ? "says that it stands still" : "has its lamp off", after: after)
            }
            let why = trouble[index].isEmpty ? "no usable answer" : trouble[index]
            return SafeState.Result(
                instrument: name, isSafe: false,
                text: isPump
                    ? "did not say that it stands still: \(why)"
                    : "did not say that its lamp is off: \(why)", after: took)
        }
    }
}
