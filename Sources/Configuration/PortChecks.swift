/// Names of serial lines.
extension SettingsChecker {
    /// What drivers number in the order in which they find it (admin-guide/devices.txt of the
    /// kernel: majors 166 and 188).
    private static let numbered = ["/dev/ttyUSB", "/dev/ttyACM"]

    /// Adapters that change places at a start change places here too, and where pumps of one kind
    /// hang on both, no answer tells: silver would flow for seeds.
    mutating func checkPortNames() {
        var said: Set<String> = []
        func isNew(_ port: String) -> Bool {
            Self.numbered.contains { port.hasPrefix($0) } && said.insert(port).inserted
        }
        for (index, pump) in settings.pumps.enumerated()
        where pump.dialect != .stepper && isNew(pump.port) {
            warnOfNumber("pump[\(index)].port", pump.port)
        }
        if isNew(settings.spectrometer.port) {
            warnOfNumber("spectrometer.port", settings.spectrometer.port)
        }
    }

    private mutating func warnOfNumber(_ path: String, _ port: String) {
        warning(
            path, "\(port) is another adapter after another start or plug",
            "take the name that stays: ls -l /dev/serial/by-id /dev/serial/by-path")
    }
}
