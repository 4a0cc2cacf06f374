import Configuration
import Numerics
import Spectra
import Testing

@testable import Campaign

@Suite struct TwoStepTests {
    /// Two runs of a campaign, and the request for the third.
    private func request(_ planner: Planner, _ chemistry: BandChemistry) throws -> PlanRequest {
        let bounds = RecipeBounds(of: planner.check.variables)
        var generator = SeededGenerator(seed: 5)
        let space = try planner.space(bounds)
        let recipes = space.region.uniformPoints(24, using: &generator).map { space.recipe($0) }
        let history = try recipes.enumerated().map {
            try chemistry.observation($0.offset + 1, $0.element, run: $0.offset < 12 ? 1 : 2)
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
