import Numerics
import TestSupport
import Testing

@testable import Surrogates

@Suite struct TrainingTests {
    /// A smooth function of two variables with three outputs, two droplets a condition.
    static func set(conditions: Int, seed: UInt64 = 1) throws -> TrainingSet {
        var generator = SeededGenerator(seed: seed)
        var inputs: [Float] = []
        var outputs: [Float] = []
        for _ in 0..<conditions {
            let x = Float(generator.uniform(2, 4))
            let y = Float(generator.uniform(100, 300))
            for side in [Float(-0.01), 0.01] {
                inputs += [x, y]
                let values: [Float] = [x * x, y / 100, x - y / 200]
                outputs += values.map { $0 + side }
            }
        }
        return try TrainingSet(
            inputs: inputs, outputs: outputs, inputCount: 2, outputCount: 3,
            condition: (0..<2 * conditions).map { $0 / 2 })
    }

    static var small: TrainingSettings {
        var settings = TrainingSettings()
        settings.hidden = [12, 10]
        settings.epochs = 30
        settings.batch = 8
        return settings
    }

    @Test func dropletsOfAConditionAreAveraged() throws {
        let set = try TrainingSet(
            inputs: [1, 5, 1], outputs: [2, 3, 7, 8, 4, 9], inputCount: 1, outputCount: 2,
            condition: [9, 4, 9])
        #expect(set.names == [4, 9])
        #expect(set.inputs == [5, 1])
        #expect(set.outputs == [7, 8, 3, 6])
        #expect(set.weights == [1, 2])
    }

    /// Gradients against differences of the error in double precision, of a forward pass written
    /// here. Differences of 1e-5 leave about 1e-9 of truncation; single precision leaves γ(100)
    /// ≈ 6e-6 of the terms' size, of order one here.
    @Test func gradientsAreThoseOfTheError() {
        let sizes = [3, 5, 4, 2]
        let count = 7
        let stack = LayerStack(sizes: sizes, batch: count)
        var generator = SeededGenerator(seed: 11)
        stack.randomize(&generator)
        let inputs = (0..<count * 3).map { _ in Float(generator.normal()) }
        let wanted = (0..<count * 2).map { _ in Float(generator.normal()) }
        let columns = stack.padded(count)
        for row in 0..<3 {
            for column in 0..<count {
                stack.inputs[row * stack.capacity + column] = inputs[column * 3 + row]
            }
        }
        stack.forward(columns: columns)
        for row in 0..<2 {
            for column in 0..<columns {
                let place = row * stack.capacity + column
                stack.outputSlopes[place] =
                    column < count ? stack.outputs[place] - wanted[column * 2 + row] : 0
            }
        }
        stack.backward(columns: columns)
        func error(_ parameters: [Double]) -> Double {
            var sum = 0.0
            for column in 0..<count {
                var values = (0..<3).map { Double(inputs[column * 3 + $0]) }
                var kernel = 0
                var bias = stack.kernelCount
                for layer in 1..<sizes.count {
                    var next = (0..<sizes[layer]).map { parameters[bias + $0] }
                    for (input, value) in values.enumerated() {
                        for output in 0..<sizes[layer] {
                            next[output] +=
                                value * parameters[kernel + input * sizes[layer] + output]
                        }
                    }
                    kernel += values.count * sizes[layer]
                    bias += sizes[layer]
                    values = layer < sizes.count - 1 ? next.map { max($0, 0) } : next
                }
                for output in 0..<2 {
                    let off = values[output] - Double(wanted[column * 2 + output])
                    sum += off * off / 2
                }
            }
            return sum
        }
        let parameters = stack.parameters.values.map { Double($0) }
        for index in parameters.indices {
            var (up, down) = (parameters, parameters)
            up[index] += 1e-5
            down[index] -= 1e-5
            let slope = (error(up) - error(down)) / 2e-5
            #expect(abs(Double(stack.gradients.base[index]) - slope) < 1e-4 * max(1, abs(slope)))
        }
    }

