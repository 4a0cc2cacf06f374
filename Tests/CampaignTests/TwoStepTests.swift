import Configuration
import Numerics
import Spectra
import Testing

@testable import Campaign

@Suite struct TwoStepTests {
    /// Two runs of a campaign, and the request for the third.
    private func request(
        _ planner: Planner, _ chemistry: BandChemistry, conditions: Int = 24
    ) throws -> PlanRequest {
        let bounds = RecipeBounds(of: planner.check.variables)
        var generator = SeededGenerator(seed: 5)
        let space = try planner.space(bounds)
        let recipes = space.region.uniformPoints(conditions, using: &generator).map {
            space.recipe($0)
        }
        let history = try recipes.enumerated().map {
            try chemistry.observation(
                $0.offset + 1, $0.element, run: 2 * $0.offset < conditions ? 1 : 2)
        }
        return PlanRequest(run: 3, history: history, bounds: bounds)
    }

    private func settings(_ change: (inout CampaignSettings) -> Void) -> Settings {
        var settings = silverSettings()
        settings.campaign.batch = 6
        settings.campaign.widensBounds = false
        change(&settings.campaign)
        return settings
    }

    @Test func bothProposeFromTheHandOverOn() throws {
        let chemistry = try BandChemistry()
        let settings = settings {
            $0.handOverRun = 3
            $0.networkShare = 0.34
        }
        let planner = try quickSpectralPlanner(settings, chemistry.loss)
        let request = try request(planner, chemistry)
        let decision = try planner.decide(request)
        #expect(decision.method == .twoStep)
        #expect(
            decision.proposers == [
                .spectralProcess, .spectralProcess, .spectralProcess,
                .spectralProcess, .network, .network,
            ])
        #expect(Set(decision.recipes).count == 6)
        for recipe in decision.recipes { try planner.check.check(recipe) }
        #expect(try planner.decide(request) == decision)
        let names = Set(decision.model.map(\.name))
        #expect(names.isSuperset(of: ["network.stability", "network.error"]))

