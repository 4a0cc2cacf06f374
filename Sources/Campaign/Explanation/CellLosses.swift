import Spectra
import Surrogates

/// Predicted losses of many recipes at once.
///
/// The recipes are parted into cells of neighbours. Within a cell few rectifiers switch, so the
/// network is cut down to those (see `LocalNetwork`) once for all recipes of the cell, and a
/// recipe costs a small part of the whole network. Equal to predicting one by one but for
/// rounding in single precision.
final class CellLosses {
    private let dimension: Int
    private let loss: Loss
    private let root: LocalNetwork
    private let layer: OutputLayer
    private let resolver: Resolver
    private var networks: [LocalNetwork] = []
    private let known: BoxForms
    /// Columns of eight recipes.
    private let columns: Scratch<Float>
    private var rows: [SIMD16<Float>] = []
    private var order: [Int32] = []
    private var losses: [Double] = []

    /// Recipes of a cell that is not parted further.
    static let cellSize = 64
    /// Recipes of the largest cell the network is cut down for.
    static let largestCell = 16_384
    /// The network is cut down again once a cell has shrunk by this much: doing it at every
    /// halving costs more than it saves.
    static let shrinkage = 8
    /// Cells within cells at most.
    static let mostDepth = 40

    /// `network` has at least one hidden layer and fits `loss`.
    init(network: DenseNetwork, loss: Loss) {
        dimension = network.inputCount
        self.loss = loss
        root = LocalNetwork(network)
        layer = OutputLayer(network: network, loss: loss)
        resolver = Resolver(layerCount: root.layers.count)
        known = BoxForms(dimension: dimension, columns: root.columnCount)
        columns = Scratch((root.columnCount + 16) * 8, filler: 0)
    }

    /// The losses of `points`, `dimension` numbers each; 1 where the spectrum has no shape.
    func losses(of points: [Float]) -> [Double] {
        let count = points.count / dimension
        rows = (0..<count).map { point in
            var row = SIMD16<Float>()
            for variable in 0..<dimension { row[variable] = points[point * dimension + variable] }
            return row
        }
        order = (0..<Int32(count)).map { $0 }
        losses = [Double](repeating: 0, count: count)
        if count > 0 { visit(0..<count, root, depth: 0, isRoot: true, limit: Self.largestCell) }
        return losses
    }

    /// `limit` is the count of recipes from which on the network is cut down again.
    private func visit(
        _ cell: Range<Int>, _ parent: LocalNetwork, depth: Int, isRoot: Bool, limit: Int
    ) {
        let (low, high) = extent(cell)
        let isLast = cell.count <= Self.cellSize || low == high || depth >= Self.mostDepth
        var network = parent
        var stillRoot = isRoot
        var limit = limit
        if isLast || cell.count <= limit {
            limit = cell.count / Self.shrinkage
            while networks.count <= depth {
                networks.append(
                    LocalNetwork(inputs: dimension, layerCount: root.layers.count))
            }
            network = networks[depth]
            known.setBox(low: { low[$0] }, high: { high[$0] })
            known.enclose(parent)
            resolver.resolve(parent, in: known, into: network, isRoot: isRoot)
            stillRoot = false
        }
        guard !isLast else { return evaluate(cell, network) }
        let middle = part(cell, along: widest(low, high))
        visit(cell.lowerBound..<middle, network, depth: depth + 1, isRoot: stillRoot, limit: limit)
        visit(middle..<cell.upperBound, network, depth: depth + 1, isRoot: stillRoot, limit: limit)
    }

    private func extent(_ cell: Range<Int>) -> (SIMD16<Float>, SIMD16<Float>) {
        var low = SIMD16<Float>(repeating: .infinity)
        var high = SIMD16<Float>(repeating: -.infinity)
        for place in cell {
            let row = rows[Int(order[place])]
            low.replace(with: row, where: row .< low)
            high.replace(with: row, where: row .> high)
        }
        return (low, high)
    }

    /// The variable whose width moves the first layer most.
    private func widest(_ low: SIMD16<Float>, _ high: SIMD16<Float>) -> Int {
        var widest = 0
        var most: Float = -1
        let first = root.layers[0]
        for variable in 0..<dimension where high[variable] > low[variable] {
            var weight: Float = 0
            for row in 0..<first.rows {
                weight += abs(first.coefficients.base[row * first.stride + 1 + variable])
            }
            let reach = weight * (high[variable] - low[variable])
            if reach > most {
                most = reach
                widest = variable
            }
        }
        return widest
    }

    /// Parts `cell` where values of `variable` change, near the middle of its recipes; returns
    /// where the second part begins. There are at least two values.
    private func part(_ cell: Range<Int>, along variable: Int) -> Int {
        let rows = rows
        order[cell].sort {
            let a = rows[Int($0)][variable]
            let b = rows[Int($1)][variable]
            return a < b || (a == b && $0 < $1)
        }
        func value(_ place: Int) -> Float { rows[Int(order[place])][variable] }
        let middle = (cell.lowerBound + cell.upperBound) / 2
        var after = middle
        while after < cell.upperBound, value(after) == value(middle) { after += 1 }
        var before = middle
        while before > cell.lowerBound, value(before - 1) == value(middle) { before -= 1 }
        if before == cell.lowerBound { return after }
        if after == cell.upperBound { return before }
        return after - middle < middle - before ? after : before
    }

    private func evaluate(_ cell: Range<Int>, _ network: LocalNetwork) {
        let last = network.layers[network.layers.count - 1]
        let values = columns.base
        var place = cell.lowerBound
        while place < cell.upperBound {
            let count = min(8, cell.upperBound - place)
            for lane in 0..<8 {
                let row = rows[Int(order[place + min(lane, count - 1)])]
                values[lane] = 1
                for variable in 0..<dimension {
                    values[(1 + variable) * 8 + lane] = row[variable]
                }
            }
            for layer in network.layers { Self.rectified(layer, values) }
            for lane in 0..<count {
                let centre = layer.centre(
                    network, values: values + last.ownColumn * 8 + lane, stride: 8,
                    places: false)
                let cosine =
                    centre.square > 0 ? centre.product / centre.square.squareRoot() : 0
                losses[Int(order[place + lane])] =
                    1 - loss.amplitudeFactor(centre.peak) * cosine
            }
            place += count
        }
    }

    /// A layer's outputs for eight recipes at once, two rows at a time.
    private static func rectified(_ layer: LocalLayer, _ values: UnsafeMutablePointer<Float>) {
        let source = UnsafeRawPointer(values)
        let target = UnsafeMutableRawPointer(values + layer.ownColumn * 8)
        let coefficients = UnsafePointer(layer.coefficients.base)
        let zero = SIMD8<Float>()
        var row = 0
        while row < layer.rows {
            let first = coefficients + row * layer.stride
            // The last row of an odd count is summed twice.
            let isPair = row + 1 < layer.rows
            let second = isPair ? first + layer.stride : first
            var a = zero
            var b = zero
            for column in 0..<layer.columns {
                let value = source.loadUnaligned(
                    fromByteOffset: column * 32, as: SIMD8<Float>.self)
                a.addProduct(value, SIMD8(repeating: first[column]))
                b.addProduct(value, SIMD8(repeating: second[column]))
            }
            a.replace(with: zero, where: a .< zero)
            b.replace(with: zero, where: b .< zero)
            target.storeBytes(of: a, toByteOffset: row * 32, as: SIMD8<Float>.self)
            if isPair {
                target.storeBytes(of: b, toByteOffset: row * 32 + 32, as: SIMD8<Float>.self)
            }
            row += 2
        }
    }
}
