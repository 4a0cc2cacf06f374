import Configuration
import Numerics
import Testing

@testable import Campaign

@Suite struct PlannerTests {
    /// A history of `count` recipes in the early bounds with the bowl's losses.
    func history(_ count: Int, seed: UInt64 = 1) throws -> [Observation] {
        var settings = silverSettings()
        settings.campaign.seed = seed
        settings.campaign.batch = count
        let bounds = RecipeBounds(of: settings.variables)
        let first = try quickPlanner(settings).decide(
            PlanRequest(run: 1, history: [], bounds: bounds))
        return observations(first.recipes, bowl)
    }

    func request(_ history: [Observation], run: Int = 2) -> PlanRequest {
        PlanRequest(
            run: run, history: history, bounds: RecipeBounds(of: silverSettings().variables))
    }

    @Test func sameHistorySameBytesWhateverItsOrder() throws {
        var settings = silverSettings()
        settings.campaign.batch = 4
        let history = try history(12)
        let one = try quickPlanner(settings).decide(request(history))
        let two = try quickPlanner(settings).decide(request(history.reversed()))
        #expect(one == two)
        #expect(one.method == .gaussianProcess && one.run == 2)
        #expect(one.basedOn == Array(1...12))
        settings.campaign.seed = 8
        let other = try quickPlanner(settings).decide(request(history))
        #expect(other.recipes != one.recipes)
        #expect(try quickPlanner(settings).decide(request(history, run: 3)) != other)
    }

    @Test func recipesHoldBoundsAndCapOverManySeeds() throws {
        var settings = wideSettings()
        settings.campaign.batch = 4
        let check = RecipeCheck(variables: settings.variables, recipe: settings.recipe)
        for seed in 1...8 as ClosedRange<UInt64> {
            settings.campaign.seed = seed
            let planner = try quickPlanner(settings)
            let bounds = RecipeBounds(of: settings.variables)
            let first = try planner.decide(PlanRequest(run: 1, history: [], bounds: bounds))
            // A loss that falls towards more of everything drives proposals onto the cap.
            let seen = observations(first.recipes) { -$0[0] - $0[2] - $0[3] }
            let second = try planner.decide(PlanRequest(run: 2, history: seen, bounds: bounds))
            for recipe in first.recipes + second.recipes {
                try check.check(recipe)
                #expect(recipe.allSatisfy { $0 == $0.tidied })
            }
            for index in second.recipes.indices {
                #expect(!second.recipes[..<index].contains(second.recipes[index]))
            }
        }
    }

    @Test func modelNamesWhatTheDecisionRestsOn() throws {
        var settings = silverSettings()
        settings.campaign.batch = 3
        settings.campaign.widensBounds = false
        let history = try history(10)
        let decision = try quickPlanner(settings).decide(request(history))
        let values = Dictionary(
            uniqueKeysWithValues: decision.model.map { ($0.name, $0.value) })
        #expect(values["bestLoss"] == history.map(\.loss).min())
        #expect(values["lengthScale.Q_seed"] ?? 0 > 0)
        for name in [
            "signalVariance", "noiseVariance", "logMarginalLikelihood", "expectedImprovement.3",
        ] { #expect(values[name]?.isFinite == true, "\(name)") }
        #expect(values["expectedImprovement.4"] == nil)
        #expect(decision.model.allSatisfy { $0.value.isFinite })
        #expect(decision.bounds == RecipeBounds(of: settings.variables))
    }

    @Test func proposalsOnABoundMoveItAndTheBatchUsesTheRoom() throws {
        var settings = silverSettings()
        settings.campaign.batch = 4
        // Only more seed helps, up to 60 %: far beyond the bound, within the limit.
        let history = try history(12).map {
            Observation(number: $0.number, recipe: $0.recipe, loss: 1 - $0.recipe[3] / 60)
        }
        let decision = try quickPlanner(settings).decide(request(history))
        #expect(decision.bounds.highs[3] == 50)
        #expect(
            decision.model.contains(ModelValue(name: "widenedHigh.Q_seed", value: 50)))
        #expect(decision.recipes.contains { $0[3] > 20 })
        settings.campaign.widensBounds = false
        let fixed = try quickPlanner(settings).decide(request(history))
        #expect(fixed.bounds.highs[3] == 20)
        #expect(fixed.recipes.allSatisfy { $0[3] <= 20 })
    }

    @Test(arguments: [
        [0.5], [0.5, 0.5, 0.5], [-3, -5, 1e6], [0.2, 0.2 + 1e-15, 0.2],
    ])
    func poorHistoriesStillGiveABatch(losses: [Double]) throws {
        var settings = silverSettings()
        settings.campaign.batch = 3
        // The same recipe every time.
        let history = losses.enumerated().map {
            Observation(number: $0.offset + 1, recipe: [10, 20, 10, 10, 500], loss: $0.element)
        }
        let decision = try quickPlanner(settings).decide(request(history))
        #expect(decision.recipes.count == 3)
        #expect(decision.model.allSatisfy { $0.value.isFinite })
    }

