import Quantities

/// A spectrometer that speaks the RS-232 letter commands (Flame manual 225-00000-000-11-201604,
/// RS-232 appendix; SAD500 communications manual): USB2000, USB2000+, USB4000, HR, Flame-S/T.
///
/// The conversation is one question at a time. `v` has a second use: the instrument answers in
/// order, so the right answer to `v`, followed by silence, proves that no earlier reply is still
/// on its way. After every failure the machine drains the line and puts up this *fence* before
/// anything else is asked; a scan that comes late is never taken for the next one.
///
/// `Q` (reset to defaults) is not used: whether it restores the power-up speed is not documented,
/// and every parameter that matters is set and verified one by one.
public struct OceanSpectrometer: SpectrometerLine {
    /// What the machine is after.
    enum Errand: Equatable {
        /// Looking for the instrument with `v` at one speed after the other.
        case probe
        /// `bB`: from ASCII to binary mode.
        case leaveASCII
        /// The first `K`, at the old speed.
        case askSpeed
        /// The second `K`, at the new speed.
        case confirmSpeed
        /// `v` at the new speed.
        case checkSpeed
        /// The orders in `orders`.
        case configure
        /// `v` after a failure.
        case fence
        /// `S`.
        case scan
        /// `v` while there is nothing to do.
        case check
    }

    /// What happens on the line.
    enum Phase: Equatable {
        /// There is no line.
        case closed
        /// Everything is thrown away until the line is quiet; then the errand begins.
        case draining(Errand)
        /// Everything is thrown away until the deadline; then the errand begins.
        case pausing(Errand)
        /// A question is out.
        case asking(Errand)
        /// After a fence: any byte before the deadline breaks it.
        case listening
        /// Nothing to do.
        case resting
    }

    /// Bytes for the line; see `LineMachine`.
    public var output: [UInt8] = []
    /// What happened; see `LineMachine`. Holds 256 at most, the oldest go first.
    public var events: [InstrumentEvent] = []
    /// The speed the line must have now, in bits per second.
    public internal(set) var baud: Int
    /// Whether the spectrometer is configured and obeys.
    public internal(set) var isReady = false
    /// The wavelength of every pixel of the detector; empty until `ready`.
    public internal(set) var wavelengths: [Wavelength] = []

    let options: Options
    var phase = Phase.closed
    var phaseDeadline = Instant.distantFuture
    var drainEnd = Instant.distantFuture
    var reader = OceanReplyReader()
    var sentAt = Instant.zero
    /// Bytes held back by `byteGap`.
    var unsent: [UInt8] = []
    var nextByteAt = Instant.distantFuture

    var failures = 0
    var lossReported = false
    var version: UInt16?
    /// Speeds to look at, the likeliest first, and how far the search is.
    var speeds: [Int] = []
    var probes = 0
    var probeError: InstrumentError?
    /// The last speed at which the instrument answered.
    var goodBaud: Int?
    var speedChangeFailed = false

    var orders: [OceanOrder] = []
    var orderIndex = 0
    var coefficients: [Double] = []
    var isConfigured = false
    var wanted: AcquisitionPlan?
    var configuring: AcquisitionPlan?
    var applied: AcquisitionPlan?
    /// The next scan may still carry the old settings.
    var discardsNext = true
    /// A fence stands between the scan that is out and every earlier one.
    var isFenced = false
    /// The scan that is out came sooner than its exposure lasts, right after a fence.
    var cameSoon = false
    /// It refused to scan: its data storage settings must be put back.
    var mustResetStorage = false
    /// It exposes all the time: scans may come sooner than their exposure lasts.
    var isFreeRunning = false

    /// A machine for the spectrometer that `options` describe.
    public init(_ options: Options) {
        self.options = options
        baud = options.baud
        output.reserveCapacity(OceanLimits.outputRoom)
        unsent.reserveCapacity(OceanLimits.outputRoom)
        events.reserveCapacity(OceanLimits.events)
    }

    /// When `advance` must be called next.
    public var deadline: Instant { unsent.isEmpty ? phaseDeadline : min(phaseDeadline, nextByteAt) }

    /// The line is open: look for the instrument and configure it.
    public mutating func lineOpened(at now: Instant) {
        forget()
        failures = 0
        lossReported = false
        speedChangeFailed = false
        search(at: now)
    }

