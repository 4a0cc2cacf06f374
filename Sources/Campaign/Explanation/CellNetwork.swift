import Surrogates

/// The hidden part of a network as it is among the recipes of a cell.
///
/// A neuron that is on for all of them is a linear function of the neurons below, and one that
/// is off for all is nothing. A neuron that switches is written as λz + c + ρ, z its input, with
/// λ and c that keep its bend ρ smallest. So every neuron is a linear function of few columns: 1,
/// the variables from the middle of the cell, and the bends below it; and as all columns but the
/// first lie around zero, what a neuron's input can reach is told by their sizes.
///
/// A neuron taken for on or off that is not, by what single precision rounds off, is wrong by
/// just that much, for a rectifier bends at zero and does not jump.
final class CellNetwork {
    /// Recipes of a cell at most.
    static let capacity = 1_024
    /// Recipes of a leaf: those for which neurons of the last hidden layer are asked together.
    static let leaf = 32
    /// Distance of two columns: not a power of two, for those share their places in the cache.
    static let columnStride = capacity + 16

    private struct Layer {
        var weights: UnsafeMutablePointer<Float>
        var bias: UnsafeMutablePointer<Float>
        var outputs: Int
        /// Outputs in whole blocks: the length of a row of weights.
        var width: Int
    }

    private let dimension: Int
    private let layers: [Layer]
    private let storage: Scratch<Float>
    /// Recipes, in whole leaves.
    private var count = 0
    /// The columns of the cell, with 1.
    private var columns = 0
    private let values: Scratch<Float>
    /// How far each column goes from zero.
    private let reach: Scratch<Float>
    /// Inputs of a layer's neurons as functions of the columns.
    private let coefficients: Scratch<Float>
    private let ends: Scratch<Float>
    private let sums = Scratch<Float>(CellKernels.rowBlock * capacity, filler: 0)
    private let undecided: Scratch<Int32>
    /// Outputs of the neurons that are not off, as functions of the columns below them.
    private let forms: Scratch<Float>
    private var formStride = 0
    private var formColumns = 0
    private let units: Scratch<Int32>
    private var unitCount = 0
    /// The neurons whose bends are the columns from `formColumns` on.
    private let bent: Scratch<Int32>
    /// The rows of the last hidden layer that may be on in the cell.
    private let last: CellCandidates

    /// The hidden layers of `network`, at least one.
    init(_ network: DenseNetwork) {
        dimension = network.inputCount
        let hidden = network.layers.dropLast()
        func width(_ layer: DenseNetwork.Layer) -> Int {
            // An odd count of blocks: rows that lie a power of two apart share their places in
            // the cache.
            CellKernels.padded(layer.outputs, CellKernels.neuronBlock) | CellKernels.neuronBlock
        }
        storage = Scratch(
            hidden.reduce(0) { $0 + ($1.inputs + 1) * width($1) }, filler: 0)
        var place = storage.base
        layers = hidden.map { source in
            let width = width(source)
            let layer = Layer(
                weights: place, bias: place + source.inputs * width, outputs: source.outputs,
                width: width)
            place += (source.inputs + 1) * width
            source.kernel.withUnsafeBufferPointer { kernel in
                for input in 0..<source.inputs {
                    for output in 0..<source.outputs {
                        layer.weights[input * width + output] =
                            kernel[input * source.outputs + output]
                    }
                }
            }
            for output in 0..<source.outputs { layer.bias[output] = source.bias[output] }
            return layer
        }
        let widest = layers.reduce(dimension) { max($0, $1.width) }
        let most = 1 + dimension + layers.dropLast().reduce(0) { $0 + $1.outputs }
        let room = most + CellKernels.columnBlock
        values = Scratch(most * Self.columnStride, filler: 0)
        reach = Scratch(most, filler: 0)
        coefficients = Scratch(room * widest, filler: 0)
        ends = Scratch(2 * widest, filler: 0)
        undecided = Scratch(widest + CellKernels.rowBlock, filler: 0)
        forms = Scratch(room * widest, filler: 0)
        units = Scratch(widest, filler: 0)
        bent = Scratch(widest, filler: 0)
        last = CellCandidates(
            columns: most, neurons: layers[layers.count - 1].width)
    }

    /// Makes this the network among the recipes `order` names, `count` of `points`; answers what
    /// may be on in its last hidden layer.
    func build(
        points: UnsafePointer<Float>, order: UnsafePointer<Int32>, count: Int
    ) -> CellCandidates {
        load(points, order, count)
        for (number, layer) in layers.enumerated() {
            combine(layer)
            if number < layers.count - 1 { part(layer) }
        }
        let layer = layers[layers.count - 1]
        let (top, bottom) = (ends.base, ends.base + layer.width)
        CellKernels.ends(
            rows(layer), count: layer.width, reach: reach.base, top: top, bottom: bottom)
        last.choose(rows(layer), top: top, count: layer.outputs)
        return last
    }