    @Test func aFixedVariableStaysFixed() throws {
        var settings = silverSettings()
        settings.campaign.batch = 3
        for (index, value) in zip([1, 4], [20.0, 500]) {
            settings.variables[index].low = value
            settings.variables[index].high = value
            settings.variables[index].lowLimit = value
            settings.variables[index].highLimit = value
        }
        let planner = try quickPlanner(settings)
        let bounds = RecipeBounds(of: settings.variables)
        let first = try planner.decide(PlanRequest(run: 1, history: [], bounds: bounds))
        let second = try planner.decide(
            PlanRequest(run: 2, history: observations(first.recipes, bowl), bounds: bounds))
        for recipe in first.recipes + second.recipes {
            #expect(recipe[1] == 20 && recipe[4] == 500)
        }
    }

    @Test func whatCannotBePlannedIsATypedError() throws {
        var settings = silverSettings()
        let planner = try quickPlanner(settings)
        let good = Observation(number: 1, recipe: [10, 20, 10, 10, 500], loss: 0.5)
        var bad = good
        bad.loss = .nan
        #expect(throws: PlannerError.lossNotFinite(number: 1)) {
            try planner.decide(request([bad]))
        }
        #expect(throws: PlannerError.repeatedObservation(number: 1)) {
            try planner.decide(request([good, good]))
        }
        bad = good
        bad.recipe[0] = 81
        #expect(
            throws: PlannerError.observation(
                number: 1,
                .outsideLimits(variable: "Q_AgNO3", value: 81, low: 0.5, high: 80))
        ) { try planner.decide(request([bad])) }
        #expect(throws: PlannerError.runNumber(0)) { try planner.decide(request([], run: 0)) }
        settings.recipe.maximumReagentShare = 0.2
        #expect(throws: PlannerError.noRoomForReagents(leastSum: 22, maximum: 20)) {
            try Planner(settings: settings)
        }
        settings = silverSettings()
        settings.variables[2].low = 21
        #expect(throws: PlannerError.boundsOutOfOrder(variable: "Q_TSC")) {
            try Planner(settings: settings)
        }
        #expect(throws: PlannerError.variableCount(0)) { try Planner(settings: Settings()) }
        settings = silverSettings()
        settings.campaign.batch = 0
        #expect(throws: PlannerError.setting(name: "batch", value: 0, allowed: "1.0…200.0")) {
            try Planner(settings: settings)
        }
    }
}

@Suite struct PlannerQualityTests {
    /// Branin's function (three equal minima of 0.397887) on silver and seed, within the cap; the
    /// other variables do nothing.
    func branin(_ recipe: [Double]) -> Double {
        let x = (recipe[0] - 0.5) / 79.5 * 15 - 5
        let y = (recipe[3] - 0.5) / 79.5 * 15
        let bend = y - 5.1 / (4 * .pi * .pi) * x * x + 5 / .pi * x - 6
        return bend * bend + 10 * (1 - 1 / (8 * .pi)) * cosine(x) + 10
    }

    /// cos by its series: enough for |x| ≤ 10, and the test needs no C library.
    func cosine(_ x: Double) -> Double {
        var term = 1.0
        var sum = 1.0
        for index in 1...30 {
            term *= -x * x / Double((2 * index - 1) * 2 * index)
            sum += term
        }
        return sum
    }

    @Test func beatsRandomSearchOnTheSameBudget() throws {
        var planned: [Double] = []
        var random: [Double] = []
        for seed in 1...5 as ClosedRange<UInt64> {
            var settings = wideSettings()
            settings.campaign.seed = seed
            settings.campaign.batch = 5
            settings.campaign.runs = 5
            settings.campaign.lossThreshold = -1
            let planner = try quickPlanner(settings)
            var campaign = Campaign(settings: settings)
            while let request = campaign.planRequest {
                try campaign.adopt(try planner.decide(request))
                while let next = campaign.nextCondition {
                    try campaign.conditionFinished(
                        number: next.number, recipe: next.recipe,
                        outcome: .complete(medianLoss: branin(next.recipe)))
                }
            }
            planned.append(try #require(campaign.best?.loss))
            let space = try planner.space(campaign.bounds)
            var generator = SeededGenerator(seed: seed).split("random search")
            let points = space.region.uniformPoints(25, using: &generator)
            random.append(try #require(points.map { branin(space.recipe($0)) }.min()))
        }
        let ours = try #require(median(of: planned))
        let theirs = try #require(median(of: random))
        #expect(ours < 0.5 * theirs, "planned \(planned), random \(random)")
    }
}
