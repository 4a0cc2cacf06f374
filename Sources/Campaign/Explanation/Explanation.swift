import Spectra
import Surrogates

/// Says what a network's predicted loss depends on.
public struct Explanation: Sendable {
    private let network: DenseNetwork
    private let loss: Loss

    /// Variables at most: all 2ᵈ coalitions of them are asked.
    public static let maximumVariables = 12
    /// Predictions of one explanation at most.
    public static let maximumPredictions = 1 << 26
    /// Predictions worked out together.
    static let chunk = 1 << 18

    /// What `loss` of the predictions of `network` depends on. Throws when they do not fit.
    public init(network: DenseNetwork, loss: Loss) throws(ExplanationError) {
        guard 1...Self.maximumVariables ~= network.inputCount else {
            throw .variables(found: network.inputCount, most: Self.maximumVariables)
        }
        guard network.outputCount == loss.wavelengths.count else {
            throw .outputs(expected: loss.wavelengths.count, found: network.outputCount)
        }
        for layer in network.layers {
            guard layer.kernel.allSatisfy(\.isFinite), layer.bias.allSatisfy(\.isFinite) else {
                throw .networkNotFinite
            }
        }
        self.network = network
        self.loss = loss
    }

    /// Number of variables.
    public var dimension: Int { network.inputCount }

    /// The Shapley values of the predicted loss of `recipes` (percent or µL/min, one number per
    /// variable): how much each variable's being as it is, not as in `background`, adds to it.
    ///
    /// Exact: all 2ᵈ coalitions. A coalition is worth the mean loss over the background with the
    /// coalition's variables replaced by the recipe's (Štrumbelj and Kononenko, J. Mach. Learn.
    /// Res. 11, 1 (2010); Lundberg and Lee, NIPS 2017). A prediction without shape counts as
    /// loss 1. `shouldStop` is asked now and then.
    public func shapley(
        recipes: [[Double]], background: [[Double]], shouldStop: () -> Bool = { false }
    ) throws(ExplanationError) -> ShapleyValues {
        try check(recipes, name: "recipe")
        try check(background, name: "background recipe")
        let coalitions = 1 << dimension
        let (rows, overflow) = (recipes.count * background.count)
            .multipliedReportingOverflow(by: coalitions)
        guard !overflow, rows <= Self.maximumPredictions else {
            throw .tooMuch(most: Self.maximumPredictions)
        }
        let predictor = LossPredictor(network: network, loss: loss)
        let base = mean(predictor.losses(of: background.flatMap { $0.map { Float($0) } }))
        let perRecipe = (background.count + 1) * coalitions
        guard perRecipe <= CellCodes.numbers else { throw .tooMuch(most: CellCodes.numbers) }
        let group = max(1, Self.chunk / perRecipe)
        let losses = Scratch<Float>(filler: 0, isUsedWhole: true)
        var result = ShapleyValues(base: base, predicted: [], values: [])
        var start = 0
        while start < recipes.count {
            if shouldStop() { throw .stopped }
            let mixtures = Mixtures(
                recipes: recipes[start..<min(start + group, recipes.count)],
                background: background)
            losses.ensure(mixtures.numbers)
            predictor.find(mixtures, into: losses.base)
            for number in 0..<mixtures.recipeCount {
                var worth = mixtures.worth(number, losses.base)
                worth[0] = base
                result.predicted.append(worth[coalitions - 1])
                result.values.append(ShapleyValues.values(worth, dimension: dimension))
            }
            start += mixtures.recipeCount
        }
        return result
    }

    /// The same one prediction at a time, straight from the definition: the scalar twin.
    func shapleyOneByOne(recipes: [[Double]], background: [[Double]]) -> ShapleyValues {
        let coalitions = 1 << dimension
        func predicted(_ recipe: [Double]) -> Double {
            GridSearch.loss(of: recipe, network, loss) ?? 1
        }
        var result = ShapleyValues(
            base: mean(background.map(predicted)), predicted: recipes.map(predicted), values: [])
        for recipe in recipes {
            let worth = (0..<coalitions).map { coalition in
                mean(
                    background.map { other in
                        predicted(
                            (0..<dimension).map {
                                coalition >> $0 & 1 == 1 ? recipe[$0] : other[$0]
                            })
                    })
            }
            result.values.append(ShapleyValues.values(worth, dimension: dimension))
        }
        return result
    }

