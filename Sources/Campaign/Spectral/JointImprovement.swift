import Numerics

/// The expected improvement of a whole batch, as a mean over joint samples of the model: a
/// recipe counts for what it improves on everything chosen before it, sample by sample, so that
/// a second recipe at the same place is worth nothing.
///
/// All recipes see the same random numbers: their values can be compared to far more digits than
/// they are known to.
struct JointImprovement: Sendable {
    /// A recipe that is looked at.
    struct Candidate: Sendable {
        /// In the unit box.
        var unit: [Double]
        /// What each process says of it.
        var places: [FantasyProcess.Place]
        /// Improvement it promises, and a little for a low loss where nothing does.
        var value: Double
        /// Recipes chosen when `value` was computed.
        var age: Int
    }

    private let model: SpectralModel
    private var processes: [FantasyProcess]
    /// Per process, per fantasy, per sample.
    private var draws: [[[Double]]]
    /// Normal numbers for all fantasies to come.
    private let normals: [[[Double]]]
    /// The smallest loss so far, per sample.
    private var best: [Double]
    private let samples: Int
    /// Fantasies so far.
    private(set) var chosen = 0

    /// Among candidates that promise nothing, this much per unit of mean loss decides.
    private static let tieShare = 1e-7

    /// For up to `fantasies` recipes over `samples` samples; nil when the model has no factor.
    /// `best` is the loss to improve on.
    init?(
        _ model: SpectralModel, best: Double, fantasies: Int, samples: Int,
        using generator: inout SeededGenerator
    ) {
        guard let processes = model.fantasyProcesses(fantasies) else { return nil }
        self.model = model
        self.processes = processes
        self.samples = 2 * max(1, samples / 2)
        self.best = [Double](repeating: best, count: self.samples)
        draws = [[[Double]]](repeating: [], count: processes.count)
        var normals: [[[Double]]] = []
        for _ in processes.indices {
            var rows: [[Double]] = []
            for _ in 0..<fantasies {
                // Every number and its opposite: the mean of a normal variable comes out exactly.
                let half = (0..<(self.samples / 2)).map { _ in generator.normal() }
                rows.append(half + half.map { -$0 })
            }
            normals.append(rows)
        }
        self.normals = normals
    }

    /// A candidate at `unit`, valued.
    func candidate(_ unit: [Double]) -> Candidate {
        let bent = model.bend.bent(unit)
        let places = processes.indices.map { index in
            processes[index].place(bent, draws: draws[index], samples: samples)
        }
        var candidate = Candidate(unit: unit, places: places, value: 0, age: chosen)
        value(&candidate)
        return candidate
    }

    /// Brings `candidate` up to date with all that was chosen since it was valued.
    func refresh(_ candidate: inout Candidate, since latest: Int) {
        for index in processes.indices {
            processes[index].update(&candidate.places[index], draw: draws[index][latest])
        }
        value(&candidate)
        candidate.age = chosen
    }

    /// Chooses `candidate`: every sample decides what comes of it.
    mutating func choose(_ candidate: Candidate) {
        let losses = losses(candidate)
        for sample in best.indices { best[sample] = min(best[sample], losses[sample]) }
        for index in processes.indices {
            processes[index].imagine(at: candidate.places[index])
            draws[index].append(normals[index][chosen])
        }
        chosen += 1
    }

    private func value(_ candidate: inout Candidate) {
        let losses = losses(candidate)
        var gain = 0.0
        var sum = 0.0
        for sample in 0..<samples {
            gain += max(best[sample] - losses[sample], 0)
            sum += losses[sample]
        }
        candidate.value = (gain - Self.tieShare * sum) / Double(samples)
    }

    /// The loss of `candidate` in every sample.
    private func losses(_ candidate: Candidate) -> [Double] {
        let amplitude = candidate.places[0]
        let shape = candidate.places[1]
        let amplitudeRoot = amplitude.variance.squareRoot()
        let shapeRoot = shape.variance.squareRoot()
        return (0..<samples).map { sample in
            let logarithm =
                amplitude.mean + amplitude.shifts[sample]
                + amplitudeRoot * normals[0][chosen][sample]
            let cosine =
                shape.mean + shape.shifts[sample] + shapeRoot * normals[1][chosen][sample]
            return model.composition.loss(
                logarithm: processes[0].scale.restored(logarithm),
                cosine: processes[1].scale.restored(cosine))
        }
    }
}
