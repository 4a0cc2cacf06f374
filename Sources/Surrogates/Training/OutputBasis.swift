/// What a training calculates in instead of raw units: inputs with mean 0 and deviation 1,
/// outputs as coefficients of a few orthonormal directions about their mean, divided by one scale.
///
/// Spectra of one chemistry lie close to few directions. In an orthonormal basis that holds them,
/// the squared error of the coefficients is that of the spectra, but the last layer shrinks from
/// hundreds of outputs to a dozen. Both steps are linear and fold into the first and last layer.
struct TrainingScales: Equatable, Sendable {
    var inputMeans: [Float]
    var inputDeviations: [Float]
    var outputMean: [Float]
    /// Orthonormal rows of `outputMean.count` numbers.
    var directions: [Float]
    /// Root mean square of the coefficients.
    var scale: Float

    /// How many directions there are.
    var rank: Int { directions.count / outputMean.count }

    /// The scales of `set`. Directions are added, each the largest remainder of any condition
    /// (Gram–Schmidt with pivoting), until the remainders' weighted squares fall to the share
    /// `tolerance`² of those about the mean, or `mostDirections` are there.
    init(_ set: TrainingSet, tolerance: Double, mostDirections: Int) {
        let width = set.inputCount
        var means = [Double](repeating: 0, count: width)
        for index in set.inputs.indices { means[index % width] += Double(set.inputs[index]) }
        means = means.map { $0 / Double(set.count) }
        var squares = [Double](repeating: 0, count: width)
        for (index, value) in set.inputs.enumerated() {
            let off = Double(value) - means[index % width]
            squares[index % width] += off * off
        }
        inputMeans = means.map { Float($0) }
        inputDeviations = squares.map {
            let deviation = ($0 / Double(set.count)).squareRoot()
            // A variable nobody varied keeps its unit: its weights see zero only.
            return Float(deviation) > 0 ? Float(deviation) : 1
        }
        let outputs = set.outputCount
        let total = set.weights.reduce(0) { $0 + Double($1) }
        var mean = [Double](repeating: 0, count: outputs)
        for (index, value) in set.outputs.enumerated() {
            mean[index % outputs] += Double(value) * Double(set.weights[index / outputs]) / total
        }
        outputMean = mean.map { Float($0) }
        directions = []
        scale = 1
        findDirections(set, tolerance: tolerance, most: mostDirections)
    }

    private mutating func findDirections(_ set: TrainingSet, tolerance: Double, most: Int) {
        let outputs = set.outputCount
        var rest = set.outputs.indices.map {
            Double(set.outputs[$0]) - Double(outputMean[$0 % outputs])
        }
        func square(_ row: Int) -> Double {
            var sum = 0.0
            for index in row * outputs..<(row + 1) * outputs { sum += rest[index] * rest[index] }
            return sum * Double(set.weights[row])
        }
        var squares = (0..<set.count).map(square)
        let all = squares.reduce(0, +)
        while rank < min(most, set.count, outputs) {
            guard squares.reduce(0, +) > tolerance * tolerance * all,
                let pivot = squares.indices.max(by: { squares[$0] < squares[$1] }),
                squares[pivot] > all * 1e-14
            else { break }
            let length = (squares[pivot] / Double(set.weights[pivot])).squareRoot()
            let direction = (0..<outputs).map { rest[pivot * outputs + $0] / length }
            directions += direction.map { Float($0) }
            for row in 0..<set.count {
                var along = 0.0
                for index in 0..<outputs { along += rest[row * outputs + index] * direction[index] }
                for index in 0..<outputs { rest[row * outputs + index] -= along * direction[index] }
                squares[row] = square(row)
            }
        }
        if directions.isEmpty {
            directions = [1] + [Float](repeating: 0, count: outputs - 1)
        }
        let total = set.weights.reduce(0) { $0 + Double($1) }
        let typical = (all / total / Double(rank)).squareRoot()
        scale = typical > 1e-20 ? Float(typical) : 1
    }