    /// The loss over two variables, the others as in each of `recipes`, and averaged over them:
    /// one recipe holds them, several average them.
    public func lossMap(
        rows: Sweep, columns: Sweep, others recipes: [[Double]]
    ) throws(ExplanationError) -> LossMap {
        try check(recipes, name: "recipe")
        try check(rows)
        try check(columns)
        guard rows.variable != columns.variable else { throw .sameVariable }
        let cells = rows.values.count * columns.values.count
        guard cells <= Self.maximumPredictions / recipes.count else {
            throw .tooMuch(most: Self.maximumPredictions)
        }
        let predictor = LossPredictor(network: network, loss: loss)
        var losses: [[Double]] = []
        for first in rows.values {
            var points: [Float] = []
            points.reserveCapacity(columns.values.count * recipes.count * dimension)
            for second in columns.values {
                for recipe in recipes {
                    var point = recipe.map { Float($0) }
                    point[rows.variable] = Float(first)
                    point[columns.variable] = Float(second)
                    points += point
                }
            }
            let values = predictor.losses(of: points)
            losses.append(
                columns.values.indices.map {
                    mean(values[($0 * recipes.count)..<(($0 + 1) * recipes.count)])
                })
        }
        return LossMap(rows: rows, columns: columns, losses: losses)
    }

    /// Predicted spectra and losses of `recipe` with one variable changed.
    public func spectra(
        along sweep: Sweep, from recipe: [Double]
    ) throws(ExplanationError) -> SpectraAlong {
        try check([recipe], name: "recipe")
        try check(sweep)
        var result = SpectraAlong(
            sweep: sweep, wavelengths: loss.wavelengths, absorbances: [], losses: [])
        for value in sweep.values {
            var changed = recipe
            changed[sweep.variable] = value
            result.absorbances.append(network.predict(changed))
            result.losses.append(GridSearch.loss(of: changed, network, loss))
        }
        return result
    }

    private func check(_ recipes: [[Double]], name: String) throws(ExplanationError) {
        guard !recipes.isEmpty else { throw .none(what: name) }
        guard recipes.count <= Self.maximumPredictions else {
            throw .tooMuch(most: Self.maximumPredictions)
        }
        for recipe in recipes {
            guard recipe.count == dimension,
                recipe.allSatisfy({ abs($0) <= RecipeGrid.largestValue })
            else { throw .badRecipe(what: name, expected: dimension) }
        }
    }

    private func check(_ sweep: Sweep) throws(ExplanationError) {
        guard 0..<dimension ~= sweep.variable, 1...Sweep.mostValues ~= sweep.values.count,
            sweep.values.allSatisfy({ abs($0) <= RecipeGrid.largestValue })
        else { throw .badSweep(most: Sweep.mostValues) }
    }

    private func mean(_ values: some Collection<Double>) -> Double {
        values.reduce(0, +) / Double(values.count)
    }
}

/// Losses of many recipes, whatever the network's depth.
private struct LossPredictor {
    private let network: DenseNetwork
    private let loss: Loss
    private let cells: CellLosses?

    init(network: DenseNetwork, loss: Loss) {
        self.network = network
        self.loss = loss
        cells = network.layers.count > 1 ? CellLosses(network: network, loss: loss) : nil
    }

    /// Writes the losses of the recipes of `source` to `losses`, by number.
    func find(_ source: some RecipeSource, into losses: UnsafeMutablePointer<Float>) {
        if let cells {
            cells.find(source, into: losses)
        } else {
            findOneByOne(source, into: losses)
        }
    }

    /// The losses of `points`, one recipe after the other.
    func losses(of points: [Float]) -> [Double] {
        let dimension = network.inputCount
        let count = points.count / dimension
        var losses = [Float](repeating: 0, count: count)
        points.withUnsafeBufferPointer { points in
            losses.withUnsafeMutableBufferPointer { losses in
                guard let base = points.baseAddress, let target = losses.baseAddress else { return }
                for first in stride(from: 0, to: count, by: Explanation.chunk) {
                    let list = RecipeList(
                        points: base + first * dimension,
                        count: min(Explanation.chunk, count - first), dimension: dimension)
                    find(list, into: target + first)
                }
            }
        }
        return losses.map { Double($0) }
    }

    /// A network without hidden layers has no cells.
    private func findOneByOne(
        _ source: some RecipeSource, into losses: UnsafeMutablePointer<Float>
    ) {
        var recipe = [Float](repeating: 0, count: network.inputCount)
        for number in 0..<source.numbers {
            var name = Int32(truncatingIfNeeded: number)
            source.gather(&name, count: 1, into: &recipe, distance: 1)
            let value = GridSearch.loss(of: recipe.map { Double($0) }, network, loss)
            losses[number] = Float(value ?? 1)
        }
    }
}
