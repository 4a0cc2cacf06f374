/// Lays the columns of a factor sixteen by sixteen, inner index slowest, so that a tile reads
/// them in one stream. Columns that are not there become zeros.
enum FloatPacking {
    /// Packs op(B)[`firstRow` ..< +`rows`, `firstColumn` ..< +`columns`].
    static func pack(
        _ b: FloatGemm.Operand, firstRow: Int, rows: Int, firstColumn: Int, columns: Int,
        into packed: UnsafeMutablePointer<Float>
    ) {
        let width = FloatGemm.tileColumns
        for column in Swift.stride(from: 0, to: columns, by: width) {
            let there = min(width, columns - column)
            let panel = packed + column * rows
            if b.isTransposed {
                let from = b.base + (firstColumn + column) * b.stride + firstRow
                if there == width {
                    transposePanel(from, stride: b.stride, rows: rows, into: panel)
                } else {
                    for row in 0..<rows {
                        for lane in 0..<width {
                            panel[row * width + lane] =
                                lane < there ? from[lane * b.stride + row] : 0
                        }
                    }
                }
            } else {
                let from = b.base + firstRow * b.stride + firstColumn + column
                copyPanel(from, stride: b.stride, rows: rows, columns: there, into: panel)
            }
        }
    }

    private static func copyPanel(
        _ from: UnsafePointer<Float>, stride: Int, rows: Int, columns: Int,
        into panel: UnsafeMutablePointer<Float>
    ) {
        var source = UnsafeRawPointer(from)
        var target = UnsafeMutableRawPointer(panel)
        guard columns == FloatGemm.tileColumns else {
            for row in 0..<rows {
                for lane in 0..<FloatGemm.tileColumns {
                    panel[row * FloatGemm.tileColumns + lane] =
                        lane < columns ? from[row * stride + lane] : 0
                }
            }
            return
        }
        for _ in 0..<rows {
            let low = source.loadUnaligned(as: SIMD8<Float>.self)
            let high = source.loadUnaligned(fromByteOffset: 32, as: SIMD8<Float>.self)
            target.storeBytes(of: low, as: SIMD8<Float>.self)
            target.storeBytes(of: high, toByteOffset: 32, as: SIMD8<Float>.self)
            source += stride * 4
            target += 64
        }
    }

    /// Sixteen stored rows become the sixteen columns of a panel, four by four through registers.
    private static func transposePanel(
        _ from: UnsafePointer<Float>, stride: Int, rows: Int,
        into panel: UnsafeMutablePointer<Float>
    ) {
        let width = FloatGemm.tileColumns
        let whole = rows & ~3
        for lane in Swift.stride(from: 0, to: width, by: 4) {
            let source = from + lane * stride
            for row in Swift.stride(from: 0, to: whole, by: 4) {
                transpose4(source + row, stride: stride, into: panel + row * width + lane)
            }
        }
        for row in whole..<rows {
            for lane in 0..<width { panel[row * width + lane] = from[lane * stride + row] }
        }
    }

    @inline(__always)
    private static func transpose4(
        _ from: UnsafePointer<Float>, stride: Int, into panel: UnsafeMutablePointer<Float>
    ) {
        let row = { (index: Int) in
            UnsafeRawPointer(from + index * stride).loadUnaligned(as: SIMD4<Float>.self)
        }
        let (r0, r1, r2, r3) = (row(0), row(1), row(2), row(3))
        let put = { (index: Int, column: SIMD4<Float>) in
            UnsafeMutableRawPointer(panel + index * FloatGemm.tileColumns)
                .storeBytes(of: column, as: SIMD4<Float>.self)
        }
        put(0, SIMD4(r0[0], r1[0], r2[0], r3[0]))
        put(1, SIMD4(r0[1], r1[1], r2[1], r3[1]))
        put(2, SIMD4(r0[2], r1[2], r2[2], r3[2]))
        put(3, SIMD4(r0[3], r1[3], r2[3], r3[3]))
    }
}
