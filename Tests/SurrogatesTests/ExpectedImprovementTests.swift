import Glibc
import Testing

@testable import Surrogates

@Suite struct ExpectedImprovementTests {
    /// E max(0, best − margin − f) for f ~ N(mean, variance), by the midpoint rule.
    func integrated(_ best: Double, _ margin: Double, _ mean: Double, _ variance: Double) -> Double
    {
        let deviation = variance.squareRoot()
        var sum = 0.0
        let step = 2e-3
        for index in 0..<12_000 {
            let z = -12 + (Double(index) + 0.5) * step
            let weight = exp(-0.5 * z * z) / (2 * Double.pi).squareRoot()
            sum += max(0, best - margin - mean - deviation * z) * weight * step
        }
        return sum
    }

    @Test(arguments: [(-0.5, 0.1, 0.2, 0.49), (1.0, 0.0, 0.3, 0.04), (-2, 0.5, -1.9, 0.01)])
    func isTheIntegralOfTheFall(best: Double, margin: Double, mean: Double, variance: Double) {
        let value = ExpectedImprovement(best: best, margin: margin).value(
            GaussianPrediction(mean: mean, variance: variance))
        let expected = integrated(best, margin, mean, variance)
        #expect(abs(value - expected) < 1e-5 * expected + 1e-12)
    }

    @Test func gradientMatchesFiniteDifferences() throws {
        let model = try GaussianProcess(
            inputs: [[0.1, 0.2], [0.4, 0.9], [0.75, 0.3]], targets: [-1.2, 0.3, 0.9],
            parameters: MaternParameters(
                lengthScales: [0.5, 0.8], signalVariance: 1.3, noiseVariance: 0.05))
        // The last margin puts the logarithm far below what exp can hold.
        for margin in [0, 0.1, 60.0] {
            let improvement = ExpectedImprovement(best: -1, margin: margin)
            let point = [0.35, 0.5]
            let gradient = improvement.logarithmGradient(model.predict(point, gradients: true))
            for index in 0..<2 {
                var ahead = point
                var behind = point
                ahead[index] += 1e-5
                behind[index] -= 1e-5
                let difference =
                    (improvement.logarithm(model.predict(ahead))
                        - improvement.logarithm(model.predict(behind))) / 2e-5
                #expect(abs(gradient[index] - difference) < 1e-5 * max(1, abs(difference)))
            }
        }
    }
}
