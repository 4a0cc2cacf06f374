import Spectra
import Surrogates

/// Predicted losses of many recipes at once.
///
/// The recipes are parted into cells of neighbours. Within a cell few rectifiers switch, so the
/// network is cut down to those (see `CellNetwork`) once for all recipes of the cell, and a
/// recipe costs a small part of the whole network. Equal to predicting one by one but for
/// rounding in single precision.
final class CellLosses {
    private let dimension: Int
    private let loss: Loss
    private let root: CellNetwork
    private let shape: SpectrumShape
    private let bounds: CellBounds
    private var networks: [CellNetwork] = []
    private let weights: [Float]
    /// Columns of sixteen recipes.
    private let columns: Scratch<Float>
    /// Ends of the box looked at.
    private let box: Scratch<Float>
    /// The neurons of the last hidden layer that are on for one recipe, and their outputs.
    private let active: Scratch<Int32>
    private let outputs: Scratch<Float>
    private let cells = Scratch<Int32>(filler: 0)
    private let order = Scratch<Int32>(filler: 0)
    private let starts = Scratch<Int32>(filler: 0)

    /// Recipes evaluated together: two vectors.
    static let group = 16
    /// The network is cut down again after this many halvings: doing it at each costs more than
    /// it saves.
    static let halvingsPerCut = 3

    /// `network` has at least one hidden layer and fits `loss`.
    init(network: DenseNetwork, loss: Loss) {
        dimension = network.inputCount
        self.loss = loss
        root = CellNetwork(network)
        shape = SpectrumShape(
            layer: network.layers[network.layers.count - 1], target: loss.target)
        bounds = CellBounds(dimension: dimension, columns: root.columnCount)
        let first = network.layers[0]
        weights = (0..<network.inputCount).map { input in
            first.kernel[(input * first.outputs)..<((input + 1) * first.outputs)]
                .reduce(0) { $0 + abs($1) }
        }
        columns = Scratch((root.columnCount + CellNetwork.block) * Self.group, filler: 0)
        box = Scratch(2 * dimension, filler: 0)
        let last = root.layers[root.layers.count - 1].rows
        active = Scratch(last + 1, filler: 0)
        outputs = Scratch(last + 1, filler: 0)
    }

    /// The losses of `points`, `dimension` numbers each; 1 where the spectrum has no shape.
    func losses(of points: [Float]) -> [Double] {
        let count = points.count / dimension
        var losses = [Double](repeating: 0, count: count)
        guard count > 0 else { return losses }
        points.withUnsafeBufferPointer { points in
            losses.withUnsafeMutableBufferPointer { losses in
                guard let points = points.baseAddress, let losses = losses.baseAddress else {
                    return
                }
                let partition = CellPartition(
                    points: points, count: count, dimension: dimension, weights: weights)
                sort(points, count, partition)
                var job = Job(points: points, losses: losses, partition: partition)
                job.firstCut = partition.depth % Self.halvingsPerCut
                visit(job, prefix: 0, depth: 0, root)
            }
        }
        return losses
    }

    private struct Job {
        var points: UnsafePointer<Float>
        var losses: UnsafeMutablePointer<Double>
        var partition: CellPartition
        /// Depth of the first cut.
        var firstCut = 0
    }

    /// Orders the recipes by cell; `starts` says where each cell begins.
    private func sort(_ points: UnsafePointer<Float>, _ count: Int, _ partition: CellPartition) {
        let cellCount = 1 << partition.depth
        cells.ensure(count)
        order.ensure(count)
        starts.ensure(cellCount + 2)
        partition.assign(points: points, count: count, to: cells.base)
        let (cells, order, starts) = (cells.base, order.base, starts.base)
        starts.update(repeating: 0, count: cellCount + 2)
        for point in 0..<count { starts[Int(cells[point]) + 2] += 1 }
        for cell in 0..<cellCount { starts[cell + 2] += starts[cell + 1] }
        for point in 0..<count {
            let cell = Int(cells[point]) + 1
            order[Int(starts[cell])] = Int32(truncatingIfNeeded: point)
            starts[cell] += 1
        }
    }

    private func visit(_ job: Job, prefix: Int, depth: Int, _ parent: CellNetwork) {
        let further = job.partition.depth - depth
        let first = Int(starts.base[prefix << further])
        let end = Int(starts.base[(prefix + 1) << further])
        guard end > first else { return }
        var network = parent
        if depth >= job.firstCut, (depth - job.firstCut) % Self.halvingsPerCut == 0 {
            while networks.count <= depth {
                networks.append(
                    CellNetwork(inputs: dimension, layerCount: root.layers.count))
            }
            network = networks[depth]
            let (low, high) = (box.base, box.base + dimension)
            if further == 0 {
                extent(job, first..<end, low: low, high: high)
            } else {
                job.partition.box(prefix: prefix, depth: depth, low: low, high: high)
            }
            bounds.enclose(parent, low: low, high: high)
            network.cut(parent, bounds)
        }
        guard further > 0 else { return evaluate(job, first..<end, network) }
        visit(job, prefix: prefix << 1, depth: depth + 1, network)
        visit(job, prefix: prefix << 1 | 1, depth: depth + 1, network)
    }

