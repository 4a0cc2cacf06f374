import Spectra
import Surrogates

/// What a spectrum network learns from: recipes and whole spectra of the conditions that have
/// one.
struct NetworkEvidence: Sendable {
    /// The observations with a usable spectrum, by condition number.
    let observations: [Observation]
    /// Their spectra without holes.
    private let spectra: [[Float]]

    /// The usable part of `history`.
    init(_ history: [Observation], loss: Loss) {
        var observations: [Observation] = []
        var spectra: [[Float]] = []
        for observation in history where observation.spectrum.count == loss.wavelengths.count {
            guard let whole = Self.filled(observation.spectrum) else { continue }
            observations.append(observation)
            spectra.append(whole)
        }
        self.observations = observations
        self.spectra = spectra
    }

    /// How many conditions there are to learn from.
    var count: Int { observations.count }

    /// What a training takes; only conditions of runs up to `run` where one is given.
    func trainingSet(upTo run: Int? = nil) throws(TrainingError) -> TrainingSet {
        let rows = observations.indices.filter { run == nil || observations[$0].run <= run ?? 0 }
        guard let first = rows.first else { throw .empty }
        return try TrainingSet(
            inputs: rows.flatMap { observations[$0].recipe.map { Float($0) } },
            outputs: rows.flatMap { spectra[$0] },
            inputCount: observations[first].recipe.count, outputCount: spectra[first].count,
            condition: rows.map { observations[$0].number })
    }

    /// `spectrum` with invalid points taken from straight lines between valid neighbours, or the
    /// nearest one at the ends; nil when too few points are valid.
    static func filled(_ spectrum: [Float]) -> [Float]? {
        let valid = spectrum.indices.filter { spectrum[$0].isFinite }
        let needed = SpectralEvidence.leastValidShare * Double(spectrum.count)
        guard let first = valid.first, let last = valid.last, Double(valid.count) >= needed else {
            return nil
        }
        guard valid.count < spectrum.count else { return spectrum }
        var result = spectrum
        for index in 0..<first { result[index] = spectrum[first] }
        for index in (last + 1)..<max(last + 1, spectrum.count) { result[index] = spectrum[last] }
        for (below, above) in zip(valid, valid.dropFirst()) where above > below + 1 {
            for index in (below + 1)..<above {
                let share = Float(index - below) / Float(above - below)
                result[index] = spectrum[below] + share * (spectrum[above] - spectrum[below])
            }
        }
        return result
    }
}
