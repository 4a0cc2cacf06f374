import Campaign
import Configuration
import Glibc
import Numerics
import Spectra

/// One decision of the eighth run, 15 recipes from 105 conditions and their spectra: the first
/// step alone, and with the network's two trainings beside it.
var decisionBenchmarks: [Benchmark] {
    [PlanningMethod.spectralProcess, .twoStep].map { method in
        Benchmark(name: "decide/\(method.rawValue)/105", work: 15, unit: "recipes") {
            let (planner, request) = try decisionToMake(method)
            return { keep(try? planner.decide(request)) }
        }
    }
}

/// Spectra with one band that moves with two variables and grows with a third.
private func decisionToMake(_ method: PlanningMethod) throws -> (Planner, PlanRequest) {
    var settings = Settings()
    for name in ["a", "b", "c", "d"] {
        settings.variables.append(
            VariableSettings(
                name: name, kind: .reagentPercent(pump: name), low: 1, high: 20, lowLimit: 1,
                highLimit: 20))
    }
    settings.variables.append(
        VariableSettings(
            name: "total", kind: .totalFlow, low: 200, high: 1_000, lowLimit: 200,
            highLimit: 1_000))
    settings.campaign.method = method
    let grid = (0...420).map { 380 + Double($0) }
    func band(_ center: Double) -> [Double] { grid.map { exp(-pow(($0 - center) / 60, 2)) } }
    let loss = try Loss(
        target: TargetSpectrum(wavelengths: grid, values: band(620)), settings: settings.loss)
    var generator = SeededGenerator(seed: 1)
    var history: [Observation] = []
    for number in 1...105 {
        let recipe =
            (0..<4).map { _ in generator.uniform(1, 20) } + [generator.uniform(200, 1_000)]
        let height = 0.3 + 0.03 * recipe[2] + 0.0002 * recipe[4]
        let spectrum = band(500 + 8 * recipe[0] - 3 * recipe[1]).map { height * $0 }
        history.append(
            Observation(
                number: number, recipe: recipe, loss: try loss.of(spectrum),
                spectrum: spectrum.map { Float($0) }, run: (number + 14) / 15))
    }
    let bounds = RecipeBounds(of: settings.variables)
    return (
        try Planner(settings: settings, loss: loss),
        PlanRequest(run: 8, history: history, bounds: bounds)
    )
}
