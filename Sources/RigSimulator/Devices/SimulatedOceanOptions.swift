import Configuration

/// What a simulated letter-protocol spectrometer is like, and where the sources leave a choice
/// how it behaves there.
public struct SimulatedOceanOptions: Equatable, Sendable {
    /// Which frame header it sends.
    public enum Variant: Sendable {
        /// Flame-S and USB2000+.
        case flame
        /// SAD500 and S2000.
        case sad500
    }
    /// Header and limits.
    public var variant = Variant.flame
    /// Detector pixels.
    public var pixelCount = 2_048
    /// Speed after power-up, bits per second.
    public var powerUpBaud = 9_600
    /// What `v` answers: 1020 is version 1.02.0.
    public var version: UInt16 = 1_020
    /// Counts without light.
    public var darkLevel = 900.0
    /// Standard deviation of a dark count.
    public var readNoise = 12.0
    /// Variance that light adds, counts² per count. 1.05 is a full well of 62,500 electrons on
    /// 65,536 counts.
    public var shotVariance = 1.05
    /// Wavelength coefficients in EEPROM slots 1…4.
    public var calibration = WavelengthCalibration.standard
    /// Serial number in EEPROM slot 0.
    public var serialNumber = "SIM00001"
    /// Largest `A`.
    public var maximumScans: UInt16 = 15
    /// Largest `B`.
    public var maximumBoxcar: UInt16 = 15
    /// Smallest `I`, ms.
    public var minimumIntegration: UInt16 = 1
    /// `?x` in binary mode: 15 bytes padded with NUL; otherwise the text and CR.
    public var padsCalibration = true
    /// The first pixel of a compressed frame is sent as `80 hi lo`, as in the vendor's example;
    /// otherwise as a bare word.
    public var marksFirstPixel = true
    /// How long the new speed waits for the second `K` (no source states a limit), ms.
    public var baudHandshakeLimit: Int64 = 2_000
    /// The second `K` may not come sooner after the first, ms.
    public var baudHandshakePause: Int64 = 50
    /// Silence after which an unfinished command is forgotten (no source states one), ms.
    public var argumentLimit: Int64 = 1_000

    /// The documented defaults.
    public init() {}

    /// What a configuration says of the spectrometer and of its noise.
    public init(settings: Settings) {
        pixelCount = min(max(settings.spectrometer.pixelCount, 1), 65_536)
        powerUpBaud = settings.spectrometer.baud
        darkLevel = settings.simulation.darkLevel
        readNoise = settings.simulation.readNoise
    }
}
