import Numerics
import Testing

@testable import Campaign

@Suite struct CellOrderTests {
    /// Orders `count` recipes of `dimension` variables; answers the order and its cells.
    private func order(
        _ points: [Float], dimension: Int, weights: [Float], cell: Int
    ) -> ([Int32], [CellOrder.Cell]) {
        let count = points.count / dimension
        let sorter = CellOrder(weights: weights, cell: cell, leaf: 32)
        var order = [Int32](repeating: -1, count: count)
        points.withUnsafeBufferPointer { points in
            guard let base = points.baseAddress else { return }
            sorter.sort(
                RecipeList(points: base, count: count, dimension: dimension), into: &order)
        }
        return (order, sorter.cells)
    }

    /// Each recipe once, in cells that are not too large and follow each other; along one
    /// variable, leaf follows leaf.
    @Test(arguments: [1, 31, 33, 100, 1_500, 9_000], [1, 5, 12])
    func neighbours(count: Int, dimension: Int) {
        var random = SeededGenerator(seed: UInt64(count + dimension))
        var points: [Float] = []
        for _ in 0..<(count * dimension) { points.append(Float(random.uniform(-3, 900))) }
        let (order, cells) = order(
            points, dimension: dimension, weights: [Float](repeating: 1, count: dimension),
            cell: 256)
        #expect(order.sorted() == (0..<count).map { Int32($0) })
        var end = 0
        for cell in cells {
            #expect(cell.first == end && 1...256 ~= cell.count)
            end += cell.count
        }
        #expect(end == count)
        guard dimension == 1 else { return }
        let step: Float = 903.0 / 255
        var before: Float = -3
        for cell in cells {
            for first in stride(from: cell.first, to: cell.first + cell.count, by: 32) {
                let leaf = order[first..<min(first + 32, cell.first + cell.count)]
                let values = leaf.map { points[Int($0)] }
                #expect(before <= (values.min() ?? 0) + step)
                before = values.max() ?? 0
            }
        }
    }

    /// Recipes of a cell lie closer together than any as many: over two variables of the same
    /// weight a cell's box is a small part of the whole.
    @Test func boxesAreSmall() {
        var random = SeededGenerator(seed: 8)
        var points: [Float] = []
        for _ in 0..<8_192 {
            points.append(Float(random.uniform(0, 1)))
            points.append(Float(random.uniform(0, 1)))
        }
        let (order, cells) = order(points, dimension: 2, weights: [1, 1], cell: 256)
        #expect(cells.count >= 32)
        for cell in cells {
            let names = order[cell.first..<(cell.first + cell.count)].map { 2 * Int($0) }
            let (x, y) = (names.map { points[$0] }, names.map { points[$0 + 1] })
            let width = (x.max() ?? 0) - (x.min() ?? 0)
            let height = (y.max() ?? 0) - (y.min() ?? 0)
            // 1/32 of the square if all were alike; the draw and the halving leave some room.
            #expect(width * height < 3 / 32)
        }
    }

    /// Equal recipes, and values that leave no room for steps, are no trouble.
    @Test func flat() {
        let points = [Float](repeating: 7, count: 1_000)
        let (order, cells) = order(points, dimension: 2, weights: [1, 0], cell: 64)
        #expect(order.sorted() == (0..<500).map { Int32($0) })
        #expect(cells.allSatisfy { $0.count <= 64 })
    }

    /// Mixtures are what their numbers say, and their codes are those of the same recipes
    /// written out.
    @Test(arguments: [2, 5, 7])
    func mixtures(dimension: Int) {
        var random = SeededGenerator(seed: UInt64(dimension))
        func draw() -> [Double] { (0..<dimension).map { _ in random.uniform(0, 50) } }
        let recipes = (0..<3).map { _ in draw() }
        let background = [draw(), recipes[1], draw()]
        let mixtures = Mixtures(recipes: recipes[...], background: background)
        let perPair = 1 << dimension - 2
        #expect(mixtures.count == 9 * perPair + 3)
        let codes = CellCodes(mixtures, weights: [Float](repeating: 1, count: dimension))
        var records = [UInt64](repeating: 0, count: mixtures.count)
        mixtures.encode(codes, into: &records)
        var seen: Set<[Float]> = []
        for record in records {
            var number = Int32(truncatingIfNeeded: record >> CellCodes.numberShift)
            #expect(Int(number) < mixtures.numbers)
            var recipe = [Float](repeating: 0, count: dimension)
            mixtures.gather(&number, count: 1, into: &recipe, distance: 1)
            let mask = UInt64(1) << CellCodes.numberShift - 1
            #expect(codes.codes(of: recipe) == record & mask)
            seen.insert(recipe)
        }
        for recipe in recipes {
            for other in background {
                for coalition in 1..<(1 << dimension) {
                    let mixed = (0..<dimension).map {
                        Float(coalition >> $0 & 1 == 1 ? recipe[$0] : other[$0])
                    }
                    let isAll = coalition == 1 << dimension - 1
                    #expect(seen.contains(mixed) || (isAll && recipe == other))
                }
            }
        }
    }
}
