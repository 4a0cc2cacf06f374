import Configuration
import Glibc
import Numerics
import Spectra
import Surrogates
import Testing

@testable import Campaign

/// A target with one band, and spectra whose band moves with silver and seed and grows with
/// seed: a small chemistry with a best recipe inside the box.
struct BandChemistry {
    let loss: Loss

    init() throws {
        var settings = LossSettings()
        settings.from = .init(nanometers: 400)
        settings.through = .init(nanometers: 700)
        settings.step = .init(nanometers: 10)
        let grid = (0...30).map { 400 + 10 * Double($0) }
        loss = try Loss(
            target: TargetSpectrum(
                wavelengths: grid, values: grid.map { Self.band($0, center: 560) }),
            settings: settings)
    }

    static func band(_ wavelength: Double, center: Double) -> Double {
        exp(-pow((wavelength - center) / 40, 2))
    }

    func spectrum(_ recipe: [Double]) -> [Float] {
        let center = 480 + 8 * recipe[0] - 4 * recipe[3]
        let height = 0.3 + 0.05 * recipe[3]
        return loss.wavelengths.map { Float(height * Self.band($0, center: center)) }
    }

    func observation(_ number: Int, _ recipe: [Double], run: Int) throws -> Observation {
        let spectrum = spectrum(recipe)
        return Observation(
            number: number, recipe: recipe, loss: try loss.of(spectrum.map(Double.init)),
            spectrum: spectrum, run: run)
    }
}

/// A planner with little effort, for tests without optimisation.
func quickSpectralPlanner(_ settings: Settings, _ loss: Loss) throws -> Planner {
    var planner = try Planner(settings: settings, loss: loss)
    planner.spectralEffort = .init(
        samples: 16, candidates: 60, anchors: 2, neighbours: 5, climbers: 2, rounds: 2, trials: 3)
    planner.fit.starts = 2
    planner.fit.climbs = 1
    planner.hypercube.designs = 5
    planner.training.hidden = [8]
    planner.training.epochs = 20
    return planner
}

@Suite struct SpectralTests {
    @Test func medianSpectrumIsPointwiseAndKnowsInvalidPoints() {
        let median = SpectrumGathering.median(of: [
            [1, 5, .nan, .nan], [3, 4, 2, .nan], [2, .nan, 6, 7],
        ])
        #expect(median[0] == 2 && median[1] == 4.5 && median[2] == 4)
        #expect(median[3].isNaN)
        #expect(SpectrumGathering.median(of: []).isEmpty)
        #expect(SpectrumGathering.median(of: [[1], [1, 2]]).isEmpty)
    }

    @Test func dropletsOfAnAbandonedAttemptDoNotCount() {
        var gathering = SpectrumGathering()
        gathering.add(condition: 4, attempt: 1, absorbance: [100])
        for value: Float in [1, 2, 3] {
            gathering.add(condition: 4, attempt: 2, absorbance: [value])
        }
        #expect(gathering.take(condition: 4, attempt: 2) == [2])
        #expect(gathering.take(condition: 4, attempt: 2).isEmpty)
        #expect(gathering.take(condition: 4, attempt: 1).isEmpty)
    }

    @Test(arguments: [0.02, 0.3, 1, 50]) func bendingIsUndone(offset: Double) {
        let bend = BentBox(offset: offset)
        var last = -1.0
        for step in 0...20 {
            let value = Double(step) / 20
            let bent = bend.bent([value])[0]
            #expect(bent >= value - 1e-12 && bent <= 1 + 1e-12 && bent > last)
            // One rounding of log and one of expm1, spread by at most (1 + offset) / offset.
            #expect(abs(bend.straight([bent])[0] - value) < 1e-12)
            last = bent
        }
    }

