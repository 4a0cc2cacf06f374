import Glibc
import Quantities

/// Absorbance per pixel, A = −log₁₀((S − D) / (R − D)), of samples against one dark and one
/// reference.
public struct AbsorbanceScale: Equatable, Sendable {
    /// What the converter of light into counts cannot resolve: the standard deviation of a
    /// rounding error, counts. A dark that never changed is no better known than this.
    public static let quantisationSigma = 0.288_675

    private let dark: [Double]
    /// R − D; NaN where the reference is too weak to divide by.
    private let light: [Double]
    private let integration: TimeSpan

    /// A scale. Throws when dark and reference differ in length or exposure. Pixels whose
    /// reference is not above dark by more than `validitySigmas` standard deviations of the dark
    /// are invalid in every sample.
    public init(
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
        self.dark = dark.mean
        integration = dark.integration
        light = dark.mean.indices.map { pixel in
            let difference = reference.mean[pixel] - dark.mean[pixel]
            let noise = max(dark.sigma[pixel], Self.quantisationSigma)
            return difference > max(0, validitySigmas * noise) ? difference : .nan
        }
    }

    /// Share of the pixels that can be valid at all, 0…1.
    public var validShare: Double {
        light.isEmpty ? 0 : Double(light.count { !$0.isNaN }) / Double(light.count)
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