    /// Scaled inputs of a raw row.
    func scaledInput(_ value: Float, _ column: Int) -> Float {
        (value - inputMeans[column]) / inputDeviations[column]
    }

    /// Coefficients of a raw output row, and what of its square lies outside the directions.
    func coefficients(_ row: ArraySlice<Float>) -> (values: [Float], outside: Double) {
        let off = zip(row, outputMean).map { Double($0) - Double($1) }
        var outside = off.reduce(0) { $0 + $1 * $1 }
        let values = (0..<rank).map { index -> Float in
            var sum = 0.0
            for (place, value) in off.enumerated() {
                sum += value * Double(directions[index * outputMean.count + place])
            }
            outside -= sum * sum
            return Float(sum / Double(scale))
        }
        return (values, max(outside, 0))
    }

    /// `layers` of scaled numbers as a network of raw ones.
    func unscaled(_ layers: [DenseNetwork.Layer]) throws(DenseNetworkError) -> DenseNetwork {
        var layers = layers
        let first = layers[0]
        var bias = first.bias.map { Double($0) }
        var kernel = first.kernel
        for input in 0..<first.inputs {
            for output in 0..<first.outputs {
                let place = input * first.outputs + output
                let weight = Double(kernel[place]) / Double(inputDeviations[input])
                kernel[place] = Float(weight)
                bias[output] -= weight * Double(inputMeans[input])
            }
        }
        layers[0] = DenseNetwork.Layer(
            inputs: first.inputs, outputs: first.outputs, kernel: kernel,
            bias: bias.map { Float($0) })
        let last = layers[layers.count - 1]
        let outputs = outputMean.count
        var wide = [Float](repeating: 0, count: last.inputs * outputs)
        for input in 0..<last.inputs {
            wide.replaceSubrange(
                input * outputs..<(input + 1) * outputs,
                with: expanded(last.kernel[input * rank..<(input + 1) * rank]))
        }
        let offset = zip(expanded(last.bias[...]), outputMean).map { $0 + $1 }
        layers[layers.count - 1] = DenseNetwork.Layer(
            inputs: last.inputs, outputs: outputs, kernel: wide, bias: offset)
        return try DenseNetwork(layers: layers)
    }

    private func expanded(_ coefficients: ArraySlice<Float>) -> [Float] {
        let outputs = outputMean.count
        var sums = [Double](repeating: 0, count: outputs)
        for (index, value) in coefficients.enumerated() {
            let factor = Double(value) * Double(scale)
            for place in 0..<outputs {
                sums[place] += factor * Double(directions[index * outputs + place])
            }
        }
        return sums.map { Float($0) }
    }

    /// The layers of a network of raw numbers as ones of scaled numbers: the reverse of
    /// `unscaled` as far as the directions hold its outputs.
    func scaled(_ network: DenseNetwork) -> [DenseNetwork.Layer] {
        var layers = network.layers
        let last = layers[layers.count - 1]
        let outputs = outputMean.count
        func project(_ row: [Float]) -> [Float] {
            (0..<rank).map { index in
                var sum = 0.0
                for place in 0..<outputs {
                    sum += Double(row[place]) * Double(directions[index * outputs + place])
                }
                return Float(sum / Double(scale))
            }
        }
        let narrow = (0..<last.inputs).flatMap {
            project(Array(last.kernel[$0 * outputs..<($0 + 1) * outputs]))
        }
        layers[layers.count - 1] = DenseNetwork.Layer(
            inputs: last.inputs, outputs: rank, kernel: narrow,
            bias: project(zip(last.bias, outputMean).map { $0 - $1 }))
        let first = layers[0]
        var bias = first.bias.map { Double($0) }
        var kernel = first.kernel
        for input in 0..<first.inputs {
            for output in 0..<first.outputs {
                let place = input * first.outputs + output
                bias[output] += Double(kernel[place]) * Double(inputMeans[input])
                kernel[place] *= inputDeviations[input]
            }
        }
        layers[0] = DenseNetwork.Layer(
            inputs: first.inputs, outputs: first.outputs, kernel: kernel,
            bias: bias.map { Float($0) })
        return layers
    }
}
