/// A training set in the numbers a training calculates in.
struct PreparedSet {
    /// How many conditions.
    let count: Int
    /// Scaled recipes, row after row.
    let inputs: [Float]
    /// Scaled coefficients, row after row.
    let outputs: [Float]
    /// Droplets of each condition.
    let weights: [Float]
    /// Their sum.
    let totalWeight: Double
    /// Their mean.
    let meanWeight: Float
    /// Mean square of what lies outside the directions, in scaled units: no fit removes it.
    let outside: Double
    /// Turns the root of a sum of squares of scaled coefficients into a root mean square in
    /// units of the outputs.
    let unit: Double

    var isEmpty: Bool { count == 0 }

    init(_ set: TrainingSet, _ scales: TrainingScales) {
        count = set.count
        weights = set.weights
        totalWeight = set.weights.reduce(0) { $0 + Double($1) }
        meanWeight = set.count > 0 ? Float(totalWeight / Double(set.count)) : 1
        inputs = set.inputs.enumerated().map {
            scales.scaledInput($0.element, $0.offset % set.inputCount)
        }
        var outputs: [Float] = []
        var rest = 0.0
        for row in 0..<set.count {
            let from = row * set.outputCount
            let part = scales.coefficients(set.outputs[from..<from + set.outputCount])
            outputs += part.values
            rest += part.outside
        }
        self.outputs = outputs
        let scale = Double(scales.scale)
        outside = set.count > 0 ? rest / Double(set.count) / (scale * scale) : 0
        unit = scale / Double(set.outputCount).squareRoot()
    }
}
