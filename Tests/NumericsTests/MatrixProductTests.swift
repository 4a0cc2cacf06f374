import Numerics
import Testing

/// Memory that kernels work in, filled with numbers from −1 to 1.
final class Space {
    let base: UnsafeMutablePointer<Double>
    let count: Int

    init(_ count: Int, seed: UInt64 = 1) {
        self.count = count
        base = .allocate(capacity: max(1, count))
        var generator = SeededGenerator(seed: seed)
        for index in 0..<count { base[index] = generator.uniform(-1, 1) }
    }

    func copy() -> Space {
        let other = Space(count)
        other.base.update(from: base, count: count)
        return other
    }

    deinit { base.deallocate() }

    /// What kernels need besides their operands.
    init(forScratch: Void) {
        count = MatrixProduct.scratchCount
        base = .allocate(capacity: count)
    }

    static let u = 0x1p-53
}

/// Products against sums one number at a time. Both lose at most (depth + 2) u of the sum of
/// sizes (Higham, Accuracy and Stability of Numerical Algorithms, eq. 3.5): twice that between
/// them, and one rounding more where C takes part.
@Suite struct MatrixProductTests {
    let scratch = Space(forScratch: ())

    struct Size: Sendable { var rows, columns, depth: Int }
    static let sizes = [
        Size(rows: 1, columns: 1, depth: 1), Size(rows: 4, columns: 12, depth: 3),
        Size(rows: 5, columns: 13, depth: 7), Size(rows: 67, columns: 30, depth: 21),
        Size(rows: 9, columns: 260, depth: 5), Size(rows: 6, columns: 14, depth: 300),
        Size(rows: 7, columns: 12, depth: 0), Size(rows: 301, columns: 14, depth: 6),
    ]

    func compare(
        _ size: Size, _ mode: MatrixProduct.Mode, shape: MatrixProduct.Shape = [],
        _ a: (Space, rowStride: Int, columnStride: Int),
        _ b: (Space, rowStride: Int, columnStride: Int)
    ) {
        let stride = size.columns + 3
        let fast = Space(size.rows * stride, seed: 3)
        let plain = fast.copy()
        let left = MatrixProduct.Operand(
            a.0.base, rowStride: a.rowStride, columnStride: a.columnStride)
        let right = MatrixProduct.Operand(
            b.0.base, rowStride: b.rowStride, columnStride: b.columnStride)
        MatrixProduct.multiply(
            mode, fast.base, stride: stride, rows: size.rows, columns: size.columns,
            depth: size.depth, left, right, shape: shape, scratch: scratch.base)
        MatrixProduct.multiplyPlainly(
            mode, plain.base, stride: stride, rows: size.rows, columns: size.columns,
            depth: size.depth, left, right, shape: shape, scratch: scratch.base)
        for row in 0..<size.rows {
            for column in 0..<size.columns {
                if shape.contains(.lowerResult), column > row { continue }
                var sizes = 1.0
                for step in 0..<size.depth {
                    sizes += abs(
                        a.0.base[row * a.rowStride + step * a.columnStride]
                            * b.0.base[step * b.rowStride + column * b.columnStride])
                }
                let bound = 2 * Double(size.depth + 2) * Space.u * sizes
                let place = row * stride + column
                #expect(abs(fast.base[place] - plain.base[place]) <= bound, "\(size) \(mode)")
            }
            // Nothing beyond the columns is touched.
            for column in size.columns..<stride {
                #expect(fast.base[row * stride + column] == plain.base[row * stride + column])
            }
        }
    }

    @Test(arguments: sizes) func everyModeAndEveryTranspose(size: Size) {
        let a = Space(max(1, size.rows * size.depth), seed: 1)
        let b = Space(max(1, size.depth * size.columns), seed: 2)
        for mode in [MatrixProduct.Mode.set, .setNegative, .subtract] {
            compare(size, mode, (a, size.depth, 1), (b, size.columns, 1))
        }
        compare(size, .set, (a, 1, size.rows), (b, size.columns, 1))
        compare(size, .subtract, (a, size.depth, 1), (b, 1, size.depth))
    }

