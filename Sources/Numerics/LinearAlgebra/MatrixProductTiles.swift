/// The loops of `MatrixProduct`: copying B, walking the tiles, and the tile itself.
extension MatrixProduct {
    /// What one copied piece of B is used for.
    struct Block {
        enum Mode { case set, setNegative, add, subtract }

        var rows: Int
        var columnStart: Int
        var width: Int
        var depthStart: Int
        var height: Int
        var stride: Int
        var shape: Shape
        var mode: Mode

        /// Rows of A gone through before the next panel: 128 KB, for the second cache.
        private static let rowGroup = 64

        /// Adds what this piece of B contributes to C.
        func run(
            _ c: UnsafeMutablePointer<Double>, _ a: Operand, _ packed: UnsafePointer<Double>
        ) {
            var group = 0
            while group < rows {
                let groupEnd = min(rows, group + Self.rowGroup)
                var column = 0
                while column < width {
                    let panel = packed + column * height
                    var row = group
                    if shape.contains(.lowerResult) {
                        // The first tile that reaches the diagonal of this panel.
                        row = max(group, (columnStart + column) & ~(tileRows - 1))
                    }
                    while row < groupEnd {
                        tile(c, a, panel, row: row, column: column)
                        row += tileRows
                    }
                    column += tileColumns
                }
                group = groupEnd
            }
        }

        @inline(__always)
        private func tile(
            _ c: UnsafeMutablePointer<Double>, _ a: Operand, _ panel: UnsafePointer<Double>,
            row: Int, column: Int
        ) {
            var low = depthStart
            var high = depthStart + height
            if shape.contains(.upperLeft) { low = max(low, row) }
            if shape.contains(.lowerRight) { low = max(low, columnStart + column) }
            if shape.contains(.lowerLeft) { high = min(high, row + tileRows) }
            let steps = high - low
            // A tile that adds nothing to what is there already.
            if steps <= 0, mode == .add || mode == .subtract { return }
            let place = c + row * stride + columnStart + column
            let heightHere = min(tileRows, rows - row)
            let widthHere = min(tileColumns, width - column)
            MatrixProduct.tile(
                place, stride, a.base + row * a.rowStride + low * a.columnStride, a,
                rows: heightHere, columns: widthHere, panel + (low - depthStart) * tileColumns,
                steps: max(0, steps), mode)
        }
    }

    /// Copies `height` × `width` numbers of `b` from `start` into panels of `tileColumns`
    /// columns, the last one filled up with zeros.
    static func pack(
        _ start: UnsafePointer<Double>, _ b: Operand, _ height: Int, _ width: Int,
        into target: UnsafeMutablePointer<Double>
    ) {
        var panel = target
        var column = 0
        while column < width {
            let here = min(tileColumns, width - column)
            let source = start + column * b.columnStride
            if here == tileColumns, b.columnStride == 1 {
                for step in 0..<height {
                    let from = source + step * b.rowStride
                    let to = panel + step * tileColumns
                    VectorMath.store(VectorMath.load(from), to: to)
                    VectorMath.store(VectorMath.load(from + 4), to: to + 4)
                    VectorMath.store(VectorMath.load(from + 8), to: to + 8)
                }
            } else if here == tileColumns, b.rowStride == 1 {
                transpose(source, b.columnStride, height, into: panel)
            } else {
                for step in 0..<height {
                    for index in 0..<tileColumns {
                        panel[step * tileColumns + index] =
                            index < here ? source[step * b.rowStride + index * b.columnStride] : 0
                    }
                }
            }
            panel += height * tileColumns
            column += tileColumns
        }
    }

    /// A full panel of a matrix whose columns are consecutive in memory, in 4 × 4 pieces.
    @inline(__always)
    private static func transpose(
        _ source: UnsafePointer<Double>, _ stride: Int, _ height: Int,
        into panel: UnsafeMutablePointer<Double>
    ) {
        for group in 0..<3 {
            let from = source + 4 * group * stride
            let to = panel + 4 * group
            var step = 0
            while step &+ 4 <= height {
                let a = VectorMath.load(from + step)
                let b = VectorMath.load(from + stride + step)
                let c = VectorMath.load(from + 2 * stride + step)
                let d = VectorMath.load(from + 3 * stride + step)
                for lane in 0..<4 {
                    VectorMath.store(
                        SIMD4(a[lane], b[lane], c[lane], d[lane]),
                        to: to + (step + lane) * tileColumns)
                }
                step &+= 4
            }
            while step < height {
                for lane in 0..<4 { to[step * tileColumns + lane] = from[lane * stride + step] }
                step &+= 1
            }
        }
    }

