import Glibc
import Quantities

/// Absorbance per pixel, A = −log₁₀((S − D) / (R − D)), of samples against one dark and one
/// reference.
public struct AbsorbanceScale: Equatable, Sendable {
    /// What the converter of light into counts cannot resolve: the standard deviation of a
    /// rounding error, counts. A dark that never changed is no better known than this.
    public static let quantisationSigma = 0.288_675

    private var dark: [Double]
    /// R − D; NaN where the reference is too weak to divide by.
    private var light: [Double]
    private var integration: TimeSpan

    /// A scale. Throws when dark and reference differ in length or exposure. Pixels whose
    /// reference is not above dark by more than `validitySigmas` standard deviations of the dark
    /// are invalid in every sample.
    public init(
        dark: ScanAverage, reference: ScanAverage, validitySigmas: Double
    ) throws(SpectraError) {
        self.init(pixelCount: dark.mean.count)
        try replace(dark: dark, reference: reference, validitySigmas: validitySigmas)
    }

    /// Room for a scale of `pixelCount` pixels; without any dark and reference, none is valid.
    public init(pixelCount: Int) {
        dark = []
        light = []
        integration = .zero
        dark.reserveCapacity(max(0, pixelCount))
        light.reserveCapacity(max(0, pixelCount))
    }

    /// The scale of another dark and reference, in the room of this one. Throws, before it is
    /// touched, like `init`.
    public mutating func replace(
        dark: ScanAverage, reference: ScanAverage, validitySigmas: Double
    ) throws(SpectraError) {
        guard reference.mean.count == dark.mean.count else {
            throw .lengthMismatch(expected: dark.mean.count, got: reference.mean.count)
        }
        guard reference.integration == dark.integration else {
            throw .integrationMismatch(
                expectedSeconds: dark.integration.seconds,
                gotSeconds: reference.integration.seconds)
        }
        integration = dark.integration
        self.dark.removeAll(keepingCapacity: true)
        light.removeAll(keepingCapacity: true)
        for pixel in dark.mean.indices {
            let difference = reference.mean[pixel] - dark.mean[pixel]
            let noise = max(dark.sigma[pixel], Self.quantisationSigma)
            self.dark.append(dark.mean[pixel])
            light.append(difference > max(0, validitySigmas * noise) ? difference : .nan)
        }
    }

    /// Share of the pixels that can be valid at all, 0…1.
    public var validShare: Double {
        guard !light.isEmpty else { return 0 }
        var valid = 0
        for value in light where !value.isNaN { valid += 1 }
        return Double(valid) / Double(light.count)
    }

    /// Absorbance per pixel; NaN, never zero or infinite, where it cannot be known: a reference
    /// too weak, or a sample not above dark. Throws when the sample is clipped, has another
    /// length or was exposed for another time.
    public func absorbance(
        of counts: [Float], integration: TimeSpan, isSaturated: Bool
    ) throws(SpectraError) -> [Double] {
        var result: [Double] = []
        try absorbance(
            of: counts, integration: integration, isSaturated: isSaturated, into: &result)
        return result
    }

    /// The same into `result`, whose room is used again. Throws before it is touched.
    public func absorbance(
        of counts: [Float], integration: TimeSpan, isSaturated: Bool,
        into result: inout [Double]
    ) throws(SpectraError) {
        guard counts.count == dark.count else {
            throw .lengthMismatch(expected: dark.count, got: counts.count)
        }
        guard integration == self.integration else {
            throw .integrationMismatch(
                expectedSeconds: self.integration.seconds, gotSeconds: integration.seconds)
        }
        guard !isSaturated else {
            throw .saturated(maximumCount: largestCount(counts))
        }
        result.removeAll(keepingCapacity: true)
        for pixel in counts.indices {
            let signal = Double(counts[pixel]) - dark[pixel]
            let isValid = signal > 0 && signal.isFinite && !light[pixel].isNaN
            result.append(isValid ? -log10(signal / light[pixel]) : .nan)
        }
    }
}
