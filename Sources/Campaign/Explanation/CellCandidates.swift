/// The neurons of the last hidden layer that may be on in a cell, and their outputs for the
/// recipes of its leaves.
final class CellCandidates {
    private var rows: CellKernels.Rows
    private var count = 0
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
        middles = Scratch(columns, filler: 0)
        halves = Scratch(columns, filler: 0)
        outputs = Scratch((neurons + CellKernels.rowBlock) * CellNetwork.leaf, filler: 0)
        live = Scratch(neurons, filler: 0)
        rows = CellKernels.Rows(
            coefficients: coefficients.base, width: 0, columns: 0, values: tops.base, capacity: 0)
    }

    /// Keeps those of the first `count` neurons of `all` whose inputs may reach above zero.
    func choose(_ all: CellKernels.Rows, top: UnsafePointer<Float>, count: Int) {
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

    /// What is on in a leaf.
    struct Live {
        var units: UnsafePointer<Int32>
        var count: Int
        /// One row of `CellNetwork.leaf` outputs per unit; negative where the unit is off.
        var outputs: UnsafePointer<Float>
    }

    /// The neurons that are on for a recipe of the leaf that begins with recipe `first`.
    func leaf(_ first: Int) -> Live {
        let open = ask(first)
        var on = 0
        var inLeaf = rows
        inLeaf.values = rows.values + first
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
                let kept = outputs.base + on * size
                if kept != row { kept.update(from: row, count: size) }
                live.base[on] = self.names.base[Int(names[offset])]
                on += 1
            }
        }
        return Live(units: live.base, count: on, outputs: outputs.base)
    }

    /// Which rows may reach above zero in the box of a leaf's columns: how many, their indices in
    /// `chosen`.
    private func ask(_ first: Int) -> Int {
        measure(first)
        let (rows, width, count) = (rows, rows.width, count)
        let (middles, halves) = (UnsafePointer(middles.base), UnsafePointer(halves.base))
        let (tops, chosen) = (tops.base, chosen.base)
        CellKernels.tops(rows, count: width, middles: middles, halves: halves, into: tops)
        var open = 0
        for index in 0..<count {
            chosen[open] = Int32(truncatingIfNeeded: index)
            open &+= tops[index] <= 0 ? 0 : 1
        }
        for offset in 0..<CellKernels.rowBlock { chosen[open + offset] = 0 }
        return open
    }

    /// Middles of the leaf's columns, and how far they go from them.
    private func measure(_ first: Int) {
        let (rows, middles, halves) = (rows, middles.base, halves.base)
        var place = rows.values + first
        var column = 1
        while column < rows.columns {
            let (low, high) = CellKernels.extremes(place, count: CellNetwork.leaf)
            let middle = 0.5 * low + 0.5 * high
            middles[column] = middle
            halves[column] = max(high - middle, middle - low)
            place += rows.capacity
            column &+= 1
        }
    }
}
