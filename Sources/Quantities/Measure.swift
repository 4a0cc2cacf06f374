/// What kind of quantity a sensor tells, and with it the unit its readings are kept in.
public enum Measure: String, CaseIterable, Sendable {
    /// Flow of a liquid, µL/min.
    case flow
    /// Pressure, kPa.
    case pressure
    /// Temperature, °C.
    case temperature
    /// Voltage, V.
    case voltage
    /// Light, counts of a converter.
    case light

    /// The unit of a reading, for people.
    public var unit: String {
        switch self {
        case .flow: "uL/min"
        case .pressure: "kPa"
        case .temperature: "C"
        case .voltage: "V"
        case .light: "counts"
        }
    }
}
