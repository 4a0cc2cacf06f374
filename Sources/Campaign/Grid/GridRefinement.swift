import Numerics
import Spectra
import Surrogates

extension GridSearch {
    /// A recipe off the grid.
    public struct Refined: Equatable, Sendable {
        /// Percent of the aqueous flow, or µL/min, one number per variable.
        public var recipe: [Double]
        /// The predicted loss.
        public var loss: Double
    }

    /// Goes downhill from `entry` between the grid points, within the axes' ends and the cap, by
    /// the exact gradient of the predicted loss. Never worse than `entry`, which comes back
    /// unchanged where nothing better is found.
    public func refine(
        _ entry: GridResult.Entry, network: DenseNetwork, loss: Loss
    ) throws(GridError) -> Refined {
        try check(network, loss)
        let start = Refined(recipe: entry.recipe, loss: entry.loss)
        guard entry.recipe.count == grid.dimension, entry.recipe.allSatisfy(\.isFinite),
            let space = RefinementSpace(grid)
        else { return start }
        let slope = LossGradient(network: network, loss: loss)
        var gradient = [Double](repeating: 0, count: grid.dimension)
        let found = ProjectedGradient().minimize(
            from: space.unit(entry.recipe), over: space.region
        ) { point, result in
            guard let value = slope.value(at: space.recipe(point), gradient: &gradient) else {
                return .infinity
            }
            for variable in gradient.indices {
                result[variable] = gradient[variable] * space.ranges[variable]
            }
            return value
        }
        let recipe = space.recipe(found.point)
        guard grid.keepsCap(recipe), let value = Self.loss(of: recipe, network, loss),
            value < start.loss
        else { return start }
        return Refined(recipe: recipe, loss: value)
    }
}

/// The grid's box seen as a unit box with the cap cut off, so that a step is as long in every
/// variable.
private struct RefinementSpace {
    let lows: [Double]
    let ranges: [Double]
    let region: CappedBox

    init?(_ grid: RecipeGrid) {
        let lows = grid.values.map { $0[0] }
        let ranges = grid.values.map { $0[$0.count - 1] - $0[0] }
        var weights = [Double](repeating: 0, count: grid.dimension)
        var cap = grid.cap
        for variable in grid.cappedVariables {
            weights[variable] += ranges[variable]
            cap -= lows[variable]
        }
        if cap < 0, cap >= -RecipeGrid.roundingAllowance { cap = 0 }
        guard
            let region = CappedBox(
                lower: [Double](repeating: 0, count: grid.dimension),
                upper: ranges.map { $0 > 0 ? 1 : 0 }, weights: weights, cap: cap)
        else { return nil }
        self.lows = lows
        self.ranges = ranges
        self.region = region
    }

    func unit(_ recipe: [Double]) -> [Double] {
        recipe.indices.map { ranges[$0] > 0 ? (recipe[$0] - lows[$0]) / ranges[$0] : 0 }
    }

    func recipe(_ unit: [Double]) -> [Double] {
        unit.indices.map { lows[$0] + min(max(unit[$0], 0), 1) * ranges[$0] }
    }
}

/// The predicted loss and its gradient, in double precision.
struct LossGradient {
    let network: DenseNetwork
    let loss: Loss

    /// The loss at `recipe`, nil where the spectrum has no shape; writes its gradient. At a kink
    /// (a rectifier at 0, another wavelength becoming the largest) it is that of one side.
    func value(at recipe: [Double], gradient: inout [Double]) -> Double? {
        var values: [[Double]] = [recipe]
        for (number, layer) in network.layers.enumerated() {
            var sums = layer.bias.map { Double($0) }
            for (input, value) in values[number].enumerated() where value != 0 {
                let row = input * layer.outputs
                for output in 0..<layer.outputs {
                    sums[output] += value * Double(layer.kernel[row + output])
                }
            }
            if number < network.layers.count - 1 {
                for output in sums.indices where sums[output] < 0 { sums[output] = 0 }
            }
            values.append(sums)
        }
        guard var slopes = spectrumSlopes(values[values.count - 1]) else { return nil }
        for (number, layer) in network.layers.enumerated().reversed() {
            var below = [Double](repeating: 0, count: layer.inputs)
            for input in 0..<layer.inputs where number == 0 || values[number][input] > 0 {
                let row = input * layer.outputs
                var sum = 0.0
                for output in 0..<layer.outputs {
                    sum += slopes.0[output] * Double(layer.kernel[row + output])
                }
                below[input] = sum
            }
            slopes.0 = below
        }
        gradient = slopes.0
        return slopes.1
    }

    /// The loss's slope along every absorbance, and the loss.
    private func spectrumSlopes(_ spectrum: [Double]) -> ([Double], Double)? {
        var highest = 0
        var lowest = 0
        for (place, value) in spectrum.enumerated() {
            guard value.isFinite else { return nil }
            if value > spectrum[highest] { highest = place }
            if value < spectrum[lowest] { lowest = place }
        }
        var (product, square, targetSquare) = (0.0, 0.0, 0.0)
        for (value, wanted) in zip(spectrum, loss.target) {
            let height = value - spectrum[lowest]
            product += height * wanted
            square += height * height
            targetSquare += wanted * wanted
        }
        guard square > 0, targetSquare > 0 else { return nil }
        let length = (square * targetSquare).squareRoot()
        let cosine = product / length
        let peak = spectrum[highest]
        let factor = loss.amplitudeFactor(peak)
        var slopes = [Double](repeating: 0, count: spectrum.count)
        var sum = 0.0
        for place in spectrum.indices {
            let height = spectrum[place] - spectrum[lowest]
            let slope = loss.target[place] / length - cosine * height / square
            slopes[place] = -factor * slope
            sum += slope
        }
        slopes[lowest] += factor * sum
        if peak > 0, peak < loss.amplitudeLow { slopes[highest] -= cosine / loss.amplitudeLow }
        return (slopes, 1 - factor * cosine)
    }
}
