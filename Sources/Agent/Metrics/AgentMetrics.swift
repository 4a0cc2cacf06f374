import Configuration
import Quantities
import Rig
import World

/// The state of the agent in numbers, for monitoring. Units are base units: seconds, bytes,
/// degrees Celsius, pascals, and litres (per second) for volumes and flows. Every family is
/// declared, also where it has no sample yet, so that rules can be compared with what is written.
enum AgentMetrics {
    /// Litres per second in 1 µL/min.
    private static let flowUnit = 1e-6 / 60
    /// Exponents of the powers of two, in nanoseconds, that limit the classes of a histogram:
    /// 1 µs to 1.07 s. The classes of `DurationHistogram` end there too, so the counts are exact.
    static let edges = 10...30

    /// The text. `now` is the time of day.
    static func text(
        _ status: Status, lateness: DurationHistogram?, version: String, now: WallTime
    ) -> String {
        var out = OpenMetrics()
        out.begin("argent_build", .gauge, "1; the version and the campaign are its labels.")
        out.sample("", [("version", version), ("campaign", status.campaign)], 1)
        out.gauge(
            "argent_written_timestamp_seconds", unit: "seconds",
            "When this was written, Unix time.", Double(now.unixNanoseconds) / 1e9)
        out.gauge(
            "argent_start_timestamp_seconds", unit: "seconds",
            "When the agent started, Unix time.",
            status.startedAt > 0 ? status.startedAt : nil)
        rig(status, &out)
        campaign(status, &out)
        pumps(status, &out)
        sensors(status, &out)
        realtime(status, lateness, &out)
        log(status, &out)
        return out.finish()
    }

    private static func rig(_ status: Status, _ out: inout OpenMetrics) {
        out.begin("argent_state", .gauge, "1 for what the rig is doing, 0 for all else.")
        for state in RigState.allCases {
            out.sample("", [("state", state.rawValue)], status.state == state.rawValue ? 1 : 0)
        }
        out.begin("argent_fault", .gauge, "1 while this hazard keeps the rig safe or held.")
        for hazard in Hazard.allCases {
            let isThere = status.faults.contains { $0.kind == hazard.rawValue }
            out.sample("", [("hazard", hazard.rawValue)], isThere ? 1 : 0)
        }
        out.begin("argent_faults", .counter, "How often this hazard was told of.")
        for hazard in Hazard.allCases {
            let count = status.faultsTold[hazard] ?? 0
            out.sample("_total", [("hazard", hazard.rawValue)], Double(count))
        }
    }

    private static func campaign(_ status: Status, _ out: inout OpenMetrics) {
        out.gauge("argent_run", "Run number, from 1; 0 when over.", Double(status.run))
        out.gauge("argent_runs_planned", "Runs at most.", Double(status.runs))
        out.gauge(
            "argent_conditions_done", "Conditions that gave data.",
            Double(status.conditionsDone))
        out.gauge(
            "argent_conditions_planned", "Conditions of all runs.",
            Double(status.conditionsPlanned))
        out.gauge("argent_finished", "1 when the campaign is over.", is: !status.finished.isEmpty)
        out.gauge(
            "argent_remaining_seconds", unit: "seconds", "Time to the end at the pace so far.",
            status.secondsLeft)
        out.counter("argent_droplets", "Droplets that counted.", status.dropletsCounted)
        out.gauge(
            "argent_condition_droplets", "Droplets of the running condition.",
            Double(status.droplets))
        out.gauge(
            "argent_condition_flags", "Flags of the running condition's droplets.",
            status.flags.map { Double($0) })
        out.gauge(
            "argent_last_droplet_loss", "Loss of the last droplet.", status.lastDroplet?.loss)
        out.gauge(
            "argent_last_droplet_absorbance", "Largest absorbance of the last droplet.",
            status.lastDroplet?.maximumAbsorbance)
        out.gauge("argent_best_loss", "Smallest loss of a condition so far.", status.bestLoss)
        out.begin("argent_run_best_loss", .gauge, "Smallest loss of a condition of this run.")
        for run in status.runResults { out.sample("", [("run", "\(run.run)")], run.bestLoss) }
        out.begin("argent_run_median_loss", .gauge, "Median loss of this run's conditions.")
        for run in status.runResults { out.sample("", [("run", "\(run.run)")], run.medianLoss) }
    }

    private static func pumps(_ status: Status, _ out: inout OpenMetrics) {
        func each(_ value: (Status.Pump) -> Double?) {
            for pump in status.pumps { out.sample("", [("pump", pump.name)], value(pump)) }
        }
        out.begin("argent_pump_ready", .gauge, "1 when the pump answers and obeys.")
        each { $0.link == "ready" ? 1 : 0 }
        out.begin(
            "argent_pump_set_liters_per_second", .gauge, unit: "liters_per_second",
            "Flow the pump was told to give.")
        each { $0.commandedMicrolitersPerMinute * flowUnit }
        out.begin(
            "argent_pump_actual_liters_per_second", .gauge, unit: "liters_per_second",
            "Flow the pump says it gives.")
        each { $0.actualMicrolitersPerMinute.map { $0 * flowUnit } }
        out.begin(
            "argent_pump_remaining_liters", .gauge, unit: "liters", "What is left in its syringe.")
        each { $0.remainingMicroliters * 1e-6 }
    }

