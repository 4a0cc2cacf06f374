/// The neurons of the last hidden layer that may be on in a cell, and their outputs for the
/// recipes of its leaves.
final class CellCandidates {
    private var rows: CellKernels.Rows
    private var count = 0
    /// Recipes of the cell.
    private var recipes = 0
    private var bends: CellBends
    private let patch: CellPatch
    /// The rows in the patch whose leaves are asked for.
    private var inPatch: CellKernels.Rows
    private let coefficients: Scratch<Float>
    private let names: Scratch<Int32>
    private let tops: Scratch<Float>
    private let chosen: Scratch<Int32>
    /// Middles of a leaf's columns.
    private let middles: Scratch<Float>
    private let halves: Scratch<Float>
    private let outputs: Scratch<Float>
    /// The neurons that are on for a recipe of the leaf.
    private let live: Scratch<Int32>

    init(columns: Int, neurons: Int) {
        coefficients = Scratch((columns + 1) * neurons, filler: 0)
        names = Scratch(neurons, filler: 0)
        tops = Scratch(neurons, filler: 0)
        chosen = Scratch(neurons + CellKernels.rowBlock, filler: 0)
        middles = Scratch(columns + 8, filler: 0)
        halves = Scratch(columns + 8, filler: 0)
        outputs = Scratch((neurons + CellKernels.rowBlock) * CellNetwork.leaf, filler: 0)
        live = Scratch(neurons, filler: 0)
        rows = CellKernels.Rows(
            coefficients: coefficients.base, width: 0, columns: 0, values: tops.base, capacity: 0)
        inPatch = rows
        bends = CellBends(columns: 1)
        patch = CellPatch(columns: columns, neurons: neurons)
    }

    /// Keeps those of the first `count` neurons of `all` whose inputs may reach above zero.
    func choose(
        _ all: CellKernels.Rows, top: UnsafePointer<Float>, count: Int, bends: CellBends,
        recipes: Int
    ) {
        self.bends = bends
        self.recipes = recipes
        self.count = 0
        for neuron in 0..<count where !(top[neuron] <= 0) {
            names.base[self.count] = Int32(truncatingIfNeeded: neuron)
            self.count += 1
        }
        rows = all
        rows.coefficients = UnsafePointer(coefficients.base)
        rows.width = CellKernels.padded(self.count, CellKernels.neuronBlock)
        for column in 0..<all.columns {
            let source = all.coefficients + column * all.width
            let target = coefficients.base + column * rows.width
            for index in 0..<self.count { target[index] = source[Int(names.base[index])] }
            for index in self.count..<max(self.count, rows.width) { target[index] = 0 }
        }
    }

    /// The neurons that are on for a recipe of the leaf that begins with recipe `first`; leaves
    /// are asked for one after the other.
    func leaf(_ first: Int) -> SpectrumShape.Live {
        let place = first % CellPatch.capacity
        if place == 0 {
            inPatch = patch.fold(
                rows, bends, number: first / CellPatch.capacity,
                size: min(CellPatch.capacity, recipes - first))
        }
        var inLeaf = inPatch
        inLeaf.values += place
        let open = ask(inLeaf)
        var on = 0
        let size = CellNetwork.leaf
        for place in stride(from: 0, to: open, by: CellKernels.rowBlock) {
            let names = chosen.base + place
            let target = outputs.base + on * size
            CellKernels.evaluate(
                inLeaf, neurons: (Int(names[0]), Int(names[1]), Int(names[2]), Int(names[3])),
                count: size, into: target, distance: size)
            for offset in 0..<min(CellKernels.rowBlock, open - place) {
                let row = target + offset * size
                guard CellKernels.reachesAboveZero(row, count: size) else { continue }
                CellKernels.rectify(row, count: size, into: outputs.base + on * size)
                live.base[on] = self.names.base[Int(names[offset])]
                on += 1
            }
        }
        return SpectrumShape.Live(units: live.base, count: on, outputs: outputs.base)
    }

    /// Which of the leaf's rows may reach above zero in the box of its columns: how many, their
    /// indices in `chosen`.
    private func ask(_ rows: CellKernels.Rows) -> Int {
        let (middles, halves) = (middles.base, halves.base)
        CellKernels.box(rows, count: CellNetwork.leaf, middles: middles, halves: halves)
        let (tops, chosen, count) = (tops.base, chosen.base, count)
        CellKernels.tops(rows, count: rows.width, middles: middles, halves: halves, into: tops)
        var open = 0
        for first in stride(from: 0, to: count, by: 8) {
            if all(SIMD8.load(tops + first) .<= SIMD8<Float>()) { continue }
            for index in first..<min(first &+ 8, count) {
                chosen[open] = Int32(truncatingIfNeeded: index)
                open &+= tops[index] <= 0 ? 0 : 1
            }
        }
        for offset in 0..<CellKernels.rowBlock { chosen[open + offset] = 0 }
        return open
    }
}
