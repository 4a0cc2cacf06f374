import Glibc
import Numerics
import Testing

@testable import Surrogates

@Suite struct MaternVectorTests {
    /// Random inputs of the unit box and a function of them.
    static func data(_ count: Int, _ dimension: Int, seed: UInt64 = 5) -> (
        inputs: [[Double]], targets: [Double]
    ) {
        var generator = SeededGenerator(seed: seed)
        var inputs: [[Double]] = []
        var targets: [Double] = []
        for _ in 0..<count {
            let point = (0..<dimension).map { _ in generator.uniform() }
            inputs.append(point)
            targets.append(sin(5 * point[0]) + point[dimension - 1] + 0.1 * generator.normal())
        }
        return (inputs, targets)
    }

    static func parameters(_ dimension: Int) -> MaternParameters {
        MaternParameters(
            lengthScales: (0..<dimension).map { 0.4 + 0.3 * Double($0) }, signalVariance: 1.7,
            noiseVariance: 0.02)
    }

    @Test(arguments: [(1, 1), (4, 2), (7, 5), (30, 3)])
    func covariancesAgreeWithTheirTwin(count: Int, dimension: Int) {
        let stride = Matern.stride(count)
        var generator = SeededGenerator(seed: 2)
        var inputs = [Double](repeating: 0, count: stride * dimension)
        for coordinate in 0..<dimension {
            for index in 0..<count {
                inputs[coordinate * stride + index] = generator.uniform(-20, 20)
            }
        }
        // One input is the point itself.
        let point = (0..<dimension).map { inputs[$0 * stride] }
        var fast = [Double](repeating: .nan, count: stride)
        var (fastBends, plain, plainBends) = (fast, fast, fast)
        Matern.row(
            inputs, stride: stride, dimension: dimension, count: count, signal: 1.3, at: point,
            pointStride: 1, covariances: &fast, bends: &fastBends)
        Matern.rowPlainly(
            inputs, stride: stride, dimension: dimension, count: count, signal: 1.3, at: point,
            pointStride: 1, covariances: &plain, bends: &plainBends)
        for index in 0..<count {
            // The distance t = √5 r is off by (dimension/2 + 2) u of itself in either, which the
            // exponential turns into that times t; 10 u are rounding of the rest.
            var square = 0.0
            for coordinate in 0..<dimension {
                let difference = point[coordinate] - inputs[coordinate * stride + index]
                square += 5 * difference * difference
            }
            let lost = 10 + square.squareRoot() * (0.5 * Double(dimension) + 2)
            let bound = 2 * lost * 0x1p-53
            #expect(abs(fast[index] - plain[index]) <= bound * plain[index])
            #expect(abs(fastBends[index] - plainBends[index]) <= bound * plainBends[index])
        }
        for index in count..<((count + 3) & ~3) {
            #expect(fast[index] == 0 && fastBends[index] == 0)
        }
    }

    @Test func distancesWithoutEndLeaveNothing() {
        let inputs = [1e200, 0, 0, 0]
        var values = [Double](repeating: 1, count: 4)
        var bends = values
        Matern.row(
            inputs, stride: 4, dimension: 1, count: 1, signal: 1, at: [-1e200], pointStride: 1,
            covariances: &values, bends: &bends)
        #expect(values[0] >= 0 && values[0] < 1e-290 && bends[0] < 1e-290)
    }

    @Test(arguments: [1, 5, 72, 75]) func pointsTogetherAreAsPointsAlone(number: Int) throws {
        let data = Self.data(37, 3)
        let model = try GaussianProcess(
            inputs: data.inputs, targets: data.targets, parameters: Self.parameters(3))
        let points = Self.data(number, 3, seed: 8).inputs
        let flat = points.flatMap { $0 }
        var means = [Double](repeating: 0, count: number)
        var variances = means
        var meanGradients = [Double](repeating: 0, count: 3 * number)
        var varianceGradients = meanGradients
        model.predict(
            points: flat, count: number, into: &means, &variances, meanGradients: &meanGradients,
            varianceGradients: &varianceGradients)
        let plain = model.predict(points: flat)
        #expect(plain.means == means && plain.variances == variances)
        // Conditioned with noise 0.02 of 1.7, K's inverse magnifies by less than 37 · 1.7 / 0.02.
        let tolerance = 4_000 * 37 * 0x1p-52
        for (index, point) in points.enumerated() {
            let single = model.predict(point, gradients: true)
            #expect(abs(single.mean - means[index]) < tolerance)
            #expect(abs(single.variance - variances[index]) < tolerance)
            for coordinate in 0..<3 {
                let place = 3 * index + coordinate
                #expect(
                    abs(single.meanGradient[coordinate] - meanGradients[place]) < 10 * tolerance)
                #expect(
                    abs(single.varianceGradient[coordinate] - varianceGradients[place])
                        < 10 * tolerance)
            }
        }
    }

    @Test(arguments: [1, 3, 4, 20]) func oneMoreObservationIsAsIfItHadAlwaysBeenThere(
        count: Int
    ) throws {
        let data = Self.data(count + 1, 2)
        let whole = try GaussianProcess(
            inputs: data.inputs, targets: data.targets, parameters: Self.parameters(2))
        let few = try GaussianProcess(
            inputs: Array(data.inputs.prefix(count)), targets: Array(data.targets.prefix(count)),
            parameters: Self.parameters(2))
        let grown = try few.appending(
            input: data.inputs[count], target: data.targets[count],
            to: Array(data.targets.prefix(count)))
        #expect(grown.count == count + 1)
        #expect(abs(grown.logMarginalLikelihood - whole.logMarginalLikelihood) < 1e-10)
        for point in [[0.2, 0.9], data.inputs[count]] {
            let (a, b) = (grown.predict(point), whole.predict(point))
            #expect(abs(a.mean - b.mean) < 1e-11 && abs(a.variance - b.variance) < 1e-11)
        }
        #expect(throws: GaussianProcessError.notFinite(index: count)) {
            try few.appending(
                input: [0, .nan], target: 0, to: Array(data.targets.prefix(count)))
        }
        #expect(throws: GaussianProcessError.sidesDiffer("\(count) inputs, 0 targets")) {
            try few.appending(input: [0, 0], target: 0, to: [])
        }
    }

    @Test func otherTargetsAtTheSameInputs() throws {
        let data = Self.data(21, 2)
        let others = data.inputs.map { $0[0] * $0[1] - 0.3 }
        let model = try GaussianProcess(
            inputs: data.inputs, targets: data.targets, parameters: Self.parameters(2))
        let turned = try model.conditioned(on: others)
        let whole = try GaussianProcess(
            inputs: data.inputs, targets: others, parameters: Self.parameters(2))
        #expect(abs(turned.logMarginalLikelihood - whole.logMarginalLikelihood) < 1e-10)
        #expect(abs(turned.mean([0.4, 0.6]) - whole.mean([0.4, 0.6])) < 1e-11)
        #expect(turned.predict([0.4, 0.6]).variance == model.predict([0.4, 0.6]).variance)
        #expect(throws: GaussianProcessError.notFinite(index: 20)) {
            try model.conditioned(on: others.dropLast() + [.infinity])
        }
        #expect(throws: GaussianProcessError.sidesDiffer("21 inputs, 1 targets")) {
            try model.conditioned(on: [1])
        }
    }
}

