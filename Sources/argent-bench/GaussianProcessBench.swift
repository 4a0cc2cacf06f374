import Campaign
import Configuration
import Glibc
import Numerics
import Surrogates

/// Fits, predictions and whole decisions of the Gaussian process. The data are Friedman's
/// function (Ann. Stat. 19, 1 (1991)) of five uniform variables with noise; the peer script makes
/// the same from the same seed.
var gaussianProcessBenchmarks: [Benchmark] {
    let fits = [135, 1_000].flatMap {
        [fit("fit", $0, flat: false), fit("fit-flat", $0, flat: true)]
    }
    return fits + likelihoods + predictions + [degenerate]
        + [
            Benchmark(name: "gp/fit+batch15/135") {
                let (planner, request) = try campaign(135)
                return { keep(try? planner.decide(request)) }
            }
        ]
}

/// One fit; without priors to speak of where `flat`, which is the likelihood that other programs
/// maximise. Says on standard error what it reached.
private func fit(_ name: String, _ count: Int, flat: Bool) -> Benchmark {
    Benchmark(name: "gp/\(name)/\(count)") {
        let data = friedman(count)
        var fit = MaternFit()
        if flat {
            fit.lengthScale.spread = 1e3
            fit.signal.spread = 1e3
            fit.noise.spread = 1e3
            // One start, as theirs: random ones would be drawn from the flat priors.
            fit.starts = 0
        }
        var generator = SeededGenerator(seed: 1)
        let model = try fit.fit(inputs: data.inputs, targets: data.targets, using: &generator)
        let reached = Array(
            "gp/\(name)/\(count): log likelihood \(model.logMarginalLikelihood)\n".utf8)
        _ = write(STDERR_FILENO, reached, reached.count)
        let ready = fit
        return {
            var generator = SeededGenerator(seed: 1)
            keep(
                try? ready.fit(inputs: data.inputs, targets: data.targets, using: &generator))
        }
    }
}

/// `count` points of the unit box and 10 sin(π x₀ x₁) + 20 (x₂ − ½)² + 10 x₃ + 5 x₄ there, with
/// uniform noise of standard deviation ½; standardised.
func friedman(_ count: Int) -> (inputs: [[Double]], targets: [Double]) {
    var generator = SeededGenerator(seed: 1)
    var inputs: [[Double]] = []
    var values: [Double] = []
    for _ in 0..<count {
        let x = (0..<5).map { _ in generator.uniform() }
        inputs.append(x)
        values.append(friedman(x) + 3.0.squareRoot() * 0.5 * generator.uniform(-1, 1))
    }
    let scale = Standardization(of: values)
    return (inputs, values.map { scale.standardized($0) })
}

private func friedman(_ x: [Double]) -> Double {
    let wave = 10 * sin(.pi * x[0] * x[1])
    return wave + 20 * (x[2] - 0.5) * (x[2] - 0.5) + 10 * x[3] + 5 * x[4]
}

private let reasonable = MaternParameters(
    lengthScales: [1, 1, 1.5, 4, 5], signalVariance: 2, noiseVariance: 0.01)

private var likelihoods: [Benchmark] {
    [135, 1_000].map { count in
        // One look at given parameters: covariance, factor, its inverse, weights.
        Benchmark(name: "gp/condition/\(count)") {
            let data = friedman(count)
            return {
                keep(
                    try? GaussianProcess(
                        inputs: data.inputs, targets: data.targets, parameters: reasonable))
            }
        }
    }
}

/// Two thousand observations of which most repeat one another, the targets all alike: finite or
/// an error.
private var degenerate: Benchmark {
    Benchmark(name: "gp/condition-duplicates/2000") {
        let few = friedman(40).inputs
        let inputs = (0..<2_000).map { few[$0 % few.count] }
        let targets = [Double](repeating: 0.25, count: inputs.count)
        var parameters = reasonable
        parameters.noiseVariance = 1e-5
        let model = try GaussianProcess(inputs: inputs, targets: targets, parameters: parameters)
        let prediction = model.predict([0.5, 0.5, 0.5, 0.5, 0.5], gradients: true)
        let numbers =
            [prediction.mean, prediction.variance, model.logMarginalLikelihood]
            + prediction.meanGradient + prediction.varianceGradient
        for number in numbers where !number.isFinite {
            throw GaussianProcessError.unusableParameters
        }
        return {
            keep(
                try? GaussianProcess(inputs: inputs, targets: targets, parameters: parameters))
        }
    }
}

private var predictions: [Benchmark] {
    [135, 1_000].flatMap { count -> [Benchmark] in
        let number = 720
        func model() throws -> (GaussianProcess, [Double]) {
            let data = friedman(count)
            let model = try GaussianProcess(
                inputs: data.inputs, targets: data.targets, parameters: reasonable)
            return (model, friedman(number + count).inputs.suffix(number).flatMap { $0 })
        }
        return [
            Benchmark(name: "gp/predict/\(count)x\(number)", work: Double(number), unit: "points") {
                let (model, points) = try model()
                return { keep(model.predict(points: points)) }
            },
            Benchmark(name: "gp/predict-gradients/\(count)", work: 1, unit: "points") {
                let (model, points) = try model()
                let probe = GaussianProbe(model)
                return { probe.look(at: points, .gradients) }
            },
            Benchmark(name: "gp/append/\(count)") {
                let data = friedman(count)
                let (model, points) = try model()
                let point = Array(points.prefix(5))
                return {
                    keep(try? model.appending(input: point, target: 0.1, to: data.targets))
                }
            },
        ]
    }
}

/// A planner of five variables and a history of `count` conditions: four reagents of at most
/// 90 % together and a flow, as in the published campaign's late box.
private func campaign(_ count: Int) throws -> (Planner, PlanRequest) {
    var settings = Settings()
    for (name, low, high) in [
        ("Ag", 4.0, 45.0), ("PVA", 10, 40), ("TSC", 0.5, 30), ("seed", 0.5, 20),
    ] {
        settings.variables.append(
            VariableSettings(
                name: name, kind: .reagentPercent(pump: name), low: low, high: high, lowLimit: low,
                highLimit: high))
    }
    settings.variables.append(
        VariableSettings(
            name: "flow", kind: .totalFlow, low: 200, high: 1_000, lowLimit: 200, highLimit: 1_000))
    settings.campaign.seed = 1
    settings.campaign.batch = 15
    settings.campaign.widensBounds = false
    let planner = try Planner(settings: settings)
    let bounds = RecipeBounds(of: settings.variables)
    var history: [Observation] = []
    var run = 1
    var generator = SeededGenerator(seed: 1)
    while history.count < count {
        let recipe = zip(bounds.lows, bounds.highs).map { generator.uniform($0, $1) }
        guard recipe.prefix(4).reduce(0, +) <= settings.recipe.maximumReagentShare * 100 else {
            continue
        }
        let unit = recipe.indices.map {
            (recipe[$0] - bounds.lows[$0]) / (bounds.highs[$0] - bounds.lows[$0])
        }
        let loss = friedman(unit) + 3.0.squareRoot() * 0.5 * generator.uniform(-1, 1)
        history.append(Observation(number: history.count + 1, recipe: recipe, loss: loss))
        run = history.count / 15 + 1
    }
    return (planner, PlanRequest(run: run, history: history, bounds: bounds))
}