    /// One tile: sums over `steps`, then stored as `mode` says. Rows beyond `rows` repeat the
    /// last one and are not stored.
    @inline(__always)
    private static func tile(
        _ c: UnsafeMutablePointer<Double>, _ stride: Int, _ start: UnsafePointer<Double>,
        _ operand: Operand, rows: Int, columns: Int, _ panel: UnsafePointer<Double>, steps: Int,
        _ mode: Block.Mode
    ) {
        let zero = SIMD4<Double>(repeating: 0)
        var s00 = zero, s01 = zero, s02 = zero
        var s10 = zero, s11 = zero, s12 = zero
        var s20 = zero, s21 = zero, s22 = zero
        var s30 = zero, s31 = zero, s32 = zero
        let row1 = operand.rowStride * min(1, rows &- 1)
        let row2 = operand.rowStride * min(2, rows &- 1)
        let row3 = operand.rowStride * min(3, rows &- 1)
        let along = operand.columnStride
        var a = start
        var b = panel
        for _ in 0..<steps {
            let b0 = VectorMath.load(b)
            let b1 = VectorMath.load(b + 4)
            let b2 = VectorMath.load(b + 8)
            let a0 = SIMD4(repeating: a[0])
            s00 = s00.addingProduct(a0, b0)
            s01 = s01.addingProduct(a0, b1)
            s02 = s02.addingProduct(a0, b2)
            let a1 = SIMD4(repeating: a[row1])
            s10 = s10.addingProduct(a1, b0)
            s11 = s11.addingProduct(a1, b1)
            s12 = s12.addingProduct(a1, b2)
            let a2 = SIMD4(repeating: a[row2])
            s20 = s20.addingProduct(a2, b0)
            s21 = s21.addingProduct(a2, b1)
            s22 = s22.addingProduct(a2, b2)
            let a3 = SIMD4(repeating: a[row3])
            s30 = s30.addingProduct(a3, b0)
            s31 = s31.addingProduct(a3, b1)
            s32 = s32.addingProduct(a3, b2)
            a += along
            b += tileColumns
        }
        let sums = (
            (s00, s01, s02),
            (s10, s11, s12),
            (s20, s21, s22),
            (s30, s31, s32)
        )
        put(sums.0, to: c, columns, mode)
        if rows > 1 { put(sums.1, to: c + stride, columns, mode) }
        if rows > 2 { put(sums.2, to: c + 2 * stride, columns, mode) }
        if rows > 3 { put(sums.3, to: c + 3 * stride, columns, mode) }
    }

    /// Stores one row of a tile.
    @inline(__always)
    private static func put(
        _ sum: (SIMD4<Double>, SIMD4<Double>, SIMD4<Double>), to row: UnsafeMutablePointer<Double>,
        _ columns: Int, _ mode: Block.Mode
    ) {
        if columns == tileColumns {
            VectorMath.store(joined(sum.0, VectorMath.load(row), mode), to: row)
            VectorMath.store(joined(sum.1, VectorMath.load(row + 4), mode), to: row + 4)
            VectorMath.store(joined(sum.2, VectorMath.load(row + 8), mode), to: row + 8)
            return
        }
        for index in 0..<columns {
            let group = index < 4 ? sum.0 : (index < 8 ? sum.1 : sum.2)
            let value = group[index & 3]
            switch mode {
            case .set: row[index] = value
            case .setNegative: row[index] = -value
            case .add: row[index] += value
            case .subtract: row[index] -= value
            }
        }
    }

    @inline(__always)
    private static func joined(
        _ sum: SIMD4<Double>, _ old: SIMD4<Double>, _ mode: Block.Mode
    ) -> SIMD4<Double> {
        switch mode {
        case .set: sum
        case .setNegative: -sum
        case .add: old + sum
        case .subtract: old - sum
        }
    }
}
