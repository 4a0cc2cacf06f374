/// Blocked Cholesky factor, triangular solves and inverses, in place and without allocation.
///
/// Matrices lie row by row, rows `stride` apart. Nearly all work is `MatrixProduct`; what is left
/// are blocks of `leaf` rows. `scratch` has room for `MatrixProduct.scratchCount` doubles.
public enum TriangularKernel {
    /// Side of the blocks done without `MatrixProduct`. Divides by its tile's columns.
    static let leaf = 12

    /// Overwrites the lower triangle of a symmetric matrix by its factor L (A = L Lᵀ), having
    /// added `jitter` to its diagonal. Elements above the diagonal are neither read nor of use
    /// afterwards. Returns the row whose pivot was not positive and finite, if there is one.
    ///
    /// Left-looking: each block column takes what all columns before it contribute in one
    /// product, then its own triangle is factored and the rows below are solved with it.
    public static func factor(
        _ a: UnsafeMutablePointer<Double>, stride: Int, side: Int, jitter: Double = 0,
        scratch: UnsafeMutablePointer<Double>
    ) -> Int? {
        var start = 0
        while start < side {
            let width = min(leaf, side - start)
            let corner = a + start * stride + start
            let known = MatrixProduct.Operand(a + start * stride, rowStride: stride)
            let turned = MatrixProduct.Operand(known.base, rowStride: 1, columnStride: stride)
            MatrixProduct.multiply(
                .subtract, corner, stride: stride, rows: side - start, columns: width,
                depth: start, known, turned, shape: .lowerResult, scratch: scratch)
            if let row = factorLeaf(corner, stride, width, jitter) { return start + row }
            solveRows(
                corner, stride, width, corner + width * stride, rows: side - start - width,
                scratch)
            start += width
        }
        return nil
    }

    /// Cholesky–Banachiewicz: every inner loop is a dot product of two rows.
    private static func factorLeaf(
        _ a: UnsafeMutablePointer<Double>, _ stride: Int, _ side: Int, _ jitter: Double
    ) -> Int? {
        for row in 0..<side {
            let here = a + row * stride
            for column in 0..<row {
                let other = a + column * stride
                here[column] =
                    (here[column] - VectorKernel.dot(here, other, column)) / other[column]
            }
            let pivot = here[row] + jitter - VectorKernel.dot(here, here, row)
            guard pivot.isFinite, pivot > 0 else { return row }
            here[row] = pivot.squareRoot()
        }
        return nil
    }

    /// Solves X Lᵀ = B for `rows` rows of B in place, four rows at a time so that their chains
    /// of divisions overlap. Lᵀ is copied to `scratch`, filled up with zeros.
    private static func solveRows(
        _ l: UnsafePointer<Double>, _ stride: Int, _ side: Int,
        _ b: UnsafeMutablePointer<Double>, rows: Int, _ scratch: UnsafeMutablePointer<Double>
    ) {
        let turned = scratch
        let inverse = scratch + leaf * leaf
        for column in 0..<side {
            inverse[column] = 1 / l[column * stride + column]
            for row in 0..<side {
                turned[column * leaf + row] = row > column ? l[row * stride + column] : 0
            }
        }
        var row = 0
        while row &+ 4 <= rows {
            let x = b + row * stride
            for column in 0..<side {
                let v0 = x[column] * inverse[column]
                let v1 = x[stride + column] * inverse[column]
                let v2 = x[2 * stride + column] * inverse[column]
                let v3 = x[3 * stride + column] * inverse[column]
                x[column] = v0
                x[stride + column] = v1
                x[2 * stride + column] = v2
                x[3 * stride + column] = v3
                let first = (column &+ 1) & ~3
                let pull = turned + column * leaf + first
                let count = side - first
                VectorKernel.add(-v0, pull, to: x + first, count)
                VectorKernel.add(-v1, pull, to: x + stride + first, count)
                VectorKernel.add(-v2, pull, to: x + 2 * stride + first, count)
                VectorKernel.add(-v3, pull, to: x + 3 * stride + first, count)
            }
            row &+= 4
        }
        while row < rows {
            let x = b + row * stride
            for column in 0..<side {
                x[column] *= inverse[column]
                let first = column + 1
                VectorKernel.add(
                    -x[column], turned + column * leaf + first, to: x + first, side - first)
            }
            row &+= 1
        }
    }

    /// Replaces b by L⁻¹ b.
    public static func solveLower(
        _ l: UnsafePointer<Double>, stride: Int, side: Int, _ b: UnsafeMutablePointer<Double>
    ) {
        for row in 0..<side {
            let here = l + row * stride
            b[row] = (b[row] - VectorKernel.dot(here, b, row)) / here[row]
        }
    }

    /// Replaces b by L⁻ᵀ b.
    public static func solveUpper(
        _ l: UnsafePointer<Double>, stride: Int, side: Int, _ b: UnsafeMutablePointer<Double>
    ) {
        for row in Swift.stride(from: side - 1, through: 0, by: -1) {
            let here = l + row * stride
            b[row] /= here[row]
            VectorKernel.add(-b[row], here, to: b, row)
        }
    }

