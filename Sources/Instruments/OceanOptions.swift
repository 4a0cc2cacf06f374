import Quantities

extension OceanSpectrometer {
    /// The order of the words that stand before a scan's pixels.
    public enum Header: String, CaseIterable, Equatable, Sendable {
        /// Flame, USB2000 and USB2000+: size flag, scans accumulated, integration, baseline.
        case flame
        /// SAD500 and S2000: channel, scan number, scans in memory, integration, counter.
        case sad500
    }

    /// What has to be known of the instrument before it is asked anything.
    public struct Options: Equatable, Sendable {
        /// Name in the configuration; every event carries it.
        public var name = "spectrometer"
        /// Speed at power-up, bits per second.
        public var baud = 9_600
        /// Speed to work at, bits per second; equal to `baud`: no change.
        public var workingBaud = 115_200
        /// c0…c3 of λ(p) in nm; empty: read from the instrument with `?x`.
        public var wavelengthCoefficients: [Double] = []
        /// Pixels of the detector.
        public var pixelCount = 2_048
        /// Whether scans are sent compressed (`G`).
        public var compression = true
        /// Whether scans carry a checksum (`k`).
        public var checksum = true
        /// Counts at and above which a pixel is taken for clipped.
        public var saturationLevel = 64_000
        /// What any reply may take beyond exposure and transfer.
        public var replyTimeout = TimeSpan.milliseconds(500)
        /// The order of the header's words.
        public var header = Header.flame
        /// Whether the first pixel of a compressed scan is sent as `80 hi lo`, as in the vendor's
        /// example, or as a bare word, as its text says.
        public var firstPixelIsEscaped = true
        /// Whether a scan begins only when it is asked for, so that one that comes sooner than
        /// its exposure lasts must be left over from an earlier request. Units that expose all
        /// the time and hand out the scan under way are found out after one missed scan; false
        /// saves that.
        public var exposesOnRequest = true
        /// Pause between bytes to the instrument; a SAD500 has room for one byte only and needs
        /// 1 ms at 115200 bit/s.
        public var byteGap = TimeSpan.zero

        /// The documented defaults.
        public init() {}
    }
}

/// Bounds of the conversation. None of them is in a manual; each says why it is what it is.
enum OceanLimits {
    /// Silence that ends a drain: longer than any gap inside a reply, USB adapters included.
    static let quiet = TimeSpan.milliseconds(50)
    /// A drain ends here whatever arrives: a full frame takes 4.3 s at 9600 bit/s.
    static let drain = TimeSpan.seconds(10)
    /// Silence after a fence that proves nothing else was on its way.
    static let fenceSilence = TimeSpan.milliseconds(30)
    /// Between the two `K` of a change of speed; the manual wants more than 50 ms.
    static let speedSettle = TimeSpan.milliseconds(60)
    /// `v` per speed while looking for the instrument: noise at a wrong speed may have left it
    /// waiting for a WORD, which swallows two of them.
    static let probesPerSpeed = 4
    /// Failures in a row, without one good scan or check between, that mean "lost".
    static let failures = 5
    /// Between two searches for a lost instrument.
    static let reconnectPause = TimeSpan.seconds(3)
    /// Between two checks that an instrument at rest is still there.
    static let restCheck = TimeSpan.seconds(2)
    /// Events that wait for the owner.
    static let events = 256
    /// Room for what waits to be written: the longest order, more than once.
    static let outputRoom = 64
    /// Bytes of a failed reply that are kept for the report.
    static let reported = 64
    /// A scan may come this much sooner than its exposure lasts: two clocks differ.
    static let clockTolerancePercent: Int64 = 10
}
