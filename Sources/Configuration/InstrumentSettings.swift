import Quantities

/// `[[pump]]`: one syringe pump and the line it hangs on. Pumps with the same port share it.
public struct PumpSettings: Equatable, Sendable {
    /// Which language it speaks.
    public enum Dialect: String, CaseIterable, Sendable {
        /// New Era NE-1000 and its kin.
        case newEra = "new-era"
        /// Harvard Pump 11 Elite.
        case harvard
        /// KDS Legato.
        case legato
        /// Harvard PHD ULTRA.
        case phdUltra = "phd-ultra"
        /// A stepper driver on lines of the board; its port is the label of the GPIO chip.
        case stepper
    }
    /// New Era framing.
    public enum Framing: String, CaseIterable, Sendable {
        /// Readable commands, no checksum.
        case basic
        /// Lengths and checksums, and the pump's own dead-man timer.
        case safe
    }
    /// Name, which is also what it carries: `AgNO3`, `oil`.
    public var name: String
    /// The language it speaks.
    public var dialect = Dialect.newEra
    /// Device path of the line, e.g. `/dev/serial/by-id/…`; the label of a GPIO chip for a stepper.
    public var port = ""
    /// Speed of the line, bits per second.
    public var baud = 19_200
    /// Address on the line, 0…99.
    public var address = 0
    /// New Era only: Safe mode is the default because it arms the pump's own dead-man timer.
    public var framing = Framing.safe
    /// New Era Safe mode only: the pump stops itself after this much silence (1…255 s).
    public var deadMan = TimeSpan.seconds(5)
    /// Silence after which a question counts as lost.
    public var replyTimeout = TimeSpan.milliseconds(500)
    /// Inner diameter of the syringe.
    public var syringeDiameter = Length(millimeters: 14.43)
    /// What the full syringe holds.
    public var syringeVolume = Volume(microliters: 10_000)
    /// Below this rate (other than zero) the pump is not asked to run; zero: the dialect's own
    /// limit for the syringe.
    public var minimumRate = FlowRate.zero
    /// Above this rate the pump is not asked to run; zero: the dialect's own limit.
    public var maximumRate = FlowRate.zero
    /// What a pump of the dialect `stepper` is made of.
    public var stepper = StepperSettings()

    /// A pump with the documented defaults.
    public init(name: String) { self.name = name }
}

/// `[spectrometer]`.
public struct SpectrometerSettings: Equatable, Sendable {
    /// Device path of the line.
    public var port = ""
    /// Speed at power-up.
    public var baud = 9_600
    /// Speed to change to after connecting (handshake `K`); equal to `baud`: no change.
    public var workingBaud = 115_200
    /// Exposure of one scan.
    public var integration = TimeSpan.milliseconds(20)
    /// Wavelength coefficients c0…c3; empty: read from the instrument.
    public var wavelengthCoefficients: [Double] = []
    /// Pixels of the detector.
    public var pixelCount = 2_048
    /// Every how many pixels one is asked for.
    public var pixelStep = 3
    /// Whether scans are asked for compressed.
    public var compression = true
    /// Whether scans are asked for with a checksum.
    public var checksum = true
    /// Counts at and above which a pixel is taken for clipped.
    public var saturationLevel = 64_000
    /// Silence after which a question counts as lost, beyond the exposure.
    public var replyTimeout = TimeSpan.milliseconds(500)

    /// The documented defaults.
    public init() {}
}