        var early = request
        early.run = 2
        #expect(try planner.decide(early).proposers.contains(.network) == false)
    }

    @Test(arguments: [
        (0.0, 0.0, true), (0.999999, 0.0, false), (1.0, 2.0, true),
        (0.0, 1e-9, false),
    ])
    func theHandOverMayComeEarly(stability: Double, error: Double, comes: Bool) throws {
        let chemistry = try BandChemistry()
        let settings = settings {
            $0.handOverStability = stability
            $0.handOverError = error
        }
        let planner = try quickSpectralPlanner(settings, chemistry.loss)
        let decision = try planner.decide(try request(planner, chemistry))
        #expect(decision.proposers.contains(.network) == comes)
    }

    @Test func theNetworkForeseesEveryRecipeBeforeItMayPropose() throws {
        let chemistry = try BandChemistry()
        let settings = settings { $0.handOverRun = 6 }
        var planner = try quickSpectralPlanner(settings, chemistry.loss)
        let request = try request(planner, chemistry, conditions: 80)
        #expect(try planner.decide(request).expected.isEmpty, "a network of 8 units is no guide")
        planner.training.hidden = [32]
        planner.training.epochs = 100
        let decision = try planner.decide(request)
        #expect(!decision.proposers.contains(.network))
        #expect(decision.expected.count == decision.recipes.count)
        // Spread says how far a forecast usually is: most of these are within twice of it, and
        // nearer to their own recipe's spectrum than to that of the recipe after it.
        var within = 0
        var own = 0
        for index in decision.recipes.indices {
            let forecast = decision.expected[index]
            let next = decision.recipes[(index + 1) % decision.recipes.count]
            let distance = Self.distance(chemistry.spectrum(decision.recipes[index]), forecast)
            if distance <= 2 * decision.expectedSpread { within += 1 }
            if distance <= Self.distance(chemistry.spectrum(next), forecast) { own += 1 }
        }
        #expect(decision.expectedSpread > 0.05)
        #expect(decision.expectedSpread < 0.5)
        #expect(within >= 4)
        #expect(own >= 3)

        // Without a run to try an earlier network on, nothing is foreseen.
        var first = request
        first.run = 2
        first.history = request.history.filter { $0.run == 1 }
        #expect(try planner.decide(first).expected.isEmpty)
    }

    private static func distance(_ a: [Float], _ b: [Float]) -> Double {
        var difference = 0.0
        var size = 0.0
        for (x, y) in zip(a, b) {
            difference += Double((x - y) * (x - y))
            size += Double(y * y)
        }
        return (difference / size).squareRoot()
    }

    @Test func aForecastBelongsToItsCondition() throws {
        let settings = settings { _ in }
        var campaign = Campaign(settings: settings)
        let recipes = [10.0, 11].map { [$0, 20, 10, 10, 500] }
        for run in 1...2 {
            var decision = Decision(
                run: run, method: .spectralProcess,
                bounds: RecipeBounds(of: settings.variables), recipes: recipes,
                basedOn: campaign.history.map(\.number), model: [])
            if run == 2 {
                decision.expected = [[1, 2], [3, 4]]
                decision.expectedSpread = 0.25
            }
            try campaign.adopt(decision)
            for index in 0..<2 {
                try campaign.conditionFinished(
                    number: 2 * run - 1 + index, recipe: recipes[index],
                    outcome: .complete(medianLoss: 0.5))
            }
        }
        #expect(campaign.forecast(of: 2) == nil)
        #expect(campaign.forecast(of: 3) == Forecast(spectrum: [1, 2], spread: 0.25))
        #expect(campaign.forecast(of: 4) == Forecast(spectrum: [3, 4], spread: 0.25))
        #expect(campaign.forecast(of: 0) == nil)
        #expect(campaign.forecast(of: 5) == nil)
    }

    @Test func holesInASpectrumAreBridged() {
        #expect(NetworkEvidence.filled([1, .nan, 3, .nan]) == [1, 2, 3, 3])
        #expect(NetworkEvidence.filled([.nan, .nan, 3, .nan]) == nil)
        #expect(NetworkEvidence.filled([]) == nil)
    }

    @Test func theCampaignEndsWhereTheRegressionHasSettled() throws {
        let settings = settings {
            $0.stopStability = 0.9
            $0.stopError = 0.02
        }
        for (stability, error, ends) in [(0.95, 0.5, true), (0.5, 0.01, true), (0.5, 0.5, false)] {
            var campaign = Campaign(settings: settings)
            try campaign.adopt(
                Decision(
                    run: 1, method: .latinHypercube,
                    bounds: RecipeBounds(of: settings.variables),
                    recipes: [[10, 20, 10, 10, 500]], basedOn: [],
                    model: [
                        ModelValue(name: Planner.stabilityName, value: stability),
                        ModelValue(name: Planner.errorName, value: error),
                    ]))
            #expect(campaign.phase.isOver == ends)
            #expect((campaign.nextCondition == nil) == ends)
        }
    }

    @Test func proposersAreCompared() throws {
        let settings = settings { _ in }
        var campaign = Campaign(settings: settings)
        let recipes = [10.0, 11, 12, 13].map { [$0, 20, 10, 10, 500] }
        try campaign.adopt(
            Decision(
                run: 1, method: .twoStep, bounds: RecipeBounds(of: settings.variables),
                recipes: recipes, basedOn: [], model: [],
                proposers: [.spectralProcess, .network, .spectralProcess, .network]))
        for (index, loss) in [0.5, 0.4, 0.3].enumerated() {
            try campaign.conditionFinished(
                number: index + 1, recipe: recipes[index], outcome: .complete(medianLoss: loss))
        }
        #expect(
            campaign.comparison == [
                .init(
                    run: 1, proposer: .spectralProcess, complete: 2, bestLoss: 0.3,
                    medianLoss: 0.4),
                .init(run: 1, proposer: .network, complete: 1, bestLoss: 0.4, medianLoss: 0.4),
            ])
        #expect(campaign.history.map(\.proposer) == [.spectralProcess, .network, .spectralProcess])
    }
}
