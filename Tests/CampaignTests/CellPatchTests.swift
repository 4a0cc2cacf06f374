import Numerics
import Testing

@testable import Campaign

@Suite struct CellPatchTests {
    private static let variables = 3
    private static let recipes = 2 * CellPatch.capacity
    private static let width = 32

    /// A cell of two patches with bends in two layers, made one number after the other.
    private struct Cell {
        var bends = CellBends(columns: 16)
        var values = [Float](
            repeating: 0, count: 16 * CellNetwork.columnStride)
        var coefficients: [Float] = []
        var columns = 1 + variables

        /// The first patch of each bend: on, off, either, …
        static let wanted: [Int8] = [1, -1, 0, 1, 0, -1, 1]
        /// Columns below a bend: four bends of a first layer, three of a second.
        static let lengths = [4, 4, 4, 4, 8, 8, 8]

        init(_ random: inout SeededGenerator) {
            bends.first = 1 + variables
            for variable in 0..<variables {
                for point in 0..<recipes {
                    values[variable * CellNetwork.columnStride + point] =
                        Float(random.uniform(-1, 1))
                }
            }
            for (bend, side) in Self.wanted.enumerated() { add(bend, side, &random) }
            for _ in 0..<(columns * width) { coefficients.append(Float(random.normal())) }
        }

        private mutating func add(_ bend: Int, _ side: Int8, _ random: inout SeededGenerator) {
            let length = Self.lengths[bend]
            let row = bends.rows.base + bend * bends.stride
            for column in 0..<length { row[column] = Float(random.uniform(-1, 1)) }
            // What holds the neuron on its side; the columns go at most this far.
            var most: Float = 0
            for column in 1..<length {
                let from = (column - 1) * CellNetwork.columnStride
                let reach = values[from..<(from + recipes)].reduce(0) { max($0, abs($1)) }
                most += abs(row[column]) * reach
            }
            row[0] = Float(side) * (most + 0.01)
            let (share, lift) = (Float(random.uniform(0.2, 0.8)), Float(random.uniform(0, 1)))
            for point in 0..<recipes {
                var input = Double(row[0])
                for column in 1..<length {
                    let value = values[(column - 1) * CellNetwork.columnStride + point]
                    input += Double(row[column]) * Double(value)
                }
                let place = (columns - 1) * CellNetwork.columnStride + point
                values[place] = Float(max(input, 0) - Double(share) * input - Double(lift))
            }
            bends.lengths.base[bend] = Int32(length)
            bends.shares.base[bend] = share
            bends.lifts.base[bend] = lift
            bends.sides.base[bend * CellPatch.most] = side
            // In the second patch nothing is known.
            bends.sides.base[bend * CellPatch.most + 1] = 0
            bends.count += 1
            columns += 1
        }
    }

    /// A row is the same function before and after. Folding adds up as many products again as
    /// the row has columns, of forms that are themselves sums of at most as many, twice over;
    /// the bends' own values are rounded once. So with ε = 2⁻²⁴ and k columns 4 (k + 4) ε times
    /// the magnitudes a form can have, of which a bend's row has at most `growth` per column.
    @Test(arguments: [0, 1])
    func sameFunction(number: Int) {
        var random = SeededGenerator(seed: 21)
        let cell = Cell(&random)
        let patch = CellPatch(columns: 16, neurons: Self.width)
        let left = number == 0 ? Cell.wanted.count { $0 == 0 } : Cell.wanted.count
        cell.values.withUnsafeBufferPointer { values in
            cell.coefficients.withUnsafeBufferPointer { coefficients in
                guard let points = values.baseAddress, let base = coefficients.baseAddress else {
                    return
                }
                let rows = CellKernels.Rows(
                    coefficients: base, width: Self.width, columns: cell.columns,
                    values: points, capacity: CellNetwork.columnStride)
                let folded = patch.fold(
                    rows, cell.bends, number: number, size: CellPatch.capacity)
                #expect(folded.columns == 1 + Self.variables + left)
                let first = number * CellPatch.capacity
                for neuron in 0..<Self.width {
                    for point in 0..<CellPatch.capacity {
                        let (wanted, _) = Self.sum(rows, neuron, first + point)
                        let (found, _) = Self.sum(folded, neuron, point)
                        #expect(abs(found - wanted) <= Self.bound(rows, neuron, cell))
                    }
                }
            }
        }
    }

    private static func sum(
        _ rows: CellKernels.Rows, _ neuron: Int, _ point: Int
    ) -> (Double, Double) {
        var sum = Double(rows.coefficients[neuron])
        var size = abs(sum)
        for column in 1..<rows.columns {
            let term =
                Double(rows.coefficients[column * rows.width + neuron])
                * Double(rows.values[(column - 1) * rows.capacity + point])
            sum += term
            size += abs(term)
        }
        return (sum, size)
    }

    /// The magnitudes of a row with every bend written out, times what rounding makes of them.
    private static func bound(_ rows: CellKernels.Rows, _ neuron: Int, _ cell: Cell) -> Double {
        // Largest size of a bend written out in the variables, all of which are at most 1.
        var sizes: [Double] = [1, 1, 1, 1]
        for bend in 0..<cell.bends.count {
            let row = cell.bends.rows.base + bend * cell.bends.stride
            var size = Double(cell.bends.lifts.base[bend])
            for column in 0..<Cell.lengths[bend] {
                size += abs(Double(row[column])) * sizes[column]
            }
            sizes.append(size)
        }
        var size = 0.0
        for column in 0..<rows.columns {
            size += abs(Double(rows.coefficients[column * rows.width + neuron])) * sizes[column]
        }
        return 4 * Double(rows.columns + 4) * 0x1p-24 * size
    }
}
