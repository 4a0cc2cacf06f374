/// Puts recipes in an order in which neighbours follow each other: halves them along the
/// variable in which they lie farthest apart, and each half again, until few are left. Any cell
/// or leaf of the order is a box of neighbours.
///
/// Only the order depends on it, so a byte per variable is enough.
final class CellOrder {
    /// A recipe: codes of its variables, and behind them its number.
    private typealias Record = SIMD16<UInt8>

    /// Variables at most.
    static let mostVariables = 12
    private static let steps: Float = 255

    private let dimension: Int
    private let cell: Int
    private let leaf: Int
    /// How much each variable counts.
    private let weights: [Float]
    /// What a step of its code weighs, by variable. The root: what a rectifier does not pass on
    /// makes the variables more alike than the first layer's weights say.
    private var stepWeights: [Float]
    private let records = Scratch<Record>(filler: Record())
    private let aside = Scratch<Record>(filler: Record())
    private let counts = Scratch<Int32>(256, filler: 0)

    /// For recipes of `weights.count` variables. Cells of `cell` recipes and, within them, leaves
    /// of `leaf` are filled; `cell` is a multiple of `leaf`.
    init(weights: [Float], cell: Int, leaf: Int) {
        dimension = weights.count
        self.weights = weights
        stepWeights = weights
        self.cell = cell
        self.leaf = leaf
    }

    /// Writes the numbers of `count` recipes to `order`.
    func sort(
        _ points: UnsafePointer<Float>, count: Int, into order: UnsafeMutablePointer<Int32>
    ) {
        records.ensure(count)
        aside.ensure(count)
        encode(points, count)
        split(0, count)
        let numbers = UnsafeRawPointer(records.base)
        for place in 0..<count {
            order[place] = numbers.load(
                fromByteOffset: place &* 16 &+ Self.mostVariables, as: Int32.self)
        }
    }

    private func encode(_ points: UnsafePointer<Float>, _ count: Int) {
        let bytes = UnsafeMutableRawPointer(records.base)
        for variable in 0..<dimension {
            var (low, high) = (points[variable], points[variable])
            for point in 0..<count {
                let value = points[point &* dimension &+ variable]
                low = value < low ? value : low
                high = value > high ? value : high
            }
            let span = high - low
            let scale = Self.steps / span
            stepWeights[variable] = (weights[variable] * span).squareRoot()
            let isFlat = !(scale.isFinite && span.isFinite)
            for point in 0..<count {
                let step = isFlat ? 0 : (points[point &* dimension &+ variable] - low) * scale
                let code = UInt8(truncatingIfNeeded: Int32(min(step, Self.steps)))
                bytes.storeBytes(of: code, toByteOffset: point &* 16 &+ variable, as: UInt8.self)
            }
        }
        for point in 0..<count {
            bytes.storeBytes(
                of: Int32(truncatingIfNeeded: point),
                toByteOffset: point &* 16 &+ Self.mostVariables, as: Int32.self)
        }
    }

    /// Orders `count` recipes from place `first` on.
    private func split(_ first: Int, _ count: Int) {
        guard count > leaf, let axis = axis(first, count) else { return }
        let unit = count > cell ? cell : leaf
        let left = max(unit, (count / 2 + unit / 2) / unit * unit)
        part(first, count, left: left, axis: axis)
        split(first, left)
        split(first + left, count - left)
    }

    /// The variable in which the recipes lie farthest apart; nil where all are equal.
    private func axis(_ first: Int, _ count: Int) -> Int? {
        let records = records.base + first
        var (low, high) = (records[0], records[0])
        for place in 0..<count {
            let record = records[place]
            low.replace(with: record, where: record .< low)
            high.replace(with: record, where: record .> high)
        }
        var best: Int?
        var most: Float = 0
        for variable in 0..<dimension where high[variable] > low[variable] {
            let reach = stepWeights[variable] * Float(high[variable] - low[variable])
            if best == nil || reach > most { (best, most) = (variable, reach) }
        }
        return best
    }

    /// Puts the `left` recipes with the lowest codes of variable `axis` before the others.
    private func part(_ first: Int, _ count: Int, left: Int, axis: Int) {
        let records = records.base + first
        let aside = aside.base
        let counts = counts.base
        let codes = UnsafeRawPointer(records) + axis
        counts.update(repeating: 0, count: 256)
        for place in 0..<count {
            counts[Int(codes.load(fromByteOffset: place &* 16, as: UInt8.self))] &+= 1
        }
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
            let code = Int32(codes.load(fromByteOffset: place &* 16, as: UInt8.self))
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
