import Configuration
import Numerics
import Testing

@testable import Campaign

@Suite struct LearningSetTests {
    /// `count` conditions at random places of the unit box, twelve a run, with the bowl's losses.
    func conditions(_ count: Int, seed: UInt64 = 1) -> [Observation] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            let recipe = (0..<5).map { _ in generator.uniform() }
            return Observation(
                number: index + 1, recipe: recipe, loss: bowl(recipe), run: 1 + index / 12)
        }
    }

    func distance(_ a: Observation, _ b: Observation) -> Double {
        zip(a.recipe, b.recipe).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    }

    @Test func fewConditionsAreAllKept() {
        let history = conditions(100)
        let set = LearningSet(limit: 100)
        #expect(set.chosen(from: history, by: { $0 }) == history)
    }

    @Test func theLastTheBestAndTheMostDifferentAreKept() throws {
        let history = conditions(700)
        let chosen = LearningSet(limit: 160).chosen(from: history, by: { $0 })
        #expect(chosen.count == 160)
        #expect(chosen.map(\.number) == chosen.map(\.number).sorted())
        let kept = Set(chosen.map(\.number))
        // 700 = 58 · 12 + 4: the last run has four conditions.
        #expect((697...700).allSatisfy(kept.contains))
        let best = history.sorted { $0.loss < $1.loss }.prefix(40)
        #expect(best.allSatisfy { kept.contains($0.number) })
        // Gonzalez: what was dropped is no farther from what is kept than those that were kept
        // for being far are from one another.
        let given = Set(best.map(\.number) + Array(697...700))
        let far = chosen.filter { !given.contains($0.number) }
        let dropped = history.filter { !kept.contains($0.number) }
        let cover = dropped.map { one in chosen.map { distance(one, $0) }.min() ?? 0 }.max()
        var apart = Double.infinity
        for (place, one) in far.enumerated() {
            for other in far[..<place] { apart = min(apart, distance(one, other)) }
        }
        #expect(try #require(cover) <= apart)
    }

    @Test func repetitionsGoFirst() {
        var history = conditions(60)
        for index in 0..<200 {
            var again = history[index % 60]
            again.number = 61 + index
            again.run = 1
            // Worse than all others: none of them is among the best.
            again.loss += 10
            history.append(again)
        }
        let chosen = LearningSet(limit: 80).chosen(from: history, by: { $0 })
        #expect(chosen.count == 80)
        // The last run, the best quarter and the most different: all sixty places are in.
        #expect(Set(chosen.map(\.recipe)).count == 60)
    }

    @Test func aLastRunWithoutEndLeavesRoomForTheRest() {
        let history = conditions(300).map {
            var one = $0
            one.run = 3
            return one
        }
        let chosen = LearningSet(limit: 100).chosen(from: history, by: { $0 })
        let numbers = Set(chosen.map(\.number))
        #expect(chosen.count == 100 && (251...300).allSatisfy(numbers.contains))
        #expect(numbers.contains { $0 <= 250 })
    }

    @Test func plannersSeeOnlyWhatTheyMayLearnFrom() throws {
        var settings = silverSettings()
        settings.campaign.batch = 140
        let bounds = RecipeBounds(of: settings.variables)
        let first = try quickPlanner(settings).decide(
            PlanRequest(run: 1, history: [], bounds: bounds))
        let history = observations(first.recipes, bowl)
        settings.campaign.batch = 3
        settings.campaign.learnsFrom = 60
        let planner = try quickPlanner(settings)
        let decision = try planner.decide(PlanRequest(run: 2, history: history, bounds: bounds))
        let space = try planner.space(bounds)
        let chosen = LearningSet(limit: 60).chosen(
            from: history, by: { planner.bend.bent(space.unit($0)) })
        var alone = try planner.decide(PlanRequest(run: 2, history: chosen, bounds: bounds))
        // What is known is more than what was learnt from; nothing else tells them apart.
        #expect(decision.basedOn == history.map(\.number) && alone.basedOn != decision.basedOn)
        alone.basedOn = decision.basedOn
        #expect(decision == alone)
        settings.campaign.learnsFrom = 140
        let whole = try quickPlanner(settings).decide(
            PlanRequest(run: 2, history: history, bounds: bounds))
        #expect(whole.recipes != decision.recipes)
    }

    @Test func aSetThatIsTooSmallIsRefused() {
        var settings = silverSettings()
        settings.campaign.learnsFrom = 49
        #expect(throws: PlannerError.self) { try Planner(settings: settings) }
    }
}
