import Campaign
import RunLog
import Testing

@testable import Agent

@Suite struct DecisionRecordTests {
    private var decision: Decision {
        var decision = Decision(
            run: 3, method: .twoStep, bounds: RecipeBounds(lows: [1], highs: [9]),
            recipes: [[2], [3]], basedOn: [1, 2],
            model: [ModelValue(name: "slope", value: 0.5)],
            proposers: [.spectralProcess, .network])
        decision.expected = [[0.25, 0.5, 1], [0.125, 0, 2]]
        decision.expectedSpread = 0.0625
        return decision
    }

    @Test func aDecisionComesBackWithItsForecasts() throws {
        let record = DecisionRecord(decision)
        #expect(record.expected == [0.25, 0.5, 1, 0.125, 0, 2])
        #expect(Decision(record) == decision)
    }

    @Test func aForecastThatDoesNotPartEvenlyIsLeftOut() {
        var record = DecisionRecord(decision)
        record.expected.removeLast()
        let back = Decision(record)
        #expect(back.expected.isEmpty)
        #expect(back.expectedSpread == 0)
        #expect(back.recipes == decision.recipes)
    }
}