    @Test(arguments: [1, 11, 24, 37, 70]) func whatIsKnownToBeZeroIsLeftOut(side: Int) {
        let size = Size(rows: side, columns: side, depth: side)
        let lower = Space(side * side, seed: 4)
        for row in 0..<side {
            for column in (row + 1)..<max(row + 1, side) { lower.base[row * side + column] = 0 }
        }
        let full = Space(side * side, seed: 5)
        compare(size, .set, shape: .lowerLeft, (lower, side, 1), (full, side, 1))
        compare(size, .setNegative, shape: .upperLeft, (lower, 1, side), (full, side, 1))
        compare(size, .subtract, shape: .lowerRight, (full, side, 1), (lower, side, 1))
        compare(
            size, .set, shape: [.lowerResult, .upperLeft, .lowerRight], (lower, 1, side),
            (lower, side, 1))
        compare(size, .subtract, shape: .lowerResult, (full, side, 1), (full, 1, side))
    }
}

@Suite struct VectorKernelTests {
    @Test(arguments: [0, 1, 3, 4, 15, 16, 17, 63, 200]) func loopsAgreeWithTheirTwins(count: Int) {
        let a = Space(count, seed: 1)
        let b = Space(count, seed: 2)
        // Higham, eq. 3.5, for both sides.
        let bound = 2 * Double(count + 2) * Space.u * Double(count)
        let sum = VectorKernel.dot(a.base, b.base, count)
        #expect(abs(sum - ScalarKernel.dot(a.base, b.base, count)) <= bound)
        let c = b.copy()
        VectorKernel.add(0.7, a.base, to: b.base, count)
        ScalarKernel.add(0.7, a.base, to: c.base, count)
        // A product and a sum are rounded, the product only in the twin.
        for index in 0..<count { #expect(abs(b.base[index] - c.base[index]) <= 4 * Space.u) }
    }

    @Test func matrixTimesVectorAgreesWithItsTwin() {
        let (rows, columns, stride) = (19, 23, 26)
        let a = Space(rows * stride, seed: 1)
        let x = Space(columns, seed: 2)
        let fast = Space(columns)
        let plain = Space(columns)
        let bound = 2 * Double(columns + 2) * Space.u * Double(columns)
        VectorKernel.multiply(
            a.base, stride: stride, rows: rows, columns: columns, x.base, into: fast.base)
        ScalarKernel.multiply(
            a.base, stride: stride, rows: rows, columns: columns, x.base, into: plain.base)
        for index in 0..<rows { #expect(abs(fast.base[index] - plain.base[index]) <= bound) }
        VectorKernel.multiplyTransposed(
            a.base, stride: stride, rows: rows, columns: columns, x.base, into: fast.base)
        ScalarKernel.multiplyTransposed(
            a.base, stride: stride, rows: rows, columns: columns, x.base, into: plain.base)
        for index in 0..<columns { #expect(abs(fast.base[index] - plain.base[index]) <= bound) }
    }

    @Test(arguments: [1, 2, 4, 7, 30]) func bothTrianglesInOnePass(side: Int) {
        let stride = (side + 3) & ~3
        let w = Space(side * stride, seed: 1)
        let x = Space(stride, seed: 2)
        for row in 0..<side {
            for column in (row + 1)..<max(row + 1, stride) { w.base[row * stride + column] = 0 }
        }
        for index in side..<stride { x.base[index] = 0 }
        let fast = Space(stride)
        let plain = Space(stride)
        let square = VectorKernel.solveByInverse(
            w.base, stride: stride, side: side, x.base, into: fast.base)
        let expected = ScalarKernel.solveByInverse(
            w.base, stride: stride, side: side, x.base, into: plain.base)
        // |v| ≤ side and |u| ≤ side²: two sums of that length, on both sides.
        let bound = 4 * Double(side + 2) * Space.u * Double(side * side)
        #expect(abs(square - expected) <= Double(side) * bound)
        for index in 0..<side { #expect(abs(fast.base[index] - plain.base[index]) <= bound) }
    }
}
