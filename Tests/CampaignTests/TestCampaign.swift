import Configuration

@testable import Campaign

/// The published two-step campaign's variables: early bounds, late limits.
func silverSettings() -> Settings {
    var settings = Settings()
    func reagent(_ name: String, _ low: Double, _ high: Double, _ wide: ClosedRange<Double>) {
        settings.variables.append(
            VariableSettings(
                name: name, kind: .reagentPercent(pump: name), low: low, high: high,
                lowLimit: wide.lowerBound, highLimit: wide.upperBound))
    }
    reagent("Q_AgNO3", 4, 20, 0.5...80)
    reagent("Q_PVA", 10, 40, 10...40)
    reagent("Q_TSC", 4, 20, 0.5...80)
    reagent("Q_seed", 4, 20, 0.5...80)
    settings.variables.append(
        VariableSettings(
            name: "Q_tot", kind: .totalFlow, low: 200, high: 1_000, lowLimit: 100,
            highLimit: 1_000))
    settings.campaign.seed = 7
    return settings
}

/// The same with bounds at their limits, where the cap cuts most of the box off.
func wideSettings() -> Settings {
    var settings = silverSettings()
    for index in settings.variables.indices {
        settings.variables[index].low = settings.variables[index].lowLimit
        settings.variables[index].high = settings.variables[index].highLimit
    }
    return settings
}

/// A planner that looks at fewer candidates, for tests without optimisation.
func quickPlanner(_ settings: Settings) throws -> Planner {
    var planner = try Planner(settings: settings)
    planner.effort.candidates = 80
    planner.effort.neighbours = 5
    planner.effort.climbs = 1
    planner.effort.steps = 12
    planner.fit.starts = 3
    planner.fit.climbs = 1
    planner.fit.steps = 15
    planner.hypercube.designs = 10
    planner.hypercube.draws = 300
    return planner
}

/// A smooth bowl in the published box with its bottom, 0.1, at low silver and much seed.
func bowl(_ recipe: [Double]) -> Double {
    let silver = (recipe[0] - 8) / 30
    let seed = (recipe[3] - 16) / 30
    let flow = (recipe[4] - 600) / 2_000
    return 0.1 + silver * silver + seed * seed + flow * flow
}

/// Observations of `loss` at `recipes`, numbered from 1.
func observations(_ recipes: [[Double]], _ loss: ([Double]) -> Double) -> [Observation] {
    recipes.enumerated().map {
        Observation(number: $0.offset + 1, recipe: $0.element, loss: loss($0.element))
    }
}