    private func extent(
        _ job: Job, _ cell: Range<Int>, low: UnsafeMutablePointer<Float>,
        high: UnsafeMutablePointer<Float>
    ) {
        low.update(repeating: .infinity, count: dimension)
        high.update(repeating: -.infinity, count: dimension)
        let order = UnsafePointer(order.base)
        for place in cell {
            let point = job.points + Int(order[place]) * dimension
            for variable in 0..<dimension {
                let value = point[variable]
                low[variable] = value < low[variable] ? value : low[variable]
                high[variable] = value > high[variable] ? value : high[variable]
            }
        }
    }

    private func evaluate(_ job: Job, _ cell: Range<Int>, _ network: CellNetwork) {
        let values = columns.base
        let order = UnsafePointer(order.base)
        let last = network.layers[network.layers.count - 1]
        let origins = UnsafePointer(network.origins.base)
        let (active, outputs) = (active.base, outputs.base)
        for lane in 0..<Self.group { values[lane] = 1 }
        var place = cell.lowerBound
        while place < cell.upperBound {
            let count = min(Self.group, cell.upperBound - place)
            for lane in 0..<Self.group {
                let point = job.points + Int(order[place + min(lane, count - 1)]) * dimension
                for variable in 0..<dimension {
                    values[(1 + variable) * Self.group + lane] = point[variable]
                }
            }
            for layer in network.layers { Self.rectified(layer, values) }
            for lane in 0..<count {
                let sums = values + last.ownColumn * Self.group + lane
                var on = 0
                for row in 0..<last.rows {
                    let value = sums[row * Self.group]
                    active[on] = origins[row]
                    outputs[on] = value
                    on += value > 0 ? 1 : 0
                }
                let parts = shape.parts(units: active, values: outputs, count: on)
                job.losses[Int(order[place + lane])] = loss(parts)
            }
            place += count
        }
    }

    @inline(__always)
    private func loss(_ parts: SpectrumShape.Parts) -> Double {
        guard parts.square > 0, parts.square.isFinite else { return 1 }
        let cosine = Double(parts.product) / Double(parts.square).squareRoot()
        return 1 - loss.amplitudeFactor(Double(parts.peak)) * cosine
    }

    /// A layer's outputs for sixteen recipes at once, a block of rows at a time.
    ///
    /// The end of the last block runs over the columns of the layer above, which are not known
    /// yet.
    @inline(__always)
    private static func rectified(_ layer: CellLayer, _ values: UnsafeMutablePointer<Float>) {
        let source = UnsafeRawPointer(values)
        let target = UnsafeMutableRawPointer(values + layer.ownColumn * group)
        let coefficients = UnsafePointer(layer.coefficients.base)
        let columns = layer.columns
        let zero = SIMD8<Float>()
        var row = 0
        while row < layer.rows {
            let p = coefficients + row * layer.stride
            let q = p + layer.stride
            let r = q + layer.stride
            let s = r + layer.stride
            var (a, b, c, d) = (zero, zero, zero, zero)
            var (e, f, g, h) = (zero, zero, zero, zero)
            var column = 0
            while column < columns {
                let x = source.loadUnaligned(
                    fromByteOffset: column * 64, as: SIMD8<Float>.self)
                let y = source.loadUnaligned(
                    fromByteOffset: column * 64 + 32, as: SIMD8<Float>.self)
                let (i, j) = (SIMD8(repeating: p[column]), SIMD8(repeating: q[column]))
                let (k, l) = (SIMD8(repeating: r[column]), SIMD8(repeating: s[column]))
                a.addProduct(x, i)
                e.addProduct(y, i)
                b.addProduct(x, j)
                f.addProduct(y, j)
                c.addProduct(x, k)
                g.addProduct(y, k)
                d.addProduct(x, l)
                h.addProduct(y, l)
                column += 1
            }
            let place = target + row * 64
            store(a, e, place)
            store(b, f, place + 64)
            store(c, g, place + 128)
            store(d, h, place + 192)
            row += CellNetwork.block
        }
    }

    @inline(__always)
    private static func store(
        _ a: SIMD8<Float>, _ b: SIMD8<Float>, _ place: UnsafeMutableRawPointer
    ) {
        let zero = SIMD8<Float>()
        place.storeBytes(of: a.replacing(with: zero, where: a .< zero), as: SIMD8<Float>.self)
        place.storeBytes(
            of: b.replacing(with: zero, where: b .< zero), toByteOffset: 32,
            as: SIMD8<Float>.self)
    }
}
