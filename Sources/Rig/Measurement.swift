import Configuration
import Instruments
import Quantities
import Spectra

/// From scans to measured droplets: keeps the detector's calibration, dark and reference, gates
/// droplets, and gives each its absorbance and loss.
struct Measurement {
    /// What a scan brought.
    enum Outcome {
        /// Nothing yet.
        case nothing
        /// A droplet that cannot be measured, and why.
        case rejected(Words, saturated: Bool)
        /// A droplet that counts.
        case droplet(Measured)
    }
    /// A measured droplet.
    struct Measured {
        var enteredAt: Instant
        var leftAt: Instant
        var plateau: Int
        var loss: Double
        var maximumAbsorbance: Double
        var absorbance: [Double]
    }

    /// The pixels to ask for; nil until calibrated.
    private(set) var basePlan: AcquisitionPlan?
    /// Why fewer droplets or scans than wanted are there: for the message of a fault.
    private(set) var progress = ScanProgress.noScans
    private var settings: Settings
    private let loss: Loss
    private var scale: WavelengthScale?
    private var resampler: GridResampler?
    // Made when the detector's pixels are known, and filled again from then on.
    private var darkScans: ScanAccumulator?
    private var referenceScans: ScanAccumulator?
    private var dark = ScanAverage(pixelCount: 0)
    private var reference = ScanAverage(pixelCount: 0)
    private var absorbance = AbsorbanceScale(pixelCount: 0)
    private var kept = RoomsInTurn<Double>(rooms: 1, capacity: 0)
    private var knowsDark = false
    private var isGathering = false
    private var gate: DropletGate?
    private var oilAtReference: Double?
    // Room made once: a droplet that passes does not use the heap.
    private var pixels: [Double] = []
    /// Spectra that are on their way to those who write them down.
    private var spectra: RoomsInTurn<Double>
    private static let spectraRooms = 64
    private static let keptRooms = 8

    init(settings: Settings, loss: Loss) {
        self.settings = settings
        self.loss = loss
        spectra = RoomsInTurn(rooms: Self.spectraRooms, capacity: loss.wavelengths.count)
    }

    /// Whether dark and reference are known.
    private(set) var hasReference = false

    var hasEnoughDark: Bool { (darkScans?.scans ?? 0) >= settings.rig.darkScans }

    var hasEnoughReference: Bool { (referenceScans?.scans ?? 0) >= settings.rig.referenceDroplets }

    /// How much brighter oil is now than when the reference was taken, as a share; nil while
    /// one of the two is unknown.
    var drift: Double? {
        guard let oilAtReference, let now = gate?.oilBrightness, oilAtReference > 0 else {
            return nil
        }
        return now / oilAtReference - 1
    }

    /// The detector's pixels have these wavelengths: chooses those that cover the loss grid and
    /// the quiet band. What was known of dark and reference is void when they changed.
    mutating func calibrate(_ wavelengths: [Wavelength]) throws(SpectraError) {
        let whole = try WavelengthScale(wavelengths)
        let step = settings.spectrometer.pixelStep
        let through = max(settings.loss.through, settings.droplets.gateThrough)
        let from = min(settings.loss.from, settings.droplets.gateFrom)
        let pixels = try whole.pixels(covering: from, through: through, by: step)
        let picked = try whole.picking(from: pixels.first, through: pixels.last, by: step)
        if picked != scale {
            scale = picked
            resampler = try GridResampler(from: picked, onto: settings.loss)
            gate = nil
            self.pixels.reserveCapacity(picked.count)
            makeRoom(pixels: picked.count)
            forgetReference()
        }
        basePlan = AcquisitionPlan(
            isAcquiring: false, lampOn: false, integration: settings.spectrometer.integration,
            firstPixel: pixels.first, lastPixel: pixels.last, pixelStep: step)
    }

    /// Goes by `new` from here on; with `renewsReference` dark, reference and what tells droplets
    /// from oil are made anew.
    mutating func adopt(_ new: Settings, renewsReference: Bool) {
        settings = new
        guard renewsReference else { return }
        gate = nil
        forgetReference()
    }

    /// Dark and reference are not to be trusted any more.
    mutating func forgetReference() {
        hasReference = false
        knowsDark = false
        isGathering = false
        darkScans?.restart()
        referenceScans?.restart()
        oilAtReference = nil
    }

    private mutating func makeRoom(pixels: Int) {
        let integration = settings.spectrometer.integration
        darkScans = ScanAccumulator(pixelCount: pixels, integration: integration)
        referenceScans = ScanAccumulator(pixelCount: pixels, integration: integration)
        dark = ScanAverage(pixelCount: pixels)
        reference = ScanAverage(pixelCount: pixels)
        absorbance = AbsorbanceScale(pixelCount: pixels)
        kept = RoomsInTurn(rooms: Self.keptRooms, capacity: pixels)
    }

    // MARK: - Dark

    mutating func beginDark() {
        forgetReference()
        progress = .noScans
    }

    mutating func addDark(_ frame: SpectrometerFrame) {
        note { (own: inout Measurement) throws(SpectraError) in
            try own.darkScans?.add(
                frame.counts, integration: frame.plan.integration,
                isSaturated: frame.isSaturated)
        }
        progress = .dark(scans: darkScans?.scans ?? 0)
    }

