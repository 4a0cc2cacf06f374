import Configuration
import Quantities

/// What is known of every sensor: its last good value and when that was. A value that is older
/// than the sensor's `stale_after` is none.
struct SensorWatch: Sendable {
    private struct State {
        var value = Double.nan
        /// When the last good value was taken; the start of the watch before the first.
        var at = Instant.zero
        var isHeard = false
    }
    private var states: [State]
    private let sensors: [WatchedSensor]

    init(_ sensors: [WatchedSensor]) {
        self.sensors = sensors
        states = Array(repeating: State(), count: sensors.count)
    }

    var count: Int { states.count }

    /// The watch begins: until the first reading a sensor has the time it always has.
    mutating func start(at now: Instant) {
        for index in states.indices { states[index].at = now }
    }

    /// Takes a reading; false when it is none. One of another kind of quantity than configured
    /// is none either, and so is one from the future or from before the last.
    mutating func take(_ reading: SensorReading, at now: Instant) -> Bool {
        let index = reading.sensor
        guard states.indices.contains(index), let value = reading.value, value.isFinite,
            reading.measure == sensors[index].measure, reading.at <= now,
            reading.at >= states[index].at
        else { return false }
        states[index].value = value
        states[index].at = reading.at
        states[index].isHeard = true
        return true
    }

    /// Age of the last good value of sensor `index`.
    func age(_ index: Int, at now: Instant) -> TimeSpan { now - states[index].at }

    func isStale(_ index: Int, at now: Instant) -> Bool {
        age(index, at: now) > sensors[index].staleAfter
    }

    /// Whether there ever was a good value.
    func isHeard(_ index: Int) -> Bool { states[index].isHeard }

    /// The value of sensor `index`; NaN when there is none that is fresh enough.
    func value(_ index: Int, at now: Instant) -> Double {
        states[index].isHeard && !isStale(index, at: now) ? states[index].value : .nan
    }
}
