import Glibc
import Numerics
import Testing

@testable import Surrogates

@Suite struct GaussianProcessTests {
    let inputs = [[0.1, 0.2], [0.4, 0.9], [0.75, 0.3], [0.9, 0.85]]
    let targets = [-1.2, 0.3, 0.8, 1.1]
    let parameters = MaternParameters(
        lengthScales: [0.5, 0.8], signalVariance: 1.3, noiseVariance: 0.05)

    /// Expected: numpy, K = 1.3 (1 + √5 r + 5/3 r²) exp(−√5 r) + 0.05·1, with
    /// k⋆ᵀK⁻¹y, 1.3 − k⋆ᵀK⁻¹k⋆, and −½ (yᵀK⁻¹y + log det K + 4 log 2π).
    @Test func agreesWithTheFormulasInNumpy() throws {
        let model = try GaussianProcess(inputs: inputs, targets: targets, parameters: parameters)
        let prediction = model.predict([0.3, 0.4])
        #expect(abs(prediction.mean - -0.4978170047957965) < 1e-12)
        #expect(abs(prediction.variance - 0.1836219351649495) < 1e-12)
        #expect(abs(model.logMarginalLikelihood - -5.026721920545552) < 1e-12)
        #expect(model.mean([0.3, 0.4]) == prediction.mean)
    }

    @Test func likelihoodGradientMatchesFiniteDifferences() {
        let flat = inputs.flatMap { $0 }
        let center = parameters.logarithms
        let likelihood = MaternLikelihood(flat, dimension: 2, targets: targets)
        var gradient = [Double](repeating: 0, count: 4)
        let value = likelihood.value(parameters)
        likelihood.gradient(into: &gradient)
        #expect(abs(value - -5.026721920545552) < 1e-12)
        for index in 0..<4 {
            func at(_ step: Double) -> Double {
                var moved = center
                moved[index] += step
                return likelihood.value(MaternParameters(logarithms: moved))
            }
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5
            #expect(abs(gradient[index] - difference) < 1e-7)
        }
    }

    @Test func predictionGradientsMatchFiniteDifferences() throws {
        let model = try GaussianProcess(inputs: inputs, targets: targets, parameters: parameters)
        // The last one is an observation itself, where r = 0.
        for point in [[0.3, 0.4], [0.95, 0.1], [0.4, 0.9]] {
            let prediction = model.predict(point, gradients: true)
            #expect(model.meanGradient(point) == prediction.meanGradient)
            for index in 0..<2 {
                var ahead = point
                var behind = point
                ahead[index] += 1e-5
                behind[index] -= 1e-5
                let high = model.predict(ahead)
                let low = model.predict(behind)
                let mean = (high.mean - low.mean) / 2e-5
                let variance = (high.variance - low.variance) / 2e-5
                #expect(abs(prediction.meanGradient[index] - mean) < 1e-6)
                #expect(abs(prediction.varianceGradient[index] - variance) < 1e-6)
            }
        }
    }

    @Test func fitRaisesTheLikelihoodAndFindsTheIrrelevantInput() throws {
        var generator = SeededGenerator(seed: 3)
        var inputs: [[Double]] = []
        var targets: [Double] = []
        for _ in 0..<25 {
            let point = [generator.uniform(), generator.uniform()]
            inputs.append(point)
            targets.append(sin(7 * point[0]) + 0.05 * generator.normal())
        }
        let model = try MaternFit().fit(inputs: inputs, targets: targets, using: &generator)
        let scales = model.parameters.lengthScales
        #expect(scales[1] > 3 * scales[0])
        // The noise's true variance is 0.0025.
        #expect(model.parameters.noiseVariance < 0.02)
        let plain = try GaussianProcess(
            inputs: inputs, targets: targets,
            parameters: MaternParameters(
                lengthScales: [0.7, 0.7], signalVariance: 1, noiseVariance: 0.01))
        #expect(model.logMarginalLikelihood > plain.logMarginalLikelihood)
        #expect(abs(model.mean([0.5, 0.5]) - sin(3.5)) < 0.15)
    }

    @Test(arguments: [
        ([[0.5]], [0.0]),
        ([[0.5], [0.5], [0.5]], [1.0, -1.0, 0.3]),
        ([[0.1], [0.9]], [0.0, 0.0]),
        ([[0.1], [0.1 + 1e-15], [0.9]], [1e3, -1e3, 0]),
    ])
    func poorDataStayFinite(inputs: [[Double]], targets: [Double]) throws {
        var generator = SeededGenerator(seed: 1)
        let model = try MaternFit().fit(inputs: inputs, targets: targets, using: &generator)
        #expect(model.parameters.areUsable && model.logMarginalLikelihood.isFinite)
        for x in [0.0, 0.1, 0.5, 1] {
            let prediction = model.predict([x], gradients: true)
            #expect(prediction.mean.isFinite && prediction.variance > 0)
            #expect(prediction.meanGradient[0].isFinite)
            #expect(prediction.varianceGradient[0].isFinite)
        }
    }

    @Test func unusableDataAreTypedErrors() {
        func make(_ inputs: [[Double]], _ targets: [Double]) throws -> GaussianProcess {
            try GaussianProcess(inputs: inputs, targets: targets, parameters: parameters)
        }
        #expect(throws: GaussianProcessError.noData) { try make([], []) }
        #expect(throws: GaussianProcessError.tooMuchData(count: 4_001, limit: 4_000)) {
            try make([[Double]](repeating: [1, 2], count: 4_001), [])
        }
        #expect(throws: GaussianProcessError.sidesDiffer("1 inputs, 2 targets")) {
            try make([[1, 2]], [1, 2])
        }
        #expect(throws: GaussianProcessError.notFinite(index: 1)) {
            try make([[1, 2], [1, 3]], [1, .nan])
        }
        #expect(throws: GaussianProcessError.sidesDiffer("input 0 has 1 numbers, not 2")) {
            try make([[1]], [1])
        }
    }

    @Test func standardizationHasMeanZeroAndDeviationOne() {
        // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, population standard deviation 2.
        let plain = Standardization(of: [2, 4, 4, 4, 5, 5, 7, 9])
        #expect(abs(plain.mean - 5) < 1e-12 && abs(plain.scale - 2) < 1e-12)
        #expect(plain.standardized(9) == 2 && plain.restored(-1) == 3)
        let negative = Standardization(of: [-3, -5])
        #expect(abs(negative.mean - -4) < 1e-12 && abs(negative.scale - 1) < 1e-12)
        #expect(Standardization(of: [0.3, 0.3, 0.3]).scale == 1)
        #expect(Standardization(of: []) == Standardization(of: [0]))
        #expect(Standardization(of: [1e300, -1e300]).scale.isFinite)
    }
}
