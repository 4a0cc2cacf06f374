import Glibc
import Numerics
import Spectra
import Surrogates

/// What was observed, taken apart: the loss is 1 − δ(A_max) · cosine, and its two parts are much
/// simpler functions of the recipe than it is. The cosine compares shapes, so that droplets that
/// absorb more or less as a whole do not blur it; the logarithm of A_max takes all that scatter,
/// and the kinks of δ, which no smooth process can learn, are put back exactly.
struct SpectralEvidence: Equatable, Sendable {
    /// Recipes, one per observation that has a usable spectrum.
    var recipes: [[Double]]
    /// log A_max of each.
    var logarithms: [Double]
    /// Cosine with the target of each.
    var cosines: [Double]

    /// Below this share of the loss's amplitude window A_max counts as this: the logarithm of
    /// what is hardly there is noise.
    private static let leastAmplitudeShare = 0.02
    /// A spectrum must be valid on this share of the grid at least.
    static let leastValidShare = 0.5

    /// The evidence in `history`; observations without a usable spectrum are left out.
    init(_ history: [Observation], loss: Loss) {
        recipes = []
        logarithms = []
        cosines = []
        let least = Self.leastAmplitudeShare * loss.amplitudeWindow.lowerBound
        for observation in history {
            guard observation.spectrum.count == loss.wavelengths.count,
                let parts = try? loss.parts(
                    of: observation.spectrum.map(Double.init),
                    minimumValidShare: Self.leastValidShare)
            else { continue }
            recipes.append(observation.recipe)
            logarithms.append(log(max(parts.largest, least)))
            cosines.append(parts.cosine)
        }
    }

    /// Number of usable observations.
    var count: Int { recipes.count }
}

/// Puts the parts of the loss together again.
struct LossComposition: Equatable, Sendable {
    private let logLow: Double
    private let logHigh: Double

    /// With the amplitude window of `loss`.
    init(_ loss: Loss) {
        logLow = log(loss.amplitudeWindow.lowerBound)
        logHigh = log(loss.amplitudeWindow.upperBound)
    }

    /// The loss of log A_max and cosine.
    func loss(logarithm: Double, cosine: Double) -> Double {
        if logarithm > logHigh { return 1 }
        let likeness = min(max(cosine, -1), 1)
        return logarithm < logLow ? 1 - exp(logarithm - logLow) * likeness : 1 - likeness
    }
}

/// Gaussian processes of log A_max and of the cosine over the bent unit box.
struct SpectralModel: Sendable {
    let evidence: SpectralEvidence
    let space: RecipeSpace
    let bend: BentBox
    let composition: LossComposition
    /// Of log A_max and of the cosine, standardised, in this order.
    let processes: [GaussianProcess]
    /// What standardised them.
    let scales: [Standardization]
    /// The observed recipes in the bent box.
    let inputs: [[Double]]

    /// Learns from `evidence`, of which there must be some.
    init(
        _ evidence: SpectralEvidence, space: RecipeSpace, bend: BentBox,
        composition: LossComposition, fit: MaternFit, using generator: inout SeededGenerator
    ) throws(GaussianProcessError) {
        self.evidence = evidence
        self.space = space
        self.bend = bend
        self.composition = composition
        inputs = evidence.recipes.map { bend.bent(space.unit($0)) }
        var fits = [fit, fit]
        // Shapes hardly scatter from droplet to droplet; see `SpectralEvidence`.
        fits[1].noise.median = 1e-3
        fits[1].noise.bounds = 1e-6...fit.noise.bounds.upperBound
        var processes: [GaussianProcess] = []
        var scales: [Standardization] = []
        for (values, fit) in zip([evidence.logarithms, evidence.cosines], fits) {
            let scale = Standardization(of: values)
            processes.append(
                try fit.fit(
                    inputs: inputs, targets: values.map(scale.standardized), using: &generator))
            scales.append(scale)
        }
        self.processes = processes
        self.scales = scales
    }

    /// The loss of the predicted means at a point of the bent box.
    func predictedLoss(_ bent: [Double]) -> Double {
        composition.loss(
            logarithm: scales[0].restored(processes[0].mean(bent)),
            cosine: scales[1].restored(processes[1].mean(bent)))
    }

    /// The processes, ready for `fantasies` fantasies; nil when one has no factor.
    func fantasyProcesses(_ fantasies: Int) -> [FantasyProcess]? {
        var result: [FantasyProcess] = []
        for (index, values) in [evidence.logarithms, evidence.cosines].enumerated() {
            guard
                let process = FantasyProcess(
                    parameters: processes[index].parameters, inputs: inputs, targets: values,
                    scale: scales[index], fantasies: fantasies)
            else { return nil }
            result.append(process)
        }
        return result
    }
}
