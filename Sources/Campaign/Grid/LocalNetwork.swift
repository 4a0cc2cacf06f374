import Glibc
import Surrogates

/// A hidden layer of a local network.
///
/// A row is a neuron's input as a linear function of the columns: 1, the variables, and the
/// outputs of the neurons kept in the layers before.
final class LocalLayer {
    /// Neurons kept: columns of the layers that follow.
    var rows = 0
    /// The rows that were resolved lie behind those kept; only building needs them.
    var resolved = 0
    /// Columns of a row.
    var columns = 0
    /// Distance of two rows; what lies behind the columns is zero.
    var stride = 0
    /// The columns from here on, and 1 and the variables, may be other than zero.
    var firstColumn = 0
    /// `(rows + resolved) × stride`.
    let coefficients = Scratch<Float>(filler: 0)
    /// How far a neuron's input, as single precision has it, may be from its row's value.
    let radii = Scratch<Float>(filler: 0)
    /// Sum of the row's sizes times the largest sizes of its columns.
    let norms = Scratch<Float>(filler: 0)

    /// Where the neurons of this layer stand among the columns of the layers that follow.
    var ownColumn: Int { columns }
}

/// The hidden part of a network as it is within a box of recipes.
///
/// A rectifier that is always on in the box is no more than a sum, and one that is always off
/// nothing at all: the first are multiplied out, the second left out. What remains is a small
/// network of the rectifiers that do switch, whose rows reach back over the resolved ones.
final class LocalNetwork {
    let inputs: Int
    let layers: [LocalLayer]
    /// Which neuron of the last hidden layer each of its rows is.
    let origins = Scratch<Int32>(filler: 0)

    init(inputs: Int, layerCount: Int) {
        self.inputs = inputs
        layers = (0..<layerCount).map { _ in LocalLayer() }
    }

    /// Columns of 1, the variables and all neurons.
    var columnCount: Int { layers[layers.count - 1].columns + layers[layers.count - 1].rows }

    /// Rounds up to whole vectors.
    static func padded(_ count: Int) -> Int { (count + 7) & ~7 }

    /// The hidden layers of `network` with nothing resolved.
    convenience init(_ network: DenseNetwork) {
        self.init(inputs: network.inputCount, layerCount: network.layers.count - 1)
        var columns = 1 + inputs
        for (number, layer) in layers.enumerated() {
            let source = network.layers[number]
            layer.rows = source.outputs
            layer.columns = columns
            layer.stride = Self.padded(columns)
            layer.firstColumn = number == 0 ? columns : columns - source.inputs
            layer.coefficients.ensure(layer.rows * layer.stride)
            layer.radii.ensure(layer.rows)
            layer.norms.ensure(layer.rows)
            let coefficients = layer.coefficients.base
            coefficients.update(repeating: 0, count: layer.rows * layer.stride)
            layer.radii.base.update(repeating: 0, count: layer.rows)
            let first = number == 0 ? 1 : layer.firstColumn
            for row in 0..<layer.rows {
                let place = coefficients + row * layer.stride
                place[0] = source.bias[row]
                for input in 0..<source.inputs {
                    place[first + input] = source.kernel[input * source.outputs + row]
                }
            }
            columns += layer.rows
        }
        if let last = layers.last {
            origins.ensure(last.rows)
            for row in 0..<last.rows { origins.base[row] = Int32(row) }
        }
    }
}
