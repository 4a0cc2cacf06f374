import Numerics
import Testing

/// Products against sums in double precision, within the bound derived beside the kernel.
@Suite struct FloatGemmTests {
    static let unit = 0x1p-24

    /// γ(k) = k·u/(1 − k·u).
    static func gamma(_ roundings: Int) -> Double {
        let total = Double(roundings) * unit
        return total / (1 - total)
    }

    static func numbers(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Float(generator.normal()) }
    }

    struct Case: Sendable, CustomStringConvertible {
        var rows: Int
        var columns: Int
        var depth: Int
        var description: String { "\(rows)×\(columns)×\(depth)" }
    }

    /// Every edge: single elements, whole tiles, one more and one less, more than one block of
    /// depth (256), of columns (256) and of rows (120).
    static let cases = [
        Case(rows: 1, columns: 1, depth: 1), Case(rows: 6, columns: 16, depth: 4),
        Case(rows: 7, columns: 17, depth: 5), Case(rows: 5, columns: 15, depth: 3),
        Case(rows: 11, columns: 31, depth: 7), Case(rows: 3, columns: 8, depth: 261),
        Case(rows: 2, columns: 275, depth: 6), Case(rows: 127, columns: 9, depth: 3),
        Case(rows: 13, columns: 33, depth: 64),
    ]

    typealias Kernel = (
        Int, Int, Int, FloatGemm.Operand, FloatGemm.Operand, UnsafeMutablePointer<Float>, Int,
        FloatGemm.Ending, UnsafeMutablePointer<Float>
    ) -> Void

    static var kernel: Kernel {
        {
            FloatGemm.multiply(
                rows: $0, columns: $1, depth: $2, $3, $4, into: $5, stride: $6, ending: $7,
                packing: $8)
        }
    }
    static var twin: Kernel {
        {
            FloatGemmScalar.multiply(
                rows: $0, columns: $1, depth: $2, $3, $4, into: $5, stride: $6, ending: $7,
                packing: $8)
        }
    }

    @Test(arguments: cases, [false, true])
    func everyProductIsWithinItsBound(_ size: Case, isTwin: Bool) {
        for layout in 0..<4 {
            for finish in 0..<4 {
                check(size, isTwin, left: layout & 1 == 1, right: layout & 2 == 2, finish)
            }
        }
    }

    /// Strides are one and two more than needed; what lies between rows must stay.
    private func check(_ size: Case, _ isTwin: Bool, left: Bool, right: Bool, _ finish: Int) {
        let (rows, columns, depth) = (size.rows, size.columns, size.depth)
        let aStride = (left ? rows : depth) + 1
        let bStride = (right ? depth : columns) + 2
        let cStride = columns + 1
        let a = Self.numbers((left ? depth : rows) * aStride, seed: 1)
        let b = Self.numbers((right ? columns : depth) * bStride, seed: 2)
        let bias = Self.numbers(max(rows, columns), seed: 3)
        let former = Self.numbers(rows * cStride, seed: 4)
        var c = former
        var packing = [Float](
            repeating: .nan, count: FloatGemm.packingCount(columns: columns, depth: depth))
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                bias.withUnsafeBufferPointer { bias in
                    let ending = FloatGemm.Ending(
                        accumulates: finish == 1,
                        bias: finish == 2
                            ? .perColumn(bias.baseAddress!)
                            : finish == 3 ? .perRow(bias.baseAddress!) : .none,
                        isRectified: finish >= 2)
                    (isTwin ? Self.twin : Self.kernel)(
                        rows, columns, depth,
                        .init(a.baseAddress!, stride: aStride, isTransposed: left),
                        .init(b.baseAddress!, stride: bStride, isTransposed: right), &c, cStride,
                        ending, &packing)
                }
            }
        }
        var worst = 0.0
        for row in 0..<rows {
            for column in 0..<columns {
                var sum = 0.0
                var size = 0.0
                for inner in 0..<depth {
                    let x = a[left ? inner * aStride + row : row * aStride + inner]
                    let y = b[right ? column * bStride + inner : inner * bStride + column]
                    sum += Double(x) * Double(y)
                    size += abs(Double(x) * Double(y))
                }
                let place = row * cStride + column
                let extra = Double(
                    finish == 1
                        ? former[place] : finish == 2 ? bias[column] : finish == 3 ? bias[row] : 0)
                sum += extra
                size += abs(extra)
                if finish >= 2 { sum = max(sum, 0) }
                // A former C may pass one rounding per block of the depth as well.
                let roundings = depth + 2 + depth / 256 + (isTwin ? 1 : 0)
                let bound = Self.gamma(roundings) * size
                worst = max(worst, abs(Double(c[place]) - sum) / bound)
            }
            let gap = row * cStride + columns
            #expect(c[gap] == former[gap])
        }
        #expect(worst <= 1, "\(size) left \(left) right \(right) finish \(finish)")
    }

    @Test func noDepthLeavesTheEnding() {
        var c: [Float] = [1, -2]
        var packing: [Float] = [0]
        let empty: [Float] = [0]
        let bias: [Float] = [3, -4]
        empty.withUnsafeBufferPointer { none in
            bias.withUnsafeBufferPointer { bias in
                FloatGemm.multiply(
                    rows: 1, columns: 2, depth: 0, .init(none.baseAddress!, stride: 1),
                    .init(none.baseAddress!, stride: 2), into: &c, stride: 2,
                    ending: .init(bias: .perColumn(bias.baseAddress!), isRectified: true),
                    packing: &packing)
            }
        }
        #expect(c == [3, 0])
    }

    @Test(arguments: [(1, 1), (3, 7), (5, 8), (9, 421), (64, 33), (130, 16)])
    func oneVectorIsWithinItsBound(_ inputs: Int, _ outputs: Int) {
        let a = Self.numbers(inputs * outputs, seed: 5)
        var x = Self.numbers(inputs, seed: 6)
        for index in x.indices where index % 3 == 1 { x[index] = 0 }
        let z = Self.numbers(outputs, seed: 8)
        let bias = Self.numbers(max(inputs, outputs), seed: 7)
        var y = [[Float]](repeating: [Float](repeating: 9, count: outputs), count: 2)
        var w = [[Float]](repeating: [Float](repeating: 9, count: inputs), count: 2)
        FloatGemv.multiplyTransposed(
            inputs: inputs, outputs: outputs, a, x, bias: bias, isRectified: true, into: &y[0])
        FloatGemvScalar.multiplyTransposed(
            inputs: inputs, outputs: outputs, a, x, bias: bias, isRectified: true, into: &y[1])
        FloatGemv.multiply(
            rows: inputs, columns: outputs, a, z, bias: bias, isRectified: false, into: &w[0])
        FloatGemvScalar.multiply(
            rows: inputs, columns: outputs, a, z, bias: bias, isRectified: false, into: &w[1])
        for output in 0..<outputs {
            let terms = (0..<inputs).map { Double(a[$0 * outputs + output]) * Double(x[$0]) }
            let sum = max(terms.reduce(Double(bias[output]), +), 0)
            let size = terms.map(abs).reduce(abs(Double(bias[output])), +)
            // Places that fill the last group of four round too.
            #expect(abs(Double(y[0][output]) - sum) <= Self.gamma(inputs + 4) * size)
            #expect(abs(Double(y[1][output]) - sum) <= Self.gamma(inputs + 2) * size)
        }
        for input in 0..<inputs {
            let terms = (0..<outputs).map { Double(a[input * outputs + $0]) * Double(z[$0]) }
            let sum = terms.reduce(Double(bias[input]), +)
            let size = terms.map(abs).reduce(abs(Double(bias[input])), +)
            #expect(abs(Double(w[0][input]) - sum) <= Self.gamma((outputs + 31) / 32 + 11) * size)
            #expect(abs(Double(w[1][input]) - sum) <= Self.gamma(outputs + 2) * size)
        }
    }
}