    /// The line cannot be opened: the spectrometer is lost.
    public mutating func lineMissing(at now: Instant) {
        if !lossReported { emit(.lost(.lineClosed), at: now) }
        lossReported = true
    }

    /// The line is gone.
    public mutating func lineClosed(at now: Instant) {
        guard phase != .closed else { return }
        lineMissing(at: now)
        forget()
        output.removeAll(keepingCapacity: true)
        unsent.removeAll(keepingCapacity: true)
        enter(.closed, until: .distantFuture)
    }

    /// Bytes arrived.
    public mutating func receive(_ bytes: ArraySlice<UInt8>, at now: Instant) {
        guard !bytes.isEmpty else { return }
        switch phase {
        case .closed, .pausing: return
        case .draining:
            phaseDeadline = min(now + quietSpan, drainEnd)
        case .resting, .listening:
            fail(
                .garbled(
                    command: "nothing", received: Array(bytes.prefix(OceanLimits.reported)),
                    why: "bytes that nobody asked for"), at: now)
        case .asking(let errand):
            take(bytes, for: errand, at: now)
        }
    }

    /// Time passed.
    public mutating func advance(to now: Instant) {
        if !unsent.isEmpty, now >= nextByteAt { releaseByte(at: now) }
        guard now >= phaseDeadline else { return }
        switch phase {
        case .closed: phaseDeadline = .distantFuture
        case .draining(let errand), .pausing(let errand): begin(errand, at: now)
        case .asking(let errand): handleSilence(errand, at: now)
        case .listening:
            isFenced = true
            resume(at: now)
        case .resting: begin(.check, at: now)
        }
    }

    /// What it shall do. A plan that cannot be asked of this detector is reported as trouble and
    /// nothing is acquired until another one comes.
    public mutating func setPlan(_ plan: AcquisitionPlan, at now: Instant) {
        guard plan != wanted else { return }
        wanted = plan
        discardsNext = true
        if let why = OceanScanRequest.problem(of: plan, pixelCount: options.pixelCount) {
            let error = InstrumentError.refused(command: "plan", reason: why, received: [])
            emit(.trouble(error), at: now)
        }
        if phase == .resting { resume(at: now) }
    }

    // MARK: - The line

    /// Silence that ends a drain: the fixed part and some bytes' time at slow speeds.
    var quietSpan: TimeSpan {
        OceanLimits.quiet + OceanCommand.transferTime(bytes: 20, baud: baud)
    }

    mutating func enter(_ phase: Phase, until deadline: Instant) {
        self.phase = phase
        phaseDeadline = deadline
    }

    mutating func drain(then errand: Errand, at now: Instant) {
        drainEnd = now + OceanLimits.drain
        enter(.draining(errand), until: now + quietSpan)
    }

    /// Sends `bytes` and waits for a reply of `shape`, at most `allowance` beyond the transfer
    /// and the reply timeout. What is left of an earlier question is dropped: it failed.
    mutating func ask(
        _ bytes: [UInt8], _ shape: OceanReplyReader.Shape, for errand: Errand,
        allowance: TimeSpan = .zero, at now: Instant
    ) {
        output.removeAll(keepingCapacity: true)
        unsent.removeAll(keepingCapacity: true)
        // A scan is expected by `startScan`, which knows of what.
        if shape != .scan { reader.expect(shape) }
        sentAt = now
        var gaps = TimeSpan.zero
        if options.byteGap > .zero, bytes.count > 1 {
            gaps = options.byteGap * Int64(bytes.count)
            output.append(bytes[0])
            unsent.append(contentsOf: bytes.dropFirst())
            nextByteAt = now + options.byteGap
        } else {
            output.append(contentsOf: bytes)
        }
        let transfer = OceanCommand.transferTime(bytes: bytes.count + 16, baud: baud)
        enter(
            .asking(errand), until: now + gaps + transfer + options.replyTimeout + allowance)
    }

    private mutating func releaseByte(at now: Instant) {
        output.append(unsent.removeFirst())
        nextByteAt = now + options.byteGap
    }

    mutating func emit(_ kind: InstrumentEvent.Kind, at now: Instant) {
        if events.count >= OceanLimits.events { events.removeFirst() }
        events.append(InstrumentEvent(instrument: options.name, at: now, kind: kind))
    }
}
