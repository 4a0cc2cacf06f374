import Quantities

/// What one sensor said at one moment, as it travels from the driver to the rig. Plain numbers
/// only: making and passing one on takes no memory.
///
/// A reading that cannot be trusted is one without a value. The rig takes it as a violated
/// condition wherever a sensor is watched, never as zero.
public struct SensorReading: Equatable, Sendable {
    /// The sensor, by its place among the configured ones.
    public var sensor: Int
    /// The value in the unit of `measure`; nil: there is none (no answer, wrong checksum, out of
    /// the sensor's own range, stuck).
    public var value: Double?
    /// What the value is.
    public var measure: Measure
    /// When it was taken, not when it arrived.
    public var at: Instant
    /// What the sensor says about itself.
    public var flags: SensorFlags

    /// A reading. A value that is not finite counts as none.
    public init(
        sensor: Int, value: Double?, measure: Measure, at: Instant, flags: SensorFlags = []
    ) {
        self.sensor = sensor
        self.value = value.flatMap { $0.isFinite ? $0 : nil }
        self.measure = measure
        self.at = at
        self.flags = flags
    }
}

/// What a sensor says about its reading, or what its driver found out about it.
public struct SensorFlags: OptionSet, Equatable, Hashable, Sendable {
    /// One bit each.
    public let rawValue: UInt16

    /// Flags from their bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Air in the line of a flow sensor.
    public static let airInLine = SensorFlags(rawValue: 1)
    /// The flow is beyond what the sensor can tell.
    public static let highFlow = SensorFlags(rawValue: 2)
    /// The sensor smooths its value; after a change it needs time.
    public static let smoothed = SensorFlags(rawValue: 4)
    /// A checksum was wrong: no value.
    public static let checksum = SensorFlags(rawValue: 8)
    /// The sensor did not answer: no value.
    public static let silent = SensorFlags(rawValue: 16)
    /// The answer came too late to count: no value.
    public static let late = SensorFlags(rawValue: 32)
    /// The very same value for too long, where noise must move it: no value.
    public static let stuck = SensorFlags(rawValue: 64)
    /// The converter is at its end: no value.
    public static let saturated = SensorFlags(rawValue: 128)
    /// Outside of what the sensor can physically say: no value.
    public static let implausible = SensorFlags(rawValue: 256)
}
