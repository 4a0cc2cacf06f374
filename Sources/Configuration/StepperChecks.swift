import Quantities

extension SettingsChecker {
    /// What only a pump of the dialect `stepper` has.
    mutating func checkStepper(_ pump: PumpSettings, _ path: String) {
        let stepper = pump.stepper
        guard pump.dialect == .stepper else {
            if stepper != StepperSettings() {
                error(
                    path, "\"\(pump.name)\" is no stepper, but has lines or steps of one",
                    "write dialect = \"stepper\" or remove them")
            }
            return
        }
        for (key, line) in [
            ("step_line", stepper.stepLine), ("direction_line", stepper.directionLine),
            ("enable_line", stepper.enableLine),
        ] where line.isEmpty {
            error(
                path, "the stepper \"\(pump.name)\" lacks \(key)",
                "name a line of the chip \"\(pump.port)\": see gpioinfo")
        }
        if pump.port.first == "/" {
            error(
                "\(path).port", "the port of a stepper is the label of its GPIO chip",
                "write for instance \"pinctrl-rp1\": see gpiodetect")
        }
        if !(stepper.stepsPerMicroliter > 0) {
            error(
                path, "the stepper \"\(pump.name)\" lacks steps_per_microliter",
                "steps of one turn × microsteps ÷ (thread pitch × area of the syringe)")
        }
        if stepper.startStepRate > stepper.maximumStepRate {
            error("\(path).start_step_rate", "it is above maximum_step_rate", "lower it")
        }
    }
}
