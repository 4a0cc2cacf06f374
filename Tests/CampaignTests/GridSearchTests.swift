import Configuration
import Glibc
import Numerics
import Spectra
import Surrogates
import TestSupport
import Testing
import World

@testable import Campaign

/// Networks and targets for the tests of grid search and explanation.
enum PlannerSamples {
    /// A random network whose inputs are `ranges` long and whose outputs are smooth bands that
    /// reach the amplitudes that count.
    static func network(
        _ sizes: [Int], seed: UInt64, ranges: [Double], height: Double = 0.5
    ) throws -> DenseNetwork {
        var random = SeededGenerator(seed: seed).split("test network")
        var layers: [DenseNetwork.Layer] = []
        for number in 1..<sizes.count {
            let (inputs, outputs) = (sizes[number - 1], sizes[number])
            let isLast = number == sizes.count - 1
            let scale = (2 / Double(inputs)).squareRoot()
            var kernel: [Float] = []
            for input in 0..<inputs {
                let unit = number == 1 ? 1 / ranges[input] : 1
                let place = random.uniform(0, Double(outputs))
                let size = random.normal() * scale
                for output in 0..<outputs {
                    let away = (Double(output) - place) / Double(outputs) * 8
                    kernel.append(
                        Float(
                            isLast
                                ? height * size * exp(-away * away) : random.normal() * scale * unit
                        ))
                }
            }
            layers.append(
                DenseNetwork.Layer(
                    inputs: inputs, outputs: outputs, kernel: kernel,
                    bias: (0..<outputs).map { _ in Float(0.2 * random.normal()) + (isLast ? 0.3 : 0)
                    }))
        }
        return try DenseNetwork(layers: layers)
    }

    /// A loss over `count` wavelengths with a band in the middle.
    static func loss(_ count: Int, settings: LossSettings = LossSettings()) throws -> Loss {
        let wavelengths = (0..<count).map { 400 + Double($0) }
        let target = try TargetSpectrum(
            wavelengths: wavelengths,
            values: (0..<count).map { place in
                let away = (Double(place) / Double(count) - 0.6) * 6
                return exp(-away * away)
            })
        return try Loss(target: target, wavelengths: wavelengths, settings: settings)
    }

    /// The published network and target.
    static func published() throws -> (DenseNetwork, Loss)? {
        guard let path = SharedData.path("agbonn/published_network.safetensors"),
            let targetPath = SharedData.path("agbonn/target_prism_50nm.csv")
        else { return nil }
        let network = try DenseNetwork(Safetensors(bytes: Files.read(path, limit: 1 << 24)))
        let text = String(decoding: try Files.read(targetPath, limit: 1 << 20), as: UTF8.self)
        return (network, try Loss(target: TargetSpectrum.parse(text), settings: LossSettings()))
    }

    static let hasPublished = SharedData.path("agbonn/published_network.safetensors") != nil

    /// The published box with `count` values a variable.
    static func grid(_ count: Int) throws -> RecipeGrid {
        let ranges = [(4.0, 45.0), (10, 40), (0.5, 30), (0.5, 20), (200, 1_000)]
        return try RecipeGrid(
            axes: ranges.map { RecipeGrid.Axis(low: $0.0, high: $0.1, count: count) },
            cappedVariables: [0, 1, 2, 3], cap: 90)
    }
}

@Suite("Grid search")
struct GridSearchTests {
    /// Sizes and grid of one comparison with trying every recipe.
    struct Case: Sendable, CustomTestStringConvertible {
        var sizes: [Int]
        var counts: [Int]
        var seed: UInt64
        var height = 0.5
        var testDescription: String { "\(sizes) \(counts) \(seed)" }
    }

    static let cases: [Case] = [
        Case(sizes: [1, 6, 20], counts: [500], seed: 1),
        Case(sizes: [2, 12, 8, 30], counts: [40, 30], seed: 2),
        Case(sizes: [3, 20, 20, 20, 33], counts: [12, 1, 11], seed: 3),
        Case(sizes: [4, 10, 10, 40], counts: [6, 7, 5, 6], seed: 4, height: 0.2),
        Case(sizes: [5, 16, 24, 16, 31, 64], counts: [4, 5, 4, 4, 5], seed: 5),
        Case(sizes: [5, 16, 24, 16, 31, 64], counts: [4, 5, 4, 4, 5], seed: 6, height: 3),
        Case(sizes: [6, 12, 12, 16], counts: [3, 4, 3, 3, 4, 3], seed: 7),
        Case(sizes: [12, 20, 16, 24], counts: [2, 2, 2, 1, 2, 2, 2, 1, 2, 2, 2, 2], seed: 8),
        Case(sizes: [3, 25], counts: [6, 6, 6], seed: 9),
    ]

