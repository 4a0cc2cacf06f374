/// The neurons of the last hidden layer that may be on in a cell, and their outputs for the
/// recipes of its leaves.
final class CellCandidates {
    private let dimension: Int
    private var rows: CellKernels.Rows
    private var count = 0
    private let coefficients: Scratch<Float>
    private let names: Scratch<Int32>
    /// Lengths of the rows' parts for the bends.
    private let norms: Scratch<Float>
    private let tops: Scratch<Float>
    private let chosen: Scratch<Int32>
    /// Middles of a leaf's columns.
    private let middles: Scratch<Float>
    private let halves: Scratch<Float>
    private let outputs: Scratch<Float>
    /// The neurons that are on for a recipe of the leaf.
    private let live: Scratch<Int32>

    init(dimension: Int, columns: Int, neurons: Int) {
        self.dimension = dimension
        coefficients = Scratch((columns + 1) * neurons, filler: 0)
        names = Scratch(neurons, filler: 0)
        norms = Scratch(neurons, filler: 0)
        tops = Scratch(neurons, filler: 0)
        chosen = Scratch(neurons + CellKernels.rowBlock, filler: 0)
        middles = Scratch(columns, filler: 0)
        halves = Scratch(dimension, filler: 0)
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
        rows.width = CellKernels.padded(self.count, 8)
        norms.base.update(repeating: 0, count: rows.width)
        for column in 0..<all.columns {
            let source = all.coefficients + column * all.width
            let target = coefficients.base + column * rows.width
            for index in 0..<self.count { target[index] = source[Int(names.base[index])] }
            for index in self.count..<max(self.count, rows.width) { target[index] = 0 }
            guard column > dimension else { continue }
            for index in 0..<rows.width { norms.base[index] += target[index] * target[index] }
        }
        for index in 0..<rows.width { norms.base[index].formSquareRoot() }
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

    /// Which rows may reach above zero in a leaf, by the box of its variables and the ball of its
    /// bends: how many, their indices in `chosen`.
    private func ask(_ first: Int) -> Int {
        let radius = measure(first)
        let width = rows.width
        var index = 0
        while index < width {
            var place = rows.coefficients + index
            var sum = SIMD8.load(place)
            sum.addProduct(SIMD8.load(norms.base + index), SIMD8(repeating: radius))
            for column in 1...dimension {
                place += width
                let part = SIMD8.load(place)
                sum.addProduct(part, SIMD8(repeating: middles.base[column]))
                sum.addProduct(part.sizes, SIMD8(repeating: halves.base[column - 1]))
            }
            var column = dimension + 1
            while column < rows.columns {
                place += width
                sum.addProduct(SIMD8.load(place), SIMD8(repeating: middles.base[column]))
                column &+= 1
            }
            sum.store(to: tops.base + index)
            index &+= 8
        }
        var open = 0
        for index in 0..<count {
            chosen.base[open] = Int32(truncatingIfNeeded: index)
            open &+= tops.base[index] <= 0 ? 0 : 1
        }
        for offset in 0..<CellKernels.rowBlock { chosen.base[open + offset] = 0 }
        return open
    }

    /// Middles of the leaf's columns, and how far its recipes go from them: each variable, and
    /// the bends together.
    private func measure(_ first: Int) -> Float {
        let size = CellNetwork.leaf
        var column = 1
        while column <= dimension {
            let (low, high) = CellKernels.extremes(
                rows.values + ((column &- 1) &* rows.capacity &+ first), count: size)
            let middle = 0.5 * low + 0.5 * high
            middles.base[column] = middle
            halves.base[column - 1] = max(high - middle, middle - low)
            column &+= 1
        }
        let zero = SIMD8<Float>()
        var (a, b, c, d) = (zero, zero, zero, zero)
        while column < rows.columns {
            let place = rows.values + ((column &- 1) &* rows.capacity &+ first)
            let (p, q) = (SIMD8.load(place), SIMD8.load(place + 8))
            let (r, s) = (SIMD8.load(place + 16), SIMD8.load(place + 24))
            let middle = 0.25 * (p[4] + q[4] + r[4] + s[4])
            middles.base[column] = middle
            let all = SIMD8(repeating: middle)
            a.addProduct(p - all, p - all)
            b.addProduct(q - all, q - all)
            c.addProduct(r - all, r - all)
            d.addProduct(s - all, s - all)
            column &+= 1
        }
        return a.larger(b).larger(c.larger(d)).largest.squareRoot()
    }
}
