import Configuration
import Instruments
import Quantities

/// The interlock matrix in the rig: what is told of hazards, and what follows from them. Every
/// stop that nobody asked for comes from here.
extension RigController {
    // MARK: - What is told

    /// Interlock `index` of the configuration is (not) in danger. Nil: it cannot be read, which
    /// counts as danger by a row of its own.
    public mutating func interlock(_ index: Int, danger: Bool?, at now: Instant) {
        account(until: now)
        if let row = interlocks.row(.unreadable, index) {
            interlocks.set(
                row, isWrong: danger == nil, detail: .line(settings.interlocks[index].line),
                at: now)
        }
        if let danger, let row = interlocks.row(.interlock, index) {
            interlocks.set(row, isWrong: danger, at: now)
        }
        followInterlocks(at: now)
    }

    /// Whether `hazard` of instrument or input `index` would stop all pumps at once if it came
    /// now: what the table says, before anything is done about it.
    public func wouldStopAll(_ hazard: Hazard, _ index: Int) -> Bool {
        guard let row = interlocks.row(hazard, index) else { return false }
        return interlocks.rows[row].reactions.contains(.stopAll) && interlocks.tripsAtOnce(row)
            && !interlocks.isInForce(row)
    }

    /// A sensor was read, or was not. What follows from it is looked for in `advance`.
    public mutating func take(_ reading: SensorReading, at now: Instant) {
        guard sensors.take(reading, at: now), let value = reading.value else { return }
        for index in flowChecks.indices where flowChecks[index].sensor == reading.sensor {
            flowChecks[index].take(value, at: reading.at)
        }
    }

    /// The last good value of sensor `index`, as configured; NaN where there is none that is fresh.
    public func sensorValue(_ index: Int, at now: Instant) -> Double {
        sensors.value(index, at: now)
    }

    /// Records cannot (nil: can again) be written. Without a log the rig does not run.
    public mutating func log(failure: String?, at now: Instant) {
        set(watchedRows.log, failure, at: now)
    }

    /// The space for records runs out (nil: is enough again).
    public mutating func logBudget(shortage: String?, at now: Instant) {
        set(watchedRows.logBudget, shortage, at: now)
    }

    /// The heartbeat of the pumps' relay cannot (nil: can again) be given.
    public mutating func heartbeat(failure: String?, at now: Instant) {
        set(watchedRows.heartbeat, failure, at: now)
    }

    private mutating func set(_ row: Int, _ trouble: String?, at now: Instant) {
        interlocks.set(row, isWrong: trouble != nil, detail: .text(trouble ?? ""), at: now)
        followInterlocks(at: now)
    }

    /// The time of day jumped by `step`.
    public mutating func clockStepped(by step: TimeSpan, at now: Instant) {
        raise(.clockStep, 0, value: step.seconds, at: now)
    }

    /// Something happened that leaves no state to read: its row trips.
    mutating func raise(
        _ hazard: Hazard, _ index: Int, _ detail: HazardDetail = .none,
        value: Double = .nan, at now: Instant
    ) {
        guard let row = interlocks.row(hazard, index) else { return }
        interlocks.pulse(row, value: value, detail: detail, at: now)
        followInterlocks(at: now)
    }

    /// The place of the instrument called `name`, as the table counts.
    func instrument(_ name: String) -> Int {
        settings.pumps.firstIndex { $0.name == name } ?? settings.pumps.count
    }

    /// The place of the instrument that `event` comes from, as the table counts.
    public func place(of event: InstrumentEvent) -> Int { instrument(event.instrument) }

    /// An instrument does not answer. One that was never ready is only waited for.
    mutating func lose(_ name: String, _ error: InstrumentError, at now: Instant) {
        let place = instrument(name)
        let hazard: Hazard = everReady[place] ? .instrumentLost : .instrumentAbsent
        guard let row = interlocks.row(hazard, place) else { return }
        interlocks.set(row, isWrong: true, detail: .error(error), at: now)
        followInterlocks(at: now)
    }

