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
    private let network: CellNetwork
    private let loss: Loss
    private let shape: SpectrumShape
    /// The neurons of the last hidden layer that are on for one of two recipes, and their outputs.
    private let active: Scratch<Int32>
    private let outputs: Scratch<Float>
    private let sorter: CellOrder
    private let order = Scratch<Int32>(filler: 0)

    /// `network` has at least one hidden layer and fits `loss`.
    init(network: DenseNetwork, loss: Loss) {
        dimension = network.inputCount
        self.network = CellNetwork(network)
        let last = network.layers[network.layers.count - 1]
        shape = SpectrumShape(layer: last, target: loss.target)
        self.loss = loss
        active = Scratch(last.inputs + 1, filler: 0)
        outputs = Scratch(2 * last.inputs + 2, filler: 0)
        let first = network.layers[0]
        // How much the network heeds each variable.
        let weights = (0..<network.inputCount).map { input in
            first.kernel[(input * first.outputs)..<((input + 1) * first.outputs)]
                .reduce(0) { $0 + abs($1) }
        }
        sorter = CellOrder(
            weights: weights, cell: CellNetwork.capacity, leaf: CellNetwork.leaf)
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
                order.ensure(count)
                sorter.sort(points, count: count, into: order.base)
                for first in stride(from: 0, to: count, by: CellNetwork.capacity) {
                    let size = min(CellNetwork.capacity, count - first)
                    evaluate(points, order.base + first, size, losses)
                }
            }
        }
        return losses
    }

    /// The losses of the recipes of a cell, those `order` names.
    private func evaluate(
        _ points: UnsafePointer<Float>, _ order: UnsafePointer<Int32>, _ count: Int,
        _ losses: UnsafeMutablePointer<Double>
    ) {
        let candidates = network.build(points: points, order: order, count: count)
        var level: Float = 0
        for first in stride(from: 0, to: count, by: CellNetwork.leaf) {
            let live = candidates.leaf(first)
            let size = min(CellNetwork.leaf, count - first)
            for point in stride(from: 0, to: size, by: 2) {
                let on = pair(live, point)
                let (one, other) = shape.parts(
                    units: active.base, values: outputs.base, count: on, level: level)
                losses[Int(order[first + point])] = loss(one)
                if point + 1 < size { losses[Int(order[first + point + 1])] = loss(other) }
                level = one.floor.isFinite ? one.floor : 0
            }
        }
    }

    /// The neurons that are on for one of two recipes of a leaf: how many.
    @inline(__always)
    private func pair(_ live: CellCandidates.Live, _ point: Int) -> Int {
        let (active, outputs) = (active.base, outputs.base)
        var on = 0
        var row = live.outputs + point
        for index in 0..<live.count {
            let (one, other) = (row[0], row[1])
            active[on] = live.units[index]
            outputs[2 &* on] = one < 0 ? 0 : one
            outputs[2 &* on &+ 1] = other < 0 ? 0 : other
            on &+= one <= 0 && other <= 0 ? 0 : 1
            row += CellNetwork.leaf
        }
        return on
    }

    @inline(__always)
    private func loss(_ parts: SpectrumShape.Parts) -> Double {
        guard parts.square > 0, parts.square.isFinite else { return 1 }
        let cosine = Double(parts.product) / Double(parts.square).squareRoot()
        return 1 - loss.amplitudeFactor(Double(parts.peak)) * cosine
    }
}
