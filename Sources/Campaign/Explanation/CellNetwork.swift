import Surrogates

/// A hidden layer of a cell's network: each row is a neuron's input as a linear function of 1,
/// the variables, and the outputs of the neurons kept in the layers before.
final class CellLayer {
    /// Neurons kept: columns of the layers that follow.
    var rows = 0
    /// Rows that were resolved; only the layers above need them.
    var resolved = 0
    /// Columns of a row.
    var columns = 0
    /// Distance of two rows, whole vectors; what lies behind the columns is zero.
    var stride = 0
    /// `rows × stride`, and room for a block of rows more.
    let coefficients = Scratch<Float>(filler: 0)
    /// Which rows of the parent those kept were.
    let order = Scratch<Int32>(filler: 0)
    /// `resolved × stride`, and room for a block of rows more.
    let solved = Scratch<Float>(filler: 0)
    /// Which rows of the parent those resolved were.
    let solvedOrder = Scratch<Int32>(filler: 0)

    /// Where the neurons of this layer stand among the columns of the layers that follow.
    var ownColumn: Int { columns }
}

/// The hidden part of a network as it is within a cell of recipes: rectifiers that are always on
/// there are multiplied out, those always off left out.
///
/// Unlike the `LocalNetwork` of the grid search it keeps no account of rounding: a rectifier
/// taken for on or off that is not by what single precision rounds off is wrong by just that
/// much, for it bends at zero and does not jump.
final class CellNetwork {
    let inputs: Int
    let layers: [CellLayer]
    /// Which neuron of the last hidden layer each of its rows is.
    let origins = Scratch<Int32>(filler: 0)

    /// Rows worked on together; a block's end may lie behind the last row.
    static let block = 4

    init(inputs: Int, layerCount: Int) {
        self.inputs = inputs
        layers = (0..<layerCount).map { _ in CellLayer() }
    }

    /// Columns of 1, the variables and all neurons.
    var columnCount: Int { layers[layers.count - 1].columns + layers[layers.count - 1].rows }

    /// The hidden layers of `network` with nothing resolved.
    convenience init(_ network: DenseNetwork) {
        self.init(inputs: network.inputCount, layerCount: network.layers.count - 1)
        var columns = 1 + inputs
        for (number, layer) in layers.enumerated() {
            let source = network.layers[number]
            layer.rows = source.outputs
            layer.columns = columns
            layer.stride = LocalNetwork.padded(columns)
            layer.coefficients.ensure((layer.rows + Self.block) * layer.stride)
            let first = number == 0 ? 1 : columns - source.inputs
            source.kernel.withUnsafeBufferPointer { kernel in
                for row in 0..<layer.rows {
                    let place = layer.coefficients.base + row * layer.stride
                    place[0] = source.bias[row]
                    for input in 0..<source.inputs {
                        place[first + input] = kernel[input * source.outputs + row]
                    }
                }
            }
            columns += layer.rows
        }
        let last = layers[layers.count - 1].rows
        origins.ensure(last)
        for row in 0..<last { origins.base[row] = Int32(row) }
    }

    /// Makes this the network of the cell that `bounds` enclosed `parent` in.
    func cut(_ parent: CellNetwork, _ bounds: CellBounds) {
        var columns = 1 + inputs
        for number in layers.indices {
            let old = parent.layers[number]
            let new = layers[number]
            choose(old, new, bounds, keepsAll: number == layers.count - 1)
            new.columns = columns
            new.stride = LocalNetwork.padded(columns)
            new.coefficients.ensure((new.rows + Self.block) * new.stride)
            new.solved.ensure((new.resolved + Self.block) * new.stride)
            fill(number, parent, new.coefficients, new.order, count: new.rows)
            fill(number, parent, new.solved, new.solvedOrder, count: new.resolved)
            columns += new.rows
        }
        name(parent)
    }

    /// Which neurons the rows of the last hidden layer are.
    func name(_ parent: CellNetwork) {
        let last = layers[layers.count - 1]
        origins.ensure(last.rows)
        for row in 0..<last.rows {
            origins.base[row] = parent.origins.base[Int(last.order.base[row])]
        }
    }