    /// An instrument is ready.
    mutating func found(_ name: String, at now: Instant) {
        let place = instrument(name)
        everReady[place] = true
        if let row = interlocks.row(.instrumentAbsent, place) {
            interlocks.set(row, isWrong: false, at: now)
        }
        if let row = interlocks.row(.instrumentLost, place) {
            interlocks.set(row, isWrong: false, at: now)
        }
    }

    // MARK: - What is looked for in every turn

    /// Compares every sensor with its limits and the flows with the commands.
    mutating func watchSensors(at now: Instant) {
        for (place, row) in watchedRows.stale.enumerated() {
            let isStale = sensors.isStale(place, at: now)
            interlocks.set(
                row, isWrong: isStale, value: sensors.age(place, at: now).seconds, at: now)
        }
        for limit in watchedRows.limits {
            let value = sensors.value(limit.sensor, at: now)
            // A sensor that was never heard keeps its row unknown until it counts as stale.
            if !value.isFinite, !sensors.isStale(limit.sensor, at: now) { continue }
            let isAbove = value > limit.above
            let isFine = value <= limit.above && value >= limit.below
            interlocks.set(
                limit.row, isWrong: !isFine, value: value,
                limit: isAbove ? limit.above : limit.below, at: now)
        }
        for index in flowChecks.indices { judgeFlow(index, at: now) }
    }

    private mutating func judgeFlow(_ index: Int, at now: Instant) {
        var commandedFlow = 0.0
        var counter = 0.0
        var isObeyed = true
        for pump in flowChecks[index].pumps {
            commandedFlow += commanded[pump].microlitersPerMinute
            counter += pumps[pump].infused?.microliters ?? .nan
            if !pumpObeys(pump) { isObeyed = false }
        }
        var flow = Double.nan
        if let sensor = flowChecks[index].sensor {
            flow = sensors.value(sensor, at: now)
            if !flow.isFinite, !sensors.isStale(sensor, at: now) { return }
        }
        let verdict = flowChecks[index].judge(
            commanded: commandedFlow, obeyed: isObeyed, flow: flow, counter: counter, at: now)
        let row = flowChecks[index].row
        switch verdict {
        case .fine: interlocks.set(row, isWrong: false, at: now)
        case .undecided:
            // What had tripped stays so until flow has proved to be right again.
            guard interlocks.cells[row].phase != .tripped else { return }
            interlocks.set(row, isWrong: false, at: now)
        case .missing: interlocks.set(row, isWrong: true, at: now)
        case .wrong(let measured, let expected):
            interlocks.set(row, isWrong: true, value: measured, limit: expected, at: now)
        }
    }

    // MARK: - What follows

    /// Tells what changed in the matrix and does what it demands.
    mutating func followInterlocks(at now: Instant) {
        guard !interlocks.changes.isEmpty else { return }
        var fresh: Reactions = []
        var latest: Fault?
        for change in interlocks.changes {
            let row = interlocks.rows[change.row]
            if row.reactions == .report {
                guard change.kind == .tripped else { continue }
                let words = Words.fault(interlocks.fault(change.row))
                reports.append(.event(kind: row.hazard.rawValue, text: words))
                continue
            }
            let fault = interlocks.fault(change.row)
            switch change.kind {
            case .tripped:
                fresh.formUnion(row.reactions)
                latest = fault
                reports.append(.fault(fault))
            case .recovered:
                reports.append(.event(kind: "hazard-gone", text: .change(fault, change.kind)))
            case .released:
                reports.append(.event(kind: "released", text: .change(fault, change.kind)))
            case .latched:
                reports.append(.event(kind: "latched", text: .change(fault, change.kind)))
            }
        }
        interlocks.forgetChanges()
        react(to: fresh, because: latest.map(Words.fault) ?? "", at: now)
        releaseIfPossible(at: now)
    }