    /// A fantasy is an observation: a Gaussian process told the same value agrees.
    @Test func fantasiesConditionLikeObservations() throws {
        let parameters = MaternParameters(
            lengthScales: [0.4, 0.7], signalVariance: 1.5, noiseVariance: 1.5e-9)
        var generator = SeededGenerator(seed: 4)
        func point() -> [Double] { [generator.uniform(), generator.uniform()] }
        var inputs = (0..<7).map { _ in point() }
        var targets = inputs.map { sin(4 * $0[0]) + $0[1] }
        var process = try #require(
            FantasyProcess(
                parameters: parameters, inputs: inputs, targets: targets,
                scale: Standardization(of: []), fantasies: 3))
        let probe = point()
        var kept = process.place(probe, draws: [], samples: 1)
        var draws: [[Double]] = []
        for draw in [0.7, -1.2, 0.1] {
            let place = process.place(point(), draws: draws, samples: 1)
            inputs.append(place.point)
            targets.append(place.mean + place.shifts[0] + place.variance.squareRoot() * draw)
            process.imagine(at: place)
            draws.append([draw])
            process.update(&kept, draw: [draw])
            let told = try GaussianProcess(
                inputs: inputs, targets: targets, parameters: parameters
            ).predict(probe)
            let fresh = process.place(probe, draws: draws, samples: 1)
            for place in [kept, fresh] {
                // Both solve with a matrix whose condition is below 1e10 · n.
                #expect(abs(place.mean + place.shifts[0] - told.mean) < 1e-5)
                #expect(abs(place.variance - told.variance) < 1e-5)
            }
        }
    }

    @Test func theComposedLossIsTheLoss() throws {
        let chemistry = try BandChemistry()
        let composition = LossComposition(chemistry.loss)
        for recipe in [[4.0, 20, 5, 4, 300], [12, 20, 5, 9, 300], [18, 20, 5, 19, 300]] {
            let spectrum = chemistry.spectrum(recipe).map(Double.init)
            let parts = try chemistry.loss.parts(of: spectrum)
            let composed = composition.loss(
                logarithm: log(parts.largest), cosine: parts.cosine)
            #expect(abs(composed - (try chemistry.loss.of(spectrum))) < 1e-12)
        }
    }

    /// A second recipe at the same place is worth nothing, one elsewhere is.
    @Test func jointImprovementSeesNoWorthInRepeating() throws {
        let chemistry = try BandChemistry()
        let planner = try quickSpectralPlanner(silverSettings(), chemistry.loss)
        let history = try history(planner, chemistry)
        var generator = SeededGenerator(seed: 2)
        let model = try SpectralModel(
            SpectralEvidence(history, loss: chemistry.loss),
            space: try planner.space(RecipeBounds(of: planner.check.variables)),
            bend: planner.bend, composition: LossComposition(chemistry.loss), fit: planner.fit,
            using: &generator)
        var joint = try #require(
            JointImprovement(model, best: 1, fantasies: 2, samples: 32, using: &generator))
        let unit = [0.5, 0.5, 0.5, 0.5, 0.5]
        let first = joint.candidate(unit)
        joint.choose(first)
        #expect(first.value > 0.1)
        #expect(joint.candidate(unit).value < 1e-3 * first.value)
    }

    private func history(_ planner: Planner, _ chemistry: BandChemistry) throws -> [Observation] {
        let bounds = RecipeBounds(of: planner.check.variables)
        let first = try planner.decide(PlanRequest(run: 1, history: [], bounds: bounds))
        return try first.recipes.enumerated().map {
            try chemistry.observation($0.offset + 1, $0.element, run: 1)
        }
    }

    @Test func spectraDecideAndOrderDoesNotMatter() throws {
        let chemistry = try BandChemistry()
        let planner = try quickSpectralPlanner(silverSettings(), chemistry.loss)
        let history = try history(planner, chemistry)
        let bounds = RecipeBounds(of: planner.check.variables)
        let one = try planner.decide(PlanRequest(run: 2, history: history, bounds: bounds))
        let two = try planner.decide(
            PlanRequest(run: 2, history: history.reversed(), bounds: bounds))
        #expect(one == two)
        #expect(one.method == .spectralProcess)
        #expect(one.recipes.count == 15 && Set(one.recipes).count == 15)
        for recipe in one.recipes { try planner.check.check(recipe) }
        // The chemistry is simple: one batch must beat fifteen blind recipes.
        let before = try #require(history.map(\.loss).min())
        let after = try one.recipes.map { try chemistry.observation(1, $0, run: 2).loss }.min()
        #expect(try #require(after) < before)
    }

    @Test func withoutSpectraTheLossesDecide() throws {
        let chemistry = try BandChemistry()
        var planner = try quickSpectralPlanner(silverSettings(), chemistry.loss)
        planner.effort = try quickPlanner(silverSettings()).effort
        var history = try history(planner, chemistry)
        for index in history.indices where index % 4 != 0 { history[index].spectrum = [.nan] }
        let bounds = RecipeBounds(of: planner.check.variables)
        let decision = try planner.decide(PlanRequest(run: 2, history: history, bounds: bounds))
        #expect(decision.method == .gaussianProcess)
    }
}