    @Test("finds what trying every recipe finds", arguments: cases)
    func equalsExhaustive(_ sample: Case) throws {
        let ranges = sample.counts.indices.map { 10 * Double($0 + 1) }
        let network = try PlannerSamples.network(
            sample.sizes, seed: sample.seed, ranges: ranges, height: sample.height)
        let loss = try PlannerSamples.loss(network.outputCount)
        let capped = Array(0..<max(1, sample.counts.count - 1))
        let grid = try RecipeGrid(
            axes: zip(ranges, sample.counts).map {
                RecipeGrid.Axis(low: 0.1 * $0, high: $0, count: $1)
            },
            cappedVariables: capped, cap: 0.7 * capped.reduce(0) { $0 + ranges[$1] })
        let search = try GridSearch(grid: grid)
        let all = try search.exhaustive(network: network, loss: loss)
        let found = try search.search(network: network, loss: loss)
        #expect(found.top == all.top)
    }

    @Test(
        "prunes: the published network on a coarse grid", .enabled(if: PlannerSamples.hasPublished))
    func publishedCoarse() throws {
        let (network, loss) = try #require(try PlannerSamples.published())
        let search = try GridSearch(grid: PlannerSamples.grid(3))
        let all = try search.exhaustive(network: network, loss: loss)
        let found = try search.search(network: network, loss: loss)
        #expect(found.top == all.top)
    }

    /// Every neuron's input, as it is predicted, lies between the bounds of its box, in the
    /// network as trained and in the one cut down; so does every output.
    @Test("encloses what is predicted", arguments: [1, 3] as [UInt64])
    func encloses(seed: UInt64) throws {
        let ranges = [10.0, 20, 30, 40, 50, 60].prefix(seed == 3 ? 6 : 5)
        let network = try PlannerSamples.network(
            [ranges.count, 14, 12, 16, 20], seed: seed, ranges: Array(ranges))
        let root = LocalNetwork(network)
        let known = BoxForms(dimension: ranges.count, columns: root.columnCount)
        let inner = BoxForms(dimension: ranges.count, columns: root.columnCount)
        let child = LocalNetwork(inputs: ranges.count, layerCount: root.layers.count)
        var random = SeededGenerator(seed: seed).split("boxes")
        for _ in 0..<10 {
            let low = ranges.map { Float(random.uniform(0, 0.8 * $0)) }
            let high = zip(low, ranges).map { $0 + Float(random.uniform(0, 0.2 * $1)) }
            known.setBox(low: { low[$0] }, high: { high[$0] })
            known.enclose(root)
            Resolver(layerCount: root.layers.count).resolve(
                root, in: known, into: child, isRoot: true)
            inner.setBox(low: { low[$0] }, high: { high[$0] })
            inner.enclose(child)
            for _ in 0..<20 {
                let recipe = zip(low, high).map {
                    random.below(3) == 0 ? $0 : Float(random.uniform(Double($0), Double($1)))
                }
                let hidden = hiddenInputs(network, recipe)
                for (layer, values) in zip(root.layers, hidden) {
                    for (row, value) in values.enumerated() {
                        #expect(known.lower[layer.ownColumn + row] <= value)
                        #expect(known.upper[layer.ownColumn + row] >= value)
                    }
                }
                let last = child.layers[child.layers.count - 1]
                let values = hidden[hidden.count - 1]
                for row in 0..<last.rows {
                    let value = values[Int(child.origins.base[row])]
                    #expect(inner.lower[last.ownColumn + row] <= value)
                    #expect(inner.upper[last.ownColumn + row] >= value)
                }
                let kept = Set((0..<last.rows).map { Int(child.origins.base[$0]) })
                for (unit, value) in values.enumerated() where !kept.contains(unit) {
                    #expect(value <= 0)
                }
            }
        }
    }

    /// Inputs of the hidden neurons, by networks that end before their rectifiers.
    private func hiddenInputs(_ network: DenseNetwork, _ recipe: [Float]) -> [[Float]] {
        (1..<network.layers.count).compactMap { count in
            try? DenseNetwork(layers: Array(network.layers.prefix(count))).predict(recipe)
        }
    }

    @Test("the cap leaves recipes out, and may leave none")
    func cap() throws {
        let network = try PlannerSamples.network([2, 5, 12], seed: 1, ranges: [1, 1])
        let loss = try PlannerSamples.loss(12)
        func search(_ cap: Double) throws -> GridResult {
            try GridSearch(
                grid: RecipeGrid(
                    axes: [.init(low: 1, high: 2, count: 3), .init(low: 1, high: 2, count: 3)],
                    cappedVariables: [0, 1], cap: cap)
            ).search(network: network, loss: loss)
        }
        #expect(try search(4).top.count == 9)
        #expect(try search(2.5).top.count == 3)
        #expect(throws: GridError.empty) { try search(1.9) }
    }