    /// Without hidden layers the best fit of a linear function is that function.
    @Test func aLinearFunctionIsFoundInRawUnits() throws {
        var generator = SeededGenerator(seed: 5)
        let recipes = (0..<20).map { _ in (generator.uniform(0, 1), generator.uniform(0, 1_000)) }
        let set = try TrainingSet(
            inputs: recipes.flatMap { [Float($0.0), Float($0.1)] },
            outputs: recipes.map { recipe in
                let value: Double = 3 * recipe.0 - 0.01 * recipe.1 + 7
                return Float(value)
            }, inputCount: 2, outputCount: 1, condition: Array(0..<20))
        var settings = TrainingSettings()
        settings.hidden = []
        settings.epochs = 600
        settings.learningRate = 0.05
        settings.weightDecay = 0
        let network = try NetworkTrainer(set, settings: settings).train().network
        let layer = network.layers[0]
        #expect(abs(layer.kernel[0] - 3) < 0.01)
        #expect(abs(layer.kernel[1] + 0.01) < 1e-4)
        #expect(abs(layer.bias[0] - 7) < 0.02)
    }

    @Test func aSmoothFunctionIsLearntBetterThanItsMean() throws {
        var settings = Self.small
        settings.epochs = 120
        settings.weightDecay = 0.1
        let set = try Self.set(conditions: 40)
        let network = try NetworkTrainer(set, settings: settings).train().network
        let others = try Self.set(conditions: 20, seed: 2)
        let given = try network.predict(rows: others.inputs)
        var errors = 0.0
        var spread = 0.0
        for (index, value) in others.outputs.enumerated() {
            let column = stride(from: index % 3, to: set.outputs.count, by: 3)
            let mean = column.reduce(0) { $0 + Double(set.outputs[$1]) } / Double(set.count)
            let off = Double(given[index]) - Double(value)
            let away = Double(value) - mean
            errors += off * off
            spread += away * away
        }
        #expect(errors < 0.02 * spread)
    }