    /// Replaces the `columns` right-hand sides in B (`side` rows, `bStride` apart) by L⁻¹ B.
    public static func solveLower(
        _ l: UnsafePointer<Double>, stride: Int, side: Int, _ b: UnsafeMutablePointer<Double>,
        bStride: Int, columns: Int, scratch: UnsafeMutablePointer<Double>
    ) {
        var start = 0
        while start < side {
            let end = min(side, start + leaf)
            MatrixProduct.multiply(
                .subtract, b + start * bStride, stride: bStride, rows: end - start,
                columns: columns, depth: start,
                MatrixProduct.Operand(l + start * stride, rowStride: stride),
                MatrixProduct.Operand(b, rowStride: bStride), scratch: scratch)
            for row in start..<end {
                let here = l + row * stride
                let target = b + row * bStride
                for known in start..<row {
                    VectorKernel.add(-here[known], b + known * bStride, to: target, columns)
                }
                let inverse = 1 / here[row]
                for column in 0..<columns { target[column] *= inverse }
            }
            start = end
        }
    }

    /// Writes L⁻¹ to the lower triangle of `w`, and zeros above. L and `w` do not overlap.
    ///
    /// By halves: with A and C the inverses of the two diagonal blocks, the block below is
    /// −C L₂₁ A. Its first product lies, transposed, where the zeros will be.
    public static func invert(
        _ l: UnsafePointer<Double>, stride: Int, side: Int, into w: UnsafeMutablePointer<Double>,
        wStride: Int, scratch: UnsafeMutablePointer<Double>
    ) {
        guard side > leaf else {
            return invertLeaf(l, stride, side, w, wStride)
        }
        let tile = MatrixProduct.tileColumns
        let half = (side / 2 + tile - 1) / tile * tile
        let rest = side - half
        let below = half * wStride
        invert(l, stride: stride, side: half, into: w, wStride: wStride, scratch: scratch)
        invert(
            l + half * stride + half, stride: stride, side: rest, into: w + below + half,
            wStride: wStride, scratch: scratch)
        let l21 = l + half * stride
        MatrixProduct.multiply(
            .set, w + half, stride: wStride, rows: half, columns: rest, depth: half,
            MatrixProduct.Operand(w, rowStride: 1, columnStride: wStride),
            MatrixProduct.Operand(l21, rowStride: 1, columnStride: stride), shape: .upperLeft,
            scratch: scratch)
        MatrixProduct.multiply(
            .setNegative, w + below, stride: wStride, rows: rest, columns: half, depth: rest,
            MatrixProduct.Operand(w + below + half, rowStride: wStride),
            MatrixProduct.Operand(w + half, rowStride: 1, columnStride: wStride),
            shape: .lowerLeft, scratch: scratch)
        for row in 0..<half { (w + row * wStride + half).update(repeating: 0, count: rest) }
    }

    private static func invertLeaf(
        _ l: UnsafePointer<Double>, _ stride: Int, _ side: Int,
        _ w: UnsafeMutablePointer<Double>, _ wStride: Int
    ) {
        for row in 0..<side {
            let target = w + row * wStride
            let source = l + row * stride
            target.update(repeating: 0, count: side)
            let inverse = 1 / source[row]
            for known in 0..<row {
                VectorKernel.add(
                    -source[known] * inverse, w + known * wStride, to: target, known + 1)
            }
            target[row] = inverse
        }
    }

    /// Writes A⁻¹ = Wᵀ W, from W = L⁻¹ with zeros above its diagonal, to the lower triangle of
    /// `target`; what is above the diagonal is of no use afterwards.
    public static func invertSymmetric(
        fromInverse w: UnsafePointer<Double>, stride: Int, side: Int,
        into target: UnsafeMutablePointer<Double>, targetStride: Int,
        scratch: UnsafeMutablePointer<Double>
    ) {
        MatrixProduct.multiply(
            .set, target, stride: targetStride, rows: side, columns: side, depth: side,
            MatrixProduct.Operand(w, rowStride: 1, columnStride: stride),
            MatrixProduct.Operand(w, rowStride: stride),
            shape: [.lowerResult, .upperLeft, .lowerRight], scratch: scratch)
    }

    /// Given L in the first `side` rows and columns, and row `side` holding the covariances of a
    /// new element with the others and its own variance, turns that row into the factor's next
    /// one. Returns whether its pivot was positive and finite.
    public static func append(
        _ l: UnsafeMutablePointer<Double>, stride: Int, side: Int, jitter: Double = 0
    ) -> Bool {
        let row = l + side * stride
        solveLower(l, stride: stride, side: side, row)
        let pivot = row[side] + jitter - VectorKernel.dot(row, row, side)
        guard pivot.isFinite, pivot > 0 else { return false }
        row[side] = pivot.squareRoot()
        return true
    }

    /// The plain version of `factor`: one number at a time, no blocks.
    public static func factorPlainly(
        _ a: UnsafeMutablePointer<Double>, stride: Int, side: Int, jitter: Double = 0,
        scratch: UnsafeMutablePointer<Double>
    ) -> Int? {
        for row in 0..<side {
            let here = a + row * stride
            for column in 0...row {
                let other = a + column * stride
                var rest = here[column] + (row == column ? jitter : 0)
                for index in 0..<column { rest -= here[index] * other[index] }
                if row > column {
                    here[column] = rest / other[column]
                } else {
                    guard rest.isFinite, rest > 0 else { return row }
                    here[row] = rest.squareRoot()
                }
            }
        }
        return nil
    }
}