    private static func sensors(_ status: Status, _ out: inout OpenMetrics) {
        func each(_ quantity: SensorSettings.Quantity, _ factor: Double) {
            for sensor in status.sensors where sensor.quantity == quantity {
                out.sample("", [("sensor", sensor.name)], sensor.value.map { $0 * factor })
            }
        }
        out.begin("argent_sensor_fresh", .gauge, "1 when the sensor has a fresh value.")
        for sensor in status.sensors {
            out.sample("", [("sensor", sensor.name)], sensor.value == nil ? 0 : 1)
        }
        out.begin(
            "argent_sensor_flow_liters_per_second", .gauge, unit: "liters_per_second",
            "Flow a sensor measures.")
        each(.flow, flowUnit)
        out.begin(
            "argent_sensor_pressure_pascals", .gauge, unit: "pascals",
            "Pressure a sensor measures.")
        each(.pressure, 1_000)
        out.begin(
            "argent_sensor_temperature_celsius", .gauge, unit: "celsius",
            "Temperature a sensor measures.")
        each(.temperature, 1)
        out.begin("argent_sensor_volts", .gauge, unit: "volts", "Voltage a sensor measures.")
        each(.voltage, 1)
        out.begin("argent_sensor_light", .gauge, "Light a sensor measures, counts.")
        each(.light, 1)
        out.begin(
            "argent_board_temperature_celsius", .gauge, unit: "celsius",
            "Temperature of a part of the board.")
        for zone in status.surroundings?.zones ?? [] {
            out.sample("", [("zone", zone.name)], zone.celsius)
        }
    }

    private static func realtime(
        _ status: Status, _ lateness: DurationHistogram?, _ out: inout OpenMetrics
    ) {
        out.counter("argent_rig_turns", "Turns of the rig's loop.", status.realtime?.turns)
        out.counter(
            "argent_rig_missed_deadlines", "Turns of the schedule that were left out.",
            status.realtime?.missed)
        out.begin(
            "argent_rig_lateness_seconds", .histogram, unit: "seconds",
            "How long after its time a turn of the rig's loop began.")
        if let lateness {
            // One look: the rig's thread goes on noting meanwhile.
            let classes = lateness.classes
            var counted = 0
            var next = 0
            for exponent in edges {
                let edge = Int64(1) << exponent - 1
                while next < classes.count, classes[next].upTo.nanoseconds <= edge {
                    counted += classes[next].count
                    next += 1
                }
                out.sample("_bucket", [("le", "\(Double(edge) / 1e9)")], Double(counted))
            }
            let all = classes.reduce(0) { $0 + $1.count }
            out.sample("_bucket", [("le", "+Inf")], Double(all))
            out.sample("_count", [], Double(all))
            out.sample("_sum", [], lateness.sum.seconds)
        }
        out.begin(
            "argent_rig_stage_overruns", .counter, "Parts of turns that took more than their time.")
        for span in status.realtime?.spans ?? [] where span.budget != nil {
            out.sample("_total", [("stage", span.name)], Double(span.overBudget))
        }
        out.gauge(
            "argent_realtime_missing", "Things the rig's thread should have and has not.",
            status.realtime.map { Double($0.lost.count) })
    }

    private static func log(_ status: Status, _ out: inout OpenMetrics) {
        let around = status.surroundings
        out.gauge(
            "argent_log_free_bytes", unit: "bytes", "Free on the file system of the log.",
            around?.freeBytes.map { Double($0) })
        out.gauge(
            "argent_log_size_bytes", unit: "bytes", "Size of the log.",
            around.map { Double($0.usedBytes) })
        out.gauge(
            "argent_log_segments_sealed", "Segments that can be fetched.",
            around.map { Double($0.sealed) })
        out.gauge(
            "argent_log_segments_unsealed", "Segments that are written or wait to be sealed.",
            around.map { Double($0.unsealed) })
        out.gauge(
            "argent_log_segments_unpulled", "Sealed segments not fetched by every workstation.",
            around?.unpulled.map { Double($0) })
        out.gauge(
            "argent_process_resident_bytes", unit: "bytes", "Memory of the agent in RAM.",
            around?.residentBytes.map { Double($0) })
        let sync = status.sync
        out.gauge(
            "argent_sync_listening", "1 when workstations can connect.",
            is: sync.map { !$0.listening.isEmpty && $0.problem.isEmpty })
        out.gauge(
            "argent_sync_connections", "Workstations connected.",
            sync.map { Double($0.connections) })
        out.counter("argent_sync_refused", "Connections refused or shed.", sync?.refused)
        out.gauge(
            "argent_sync_unpulled_bytes", unit: "bytes", "Bytes no workstation has fetched.",
            sync?.unacknowledgedBytes.map { Double($0) })
        out.gauge(
            "argent_sync_last_timestamp_seconds", unit: "seconds",
            "When a workstation last fetched something, Unix time.",
            sync?.lastPull.map { Double($0.unixNanoseconds) / 1e9 })
    }
}