    @Test func aResumedTrainingEndsInTheSameBits() throws {
        var settings = Self.small
        settings.heldOutShare = 0.2
        settings.inputNoise = 0.05
        let set = try Self.set(conditions: 21)
        let whole = try NetworkTrainer(set, settings: settings).train()
        let first = try NetworkTrainer(set, settings: settings)
        let part = try first.train { $0.epoch < 10 }
        #expect(part.end == .interrupted)
        #expect(part.history.map(\.epoch) == [5, 10])
        let bytes = first.state().encoded()
        let second = try NetworkTrainer(
            set, settings: settings, resuming: Safetensors(bytes: bytes))
        #expect(try second.train() == whole)
        // Going on in the same object is the same as well.
        #expect(try first.train() == whole)

        settings.seed = 2
        #expect(throws: TrainingError.doesNotFit(what: "the saved state")) {
            try NetworkTrainer(set, settings: settings, resuming: first.state())
        }
        #expect(try NetworkTrainer(set, settings: settings).train().network != whole.network)
    }

    @Test func wholeConditionsAreHeldOutAndTheBestNetworkIsKept() throws {
        var settings = Self.small
        settings.heldOutShare = 0.25
        settings.epochs = 60
        settings.patienceEpochs = 20
        settings.learningRate = 0.05
        let set = try Self.set(conditions: 20)
        let trainer = try NetworkTrainer(set, settings: settings)
        let trained = try trainer.train()
        #expect(trainer.heldOut.count == 5)
        #expect(Set(trainer.heldOut).isSubset(of: Set(set.names)))
        let errors = trained.history.compactMap(\.heldOutError)
        #expect(trained.heldOutError == errors.min())
        // The error reported is that of the network given, on the conditions named.
        var sum = 0.0
        for name in trainer.heldOut {
            let given = trained.network.predict(Array(set.inputs[name * 2..<name * 2 + 2]))
            for output in 0..<3 {
                let off = Double(given[output]) - Double(set.outputs[name * 3 + output])
                sum += off * off
            }
        }
        let measured = (sum / 15).squareRoot()
        #expect(abs(measured - (trained.heldOutError ?? 0)) < 1e-4)
        let best = errors.firstIndex(of: errors.min() ?? 0) ?? 0
        if trained.end == .stoppedEarly {
            #expect(trained.history.last?.epoch == trained.history[best].epoch + 20)
        } else {
            #expect(trained.history.last?.epoch == 60)
        }
    }

    @Test func aWarmStartKeepsWhatTheNetworkKnew() throws {
        let set = try Self.set(conditions: 20)
        var settings = Self.small
        settings.basisTolerance = 0
        let network = try BatchPredictionTests.network([2, 12, 10, 3], seed: 8)
        let scales = TrainingScales(set, tolerance: 0, mostDirections: 24)
        #expect(scales.rank == 3)
        let same = try scales.unscaled(scales.scaled(network))
        for row in 0..<set.count {
            let recipe = Array(set.inputs[row * 2..<row * 2 + 2])
            let wanted = network.predict(recipe)
            let size = wanted.map(abs).max() ?? 0
            for (a, b) in zip(same.predict(recipe), wanted) { #expect(abs(a - b) < 1e-4 * size) }
        }
        let cold = try NetworkTrainer(set, settings: settings).train()
        settings.epochs = 5
        settings.learningRate = 1e-4
        let warm = try NetworkTrainer(set, settings: settings, warmStart: cold.network).train()
        let fresh = try NetworkTrainer(set, settings: settings).train()
        #expect(warm.history[0].trainError < 0.5 * fresh.history[0].trainError)
        #expect(throws: TrainingError.doesNotFit(what: "a network of other sizes")) {
            var other = settings
            other.hidden = [3]
            _ = try NetworkTrainer(set, settings: other, warmStart: cold.network)
        }
    }

    @Test(arguments: [false, true]) func anEnsembleGivesItsMembersAndTheirMean(
        _ resamples: Bool
    ) throws {
        var settings = Self.small
        settings.epochs = 5
        let set = try Self.set(conditions: 12)
        let ensemble = try NetworkEnsemble.train(
            set, settings: settings, members: 3, resamples: resamples)
        #expect(ensemble.members.count == 3)
        #expect(ensemble.members[0] != ensemble.members[1])
        let rows: [Float] = [2.5, 150, 3.5, 250]
        let (each, mean) = try ensemble.predict(rows: rows)
        for (index, member) in ensemble.members.enumerated() {
            #expect(try each[index] == member.predict(rows: rows))
        }
        var flat = [Float](repeating: 0, count: 18)
        var sum = [Float](repeating: 9, count: 6)
        ensemble.predict(
            rows: rows, count: 2, each: &flat, mean: &sum,
            scratch: PredictionScratch(for: ensemble.members[0]))
        #expect(flat == each.flatMap { $0 })
        #expect(sum == mean)
        for place in 0..<6 {
            let exact = each.reduce(0.0) { $0 + Double($1[place]) } / 3
            #expect(abs(Double(mean[place]) - exact) < 1e-6 * max(1, abs(exact)))
        }
        let again = try NetworkEnsemble.train(
            set, settings: settings, members: 3, resamples: resamples)
        #expect(again == ensemble)
    }

    @Test func badInputsAreNamed() throws {
        #expect(throws: TrainingError.empty) {
            try TrainingSet(inputs: [], outputs: [], inputCount: 1, outputCount: 1, condition: [])
        }
        #expect(throws: TrainingError.sizesDisagree(what: "outputs", expected: 2, found: 1)) {
            try TrainingSet(
                inputs: [1], outputs: [1], inputCount: 1, outputCount: 2, condition: [0])
        }
        for bad in [Float.nan, .infinity, 1e13] {
            #expect(throws: TrainingError.notFinite(what: "inputs", row: 1)) {
                try TrainingSet(
                    inputs: [1, bad], outputs: [1, 2], inputCount: 1, outputCount: 1,
                    condition: [0, 1])
            }
        }
        #expect(
            throws: TrainingError.tooLarge(
                what: "outputs", found: 0, limit: TrainingSet.maximumWidth)
        ) {
            try TrainingSet(
                inputs: [1], outputs: [], inputCount: 1, outputCount: 0, condition: [0])
        }
        let one = try TrainingSet(
            inputs: [1], outputs: [1], inputCount: 1, outputCount: 1, condition: [0])
        #expect(throws: TrainingError.tooFew(conditions: 1, needed: 2)) {
            try NetworkTrainer(one)
        }
        var settings = Self.small
        settings.learningRate = .nan
        let set = try Self.set(conditions: 5)
        #expect(throws: TrainingError.self) { try NetworkTrainer(set, settings: settings) }
        settings = Self.small
        settings.hidden = [0]
        #expect(throws: TrainingError.self) { try NetworkTrainer(set, settings: settings) }
    }

    /// Equal recipes and equal measurements: nothing to scale by, yet a finite answer.
    @Test func constantDataGiveTheConstant() throws {
        let set = try TrainingSet(
            inputs: [3, 3, 3], outputs: [0.5, 0.5, 0.5], inputCount: 1, outputCount: 1,
            condition: [0, 1, 2])
        var settings = Self.small
        settings.epochs = 200
        let network = try NetworkTrainer(set, settings: settings).train().network
        #expect(abs(network.predict([Float(3)])[0] - 0.5) < 0.05)
    }
}
