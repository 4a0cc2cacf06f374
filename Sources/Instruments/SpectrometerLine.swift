import Quantities

/// The host's end of a line with one spectrometer on it.
public protocol SpectrometerLine: LineMachine {
    /// Whether the spectrometer is configured and obeys.
    var isReady: Bool { get }
    /// The wavelength of every pixel of the detector, from the instrument's own calibration
    /// (λ(p) = c0 + c1 p + c2 p² + c3 p³) or the configured one; empty until `ready`.
    var wavelengths: [Wavelength] { get }
    /// What it shall do. Replaces the previous plan; the first scan after any change of it is
    /// acquired and thrown away, because it may still carry the old settings.
    mutating func setPlan(_ plan: AcquisitionPlan, at now: Instant)
}

/// What a spectrometer shall do.
public struct AcquisitionPlan: Equatable, Sendable {
    /// Whether it acquires, one scan after the other.
    public var isAcquiring: Bool
    /// Whether the lamp line is on.
    public var lampOn: Bool
    /// Exposure of one scan.
    public var integration: TimeSpan
    /// First detector pixel wanted.
    public var firstPixel: Int
    /// Last detector pixel wanted.
    public var lastPixel: Int
    /// Every how many pixels one is sent.
    public var pixelStep: Int

    /// A plan that does nothing yet.
    public init(
        isAcquiring: Bool, lampOn: Bool, integration: TimeSpan, firstPixel: Int, lastPixel: Int,
        pixelStep: Int
    ) {
        self.isAcquiring = isAcquiring
        self.lampOn = lampOn
        self.integration = integration
        self.firstPixel = firstPixel
        self.lastPixel = lastPixel
        self.pixelStep = pixelStep
    }

    /// The detector pixels a scan of this plan carries, in order.
    public var pixels: [Int] { Array(stride(from: firstPixel, through: lastPixel, by: pixelStep)) }
}

/// One scan, as the instrument sent it.
public struct SpectrometerFrame: Equatable, Sendable {
    /// Counts of the plan's pixels, in order.
    public var counts: [UInt16]
    /// The plan it was acquired under.
    public var plan: AcquisitionPlan
    /// When the scan was asked for: the exposure begins within the instrument's own latency
    /// after it.
    public var requestedAt: Instant
    /// When its last byte arrived.
    public var receivedAt: Instant
    /// The largest count.
    public var maximumCount: UInt16
    /// Whether any pixel is at or above the saturation level: its absorbance means nothing.
    public var isSaturated: Bool

    /// One scan.
    public init(
        counts: [UInt16], plan: AcquisitionPlan, requestedAt: Instant, receivedAt: Instant,
        maximumCount: UInt16, isSaturated: Bool
    ) {
        self.counts = counts
        self.plan = plan
        self.requestedAt = requestedAt
        self.receivedAt = receivedAt
        self.maximumCount = maximumCount
        self.isSaturated = isSaturated
    }
}
