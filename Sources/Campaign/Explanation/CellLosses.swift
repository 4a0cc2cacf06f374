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
    private let sample: CellSample
    /// The network of the recipes in `sample`.
    private let local: CellNetwork
    /// Ends of the box looked at.
    private let box: Scratch<Float>
    /// The neurons of the last hidden layer that are on for one recipe, and their outputs.
    private let active: Scratch<Int32>
    private let outputs: Scratch<Float>
    private let live: Scratch<Int32>
    private let cells = Scratch<Int32>(filler: 0)
    private let order = Scratch<Int32>(filler: 0)
    private let starts = Scratch<Int32>(filler: 0)

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
        sample = CellSample(columns: root.columnCount)
        local = CellNetwork(inputs: network.inputCount, layerCount: root.layers.count)
        box = Scratch(2 * dimension, filler: 0)
        let last = root.layers[root.layers.count - 1].rows
        active = Scratch(last + 1, filler: 0)
        outputs = Scratch(last + 1, filler: 0)
        live = Scratch(last + 1, filler: 0)
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
        if further > 0, depth >= job.firstCut, (depth - job.firstCut) % Self.halvingsPerCut == 0 {
            while networks.count <= depth {
                networks.append(
                    CellNetwork(inputs: dimension, layerCount: root.layers.count))
            }
            network = networks[depth]
            let (low, high) = (box.base, box.base + dimension)
            job.partition.box(prefix: prefix, depth: depth, low: low, high: high)
            bounds.enclose(parent, low: low, high: high)
            network.cut(parent, bounds)
        }
        guard further > 0 else {
            for place in stride(from: first, to: end, by: CellSample.capacity) {
                evaluate(job, place..<min(place + CellSample.capacity, end), network)
            }
            return
        }
        visit(job, prefix: prefix << 1, depth: depth + 1, network)
        visit(job, prefix: prefix << 1 | 1, depth: depth + 1, network)
    }

    private func evaluate(_ job: Job, _ cell: Range<Int>, _ parent: CellNetwork) {
        load(job, cell)
        local.fit(parent, to: sample, bounds)
        let last = local.layers[local.layers.count - 1]
        let sums = UnsafePointer(sample.values.base) + last.ownColumn * CellSample.capacity
        // The neurons that are on for any of the recipes.
        let live = live.base
        var liveCount = 0
        for row in 0..<last.rows {
            live[liveCount] = Int32(truncatingIfNeeded: row)
            liveCount += sample.extremes(sums + row * CellSample.capacity).high > 0 ? 1 : 0
        }
        let origins = UnsafePointer(local.origins.base)
        let (active, outputs) = (active.base, outputs.base)
        let order = UnsafePointer(order.base) + cell.lowerBound
        for point in 0..<cell.count {
            var on = 0
            for index in 0..<liveCount {
                let row = Int(live[index])
                let value = sums[row &* CellSample.capacity &+ point]
                active[on] = origins[row]
                outputs[on] = value
                on &+= value > 0 ? 1 : 0
            }
            let parts = shape.parts(units: active, values: outputs, count: on)
            job.losses[Int(order[point])] = loss(parts)
        }
    }

    /// Puts the recipes of `cell` into the sample, and their box into the bounds.
    private func load(_ job: Job, _ cell: Range<Int>) {
        sample.count = cell.count
        let values = sample.values.base
        let order = UnsafePointer(order.base) + cell.lowerBound
        for point in 0..<CellSample.capacity { values[point] = 1 }
        for point in 0..<sample.filled {
            let source = job.points + Int(order[min(point, cell.count - 1)]) * dimension
            for variable in 0..<dimension {
                values[(1 + variable) &* CellSample.capacity &+ point] = source[variable]
            }
        }
        let (low, high) = (box.base, box.base + dimension)
        for variable in 0..<dimension {
            (low[variable], high[variable]) = sample.extremes(
                values + (1 + variable) * CellSample.capacity)
        }
        bounds.start(low: low, high: high)
    }

    @inline(__always)
    private func loss(_ parts: SpectrumShape.Parts) -> Double {
        guard parts.square > 0, parts.square.isFinite else { return 1 }
        let cosine = Double(parts.product) / Double(parts.square).squareRoot()
        return 1 - loss.amplitudeFactor(Double(parts.peak)) * cosine
    }
}
