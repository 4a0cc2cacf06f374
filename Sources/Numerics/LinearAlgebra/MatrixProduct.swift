/// C ± A B for double matrices, in tiles that stay in registers.
///
/// A tile of C, four rows by twelve columns, is held in twelve four-lane registers while the
/// loop runs along the depth: each step loads twelve numbers of B and four of A and does 48
/// multiply–adds. B is copied before into panels twelve columns wide, so that those loads are
/// consecutive whichever way B lies in memory; A is read where it lies.
///
/// Strides make transposes free, and `Shape` leaves out what is known to be zero. Sums run along
/// the depth in one fixed order: the same input gives the same bits.
public enum MatrixProduct {
    /// Rows of a tile.
    public static let tileRows = 4
    /// Columns of a tile.
    public static let tileColumns = 12
    /// Depth and columns of what is copied of B at a time: 24 KB a panel, for the first cache…
    static let panelDepth = 256
    /// …and half a megabyte together, for the second.
    static let panelColumns = 252
    /// Doubles of scratch that `multiply` needs.
    public static let scratchCount = panelDepth * panelColumns

    /// A matrix in memory: where it begins, and how far apart rows and columns are.
    public struct Operand {
        /// Element (0, 0).
        public var base: UnsafePointer<Double>
        /// From one row to the next, in elements.
        public var rowStride: Int
        /// From one column to the next, in elements.
        public var columnStride: Int

        /// A matrix; give the strides the other way round for its transpose.
        @inlinable
        public init(_ base: UnsafePointer<Double>, rowStride: Int, columnStride: Int = 1) {
            self.base = base
            self.rowStride = rowStride
            self.columnStride = columnStride
        }
    }

    /// What becomes of C.
    public enum Mode {
        /// C = A B.
        case set
        /// C = −A B.
        case setNegative
        /// C = C − A B.
        case subtract
    }

    /// What is known about the matrices, so that it need not be computed.
    public struct Shape: OptionSet, Sendable {
        /// The bits.
        public let rawValue: Int
        /// From bits.
        public init(rawValue: Int) { self.rawValue = rawValue }
        /// Only tiles of C that reach to its diagonal or below are needed; some elements above
        /// it are written as well.
        public static let lowerResult = Shape(rawValue: 1)
        /// A is zero above its diagonal.
        public static let lowerLeft = Shape(rawValue: 2)
        /// A is zero below its diagonal.
        public static let upperLeft = Shape(rawValue: 4)
        /// B is zero above its diagonal.
        public static let lowerRight = Shape(rawValue: 8)
    }

    /// Computes C (`rows` × `columns`, rows `stride` apart) from A (`rows` × `depth`) and B
    /// (`depth` × `columns`). `scratch` has room for `scratchCount` doubles. C overlaps neither
    /// A nor B. With depth 0, `subtract` leaves C alone and the others make it zero.
    public static func multiply(
        _ mode: Mode, _ c: UnsafeMutablePointer<Double>, stride: Int, rows: Int, columns: Int,
        depth: Int, _ a: Operand, _ b: Operand, shape: Shape = [],
        scratch: UnsafeMutablePointer<Double>
    ) {
        var columnStart = 0
        while columnStart < columns {
            let width = min(panelColumns, columns - columnStart)
            var depthStart = 0
            repeat {
                let height = min(panelDepth, depth - depthStart)
                let first = depthStart == 0
                pack(
                    b.base + depthStart * b.rowStride + columnStart * b.columnStride, b, height,
                    width, into: scratch)
                let block = Block(
                    rows: rows, columnStart: columnStart, width: width, depthStart: depthStart,
                    height: height, stride: stride, shape: shape,
                    mode: blockMode(mode, first: first))
                block.run(c, a, scratch)
                depthStart += panelDepth
            } while depthStart < depth
            columnStart += panelColumns
        }
    }

    private static func blockMode(_ mode: Mode, first: Bool) -> Block.Mode {
        switch mode {
        case .set: first ? .set : .add
        case .setNegative: first ? .setNegative : .subtract
        case .subtract: .subtract
        }
    }

    /// The plain version of `multiply`: every element of C as one sum.
    public static func multiplyPlainly(
        _ mode: Mode, _ c: UnsafeMutablePointer<Double>, stride: Int, rows: Int, columns: Int,
        depth: Int, _ a: Operand, _ b: Operand, shape: Shape = [],
        scratch: UnsafeMutablePointer<Double>
    ) {
        for row in 0..<rows {
            for column in 0..<columns where !shape.contains(.lowerResult) || column <= row {
                var sum = 0.0
                for step in 0..<depth {
                    if shape.contains(.lowerLeft), step > row { continue }
                    if shape.contains(.upperLeft), step < row { continue }
                    if shape.contains(.lowerRight), step < column { continue }
                    sum +=
                        a.base[row * a.rowStride + step * a.columnStride]
                        * b.base[step * b.rowStride + column * b.columnStride]
                }
                switch mode {
                case .set: c[row * stride + column] = sum
                case .setNegative: c[row * stride + column] = -sum
                case .subtract: c[row * stride + column] -= sum
                }
            }
        }
    }
}
