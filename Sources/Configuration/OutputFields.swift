import Quantities

extension OutputSettings {
    static var fields: [Field<OutputSettings>] {
        [
            Field.text("name", \.name, "Name for people and for interlocks.").required,
            Field.choice("kind", \.kind, "What hangs on it.").required,
            Field.text("chip_label", \.chipLabel, "Label of the GPIO chip.")
                .only { $0.expander.isEmpty },
            Field.text("expander", \.expander, "Name of the [[expander]] it hangs on instead.")
                .only { !$0.expander.isEmpty },
            Field.text(
                "line", \.line,
                "Name of the line on that chip, or its offset as digits; A0 to B7 on an expander."
            ).required,
            .flag("active_low", \.activeLow, "Whether electrical low gives power."),
            Field.choice("normally", \.normally, "Position without power (valve, shutter).")
                .only { $0.kind.hasPosition },
            .flag(
                "safe_powered", \.safePowered,
                "Whether it has power in the safe state; what has loses it when the process dies."),
            .choice("on", \.rule, "When it is open or on; never in the safe state."),
            .flag(
                "frozen_is_safe", \.frozenIsSafe,
                "On an expander: it may keep any level for ever, as it does when the board dies."),
        ]
    }
}

extension ExpanderSettings {
    static var fields: [Field<ExpanderSettings>] {
        [
            Field.text("name", \.name, "Name, by which outputs refer to it.").required,
            .text("bus", \.bus, "Device path of the I2C bus."),
            .count("address", \.address, 0x20...0x27, "Address on the bus."),
            .time(
                "period", \.period, .milliseconds(10), .seconds(60),
                "How often its registers are compared with what was written."),
            .time(
                "stale_after", \.staleAfter, .milliseconds(20), .seconds(600),
                "Age at which the last good comparison says nothing any more."),
        ]
    }
}

extension HeartbeatSettings {
    static var fields: [Field<HeartbeatSettings>] {
        [
            .text("chip_label", \.chipLabel, "Label of the GPIO chip; empty: no relay."),
            .text("line", \.line, "Name of the line on that chip, or its offset as digits."),
            .time(
                "period", \.period, .milliseconds(2), .seconds(10), "Time between two edges."),
            .time(
                "earliest", \.earliest, .zero, .seconds(10),
                "The relay drops when an edge comes sooner after the last one."),
            .time(
                "latest", \.latest, .milliseconds(5), .seconds(60),
                "The relay drops when no edge comes for this long."),
        ]
    }
}

extension PumpSettings {
    /// Keys of a pump of the dialect `stepper`; its `port` is the label of the GPIO chip.
    static var stepperFields: [Field<PumpSettings>] {
        let fields: [Field<PumpSettings>] = [
            .text("step_line", \.stepper.stepLine, "stepper: line that steps at a rising edge."),
            .text("direction_line", \.stepper.directionLine, "stepper: line of the direction."),
            .text("enable_line", \.stepper.enableLine, "stepper: line that lets current flow."),
            .flag(
                "enable_active_low", \.stepper.enableActiveLow,
                "stepper: whether electrical low enables the driver."),
            .flag(
                "direction_reversed", \.stepper.directionReversed,
                "stepper: whether a high direction line withdraws."),
            .number(
                "steps_per_microliter", \.stepper.stepsPerMicroliter, 0...1e6,
                "stepper: steps, microsteps included, that push out 1 uL."),
            .number(
                "maximum_step_rate", \.stepper.maximumStepRate, 1...20_000,
                "stepper: fastest rate, steps per second."),
            .number(
                "start_step_rate", \.stepper.startStepRate, 1...20_000,
                "stepper: rate the motor takes up and stops from at once, steps per second."),
            .time(
                "ramp", \.stepper.ramp, .milliseconds(1), .seconds(60),
                "stepper: time from standstill to the fastest rate."),
        ]
        return fields.map { field in field.only { $0.dialect == .stepper } }
    }
}
