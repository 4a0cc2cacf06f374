import Glibc
import Numerics
import Surrogates
import TestSupport
import Testing

@testable import Campaign

@Suite("Grid search of what was just trained")
struct GridTrainedTests {
    /// A network fresh from 60 conditions of a made-up chemistry: a band whose height and place
    /// follow the recipe.
    @Test("a network fresh from training: finds what trying every recipe finds")
    func trained() throws {
        var random = SeededGenerator(seed: 11).split("conditions")
        let ranges = [(4.0, 45.0), (10, 40), (0.5, 30), (0.5, 20), (200, 1_000)]
        let outputs = 40
        var recipes: [Float] = []
        var spectra: [Float] = []
        for _ in 0..<60 {
            let shares = ranges.map { _ in random.uniform() }
            recipes += zip(shares, ranges).map { Float($1.0 + $0 * ($1.1 - $1.0)) }
            let place = 10 + 20 * shares[0] - 6 * shares[2] * shares[4]
            let height = 0.2 + 1.2 * shares[1] * (1 - 0.5 * shares[3])
            for output in 0..<outputs {
                let away = (Double(output) - place) / 5
                spectra.append(Float(0.05 + height * exp(-away * away)))
            }
        }
        let set = try TrainingSet(
            inputs: recipes, outputs: spectra, inputCount: 5, outputCount: outputs,
            condition: Array(0..<60))
        var settings = TrainingSettings()
        settings.hidden = [16, 24]
        settings.epochs = 40
        let network = try NetworkTrainer(set, settings: settings).train().network
        let loss = try PlannerSamples.loss(outputs)
        let search = try GridSearch(grid: PlannerSamples.grid(4))
        let all = try search.exhaustive(network: network, loss: loss)
        let found = try search.search(network: network, loss: loss)
        #expect(found.top == all.top)
        #expect(found.counters.prunedBoxes > 0)
    }

    /// Bounds of a network that is cut down while it is bounded, for a box and for a half of it:
    /// every neuron's input, as it is predicted, lies between them, and what was left out is off.
    @Test("encloses what is predicted, cut down on the way", arguments: [5, 6, 12])
    func enclosesOnTheWay(dimension: Int) throws {
        let ranges = (1...dimension).map { 10 * Double($0) }
        let network = try PlannerSamples.network(
            [dimension, 14, 12, 16, 20], seed: UInt64(dimension), ranges: ranges)
        let root = LocalNetwork(network)
        let resolver = Resolver(layerCount: root.layers.count)
        func forms() -> BoxForms { BoxForms(dimension: dimension, columns: root.columnCount) }
        func part() -> LocalNetwork {
            LocalNetwork(inputs: dimension, layerCount: root.layers.count)
        }
        let (known, inner, halved, innermost) = (forms(), forms(), forms(), forms())
        let (child, grandchild) = (part(), part())
        var random = SeededGenerator(seed: UInt64(dimension)).split("boxes")
        for _ in 0..<8 {
            let low = ranges.map { Float(random.uniform(0, 0.8 * $0)) }
            var high = zip(low, ranges).map { $0 + Float(random.uniform(0, 0.2 * $1)) }
            for box in [known, inner] { box.setBox(low: { low[$0] }, high: { high[$0] }) }
            resolver.enclose(root, known, into: child, inner, isRoot: true)
            high[0] = 0.5 * (low[0] + high[0])
            for box in [halved, innermost] { box.setBox(low: { low[$0] }, high: { high[$0] }) }
            resolver.enclose(child, halved, into: grandchild, innermost, isRoot: false)
            for _ in 0..<20 {
                let recipe = zip(low, high).map {
                    random.below(3) == 0 ? $0 : Float(random.uniform(Double($0), Double($1)))
                }
                let hidden = try (1..<network.layers.count).map {
                    try DenseNetwork(layers: Array(network.layers.prefix($0))).predict(recipe)
                }
                for (layer, values) in zip(root.layers, hidden) {
                    for (row, value) in values.enumerated() {
                        #expect(known.lower[layer.ownColumn + row] <= value)
                        #expect(known.upper[layer.ownColumn + row] >= value)
                    }
                }
                for (local, bounds) in [(child, inner), (grandchild, innermost)] {
                    let last = local.layers[local.layers.count - 1]
                    let values = hidden[hidden.count - 1]
                    var kept: Set<Int> = []
                    for row in 0..<last.rows {
                        let unit = Int(local.origins.base[row])
                        kept.insert(unit)
                        #expect(bounds.lower[last.ownColumn + row] <= values[unit])
                        #expect(bounds.upper[last.ownColumn + row] >= values[unit])
                    }
                    for (unit, value) in values.enumerated() where !kept.contains(unit) {
                        #expect(value <= 0)
                    }
                }
            }
        }
    }
}