    private func choose(
        _ old: CellLayer, _ new: CellLayer, _ bounds: CellBounds, keepsAll: Bool
    ) {
        new.order.ensure(old.rows + Self.block)
        new.solvedOrder.ensure(old.rows + Self.block)
        let (order, solved) = (new.order.base, new.solvedOrder.base)
        let upper = UnsafePointer(bounds.upper) + old.ownColumn
        let lower = UnsafePointer(bounds.lower) + old.ownColumn
        new.rows = 0
        new.resolved = 0
        for row in 0..<old.rows where !(upper[row] <= 0) {
            if keepsAll || !(lower[row] >= 0) {
                order[new.rows] = Int32(truncatingIfNeeded: row)
                new.rows += 1
            } else {
                solved[new.resolved] = Int32(truncatingIfNeeded: row)
                new.resolved += 1
            }
        }
        // A block's end behind the last row works on some row again.
        for row in 0..<Self.block {
            order[new.rows + row] = 0
            solved[new.resolved + row] = 0
        }
    }

    /// Writes the `count` rows of layer `number` that `order` names, in this network's columns.
    func fill(
        _ number: Int, _ parent: CellNetwork, _ target: Scratch<Float>,
        _ order: Scratch<Int32>, count: Int
    ) {
        guard count > 0 else { return }
        copy(number, parent, target.base, UnsafePointer(order.base), count)
        for below in 0..<number where layers[below].resolved > 0 {
            substitute(below, into: number, parent, target.base, order.base, count)
        }
    }

    /// The parts of the rows that stay: 1, the variables, the neurons that still switch.
    private func copy(
        _ number: Int, _ parent: CellNetwork, _ rows: UnsafeMutablePointer<Float>,
        _ order: UnsafePointer<Int32>, _ count: Int
    ) {
        let old = parent.layers[number]
        let new = layers[number]
        let prefix = 1 + inputs
        for row in 0..<count {
            let source = UnsafePointer(old.coefficients.base) + Int(order[row]) * old.stride
            let target = rows + row * new.stride
            var column = 0
            while column < prefix {
                target[column] = source[column]
                column += 1
            }
            column = new.columns
            while column < new.stride {
                target[column] = 0
                column += 1
            }
        }
        for below in 0..<number {
            let layer = layers[below]
            let columns = UnsafePointer(layer.order.base)
            let kept = layer.rows
            for row in 0..<count {
                let source =
                    UnsafePointer(old.coefficients.base) + Int(order[row]) * old.stride
                    + parent.layers[below].ownColumn
                let target = rows + row * new.stride + layer.ownColumn
                var index = 0
                while index < kept {
                    target[index] = source[Int(columns[index])]
                    index += 1
                }
            }
        }
    }

    /// Adds coefficient × row to all rows of a layer, for the resolved rows of a layer below.
    private func substitute(
        _ below: Int, into number: Int, _ parent: CellNetwork,
        _ rows: UnsafeMutablePointer<Float>, _ order: UnsafePointer<Int32>, _ count: Int
    ) {
        let layer = layers[below]
        let old = parent.layers[number]
        let new = layers[number]
        let columns = UnsafePointer(layer.solvedOrder.base)
        let resolved = layer.resolved
        let own = UnsafePointer(old.coefficients.base) + parent.layers[below].ownColumn
        let step = new.stride * 4
        let distance = layer.stride * 4
        let source = UnsafeRawPointer(layer.solved.base)
        var row = 0
        while row < count {
            let p = own + Int(order[row]) * old.stride
            let q = own + Int(order[row + 1]) * old.stride
            let r = own + Int(order[row + 2]) * old.stride
            let s = own + Int(order[row + 3]) * old.stride
            let target = UnsafeMutableRawPointer(rows + row * new.stride)
            var chunk = 0
            while chunk < distance {
                let place = target + chunk
                var a = place.loadUnaligned(as: SIMD8<Float>.self)
                var b = place.loadUnaligned(fromByteOffset: step, as: SIMD8<Float>.self)
                var c = place.loadUnaligned(fromByteOffset: 2 * step, as: SIMD8<Float>.self)
                var d = place.loadUnaligned(fromByteOffset: 3 * step, as: SIMD8<Float>.self)
                var from = source + chunk
                var index = 0
                while index < resolved {
                    let part = from.loadUnaligned(as: SIMD8<Float>.self)
                    let column = Int(columns[index])
                    a.addProduct(part, SIMD8(repeating: p[column]))
                    b.addProduct(part, SIMD8(repeating: q[column]))
                    c.addProduct(part, SIMD8(repeating: r[column]))
                    d.addProduct(part, SIMD8(repeating: s[column]))
                    from += distance
                    index += 1
                }
                place.storeBytes(of: a, as: SIMD8<Float>.self)
                place.storeBytes(of: b, toByteOffset: step, as: SIMD8<Float>.self)
                place.storeBytes(of: c, toByteOffset: 2 * step, as: SIMD8<Float>.self)
                place.storeBytes(of: d, toByteOffset: 3 * step, as: SIMD8<Float>.self)
                chunk += 32
            }
            row += Self.block
        }
    }
}