    private func rows(_ layer: Layer) -> CellKernels.Rows {
        CellKernels.Rows(
            coefficients: coefficients.base, width: layer.width, columns: columns,
            values: values.base, capacity: Self.columnStride)
    }

    /// The variables' columns and forms; leaves are filled up with the last recipe.
    private func load(
        _ points: UnsafePointer<Float>, _ order: UnsafePointer<Int32>, _ count: Int
    ) {
        self.count = CellKernels.padded(count, Self.leaf)
        columns = 1 + dimension
        formColumns = columns
        formStride = CellKernels.padded(columns, CellKernels.columnBlock)
        unitCount = dimension
        forms.base.update(repeating: 0, count: formStride * dimension)
        let (dimension, filled) = (dimension, self.count)
        for variable in 0..<dimension {
            let column = values.base + variable * Self.columnStride
            let source = points + variable
            for point in 0..<count { column[point] = source[Int(order[point]) &* dimension] }
            for point in count..<max(count, filled) { column[point] = column[count - 1] }
            let (low, high) = CellKernels.extremes(column, count: self.count)
            let middle = 0.5 * low + 0.5 * high
            for point in 0..<filled { column[point] -= middle }
            reach.base[1 + variable] = max(high - middle, middle - low)
            forms.base[variable * formStride] = middle
            forms.base[variable * formStride + 1 + variable] = 1
            units.base[variable] = Int32(truncatingIfNeeded: variable)
        }
    }

    /// The inputs of the neurons of `layer` as functions of the columns.
    private func combine(_ layer: Layer) {
        let width = layer.width
        let sums = coefficients.base
        CellKernels.combine(
            CellKernels.Forms(
                base: forms.base, stride: formStride, columns: formColumns, units: units.base,
                count: unitCount),
            layer.weights, width: width, into: sums)
        for column in formColumns..<columns {
            let unit = Int(bent.base[column - formColumns])
            (sums + column * width).update(from: layer.weights + unit * width, count: width)
        }
        for neuron in 0..<layer.outputs { sums[neuron] += layer.bias[neuron] }
    }

    /// Parts a layer's neurons into those on, those off, and those that switch, and makes forms
    /// of the outputs.
    private func part(_ layer: Layer) {
        let (top, bottom) = (ends.base, ends.base + layer.width)
        CellKernels.ends(
            rows(layer), count: layer.width, reach: reach.base, top: top, bottom: bottom)
        let rows = rows(layer)
        formColumns = columns
        formStride = CellKernels.padded(columns, CellKernels.columnBlock)
        unitCount = 0
        var open = 0
        for neuron in 0..<layer.outputs where !(top[neuron] <= 0) {
            if bottom[neuron] >= 0 {
                add(neuron, of: rows, share: 1, lift: 0)
            } else {
                undecided.base[open] = Int32(truncatingIfNeeded: neuron)
                open += 1
            }
        }
        for offset in 0..<CellKernels.rowBlock { undecided.base[open + offset] = 0 }
        for first in stride(from: 0, to: open, by: CellKernels.rowBlock) {
            let names = undecided.base + first
            CellKernels.evaluate(
                rows, neurons: (Int(names[0]), Int(names[1]), Int(names[2]), Int(names[3])),
                count: count, into: sums.base, distance: Self.capacity)
            for offset in 0..<min(CellKernels.rowBlock, open - first) {
                settle(Int(names[offset]), of: rows, sums.base + offset * Self.capacity)
            }
        }
    }

    /// Decides on a neuron from its inputs, `inputs`.
    private func settle(
        _ neuron: Int, of rows: CellKernels.Rows, _ inputs: UnsafePointer<Float>
    ) {
        let (low, high) = CellKernels.extremes(inputs, count: count)
        if high <= 0 { return }
        if low >= 0 {
            add(neuron, of: rows, share: 1, lift: 0)
            return
        }
        // The rectifier lies between λz and λ(z − low), touching both.
        let share = high / (high - low)
        let lift = -0.5 * share * low
        CellKernels.bend(
            inputs, count: count, share: share, lift: lift,
            into: values.base + (columns - 1) * Self.columnStride)
        reach.base[columns] = lift
        bent.base[columns - formColumns] = Int32(truncatingIfNeeded: neuron)
        columns += 1
        add(neuron, of: rows, share: share, lift: lift)
    }

    /// The form `share` × input + `lift`.
    private func add(_ neuron: Int, of rows: CellKernels.Rows, share: Float, lift: Float) {
        let form = forms.base + unitCount &* formStride
        var place = rows.coefficients + neuron
        for column in 0..<rows.columns {
            form[column] = share * place.pointee
            place += rows.width
        }
        form[0] += lift
        units.base[unitCount] = Int32(truncatingIfNeeded: neuron)
        unitCount += 1
    }
}