    /// Does what is demanded anew; what is stronger and in force already is not weakened.
    mutating func react(to fresh: Reactions, because reason: Words, at now: Instant) {
        if fresh.contains(.stopAll) {
            step(.trip, at: now)
        } else if demanded.contains(.stopAll) {
            return
        } else if demanded.isSuperset(of: [.hold, .rampDown]) {
            // To stop at once wins over slowing down.
            if state != .safe { step(.trip, at: now) }
        } else if fresh.contains(.rampDown) {
            shortenRamp(at: now)
            step(.rampDown, at: now)
        } else if fresh.contains(.hold), state != .held {
            if !holdRequested { holdWords = reason }
            step(.hold, at: now)
        }
        if fresh.contains(.lampOff), plan?.lampOn == true {
            measurement.forgetReference()
            acquire(plan?.isAcquiring == true, lamp: false, at: now)
        }
    }

    /// Lets the rig go on as far as nothing stands against it.
    mutating func releaseIfPossible(at now: Instant) {
        let stops = demanded.intersection(.pumpReactions)
        if state == .safe, stops.isSubset(of: .hold) {
            step(.released, at: now)
            if holdRequested || !stops.isEmpty {
                if !holdRequested { holdWords = latestWords ?? "" }
                step(.hold, at: now)
            }
        } else if state == .held, !holdRequested, stops.isEmpty {
            holdWords = ""
            step(.resume, at: now)
        }
    }

    // MARK: - What a person asks

    mutating func resume(at now: Instant) -> Words {
        // Words are made only where there is something to say.
        guard interlocks.keepsPumpsStill else {
            guard holdRequested else { return "nothing is held" }
            holdRequested = false
            holdWords = ""
            releaseIfPossible(at: now)
            return "resumed"
        }
        let faults = faults.all.filter { !$0.reactions.isDisjoint(with: .pumpReactions) }
        let rest = faults.map(\.text).joined(separator: "; ")
        guard holdRequested else { return .text("cannot resume: \(rest)") }
        holdRequested = false
        holdWords = .text(state == .held ? rest : "")
        releaseIfPossible(at: now)
        return "the hold is off, but faults remain: `argent clear`"
    }

    mutating func clear(at now: Instant) -> Words {
        for index in settings.pumps.indices {
            guard let row = interlocks.row(.pumpAlarm, index),
                interlocks.cells[row].phase == .recovered
            else { continue }
            commands.append(.acknowledgeAlarm(pump: index))
        }
        let isAll = interlocks.clear(at: now)
        followInterlocks(at: now)
        return isAll ? "cleared" : stuckWords
    }

    /// What cannot be cleared yet: the first that came, and how many others.
    private var stuckWords: Words {
        var first: Int?
        var count = 0
        for row in interlocks.rows.indices
        where interlocks.cells[row].phase == .tripped && interlocks.rows[row].reactions != .report {
            count += 1
            if let old = first, interlocks.cells[old].order < interlocks.cells[row].order {
                continue
            }
            first = row
        }
        guard let first else { return "cleared" }
        return .cannotClear(first: interlocks.fault(first), more: count - 1)
    }
}

/// Rows that are looked at in every turn, found once.
struct WatchedRows: Sendable {
    struct Limit: Sendable {
        var row: Int
        var sensor: Int
        var above: Double
        var below: Double
    }
    /// By sensor.
    let stale: [Int]
    let limits: [Limit]
    let log: Int
    let logBudget: Int
    let heartbeat: Int

    init(_ interlocks: Interlocks) {
        let rows = interlocks.rows
        stale = rows.indices.filter { rows[$0].hazard == .staleReading && rows[$0].isSensor }
        limits = rows.indices.filter { rows[$0].hazard.isLimit }.map {
            Limit(
                row: $0, sensor: rows[$0].index, above: rows[$0].above ?? .infinity,
                below: rows[$0].below ?? -.infinity)
        }
        log = interlocks.row(.log) ?? -1
        logBudget = interlocks.row(.logBudget) ?? -1
        heartbeat = interlocks.row(.heartbeat) ?? -1
    }
}