@Suite struct MaternFitTests {
    /// Log posterior, up to a constant, of what a fit found.
    func cost(_ fit: MaternFit, _ model: GaussianProcess) -> Double {
        var sum = -model.logMarginalLikelihood
        func add(_ value: Double, _ range: MaternFit.Range) {
            let away = log(value / range.median) / range.spread
            sum += 0.5 * away * away
        }
        for scale in model.parameters.lengthScales { add(scale, fit.lengthScale) }
        add(model.parameters.signalVariance, fit.signal)
        add(model.parameters.noiseVariance, fit.noise)
        return sum
    }

    @Test func aPartOfTheDataOnlyChoosesTheStart() throws {
        let data = MaternVectorTests.data(70, 2)
        var fit = MaternFit()
        var first = SeededGenerator(seed: 3)
        var second = first
        fit.screeningLimit = 30
        let screened = try fit.fit(inputs: data.inputs, targets: data.targets, using: &first)
        fit.screeningLimit = 1_000
        let whole = try fit.fit(inputs: data.inputs, targets: data.targets, using: &second)
        #expect(screened.count == 70)
        // Both stop within a few thousandths of the top.
        #expect(abs(cost(fit, screened) - cost(fit, whole)) < 0.02)
        for (a, b) in zip(screened.parameters.lengthScales, whole.parameters.lengthScales) {
            #expect(abs(log(a / b)) < 0.1)
        }
        // The top is flat: no parameter moved by a tenth does better.
        for index in 0..<4 {
            for factor in [0.9, 1.1] {
                var moved = whole.parameters
                switch index {
                case 2: moved.signalVariance *= factor
                case 3: moved.noiseVariance *= factor
                default: moved.lengthScales[index] *= factor
                }
                let other = try GaussianProcess(
                    inputs: data.inputs, targets: data.targets, parameters: moved)
                #expect(cost(fit, other) > cost(fit, whole) - 1e-3)
            }
        }
    }

    @Test func sameDataAndSeedSameBits() throws {
        let data = MaternVectorTests.data(70, 2)
        var fit = MaternFit()
        fit.screeningLimit = 30
        var one = SeededGenerator(seed: 4)
        var two = SeededGenerator(seed: 4)
        let a = try fit.fit(inputs: data.inputs, targets: data.targets, using: &one)
        let b = try fit.fit(inputs: data.inputs, targets: data.targets, using: &two)
        #expect(a.parameters == b.parameters && a.logMarginalLikelihood == b.logMarginalLikelihood)
        #expect(a.predict([0.3, 0.3], gradients: true) == b.predict([0.3, 0.3], gradients: true))
    }

    /// Whole blocks of repeated inputs, alike or contradicting one another, and huge targets.
    @Test(arguments: [0.0, 1, 1e6]) func manyDuplicatesStayFinite(spread: Double) throws {
        var generator = SeededGenerator(seed: 6)
        var inputs: [[Double]] = []
        var targets: [Double] = []
        for index in 0..<90 {
            inputs.append([Double(index % 3) / 2, Double(index % 2)])
            targets.append(spread * generator.normal())
        }
        var fit = MaternFit()
        fit.starts = 3
        let model = try fit.fit(inputs: inputs, targets: targets, using: &generator)
        #expect(model.parameters.areUsable && model.logMarginalLikelihood.isFinite)
        let prediction = model.predict([0.5, 1], gradients: true)
        #expect(prediction.mean.isFinite && prediction.variance > 0)
        #expect(prediction.variance <= model.parameters.signalVariance)
        for slope in prediction.varianceGradient { #expect(slope.isFinite) }
    }

    @Test func unusableRangesAreATypedError() {
        var fit = MaternFit()
        fit.noise.median = -1
        var generator = SeededGenerator(seed: 1)
        #expect(throws: GaussianProcessError.unusableParameters) {
            try fit.fit(inputs: [[1]], targets: [1], using: &generator)
        }
    }
}
