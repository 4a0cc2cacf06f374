import Configuration
import Quantities

/// Brings a spectrum from a detector's pixels onto an even wavelength grid.
///
/// Between pixel centres the spectrum is taken for a straight line. Where pixels lie further
/// apart than the grid, a grid point is the value of that line there (linear interpolation);
/// where they lie closer, it is the mean of that line over the grid point's bin, step/2 to each
/// side, so that no pixel's light is wasted. Both are exact for straight spectra. A grid point
/// to which an invalid (NaN) pixel contributes is invalid.
public struct GridResampler: Sendable {
    /// The grid, nm.
    public let grid: [Double]
    private struct Weights: Sendable {
        var first: Int
        var values: [Double]
    }
    private let weights: [Weights]
    private let pixelCount: Int
    /// Bound on the grid, against a step that is a typing error.
    static let maximumPoints = 100_000

    /// The points `from`, `from` + `step`, … `through` of `settings`, nm. Throws `badSetting`
    /// when there are none, or more than 100 000.
    public static func grid(_ settings: LossSettings) throws(SpectraError) -> [Double] {
        let from = settings.from.nanometers
        let span = settings.through.nanometers - from
        let step = settings.step.nanometers
        guard step > 0, span >= 0, span.isFinite, from.isFinite else {
            throw .badSetting(name: "loss grid", why: "needs a positive step and from ≤ through")
        }
        // A millionth of a step forgives 0.1 + 0.2.
        let count = (span / step + 1e-6).rounded(.down) + 1
        guard count <= Double(maximumPoints) else {
            throw .badSetting(name: "loss grid", why: "has more than \(maximumPoints) points")
        }
        return (0..<Int(count)).map { from + Double($0) * step }
    }

    /// A resampler from the pixels of `scale` onto the grid of `settings`. Throws `outOfRange`
    /// for a grid point that no two pixels enclose.
    public init(from scale: WavelengthScale, onto settings: LossSettings) throws(SpectraError) {
        let grid = try Self.grid(settings)
        let pixels = scale.nanometers
        guard pixels.count >= 2, let low = pixels.first, let high = pixels.last else {
            throw .badSetting(name: "pixels", why: "at least two are needed")
        }
        let half = settings.step.nanometers / 2
        var all: [Weights] = []
        all.reserveCapacity(grid.count)
        for point in grid {
            guard point >= low, point <= high else {
                throw .outOfRange(wavelength: point, from: low, through: high)
            }
            let left = Self.pixel(before: point, in: pixels)
            let spacing = pixels[left + 1] - pixels[left]
            if spacing >= 2 * half {
                let share = (point - pixels[left]) / spacing
                all.append(Weights(first: left, values: [1 - share, share]))
            } else {
                // The bin is kept symmetric at the ends, or the mean would not belong to it.
                let reach = min(half, point - low, high - point)
                all.append(Self.binWeights(around: point, reach: reach, pixels))
            }
        }
        self.grid = grid
        weights = all
        pixelCount = pixels.count
    }

    /// The last pixel at or before `point` that has one after it; by halving.
    private static func pixel(before point: Double, in pixels: [Double]) -> Int {
        var low = 0
        var high = pixels.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if pixels[middle] <= point { low = middle } else { high = middle }
        }
        return low
    }

    /// Weights of the mean of the broken line over `point` ± `reach`: per segment between two
    /// pixels, the length inside the bin times the line's value in the middle of that length.
    private static func binWeights(
        around point: Double, reach: Double, _ pixels: [Double]
    ) -> Weights {
        let from = point - reach
        let through = point + reach
        let first = pixel(before: from, in: pixels)
        guard reach > 0 else {
            let share = (point - pixels[first]) / (pixels[first + 1] - pixels[first])
            return Weights(first: first, values: [1 - share, share])
        }
        var values = [0.0]
        var left = first
        while left + 1 < pixels.count, pixels[left] < through || left == first {
            let a = max(from, pixels[left])
            let b = min(through, pixels[left + 1])
            let length = max(0, b - a) / (2 * reach)
            let share = ((a + b) / 2 - pixels[left]) / (pixels[left + 1] - pixels[left])
            values[values.count - 1] += length * (1 - share)
            values.append(length * share)
            left += 1
        }
        return Weights(first: first, values: values)
    }

    /// The spectrum on the grid. Throws `lengthMismatch` for another number of pixels.
    public func resample(_ spectrum: [Double]) throws(SpectraError) -> [Double] {
        var result: [Double] = []
        try resample(spectrum, into: &result)
        return result
    }

    /// The same into `result`, whose room is used again.
    public func resample(
        _ spectrum: [Double], into result: inout [Double]
    ) throws(SpectraError) {
        guard spectrum.count == pixelCount else {
            throw .lengthMismatch(expected: pixelCount, got: spectrum.count)
        }
        result.removeAll(keepingCapacity: true)
        for point in weights {
            var sum = 0.0
            // A weight of exactly zero keeps a neighbour's NaN out of a point on a pixel.
            for (offset, weight) in point.values.enumerated() where weight != 0 {
                sum += weight * spectrum[point.first + offset]
            }
            result.append(sum)
        }
    }
}
