import Quantities

extension SettingsChecker {
    /// Speeds of the spectrometer's `K` command (Flame manual).
    private static let spectrometerBauds = [
        2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200,
    ]
    /// Points of the loss grid at most.
    private static let gridLimit = 10_000.0

    mutating func checkSpectrometer() {
        let s = settings.spectrometer
        if s.port.isEmpty { error("spectrometer.port", "the spectrometer's port is empty") }
        if let pump = settings.pumps.first(where: { $0.port == s.port && !s.port.isEmpty }) {
            error(
                "spectrometer.port", "the pump \"\(pump.name)\" has the same port",
                "the spectrometer needs a line of its own")
        }
        for (key, baud) in [("baud", s.baud), ("working_baud", s.workingBaud)]
        where !Self.spectrometerBauds.contains(baud) {
            let known = Self.spectrometerBauds.map { "\($0)" }.joined(separator: " ")
            error("spectrometer.\(key)", "\(baud) is no speed it has", "permitted: \(known)")
        }
        if s.pixelStep >= s.pixelCount {
            error("spectrometer.pixel_step", "the step skips all pixels but one")
        }
        checkGrid()
    }

    private mutating func checkGrid() {
        let loss = settings.loss
        let (from, through) = (loss.from.nanometers, loss.through.nanometers)
        let step = loss.step.nanometers
        if from >= through {
            error("loss.through", "the grid ends before it begins", "make through larger than from")
        } else if !(step > 0) || (through - from) / step > Self.gridLimit {
            error(
                "loss.step", "the grid has too many points",
                "permitted: \(Int(Self.gridLimit)) steps")
        } else {
            let steps = (through - from) / step
            if (steps - steps.rounded()).magnitude > 1e-6 {
                warning(
                    "loss.step", "the step does not divide the grid",
                    "the last point will lie before \(Dimension.wavelength.format(through))")
            }
        }
        if loss.amplitudeLow >= loss.amplitudeHigh {
            error("loss.amplitude_high", "amplitude_high must be above amplitude_low")
        }
        let gate = settings.droplets
        if gate.gateFrom >= gate.gateThrough {
            error("droplets.gate_through", "the gate band ends before it begins")
        }
        checkCalibration([
            ("loss.from", from), ("loss.through", through),
            ("droplets.gate_from", gate.gateFrom.nanometers),
            ("droplets.gate_through", gate.gateThrough.nanometers),
        ])
    }

    /// Whether wavelengths lie on the detector, when its coefficients are given.
    private mutating func checkCalibration(_ wanted: [(String, Double)]) {
        let s = settings.spectrometer
        let path = "spectrometer.wavelength_coefficients"
        guard !s.wavelengthCoefficients.isEmpty else { return }
        guard s.wavelengthCoefficients.count == 4 else {
            error(path, "there must be four coefficients, or none")
            return
        }
        let wavelengths = (0..<max(1, s.pixelCount)).map { pixel in
            s.wavelengthCoefficients.reversed().reduce(0) { $0 * Double(pixel) + $1 }
        }
        guard zip(wavelengths, wavelengths.dropFirst()).allSatisfy({ $0 < $1 }),
            let first = wavelengths.first, let last = wavelengths.last
        else {
            error(
                path, "the wavelengths do not rise from pixel to pixel",
                "check their order, c0 first, and their signs")
            return
        }
        for (key, wavelength) in wanted where wavelength < first || wavelength > last {
            let reach = [first, last].map { Dimension.wavelength.format(($0 * 10).rounded() / 10) }
            error(
                key, "\(Dimension.wavelength.format(wavelength)) is outside the spectrometer",
                "by its coefficients it sees \(reach[0]) … \(reach[1])")
        }
    }

    /// Droplets after which a condition may end early at the soonest (`MedianStop.fewest`).
    private static let earliestEnd = 8

    mutating func checkDroplets() {
        let droplets = settings.droplets
        if droplets.leaveThreshold >= droplets.enterThreshold {
            error(
                "droplets.leave_threshold", "leave_threshold must be below enter_threshold",
                "the gap keeps noise from cutting droplets in pieces")
        }
        let rig = settings.rig
        if rig.minimumDroplets > rig.droplets {
            error(
                "rig.minimum_droplets", "minimum_droplets is above droplets",
                "a condition could never be complete")
        }
        if rig.medianUncertainty > 0, rig.droplets <= Self.earliestEnd {
            warning(
                "rig.median_uncertainty", "no condition can end early",
                "it takes more than \(Self.earliestEnd) droplets: raise rig.droplets")
        } else if rig.medianUncertainty > 0, rig.minimumDroplets >= rig.droplets {
            warning(
                "rig.median_uncertainty", "no condition can end early",
                "minimum_droplets is as many as droplets: lower it")
        }
        if rig.blindAfter < settings.spectrometer.integration + settings.spectrometer.replyTimeout {
            error(
                "rig.blind_after", "one slow scan would count as a blind detector",
                "make it longer than integration and reply_timeout of the spectrometer together")
        }
        for (index, pump) in settings.pumps.enumerated() where rig.staleAfter < pump.replyTimeout {
            error(
                "rig.stale_after",
                "one lost reply of \"\(pump.name)\" would make its state stale",
                "make it longer than pump[\(index)].reply_timeout")
        }
    }
}
