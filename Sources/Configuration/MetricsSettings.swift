import Quantities

/// `[metrics]`: a text file with the state of the rig in numbers, for monitoring.
public struct MetricsSettings: Equatable, Sendable {
    /// Where it is written, in the OpenMetrics format; empty: nowhere.
    public var file = ""
    /// How often.
    public var period = TimeSpan.seconds(15)

    /// The documented defaults.
    public init() {}
}

extension MetricsSettings {
    static var fields: [Field<MetricsSettings>] {
        [
            .text(
                "file", \.file,
                "File of numbers for monitoring, as \"/run/argent/metrics.prom\"; empty: none."),
            .time(
                "period", \.period, .seconds(1), .seconds(3_600), "How often it is written."),
        ]
    }
}