    /// Ends the dark. Nil when there is none.
    mutating func keepDark(plan: AcquisitionPlan?) -> KeptSpectra? {
        note { (own: inout Measurement) throws(SpectraError) in
            try own.darkScans?.average(into: &own.dark)
            own.knowsDark = own.darkScans != nil
        }
        guard knowsDark, let plan else { return nil }
        return keep("dark", dark, plan)
    }

    private mutating func keep(
        _ kind: String, _ average: ScanAverage, _ plan: AcquisitionPlan
    ) -> KeptSpectra {
        var counts = kept.take()
        for value in average.mean { counts.append(value) }
        kept.put(counts)
        return KeptSpectra(
            kind: kind, scans: average.scans, plan: plan, maximumCount: average.maximumCount,
            counts: counts)
    }

    // MARK: - Reference

    mutating func beginReference() {
        progress = .noDroplets
        guard let scale, knowsDark else { return }
        referenceScans?.restart()
        isGathering = true
        note { (own: inout Measurement) throws(SpectraError) in
            if own.gate == nil {
                own.gate = try DropletGate(
                    scale: scale, dark: own.dark.mean, settings: own.settings.droplets)
            } else {
                try own.gate?.restart(dark: own.dark.mean)
            }
        }
    }

    /// Takes a scan of solvent-only droplets; returns what is worth telling.
    mutating func addReference(_ frame: SpectrometerFrame) -> Words? {
        var note: Words?
        do throws(SpectraError) {
            guard
                let droplet = try gate?.add(
                    frame.counts, at: frame.requestedAt, isSaturated: frame.isSaturated)
            else { return nil }
            guard isGathering else { return nil }
            try referenceScans?.add(
                droplet.counts, integration: frame.plan.integration,
                isSaturated: droplet.isSaturated)
        } catch {
            note = .leftOut(error)
        }
        progress = .reference(
            droplets: referenceScans?.scans ?? 0, of: settings.rig.referenceDroplets)
        return note
    }

    /// Ends the reference: from here on absorbance is defined.
    mutating func keepReference(plan: AcquisitionPlan?) throws(SpectraError) -> KeptSpectra {
        guard knowsDark, isGathering, let scans = referenceScans, let plan else {
            throw .tooFewScans(got: 0, needed: 2)
        }
        try scans.average(into: &reference)
        // What was valid before is not any more, whatever comes of this one.
        hasReference = false
        try absorbance.replace(
            dark: dark, reference: reference, validitySigmas: settings.droplets.validitySigmas)
        guard absorbance.validShare >= settings.droplets.minimumValidShare else {
            throw .tooFewValid(
                share: absorbance.validShare, needed: settings.droplets.minimumValidShare)
        }
        hasReference = true
        oilAtReference = gate?.oilBrightness
        return keep("reference", reference, plan)
    }

    // MARK: - Droplets

    /// What is under way in the beam does not count: a condition begins, or a scan is missing.
    mutating func interrupt() { gate?.interrupt() }

    /// Takes a scan of a condition.
    mutating func add(_ frame: SpectrometerFrame) -> Outcome {
        do throws(SpectraError) {
            guard
                let droplet = try gate?.add(
                    frame.counts, at: frame.requestedAt, isSaturated: frame.isSaturated)
            else { return .nothing }
            guard !droplet.isSaturated else {
                return .rejected(
                    .clipped(maximumCount: droplet.maximumCount), saturated: true)
            }
            guard hasReference, let resampler else { return .nothing }
            try absorbance.absorbance(
                of: droplet.counts, integration: frame.plan.integration, isSaturated: false,
                into: &pixels)
            var spectrum = spectra.take()
            defer { spectra.put(spectrum) }
            try resampler.resample(pixels, into: &spectrum)
            let loss = try loss.of(
                spectrum, minimumValidShare: settings.droplets.minimumValidShare)
            return .droplet(
                Measured(
                    enteredAt: droplet.enteredAt, leftAt: droplet.leftAt,
                    plateau: droplet.plateauCount, loss: loss,
                    maximumAbsorbance: Self.largest(spectrum),
                    absorbance: spectrum))
        } catch {
            return .rejected(.unmeasurable(error), saturated: false)
        }
    }

    /// The largest of the valid points; NaN without any.
    private static func largest(_ spectrum: [Double]) -> Double {
        var largest = Double.nan
        for value in spectrum where value.isFinite && !(value <= largest) { largest = value }
        return largest
    }

    /// Runs a step whose failure is part of the story a later fault tells.
    private mutating func note(
        _ step: (inout Measurement) throws(SpectraError) -> Void
    ) {
        do throws(SpectraError) { try step(&self) } catch { progress = .failed(error) }
    }
}

/// How far dark or reference came.
public enum ScanProgress: Equatable, Sendable, CustomStringConvertible {
    /// No scan yet.
    case noScans
    /// No droplet of the reference yet.
    case noDroplets
    /// Scans of the dark.
    case dark(scans: Int)
    /// Droplets of the reference, of those that are wanted.
    case reference(droplets: Int, of: Int)
    /// A scan could not be used.
    case failed(SpectraError)

    /// How far, for people.
    public var description: String {
        switch self {
        case .noScans: "no scans"
        case .noDroplets: "no droplets"
        case .dark(let scans): "\(scans) dark scans"
        case .reference(let droplets, let wanted): "\(droplets) of \(wanted) droplets"
        case .failed(let error): "\(error)"
        }
    }
}
