import Numerics
import Surrogates
import Testing

@testable import Campaign

@Suite struct PenaltyFieldTests {
    let scales = [0.5, 0.8, 2]

    func penalization() throws -> LocalPenalization {
        let region = try #require(CappedBox(lower: [0, 0, 0], upper: [1, 1, 1]))
        let model = try GaussianProcess(
            inputs: [[0.1, 0.2, 0], [0.4, 0.9, 1], [0.75, 0.3, 0.2]], targets: [-1.2, 0.3, 0.9],
            parameters: MaternParameters(
                lengthScales: scales, signalVariance: 1.3, noiseVariance: 0.05))
        return LocalPenalization(
            model: model, region: region, scales: scales, minimum: -1, probes: [[0.3, 0.3, 0.3]],
            climbs: 1)
    }

    func balls(_ count: Int) -> [LocalPenalization.Ball] {
        var generator = SeededGenerator(seed: 3)
        return (0..<count).map { _ in
            LocalPenalization.Ball(
                center: (0..<3).map { _ in generator.uniform() },
                radius: generator.uniform(0, 0.5), blur: generator.uniform(0.01, 0.3))
        }
    }

    @Test(arguments: [0, 1, 4, 6]) func manyBallsAreTheSumOfSingleOnes(count: Int) throws {
        let penalization = try penalization()
        let balls = balls(count)
        var field = PenaltyField(capacity: count, scales: scales)
        for ball in balls { field.append(ball) }
        // The second point is a center, where the penalty has no direction.
        for point in [[0.3, 0.8, 0.1], balls.first?.center ?? [0, 0, 0]] {
            var gradient = [1.0, 2, 3]
            var expectedGradient = gradient
            let value = field.logFactor(at: point, addingTo: &gradient)
            var expected = 0.0
            for ball in balls {
                expected += penalization.logFactor(ball, at: point, addingTo: &expectedGradient)
            }
            // A ball's argument reaches 100, of which the logarithm is the square: 1e4 · 2⁻⁵⁰.
            #expect(abs(value - expected) <= 1e-11 * max(1, abs(expected)))
            for (a, b) in zip(gradient, expectedGradient) {
                #expect(abs(a - b) <= 1e-10 * max(1, abs(b)))
            }
        }
    }

    @Test func aBallOverManyPoints() throws {
        let penalization = try penalization()
        var generator = SeededGenerator(seed: 4)
        let points = (0..<7).map { _ in (0..<3).map { _ in generator.uniform() } }
        let field = PenaltyField(points: points, scales: scales)
        var scores = [Double](repeating: 0.5, count: 7)
        let ball = balls(1)[0]
        field.add(ball, to: &scores)
        var nothing: [Double] = []
        for (index, point) in points.enumerated() {
            let expected = 0.5 + penalization.logFactor(ball, at: point, addingTo: &nothing)
            #expect(abs(scores[index] - expected) <= 1e-11 * max(1, abs(expected)))
        }
    }

    @Test func theLargestComeFirstAndEqualsInTheirOrder() {
        let values: [Double] = [3, 9, 1, 9, -.infinity, 4, 9, 0]
        for count in 0...values.count {
            let found = values.indices.largest(count) { values[$0] }
            #expect(found == Array([1, 3, 6, 5, 0, 2, 7, 4].prefix(count)))
        }
        let many = (0..<40).map { Double($0 % 5) }
        #expect(many.indices.largest(20) { many[$0] }.allSatisfy { many[$0] >= 2 })
    }
}
