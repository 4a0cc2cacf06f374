import Numerics

/// What is measured of a quantised network besides the error of its outputs.
public struct QuantizationJudge {
    /// The grid the outputs lie on, nm; the peak is where the largest output is.
    public var wavelengths: [Double]?
    /// The loss of a spectrum; `nil` for a spectrum that has none.
    public var loss: (([Double]) -> Double?)?

    /// A judge; see the properties.
    public init(wavelengths: [Double]? = nil, loss: (([Double]) -> Double?)? = nil) {
        self.wavelengths = wavelengths
        self.loss = loss
    }

    /// Looks at the outputs alone.
    public static var outputsOnly: QuantizationJudge { QuantizationJudge() }
}

/// How far a quantised network is from the float network on some recipes, in the units of the
/// one who runs the experiment.
public struct QuantizationReport: Equatable, Sendable {
    /// Recipes compared.
    public let recipes: Int
    /// √(Σ (quantised − float)² / Σ float²) over all outputs of all recipes; 0 where both are
    /// zero everywhere.
    public let relativeRMSE: Double
    /// Mean absolute error of the largest output of a recipe (A_max, absorbance units).
    public let largestOutputError: Double
    /// 99 % quantile (interpolated) of how far the largest output moves, nm.
    public let peakDisplacementNm99: Double?
    /// The farthest any moves, nm.
    public let peakDisplacementNmWorst: Double?
    /// Mean absolute error of the loss, over recipes for which both have one.
    public let lossError: Double?
    /// The largest error of a loss.
    public let lossErrorWorst: Double?

    /// Compares `quantized` with `network` on `recipes`.
    public init(
        of quantized: QuantizedNetwork, against network: DenseNetwork, recipes: [[Float]],
        judge: QuantizationJudge = .outputsOnly, kernel: Int8Kernel = .current
    ) throws(QuantizationError) {
        let outputs = network.outputCount
        guard !recipes.isEmpty else { throw .badCalibration(why: "none to compare on") }
        guard quantized.outputCount == outputs, quantized.inputCount == network.inputCount else {
            throw .wrongCount(
                what: "outputs of the quantised network", expected: outputs,
                found: quantized.outputCount)
        }
        if let grid = judge.wavelengths, grid.count != outputs {
            throw .wrongCount(what: "wavelengths", expected: outputs, found: grid.count)
        }
        let predictor = QuantizedPredictor(quantized, kernel: kernel)
        var found = [Float](repeating: 0, count: outputs)
        var sums = Sums()
        for recipe in recipes {
            guard recipe.count == network.inputCount else {
                throw .wrongCount(
                    what: "a recipe", expected: network.inputCount, found: recipe.count)
            }
            try predictor.predict(recipe, into: &found)
            sums.add(found.map(Double.init), network.predict(recipe).map(Double.init), judge)
        }
        self.recipes = recipes.count
        let (error, size) = (sums.squaredError, sums.squaredSize)
        relativeRMSE = error == 0 ? 0 : (error / size).squareRoot()
        largestOutputError = sums.largestOutputError / Double(recipes.count)
        peakDisplacementNm99 = Self.quantile(sums.displacements, 0.99)
        peakDisplacementNmWorst = sums.displacements.max()
        lossError =
            sums.lossErrors.isEmpty
            ? nil : sums.lossErrors.reduce(0, +) / Double(sums.lossErrors.count)
        lossErrorWorst = sums.lossErrors.max()
    }

    /// Throws `tooInexact` for the first measure that exceeds `limit`, or is no number.
    public func check(_ limit: QuantizationLimit) throws(QuantizationError) {
        let measures: [(String, Double?, Double)] = [
            ("relative RMSE", relativeRMSE, limit.relativeRMSE),
            ("mean error of the loss", lossError, limit.lossError),
            ("99 % peak displacement (nm)", peakDisplacementNm99, limit.peakDisplacementNm),
        ]
        for case (let name, let found?, let largest) in measures where !(found <= largest) {
            throw .tooInexact(measure: name, found: found, limit: largest)
        }
    }

    /// The quantile between the two nearest values, in proportion.
    static func quantile(_ values: [Double], _ share: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }

    /// What adds up from recipe to recipe.
    private struct Sums {
        var squaredError = 0.0
        var squaredSize = 0.0
        var largestOutputError = 0.0
        var displacements: [Double] = []
        var lossErrors: [Double] = []

        mutating func add(_ found: [Double], _ float: [Double], _ judge: QuantizationJudge) {
            for (a, b) in zip(found, float) {
                squaredError += (a - b) * (a - b)
                squaredSize += b * b
            }
            let (here, there) = (Self.peak(found), Self.peak(float))
            largestOutputError += abs(found[here] - float[there])
            if let grid = judge.wavelengths { displacements.append(abs(grid[here] - grid[there])) }
            if let loss = judge.loss, let a = loss(found), let b = loss(float) {
                lossErrors.append(abs(a - b))
            }
        }

        /// The index of the largest value, the first of equals.
        private static func peak(_ values: [Double]) -> Int {
            var best = 0
            for index in values.indices where values[index] > values[best] { best = index }
            return best
        }
    }
}
