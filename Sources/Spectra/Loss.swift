import Configuration
import Quantities

/// How far a spectrum is from the target: `1 − δ(A_max) · cos(minmax(S), minmax(T))`
/// (Mekki-Berrada et al., npj Comput. Mater. 7, 55, 2021, and the authors' code).
///
/// minmax scales a spectrum to 0…1. δ is A_max / low below `low`, 1 up to `high`, 0 above it,
/// and 0 for A_max ≤ 0. The target is interpolated to the grid before it is scaled.
public struct Loss: Equatable, Sendable {
    /// The wavelengths of the spectra compared, nm.
    public let wavelengths: [Double]
    /// The target, scaled to 0…1 over all of them.
    public let target: [Double]
    /// The largest absorbance from which δ is 1.
    public let amplitudeLow: Double
    /// The largest absorbance up to which δ is 1.
    public let amplitudeHigh: Double

    /// The loss on the grid of `settings`.
    public init(target: TargetSpectrum, settings: LossSettings) throws(SpectraError) {
        let grid = try GridResampler.grid(settings)
        try self.init(target: target, wavelengths: grid, settings: settings)
    }

    /// The loss at other wavelengths (nm) than the grid of `settings`, of which only the
    /// amplitude window counts. Throws `outOfRange` when the target does not reach them, `flat`
    /// when it has no shape there.
    public init(
        target: TargetSpectrum, wavelengths: [Double], settings: LossSettings
    ) throws(SpectraError) {
        guard settings.amplitudeLow > 0, settings.amplitudeHigh >= settings.amplitudeLow else {
            throw .badSetting(
                name: "amplitude window", why: "needs 0 < amplitude_low ≤ amplitude_high")
        }
        let values = try target.interpolated(at: wavelengths)
        guard let scaled = Self.minmax(values) else { throw .flat(which: "target") }
        self.wavelengths = wavelengths
        self.target = scaled
        amplitudeLow = settings.amplitudeLow
        amplitudeHigh = settings.amplitudeHigh
    }

    /// The loss of `absorbance`, 0…1 or a little more. Invalid (not finite) points are left out
    /// on both sides; throws `tooFewValid` when fewer than `minimumValidShare` of the points
    /// remain, `flat` when what remains has no shape, `lengthMismatch` for another grid.
    public func of(
        _ absorbance: [Double], minimumValidShare: Double = 1
    ) throws(SpectraError) -> Double {
        let parts = try parts(of: absorbance, minimumValidShare: minimumValidShare)
        return 1 - amplitudeFactor(parts.largest) * parts.cosine
    }

    /// What a loss is made of: `1 − δ(largest) · cosine`.
    public struct Parts: Equatable, Sendable {
        /// Largest absorbance, A_max.
        public var largest: Double
        /// Cosine of the scaled spectrum and the scaled target: the likeness of their shapes,
        /// which a droplet that absorbs more or less as a whole does not change.
        public var cosine: Double
    }

    /// The parts of the loss of `absorbance`; throws what `of` throws.
    public func parts(
        of absorbance: [Double], minimumValidShare: Double = 1
    ) throws(SpectraError) -> Parts {
        guard absorbance.count == target.count else {
            throw .lengthMismatch(expected: target.count, got: absorbance.count)
        }
        // Twice over the points instead of copies of them: droplets pass while pumps wait.
        var valid = 0
        var low = Double.infinity
        var high = -Double.infinity
        for value in absorbance where value.isFinite {
            valid += 1
            low = min(low, value)
            high = max(high, value)
        }
        let share = absorbance.isEmpty ? 0 : Double(valid) / Double(absorbance.count)
        guard valid > 0, share >= minimumValidShare else {
            throw .tooFewValid(share: share, needed: minimumValidShare)
        }
        let span = high - low
        guard high > low, span.isFinite else { throw .flat(which: "spectrum") }
        var product = 0.0
        var squares = 0.0
        var wanted = 0.0
        for point in absorbance.indices where absorbance[point].isFinite {
            let scaled = (absorbance[point] - low) / span
            product += scaled * target[point]
            squares += scaled * scaled
            wanted += target[point] * target[point]
        }
        guard squares > 0, wanted > 0 else { throw .flat(which: "target") }
        return Parts(
            largest: high, cosine: product / (squares.squareRoot() * wanted.squareRoot()))
    }

    /// The largest absorbances, from and to, for which δ is 1.
    public var amplitudeWindow: ClosedRange<Double> { amplitudeLow...amplitudeHigh }

    /// δ of the largest absorbance, 0…1.
    public func amplitudeFactor(_ largest: Double) -> Double {
        if !(largest > 0) || largest > amplitudeHigh { return 0 }
        return largest < amplitudeLow ? largest / amplitudeLow : 1
    }

    /// `values` scaled to 0…1; nil when there is nothing to scale.
    private static func minmax(_ values: [Double]) -> [Double]? {
        guard let low = values.min(), let high = values.max(), high > low else { return nil }
        let span = high - low
        guard span.isFinite else { return nil }
        return values.map { ($0 - low) / span }
    }
}
