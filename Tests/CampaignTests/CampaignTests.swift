import Configuration
import Numerics
import Testing

@testable import Campaign

@Suite struct CampaignTests {
    func settings(runs: Int = 3, batch: Int = 3, threshold: Double = 0.05) -> Settings {
        var settings = silverSettings()
        settings.campaign.runs = runs
        settings.campaign.batch = batch
        settings.campaign.lossThreshold = threshold
        return settings
    }

    func decision(_ run: Int, basedOn: [Int] = [], count: Int = 3) -> Decision {
        Decision(
            run: run, method: .latinHypercube,
            bounds: RecipeBounds(of: silverSettings().variables),
            recipes: (0..<count).map { [5 + Double($0), 20, 10, 10, 500] }, basedOn: basedOn,
            model: [])
    }

    /// Finishes the next condition with `outcome`.
    func finish(_ campaign: inout Campaign, _ outcome: Campaign.Outcome) throws {
        let next = try #require(campaign.nextCondition)
        try campaign.conditionStarted(number: next.number)
        try campaign.conditionFinished(number: next.number, recipe: next.recipe, outcome: outcome)
    }

    @Test func runsFollowOneAnotherUpToTheLimit() throws {
        var campaign = Campaign(settings: settings(runs: 2))
        #expect(campaign.planRequest?.run == 1 && campaign.nextCondition == nil)
        try campaign.adopt(decision(1))
        #expect(campaign.phase == .running(run: 1) && campaign.planRequest == nil)
        for loss in [0.6, 0.4, 0.5] { try finish(&campaign, .complete(medianLoss: loss)) }
        #expect(campaign.phase == .awaitingDecision(run: 2))
        #expect(campaign.planRequest?.history.map(\.loss) == [0.6, 0.4, 0.5])
        try campaign.adopt(decision(2, basedOn: [1, 2, 3]))
        #expect(campaign.nextCondition?.number == 4)
        for loss in [0.7, 0.3, 0.2] { try finish(&campaign, .complete(medianLoss: loss)) }
        #expect(campaign.phase == .runLimitReached && campaign.phase.isOver)
        #expect(campaign.best?.number == 6)
        let rows = campaign.summary
        #expect(rows.map(\.bestLoss) == [0.4, 0.2])
        #expect(rows.map(\.medianLoss) == [0.5, 0.3])
        #expect(rows.map(\.bestCondition) == [2, 6])
        #expect(rows.map(\.bestLossSoFar) == [0.4, 0.2])
        #expect(rows.map(\.complete) == [3, 3] && rows.map(\.open) == [0, 0])
    }

    @Test func theThresholdEndsTheCampaignAtOnce() throws {
        var campaign = Campaign(settings: settings(threshold: 0.3))
        try campaign.adopt(decision(1))
        try finish(&campaign, .complete(medianLoss: 0.3))
        #expect(campaign.phase == .running(run: 1))
        try finish(&campaign, .complete(medianLoss: 0.29))
        #expect(campaign.phase == .thresholdReached(condition: 2, loss: 0.29))
        #expect(campaign.nextCondition == nil && campaign.planRequest == nil)
    }

    @Test func failedConditionsAreNoDataAndAFailedRunIsTheEnd() throws {
        var campaign = Campaign(settings: settings())
        try campaign.adopt(decision(1))
        try finish(&campaign, .failed(reason: "no droplets"))
        try finish(&campaign, .complete(medianLoss: 0.5))
        try finish(&campaign, .failed(reason: "no droplets"))
        #expect(campaign.history.map(\.number) == [2])
        #expect(campaign.summary.first?.failed == 2)
        try campaign.adopt(decision(2, basedOn: [2]))
        for _ in 0..<3 { try finish(&campaign, .failed(reason: "oil ran dry")) }
        guard case .failed(let run, let reason) = campaign.phase else {
            Issue.record("a run without data must end the campaign: \(campaign.phase)")
            return
        }
        #expect(run == 2 && reason.contains("oil ran dry"))
        #expect(campaign.planRequest == nil)
    }

    @Test func anAbandonedConditionComesAgain() throws {
        var campaign = Campaign(settings: settings())
        try campaign.adopt(decision(1))
        try campaign.conditionStarted(number: 1)
        #expect(campaign.nextCondition?.number == 2)
        try campaign.conditionAbandoned(number: 1)
        #expect(campaign.nextCondition?.number == 1)
    }

