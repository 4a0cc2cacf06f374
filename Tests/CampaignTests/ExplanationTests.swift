import Numerics
import Spectra
import Surrogates
import TestSupport
import Testing
import World

@testable import Campaign

@Suite("Explanation")
struct ExplanationTests {
    @Test("Shapley values follow their definition", arguments: [1, 2, 5, 7])
    func shapley(dimension: Int) throws {
        let ranges = (0..<dimension).map { 10 * Double($0 + 1) }
        let network = try PlannerSamples.network(
            [dimension, 12, 14, 12, 30], seed: 3, ranges: ranges)
        let explanation = try Explanation(network: network, loss: PlannerSamples.loss(30))
        var random = SeededGenerator(seed: 1).split("recipes")
        func draw() -> [Double] { ranges.map { random.uniform(0, $0) } }
        let recipes = (0..<3).map { _ in draw() }
        // Some recipes are in the background too, one of them twice.
        let background = (0..<3).map { _ in draw() } + [recipes[2], recipes[0], recipes[2]]
        let fast = try explanation.shapley(recipes: recipes, background: background)
        let slow = explanation.shapleyOneByOne(recipes: recipes, background: background)
        #expect(abs(fast.base - slow.base) < 2e-6)
        for (number, recipe) in recipes.enumerated() {
            for variable in 0..<dimension {
                #expect(
                    abs(fast.values[number][variable] - slow.values[number][variable]) < 4e-6)
            }
            let sum = fast.values[number].reduce(fast.base, +)
            #expect(abs(sum - fast.predicted[number]) < 1e-12)
            #expect(abs(fast.predicted[number] - slow.predicted[number]) < 2e-6)
            _ = recipe
        }
    }

    /// The formula against all orders of three variables, written out.
    @Test("Shapley's formula")
    func formula() {
        let worth = [0.0, 1, 4, 2, 8, 3, 16, 32]
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        var expected = [0.0, 0, 0]
        for order in orders {
            var coalition = 0
            for variable in order {
                let joined = coalition | 1 << variable
                expected[variable] += (worth[joined] - worth[coalition]) / 6
                coalition = joined
            }
        }
        for (value, wanted) in zip(ShapleyValues.values(worth, dimension: 3), expected) {
            #expect(abs(value - wanted) < 1e-12)
        }
    }

    /// More recipes than a cell takes, and a last leaf of one.
    @Test("losses by cells are those of single predictions", arguments: [1, 2, 3, 6])
    func cells(depth: Int) throws {
        let ranges = [45.0, 40, 1_000]
        let hidden = [[12], [12, 20], [16, 16, 20], [10, 10, 10, 10, 10, 10]]
        let sizes = [3] + hidden[depth == 6 ? 3 : depth - 1] + [30]
        let network = try PlannerSamples.network(sizes, seed: 7, ranges: ranges)
        let loss = try PlannerSamples.loss(30)
        var random = SeededGenerator(seed: 5)
        let count = CellNetwork.capacity + CellNetwork.leaf + 1
        var points: [Float] = []
        for place in 0..<(3 * count) { points.append(Float(random.uniform(0, ranges[place % 3]))) }
        let losses = CellLosses(network: network, loss: loss).losses(of: points, dimension: 3)
        for (number, found) in losses.enumerated() {
            let recipe = points[(3 * number)..<(3 * number + 3)].map { Double($0) }
            #expect(abs(found - (GridSearch.loss(of: recipe, network, loss) ?? 1)) < 4e-6)
        }
    }

    @Test("what matters in the published network", .enabled(if: PlannerSamples.hasPublished))
    func published() throws {
        let (network, loss) = try #require(try PlannerSamples.published())
        let path = try #require(SharedData.path("agbonn/conditions.csv"))
        let text = String(decoding: try Files.read(path, limit: 1 << 20), as: UTF8.self)
        let recipes = text.split(whereSeparator: \.isNewline).dropFirst().map { line in
            line.split(separator: ",", omittingEmptySubsequences: false)[2..<7]
                .compactMap { Double($0) }
        }
        let explanation = try Explanation(network: network, loss: loss)
        // Cells of neighbours against one recipe after the other.
        var points: [Float] = []
        for number in stride(from: 0, to: recipes.count, by: 3) {
            for variable in 0..<5 {
                let isOwn = number % 2 == 0 || variable < 2
                points.append(Float(isOwn ? recipes[number][variable] : recipes[7][variable]))
            }
        }
        let losses = CellLosses(network: network, loss: loss).losses(of: points, dimension: 5)
        for (number, found) in losses.enumerated() {
            let recipe = points[(number * 5)..<(number * 5 + 5)].map { Double($0) }
            let wanted = GridSearch.loss(of: recipe, network, loss) ?? 1
            #expect(abs(found - wanted) < 4e-6)
        }
        // Every twelfth recipe against every twelfth: the order of the variables and their sizes.
        let some = stride(from: 0, to: recipes.count, by: 12).map { recipes[$0] }
        let sizes = try explanation.shapley(recipes: some, background: some).meanSizes
        #expect(abs(sizes[0] - 0.110) < 0.03)
        #expect(abs(sizes[3] - 0.083) < 0.03)
        #expect(abs(sizes[2] - 0.044) < 0.02)
        #expect(sizes[4] < 0.03)
        #expect(sizes[1] < 0.02)
    }

    @Test("maps and spectra are predictions")
    func mapsAndSpectra() throws {
        let ranges = [10.0, 20, 30]
        let network = try PlannerSamples.network([3, 12, 12, 30], seed: 4, ranges: ranges)
        let loss = try PlannerSamples.loss(30)
        let explanation = try Explanation(network: network, loss: loss)
        let others = [[1.0, 2, 3], [4, 5, 6]]
        let map = try explanation.lossMap(
            rows: Sweep(variable: 2, values: [5, 25]),
            columns: Sweep(variable: 0, values: [1, 2, 9]), others: others)
        for (row, third) in [5.0, 25].enumerated() {
            for (column, first) in [1.0, 2, 9].enumerated() {
                let losses = try others.map {
                    try loss.of(network.predict([first, $0[1], third]))
                }
                #expect(abs(map.losses[row][column] - (losses[0] + losses[1]) / 2) < 2e-6)
            }
        }
        let along = try explanation.spectra(
            along: Sweep(variable: 1, values: [0, 20]), from: [1, 2, 3])
        #expect(along.absorbances == [network.predict([1, 0, 3]), network.predict([1, 20, 3])])
        let expected: [Double?] = [
            try loss.of(network.predict([1, 0, 3])), try loss.of(network.predict([1, 20, 3])),
        ]
        #expect(along.losses == expected)
    }

    @Test("bad questions get errors")
    func errors() throws {
        let network = try PlannerSamples.network([2, 5, 12], seed: 1, ranges: [1, 1])
        let loss = try PlannerSamples.loss(12)
        #expect(throws: ExplanationError.outputs(expected: 13, found: 12)) {
            try Explanation(network: network, loss: PlannerSamples.loss(13))
        }
        let explanation = try Explanation(network: network, loss: loss)
        #expect(throws: ExplanationError.none(what: "background recipe")) {
            try explanation.shapley(recipes: [[1, 1]], background: [])
        }
        #expect(throws: ExplanationError.badRecipe(what: "recipe", expected: 2)) {
            try explanation.shapley(recipes: [[1, .nan]], background: [[1, 1]])
        }
        #expect(throws: ExplanationError.stopped) {
            try explanation.shapley(
                recipes: [[1, 1]], background: [[1, 1]], shouldStop: { true })
        }
        #expect(throws: ExplanationError.sameVariable) {
            try explanation.lossMap(
                rows: Sweep(variable: 1, values: [1]), columns: Sweep(variable: 1, values: [1]),
                others: [[1, 1]])
        }
        #expect(throws: ExplanationError.badSweep(most: Sweep.mostValues)) {
            try explanation.spectra(along: Sweep(variable: 0, values: []), from: [1, 1])
        }
    }
}

extension CellLosses {
    /// The losses of `points`, `dimension` numbers each.
    fileprivate func losses(of points: [Float], dimension: Int) -> [Double] {
        points.withUnsafeBufferPointer { points in
            guard let base = points.baseAddress else { return [] }
            let count = points.count / dimension
            var losses = [Float](repeating: .nan, count: count)
            find(RecipeList(points: base, count: count, dimension: dimension), into: &losses)
            return losses.map { Double($0) }
        }
    }
}
