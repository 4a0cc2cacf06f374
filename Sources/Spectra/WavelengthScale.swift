import Quantities

/// The wavelengths of a detector's pixels, or of those of them that a scan carries.
public struct WavelengthScale: Equatable, Sendable {
    /// Wavelength per pixel in nm, rising.
    public let nanometers: [Double]

    /// A scale from wavelengths, nm. Throws `wavelengthsNotRising` unless they are finite and
    /// each is above the one before.
    public init(nanometers: [Double]) throws(SpectraError) {
        for (pixel, value) in nanometers.enumerated() {
            guard value.isFinite, pixel == 0 || value > nanometers[pixel - 1] else {
                throw .wavelengthsNotRising(pixel: pixel)
            }
        }
        self.nanometers = nanometers
    }

    /// A scale from the wavelengths an instrument reports.
    public init(_ wavelengths: [Wavelength]) throws(SpectraError) {
        try self.init(nanometers: wavelengths.map(\.nanometers))
    }

    /// λ(p) = Σ cᵢ pⁱ for p = 0 ..< `pixelCount`, nm (the polynomial in an instrument's EEPROM).
    public init(coefficients: [Double], pixelCount: Int) throws(SpectraError) {
        try self.init(
            nanometers: (0..<max(0, pixelCount)).map { pixel in
                coefficients.reversed().reduce(0) { $0 * Double(pixel) + $1 }
            })
    }

    /// Pixels of the scale.
    public var count: Int { nanometers.count }

    /// The scale of a scan that carries every `step`th pixel from `first` through `last`.
    /// Throws `badSetting` when there are no such pixels.
    public func picking(
        from first: Int, through last: Int, by step: Int
    ) throws(SpectraError) -> WavelengthScale {
        guard first >= 0, first <= last, last < count, step > 0 else {
            throw .badSetting(
                name: "pixels", why: "\(first) to \(last) by \(step) do not fit \(count) pixels")
        }
        return try WavelengthScale(
            nanometers: stride(from: first, through: last, by: step).map { nanometers[$0] })
    }

    /// First and last pixel to ask for, every `step`th, so that interpolation onto
    /// `from`…`through` nm needs nothing beyond them. Throws `outOfRange` when the detector does
    /// not reach that far.
    public func pixels(
        covering from: Wavelength, through: Wavelength, by step: Int
    ) throws(SpectraError) -> (first: Int, last: Int) {
        guard step > 0 else { throw .badSetting(name: "pixel step", why: "must be positive") }
        guard let low = nanometers.first, let high = nanometers.last else {
            throw .emptyBand(from: from.nanometers, through: through.nanometers)
        }
        guard let first = nanometers.lastIndex(where: { $0 <= from.nanometers }) else {
            throw .outOfRange(wavelength: from.nanometers, from: low, through: high)
        }
        guard let end = nanometers.firstIndex(where: { $0 >= through.nanometers }), end >= first
        else {
            throw .outOfRange(wavelength: through.nanometers, from: low, through: high)
        }
        // Whole steps from the first pixel; when they run over the end, start earlier.
        let steps = (end - first + step - 1) / step
        let last = first + steps * step
        if last < count { return (first, last) }
        let shifted = first - (last - (count - 1))
        guard shifted >= 0 else {
            throw .outOfRange(wavelength: through.nanometers, from: low, through: high)
        }
        return (shifted, count - 1)
    }
}
