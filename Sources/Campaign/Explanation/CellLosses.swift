import Spectra
import Surrogates

/// Predicted losses of many recipes at once.
///
/// The recipes are parted into cells of neighbours. Within a cell few rectifiers switch, so the
/// network is cut down to those (see `CellNetwork`) once for all recipes of the cell, and a
/// recipe costs a small part of the whole network. Equal to predicting one by one but for
/// rounding in single precision.
final class CellLosses {
    private let network: CellNetwork
    private let loss: Loss
    private let shape: SpectrumShape
    private let sorter: CellOrder
    private let order = Scratch<Int32>(filler: 0, isUsedWhole: true)

    /// `network` has at least one hidden layer and fits `loss`.
    init(network: DenseNetwork, loss: Loss) {
        self.network = CellNetwork(network)
        let last = network.layers[network.layers.count - 1]
        shape = SpectrumShape(layer: last, target: loss.target)
        self.loss = loss
        let first = network.layers[0]
        // How much the network heeds each variable.
        let weights = (0..<network.inputCount).map { input in
            first.kernel[(input * first.outputs)..<((input + 1) * first.outputs)]
                .reduce(0) { $0 + abs($1) }
        }
        sorter = CellOrder(
            weights: weights, cell: CellNetwork.capacity, leaf: CellNetwork.leaf)
    }

    /// Writes the losses of the recipes of `source` to `losses`, by number; 1 where the spectrum
    /// has no shape.
    func find(_ source: some RecipeSource, into losses: UnsafeMutablePointer<Float>) {
        guard source.count > 0 else { return }
        order.ensure(source.count)
        sorter.sort(source, into: order.base)
        for cell in sorter.cells {
            evaluate(source, order.base + cell.first, cell.count, losses)
        }
    }

    /// The losses of the recipes of a cell, those `order` names.
    private func evaluate(
        _ source: some RecipeSource, _ order: UnsafePointer<Int32>, _ count: Int,
        _ losses: UnsafeMutablePointer<Float>
    ) {
        let candidates = network.build(source, order: order, count: count)
        for first in stride(from: 0, to: count, by: CellNetwork.leaf) {
            shape.measure(candidates.leaf(first))
            for point in 0..<min(CellNetwork.leaf, count - first) {
                losses[Int(order[first + point])] = Float(loss(shape.parts(point)))
            }
        }
    }

    @inline(__always)
    private func loss(_ parts: SpectrumShape.Parts) -> Double {
        guard parts.square > 0, parts.square.isFinite else { return 1 }
        let cosine = parts.product / parts.square.squareRoot()
        return 1 - loss.amplitudeFactor(Double(parts.peak)) * cosine
    }
}
