/// A volumetric flow rate. Positive infuses.
public struct FlowRate: Hashable, Comparable, Sendable {
    /// The rate, in microlitres per minute.
    public var microlitersPerMinute: Double

    /// A rate of `microlitersPerMinute`.
    public init(microlitersPerMinute: Double) { self.microlitersPerMinute = microlitersPerMinute }

    /// No flow.
    public static let zero = FlowRate(microlitersPerMinute: 0)

    /// Whether `a` is the smaller.
    public static func < (a: FlowRate, b: FlowRate) -> Bool {
        a.microlitersPerMinute < b.microlitersPerMinute
    }

    /// The volume that passes in `span`.
    public func volume(in span: TimeSpan) -> Volume {
        Volume(microliters: microlitersPerMinute * span.seconds / 60)
    }

    /// How long `volume` takes at this rate; a very long time when the rate is not positive.
    public func time(for volume: Volume) -> TimeSpan {
        guard microlitersPerMinute > 0 else { return .seconds(.infinity) }
        return .seconds(volume.microliters / microlitersPerMinute * 60)
    }
}

/// A volume of liquid.
public struct Volume: Hashable, Comparable, Sendable {
    /// The volume, in microlitres.
    public var microliters: Double

    /// A volume of `microliters`.
    public init(microliters: Double) { self.microliters = microliters }

    /// Nothing.
    public static let zero = Volume(microliters: 0)

    /// Whether `a` is the smaller.
    public static func < (a: Volume, b: Volume) -> Bool { a.microliters < b.microliters }
}

/// A length at the scale of syringes and tubes.
public struct Length: Hashable, Comparable, Sendable {
    /// The length, in millimetres.
    public var millimeters: Double

    /// A length of `millimeters`.
    public init(millimeters: Double) { self.millimeters = millimeters }

    /// Whether `a` is the smaller.
    public static func < (a: Length, b: Length) -> Bool { a.millimeters < b.millimeters }

    /// The area of a circle with this diameter, in square millimetres.
    public var circleArea: Double { Double.pi / 4 * millimeters * millimeters }
}

/// A wavelength of light in vacuum.
public struct Wavelength: Hashable, Comparable, Sendable {
    /// The wavelength, in nanometres.
    public var nanometers: Double

    /// A wavelength of `nanometers`.
    public init(nanometers: Double) { self.nanometers = nanometers }

    /// Whether `a` is the smaller.
    public static func < (a: Wavelength, b: Wavelength) -> Bool { a.nanometers < b.nanometers }
}
