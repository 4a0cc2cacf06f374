/// Puts recipes in an order in which neighbours follow each other.
///
/// All variables together are parted into boxes of about as many recipes first, each box then in
/// halves along the variable in which its recipes lie farthest apart, until few are left. Only
/// the order depends on it, so a byte per variable is enough.
final class CellOrder {
    /// Recipes that follow each other.
    struct Cell: Equatable {
        var first: Int
        var count: Int
    }

    private let cell: Int
    private let leaf: Int
    /// How much each variable counts.
    private let weights: [Float]
    private var stepWeights: [Float] = []
    private var records = Scratch<UInt64>(filler: 0, isUsedWhole: true)
    private var aside = Scratch<UInt64>(filler: 0, isUsedWhole: true)
    private let names = Scratch<UInt16>(filler: 0)
    private let counts = Scratch<Int32>(256, filler: 0)
    private(set) var cells: [Cell] = []

    /// For recipes of `weights.count` variables. Cells have at most `cell` recipes; leaves of
    /// `leaf` within them are filled, but for a cell's last.
    init(weights: [Float], cell: Int, leaf: Int) {
        self.weights = weights
        self.cell = cell
        self.leaf = leaf
    }

    /// Writes the numbers of the recipes of `source` to `order`, cell after cell; its numbers are
    /// fewer than `CellCodes.numbers`.
    func sort(_ source: some RecipeSource, into order: UnsafeMutablePointer<Int32>) {
        let count = source.count
        records.ensure(count)
        aside.ensure(count)
        names.ensure(count)
        let codes = CellCodes(source, weights: weights)
        stepWeights = codes.stepWeights
        source.encode(codes, into: records.base)
        cells.removeAll(keepingCapacity: true)
        let boxes = CellBoxes(
            UnsafePointer(records.base), count: count, stepWeights: stepWeights,
            atMost: max(1, cell * 5 / 8))
        let starts = boxes.part(
            UnsafePointer(records.base), count, names: names.base, into: aside.base)
        swap(&records, &aside)
        for box in 1..<starts.count { cut(starts[box - 1], starts[box] - starts[box - 1]) }
        for place in 0..<count {
            order[place] = Int32(truncatingIfNeeded: records.base[place] >> CellCodes.numberShift)
        }
    }

    /// Makes cells of `count` recipes from place `first` on.
    private func cut(_ first: Int, _ count: Int) {
        guard count > 0 else { return }
        if count > cell {
            let left = half(count)
            if let axis = axis(first, count) { part(first, count, left: left, axis: axis) }
            cut(first, left)
            cut(first + left, count - left)
        } else {
            cells.append(Cell(first: first, count: count))
            split(first, count)
        }
    }

    /// Orders `count` recipes from place `first` on.
    private func split(_ first: Int, _ count: Int) {
        guard count > leaf, let axis = axis(first, count) else { return }
        let left = half(count)
        part(first, count, left: left, axis: axis)
        split(first, left)
        split(first + left, count - left)
    }

    /// Half of `count`, in whole leaves.
    private func half(_ count: Int) -> Int {
        max(leaf, (count / 2 + leaf / 2) / leaf * leaf)
    }

    /// The variable in which the recipes lie farthest apart; nil where all are equal.
    private func axis(_ first: Int, _ count: Int) -> Int? {
        let records = UnsafeRawPointer(records.base + first)
        let only = records.loadUnaligned(as: SIMD8<UInt8>.self)
        var low = SIMD16(lowHalf: only, highHalf: only)
        var high = low
        for place in stride(from: 0, to: count &- 1, by: 2) {
            let two = records.loadUnaligned(
                fromByteOffset: place &* 8, as: SIMD16<UInt8>.self)
            low.replace(with: two, where: two .< low)
            high.replace(with: two, where: two .> high)
        }
        let last = records.loadUnaligned(
            fromByteOffset: (count &- 1) &* 8, as: SIMD8<UInt8>.self)
        let lows = pointwiseMin(pointwiseMin(low.lowHalf, low.highHalf), last)
        let highs = pointwiseMax(pointwiseMax(high.lowHalf, high.highHalf), last)
        var best: Int?
        var most: Float = 0
        for variable in stepWeights.indices where highs[variable] > lows[variable] {
            let reach = stepWeights[variable] * Float(highs[variable] - lows[variable])
            if best == nil || reach > most { (best, most) = (variable, reach) }
        }
        return best
    }

    /// Puts the `left` recipes with the lowest codes of variable `axis` before the others.
    private func part(_ first: Int, _ count: Int, left: Int, axis: Int) {
        let records = records.base + first
        let aside = aside.base
        let counts = counts.base
        let shift = UInt64(8 &* axis)
        counts.update(repeating: 0, count: 256)
        for place in 0..<count { counts[Int(records[place] >> shift & 0xff)] &+= 1 }
        var limit = 0
        var ties = Int32(truncatingIfNeeded: left)
        while counts[limit] <= ties, limit < 255 {
            ties &-= counts[limit]
            limit += 1
        }
        let wall = Int32(truncatingIfNeeded: limit)
        var (before, after) = (0, 0)
        for place in 0..<count {
            let record = records[place]
            let code = Int32(truncatingIfNeeded: record >> shift & 0xff)
            // Sign bits, for a branch here would be guessed wrong half the time.
            let isBelow = (code &- wall) >> 31
            let isTie = ((code ^ wall) &- 1) >> 31
            let isBefore = (isBelow | (isTie & (0 &- ties) >> 31)) & 1
            ties &+= isTie
            records[before] = record
            aside[after] = record
            before &+= Int(isBefore)
            after &+= 1 &- Int(isBefore)
        }
        (records + before).update(from: aside, count: after)
    }
}