    @Test func whatDoesNotFitIsRefusedAndChangesNothing() throws {
        var campaign = Campaign(settings: settings())
        #expect(throws: CampaignError.decisionOutOfTurn(run: 2, awaited: 1)) {
            try campaign.adopt(decision(2))
        }
        #expect(throws: CampaignError.decisionBasis(found: [1], known: [])) {
            try campaign.adopt(decision(1, basedOn: [1]))
        }
        #expect(throws: CampaignError.decisionMalformed("0 recipes")) {
            try campaign.adopt(decision(1, count: 0))
        }
        var unmakeable = decision(1)
        unmakeable.recipes[1][0] = -1
        #expect(
            throws: CampaignError.decisionRecipe(
                index: 1,
                .outsideLimits(variable: "Q_AgNO3", value: -1, low: 0.5, high: 80))
        ) { try campaign.adopt(unmakeable) }
        #expect(campaign == Campaign(settings: settings()))
        try campaign.adopt(decision(1))
        let before = campaign
        let recipe = try #require(campaign.nextCondition?.recipe)
        for number in [0, 4, .min] {
            #expect(throws: CampaignError.unknownCondition(number: number)) {
                try campaign.conditionStarted(number: number)
            }
        }
        #expect(throws: CampaignError.recipeDiffers(number: 1)) {
            try campaign.conditionFinished(
                number: 1, recipe: [1], outcome: .complete(medianLoss: 1))
        }
        #expect(throws: CampaignError.lossNotFinite(number: 1)) {
            try campaign.conditionFinished(
                number: 1, recipe: recipe, outcome: .complete(medianLoss: .nan))
        }
        #expect(campaign == before)
        try finish(&campaign, .complete(medianLoss: 0.5))
        #expect(throws: CampaignError.conditionEnded(number: 1)) {
            try campaign.conditionFinished(
                number: 1, recipe: recipe, outcome: .complete(medianLoss: 0.5))
        }
    }

    @Test func outcomeIsTheMedianOfFiniteDropletLosses() {
        #expect(
            Campaign.Outcome(dropletLosses: [0.4, .nan, 0.1, 0.3, 0.2], minimumDroplets: 4)
                == .complete(medianLoss: 0.25))
        #expect(
            Campaign.Outcome(dropletLosses: [0.4, .nan], minimumDroplets: 2)
                == .failed(reason: "1 droplets with a loss, 2 needed"))
        #expect(median(of: []) == nil)
        #expect(median(of: [3, 1, 2]) == 2)
    }

    @Test func replayingTheInputsRestoresStateAndNextDecision() throws {
        let settings = settings(runs: 4, batch: 3)
        let planner = try quickPlanner(settings)
        var live = Campaign(settings: settings)
        var replayed = Campaign(settings: settings)
        // Cut short in the middle of run 3, with a condition under way.
        while let request = live.planRequest {
            let decision = try planner.decide(request)
            try live.adopt(decision)
            try replayed.adopt(decision)
            while let next = live.nextCondition {
                try live.conditionStarted(number: next.number)
                if next.number == 8 { break }
                let outcome: Campaign.Outcome =
                    next.number == 5
                    ? .failed(reason: "bubble") : .complete(medianLoss: bowl(next.recipe))
                try live.conditionFinished(
                    number: next.number, recipe: next.recipe, outcome: outcome)
                try replayed.conditionFinished(
                    number: next.number, recipe: next.recipe, outcome: outcome)
            }
            if live.conditions.count == 9 { break }
        }
        try live.conditionAbandoned(number: 8)
        #expect(replayed == live)
        for number in [8, 9] {
            let recipe = live.conditions[number - 1].recipe
            let outcome = Campaign.Outcome.complete(medianLoss: bowl(recipe))
            try live.conditionFinished(number: number, recipe: recipe, outcome: outcome)
            try replayed.conditionFinished(number: number, recipe: recipe, outcome: outcome)
        }
        let one = try planner.decide(try #require(live.planRequest))
        let two = try quickPlanner(settings).decide(try #require(replayed.planRequest))
        #expect(one == two && one.run == 4 && !one.basedOn.contains(5))
    }
}
