import Glibc
import Numerics
import Surrogates
import Testing

@testable import Campaign

@Suite struct LocalPenalizationTests {
    func model() throws -> GaussianProcess {
        try GaussianProcess(
            inputs: [[0.1, 0.2], [0.4, 0.9], [0.75, 0.3], [0.6, 0.6]],
            targets: [-1.2, 0.3, 0.9, 0.2],
            parameters: MaternParameters(
                lengthScales: [0.5, 0.8], signalVariance: 1.3, noiseVariance: 0.05))
    }

    func penalization(_ scales: [Double]) throws -> LocalPenalization {
        let region = try #require(CappedBox(lower: [0, 0], upper: [1, 1]))
        var generator = SeededGenerator(seed: 1)
        return LocalPenalization(
            model: try model(), region: region, scales: scales, minimum: -1,
            probes: region.uniformPoints(5, using: &generator), climbs: 3)
    }

    @Test func slopeIsTheSteepestOnAFineGrid() throws {
        let model = try model()
        let scales = [0.5, 0.8]
        var steepest = 0.0
        for row in 0...60 {
            for column in 0...60 {
                let gradient = model.meanGradient([Double(row) / 60, Double(column) / 60])
                let square = zip(gradient, scales).reduce(0) { $0 + pow($1.0 * $1.1, 2) }
                steepest = max(steepest, square.squareRoot())
            }
        }
        let slope = try penalization(scales).slope
        #expect(abs(slope - steepest) < 0.02 * steepest)
    }

    @Test func factorIsTheProbabilityOfBeingOutsideTheBall() throws {
        let penalization = try penalization([1, 1])
        let prediction = GaussianPrediction(mean: 0.4, variance: 0.09)
        let ball = penalization.ball(around: [0.2, 0.3], prediction)
        // ½ erfc(−z), z = (L d − (μ − M)) / √(2 σ²), with d = 0.5, μ − M = 1.4, σ = 0.3.
        let z = (penalization.slope * 0.5 - 1.4) / (2 * 0.09).squareRoot()
        var nothing: [Double] = []
        let factor = penalization.logFactor(ball, at: [0.5, 0.7], addingTo: &nothing)
        #expect(abs(factor - log(0.5 * erfc(-z))) < 1e-10)
    }

    @Test func gradientMatchesFiniteDifferences() throws {
        let penalization = try penalization([0.5, 0.8])
        let ball = penalization.ball(
            around: [0.2, 0.3], GaussianPrediction(mean: 0.4, variance: 0.09))
        var gradient = [0.0, 0.0]
        var nothing: [Double] = []
        _ = penalization.logFactor(ball, at: [0.5, 0.7], addingTo: &gradient)
        for index in 0..<2 {
            var ahead = [0.5, 0.7]
            var behind = ahead
            ahead[index] += 1e-6
            behind[index] -= 1e-6
            let difference =
                (penalization.logFactor(ball, at: ahead, addingTo: &nothing)
                    - penalization.logFactor(ball, at: behind, addingTo: &nothing)) / 2e-6
            #expect(abs(gradient[index] - difference) < 1e-6)
        }
    }

    @Test func aFlatModelStillHasASlope() throws {
        let flat = try GaussianProcess(
            inputs: [[0.5, 0.5]], targets: [0],
            parameters: MaternParameters(
                lengthScales: [1, 1], signalVariance: 1, noiseVariance: 0.1))
        let region = try #require(CappedBox(lower: [0, 0], upper: [1, 1]))
        let penalization = LocalPenalization(
            model: flat, region: region, scales: [1, 1], minimum: 0, probes: [[0.1, 0.1]],
            climbs: 1)
        #expect(penalization.slope == 10)
    }
}