    @Test("bad questions get errors")
    func errors() throws {
        typealias Axis = RecipeGrid.Axis
        #expect(throws: GridError.badAxis(variable: 0)) {
            try RecipeGrid(axes: [Axis(low: .nan, high: 1, count: 2)])
        }
        #expect(throws: GridError.badAxis(variable: 0)) {
            try RecipeGrid(axes: [Axis(low: 0, high: .infinity, count: 2)])
        }
        #expect(throws: GridError.badAxis(variable: 1)) {
            try RecipeGrid(axes: [Axis(low: 0, high: 1, count: 2), Axis(low: 0, high: 1, count: 0)])
        }
        #expect(throws: GridError.tooManyPoints(most: RecipeGrid.maximumPoints)) {
            try RecipeGrid(
                axes: [Axis](repeating: Axis(low: 0, high: 1, count: 1 << 20), count: 12))
        }
        #expect(throws: GridError.variables(found: 13, most: 12)) {
            try RecipeGrid(axes: [Axis](repeating: Axis(low: 0, high: 1, count: 1), count: 13))
        }
        #expect(throws: GridError.badCap) {
            try RecipeGrid(
                axes: [Axis(low: 0, high: 1, count: 2)], cappedVariables: [1], cap: 1)
        }
        let grid = try RecipeGrid(axes: [Axis(low: 0, high: 1, count: 2)])
        #expect(throws: GridError.bestCount(most: GridSearch.mostBest)) {
            try GridSearch(grid: grid, bestCount: 0)
        }
        let search = try GridSearch(grid: grid)
        let loss = try PlannerSamples.loss(12)
        let other = try PlannerSamples.network([2, 5, 12], seed: 1, ranges: [1, 1])
        #expect(throws: GridError.inputs(expected: 1, found: 2)) {
            try search.search(network: other, loss: loss)
        }
        let broken = try DenseNetwork(layers: [
            .init(
                inputs: 1, outputs: 12, kernel: [Float](repeating: .nan, count: 12),
                bias: [Float](repeating: 0, count: 12))
        ])
        #expect(throws: GridError.notFinite) { try search.search(network: broken, loss: loss) }
        let fine = try PlannerSamples.network([1, 5, 12], seed: 1, ranges: [1])
        #expect(throws: GridError.stopped) {
            try search.search(network: fine, loss: loss, shouldStop: { true })
        }
        // Weights that overflow single precision: nothing has a loss, and nothing crashes.
        let huge = try DenseNetwork(layers: [
            .init(inputs: 1, outputs: 2, kernel: [3e38, -3e38], bias: [3e38, 3e38]),
            .init(
                inputs: 2, outputs: 12, kernel: [Float](repeating: 3e38, count: 24),
                bias: [Float](repeating: 0, count: 12)),
        ])
        #expect(throws: GridError.empty) { try search.search(network: huge, loss: loss) }
    }

    /// The gradient against differences, and the refinement against its start.
    @Test("refines downhill", arguments: [5, 6] as [UInt64])
    func refines(seed: UInt64) throws {
        let ranges = [10.0, 20, 30]
        let network = try PlannerSamples.network([3, 16, 16, 40], seed: seed, ranges: ranges)
        let loss = try PlannerSamples.loss(40)
        let slope = LossGradient(network: network, loss: loss)
        var gradient: [Double] = []
        let recipe = [3.1, 7.2, 11.3]
        let value = try #require(slope.value(at: recipe, gradient: &gradient))
        let direct = try #require(GridSearch.loss(of: recipe, network, loss))
        #expect(abs(value - direct) < 1e-5)
        for variable in 0..<3 {
            var (up, down) = (recipe, recipe)
            up[variable] += 1e-6
            down[variable] -= 1e-6
            var unused: [Double] = []
            let rise = try #require(slope.value(at: up, gradient: &unused))
            let fall = try #require(slope.value(at: down, gradient: &unused))
            #expect(abs((rise - fall) / 2e-6 - gradient[variable]) < 1e-6)
        }
        let grid = try RecipeGrid(
            axes: ranges.map { RecipeGrid.Axis(low: 0, high: $0, count: 5) },
            cappedVariables: [0, 1], cap: 20)
        let search = try GridSearch(grid: grid, bestCount: 3)
        var gained = false
        for entry in try search.search(network: network, loss: loss).top {
            let refined = try search.refine(entry, network: network, loss: loss)
            #expect(refined.loss <= entry.loss)
            #expect(grid.keepsCap(refined.recipe))
            #expect(GridSearch.loss(of: refined.recipe, network, loss) == refined.loss)
            for (number, range) in zip(refined.recipe, ranges) { #expect((0...range) ~= number) }
            gained = gained || refined.loss < entry.loss
        }
        #expect(gained)
    }
}
