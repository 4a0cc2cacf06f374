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
        case rejected(String, saturated: Bool)
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
    private(set) var progress = "no scans"
    private let settings: Settings
    private let loss: Loss
    private var scale: WavelengthScale?
    private var resampler: GridResampler?
    private var darkScans: ScanAccumulator?
    private var dark: ScanAverage?
    private var reference: ScanAccumulator?
    private var absorbance: AbsorbanceScale?
    private var gate: DropletGate?
    private var oilAtReference: Double?
    // Room made once: a droplet that passes does not use the heap.
    private var pixels: [Double] = []
    /// Spectra that are on their way to those who write them down.
    private var spectra: RoomsInTurn<Double>
    private static let spectraRooms = 64

    init(settings: Settings, loss: Loss) {
        self.settings = settings
        self.loss = loss
        spectra = RoomsInTurn(rooms: Self.spectraRooms, capacity: loss.wavelengths.count)
    }

    var hasReference: Bool { absorbance != nil }

    var hasEnoughDark: Bool { (darkScans?.scans ?? 0) >= settings.rig.darkScans }

    var hasEnoughReference: Bool { (reference?.scans ?? 0) >= settings.rig.referenceDroplets }

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
            forgetReference()
        }
        basePlan = AcquisitionPlan(
            isAcquiring: false, lampOn: false, integration: settings.spectrometer.integration,
            firstPixel: pixels.first, lastPixel: pixels.last, pixelStep: step)
    }

    /// Dark and reference are not to be trusted any more.
    mutating func forgetReference() {
        absorbance = nil
        dark = nil
        darkScans = nil
        reference = nil
        oilAtReference = nil
    }

    // MARK: - Dark

    mutating func beginDark() {
        forgetReference()
        progress = "no scans"
        guard let scale else { return }
        darkScans = ScanAccumulator(
            pixelCount: scale.count, integration: settings.spectrometer.integration)
    }

    mutating func addDark(_ frame: SpectrometerFrame) {
        note {
            try $0.darkScans?.add(
                frame.counts, integration: frame.plan.integration,
                isSaturated: frame.isSaturated)
        }
        progress = "\(darkScans?.scans ?? 0) dark scans"
    }

    /// Ends the dark. Nil when there is none.
    mutating func keepDark(plan: AcquisitionPlan?) -> KeptSpectra? {
        note { $0.dark = try $0.darkScans?.average() }
        guard let dark, let plan else { return nil }
        return KeptSpectra(
            kind: "dark", scans: dark.scans, plan: plan, maximumCount: dark.maximumCount,
            counts: dark.mean)
    }

    // MARK: - Reference

    mutating func beginReference() {
        progress = "no droplets"
        guard let scale, let dark else { return }
        reference = ScanAccumulator(
            pixelCount: scale.count, integration: settings.spectrometer.integration)
        note {
            if $0.gate == nil {
                $0.gate = try DropletGate(
                    scale: scale, dark: dark.mean, settings: $0.settings.droplets)
            } else {
                try $0.gate?.restart(dark: dark.mean)
            }
        }
    }

    /// Takes a scan of solvent-only droplets; returns what is worth telling.
    mutating func addReference(_ frame: SpectrometerFrame) -> [String] {
        var notes: [String] = []
        do throws(SpectraError) {
            guard
                let droplet = try gate?.add(
                    frame.counts, at: frame.requestedAt, isSaturated: frame.isSaturated)
            else { return [] }
            try reference?.add(
                droplet.counts, integration: frame.plan.integration,
                isSaturated: droplet.isSaturated)
        } catch {
            notes.append("a reference droplet was left out: \(error)")
        }
        progress = "\(reference?.scans ?? 0) of \(settings.rig.referenceDroplets) droplets"
        return notes
    }

    /// Ends the reference: from here on absorbance is defined.
    mutating func keepReference(plan: AcquisitionPlan?) throws(SpectraError) -> KeptSpectra {
        guard let dark, let average = try reference?.average(), let plan else {
            throw .tooFewScans(got: reference?.scans ?? 0, needed: 2)
        }
        let scale = try AbsorbanceScale(
            dark: dark, reference: average, validitySigmas: settings.droplets.validitySigmas)
        guard scale.validShare >= settings.droplets.minimumValidShare else {
            throw .tooFewValid(
                share: scale.validShare, needed: settings.droplets.minimumValidShare)
        }
        absorbance = scale
        oilAtReference = gate?.oilBrightness
        return KeptSpectra(
            kind: "reference", scans: average.scans, plan: plan,
            maximumCount: average.maximumCount, counts: average.mean)
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
                    "a droplet was clipped at \(droplet.maximumCount) counts", saturated: true)
            }
            guard let absorbance, let resampler else { return .nothing }
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
            return .rejected("a droplet cannot be measured: \(error)", saturated: false)
        }
    }

    /// The largest of the valid points; NaN without any.
    private static func largest(_ spectrum: [Double]) -> Double {
        var largest = Double.nan
        for value in spectrum where value.isFinite && !(value <= largest) { largest = value }
        return largest
    }

    /// Runs a step whose failure is part of the story a later fault tells.
    private mutating func note(_ step: (inout Measurement) throws -> Void) {
        do { try step(&self) } catch { progress = "\(error)" }
    }
}
