/// Single-precision matrix products: C = op(A)·op(B), or C += op(A)·op(B), with the bias and the
/// rectifier of a dense layer folded into the last store.
///
/// All matrices lie row after row with a stride. The columns of B are packed, sixteen at a time,
/// into a buffer of the caller, so that the inner loop reads them in one stream; A is read where
/// it lies, because a broadcast costs the same from anywhere in the first cache. A tile of 6 × 16
/// sums stays in registers over at most `depthBlock` products.
///
/// Sums run in ascending order of the inner index with one rounding per product (fused), so that
/// |error| ≤ γ(k)·Σ|a||b| with γ(k) = k·u/(1 − k·u), u = 2⁻²⁴ (Higham, Accuracy and Stability of
/// Numerical Algorithms, 2002, §3.1), and one more u for each of bias and former C.
public enum FloatGemm {
    /// A factor: where it lies and how it is read.
    public struct Operand {
        /// The first element.
        public let base: UnsafePointer<Float>
        /// Elements from one stored row to the next.
        public let stride: Int
        /// Whether the product takes the transpose of what is stored.
        public let isTransposed: Bool

        /// The matrix at `base`, its rows `stride` elements apart.
        public init(
            _ base: UnsafePointer<Float>, stride: Int, isTransposed: Bool = false
        ) {
            self.base = base
            self.stride = stride
            self.isTransposed = isTransposed
        }
    }

    /// What is added to a product before it is stored.
    public enum Bias {
        /// Nothing.
        case none
        /// One number per column of C: rows are samples.
        case perColumn(UnsafePointer<Float>)
        /// One number per row of C: columns are samples.
        case perRow(UnsafePointer<Float>)
    }

    /// What happens to a sum on its way to C.
    public struct Ending {
        /// Whether the product is added to what C holds.
        public let accumulates: Bool
        /// Added after that.
        public let bias: Bias
        /// Whether negative results become zero.
        public let isRectified: Bool

        /// Adds `bias`, then rectifies.
        public init(accumulates: Bool = false, bias: Bias = .none, isRectified: Bool = false) {
            self.accumulates = accumulates
            self.bias = bias
            self.isRectified = isRectified
        }
    }

    /// Rows of a tile.
    static let tileRows = 6
    /// Columns of a tile: two vectors of eight.
    static let tileColumns = 16
    /// Products summed in registers before C is touched: a packed panel then takes 16 KiB, half
    /// of the smallest first-level cache this runs on.
    static let depthBlock = 256
    /// Columns of B packed at a time: 256 KiB with `depthBlock`, half of a second-level cache.
    static let columnBlock = 256
    /// Rows of A that pass a block of B at a time: 120 KiB with `depthBlock`. A multiple of
    /// `tileRows`.
    static let rowBlock = 120

    /// How many floats `packing` must have room for.
    public static func packingCount(columns: Int, depth: Int) -> Int {
        let panels = (min(columns, columnBlock) + tileColumns - 1) / tileColumns
        return panels * tileColumns * min(depth, depthBlock)
    }

    /// C (`rows` × `columns`) = op(A) (`rows` × `depth`) · op(B) (`depth` × `columns`).
    ///
    /// `packing` has room for `packingCount(columns:depth:)` floats; nothing may overlap.
    public static func multiply(
        rows: Int, columns: Int, depth: Int, _ a: Operand, _ b: Operand,
        into c: UnsafeMutablePointer<Float>, stride: Int, ending: Ending = Ending(),
        packing: UnsafeMutablePointer<Float>
    ) {
        precondition(rows >= 0 && columns >= 0 && depth >= 0, "sizes are not negative")
        precondition(stride >= columns, "rows of C would overlap")
        guard rows > 0, columns > 0 else { return }
        guard depth > 0 else {
            return FloatGemmScalar.multiply(
                rows: rows, columns: columns, depth: 0, a, b, into: c, stride: stride,
                ending: ending, packing: packing)
        }
        for firstColumn in Swift.stride(from: 0, to: columns, by: columnBlock) {
            let width = min(columnBlock, columns - firstColumn)
            for firstDepth in Swift.stride(from: 0, to: depth, by: depthBlock) {
                let block = min(depthBlock, depth - firstDepth)
                FloatPacking.pack(
                    b, firstRow: firstDepth, rows: block, firstColumn: firstColumn,
                    columns: width, into: packing)
                let finish = TileEnding(
                    addsFormer: ending.accumulates || firstDepth > 0,
                    isLast: firstDepth + block == depth, ending)
                let offset = a.isTransposed ? firstDepth * a.stride : firstDepth
                let factor = Operand(
                    a.base + offset, stride: a.stride, isTransposed: a.isTransposed)
                multiplyBlock(
                    rows: rows, columns: width, depth: block, factor, packing, into: c,
                    firstColumn: firstColumn, stride: stride, finish)
            }
        }
    }

    /// One packed block of B with all rows of A, `rowBlock` rows at a time: those stay in the
    /// second cache while the panels of B pass, and each panel in the first while they pass.
    private static func multiplyBlock(
        rows: Int, columns: Int, depth: Int, _ a: Operand, _ packed: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>, firstColumn: Int, stride: Int, _ ending: TileEnding
    ) {
        let rowStep = a.isTransposed ? 1 : a.stride
        let depthStep = a.isTransposed ? a.stride : 1
        var tile = FloatTile()
        for firstRow in Swift.stride(from: 0, to: rows, by: rowBlock) {
            let endRow = min(firstRow + rowBlock, rows)
            for column in Swift.stride(from: 0, to: columns, by: tileColumns) {
                let panel = packed + column * depth
                let width = min(tileColumns, columns - column)
                for row in Swift.stride(from: firstRow, to: endRow, by: tileRows) {
                    let height = min(tileRows, endRow - row)
                    FloatTile.multiply(
                        depth: depth, a.base + row * rowStep, rowStep: rowStep,
                        depthStep: depthStep, rows: height, panel, into: &tile)
                    tile.store(
                        rows: height, columns: width, row: row, column: firstColumn + column,
                        into: c, stride: stride, ending)
                }
            }
        }
    }
}
