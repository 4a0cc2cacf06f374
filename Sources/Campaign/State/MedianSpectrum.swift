import Numerics

/// Gathers the droplets of one attempt at a condition, for the spectrum of the condition.
///
/// The rig and the replay of its log feed the same numbers in the same order, so that a campaign
/// that was interrupted knows the very spectra it knew before.
public struct SpectrumGathering: Equatable, Sendable {
    /// Droplets kept at most; more would not move a median.
    public static let dropletLimit = 512

    private var condition = 0
    private var attempt = 0
    private var droplets: [[Float]] = []

    /// Nothing gathered yet.
    public init() {}

    /// Takes the absorbance of one droplet (on the loss grid, NaN where invalid). The first of
    /// another condition or attempt lets go of what was gathered.
    public mutating func add(condition: Int, attempt: Int, absorbance: [Float]) {
        if condition != self.condition || attempt != self.attempt {
            self.condition = condition
            self.attempt = attempt
            droplets.removeAll(keepingCapacity: true)
        }
        if droplets.count < Self.dropletLimit { droplets.append(absorbance) }
    }

    /// The pointwise median of that attempt's droplets, and forgets them; empty when there are
    /// none.
    public mutating func take(condition: Int, attempt: Int) -> [Float] {
        guard condition == self.condition, attempt == self.attempt else { return [] }
        defer { droplets.removeAll(keepingCapacity: true) }
        return Self.median(of: droplets)
    }

    /// The median at every point over those of `spectra` that are finite there; NaN where less
    /// than half of them are. Empty when there are none or their lengths differ.
    public static func median(of spectra: [[Float]]) -> [Float] {
        guard let length = spectra.first?.count,
            spectra.allSatisfy({ $0.count == length })
        else { return [] }
        var result: [Float] = []
        result.reserveCapacity(length)
        var column: [Float] = []
        column.reserveCapacity(spectra.count)
        for point in 0..<length {
            column.removeAll(keepingCapacity: true)
            for spectrum in spectra where spectrum[point].isFinite {
                column.append(spectrum[point])
            }
            guard !column.isEmpty, 2 * column.count >= spectra.count else {
                result.append(.nan)
                continue
            }
            column.sort()
            let middle = column.count / 2
            result.append(
                column.count % 2 == 1
                    ? column[middle] : 0.5 * (column[middle - 1] + column[middle]))
        }
        return result
    }
}
