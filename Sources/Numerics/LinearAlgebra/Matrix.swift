/// A dense matrix of doubles, row by row.
public struct Matrix: Equatable, Sendable {
    /// Number of rows.
    public let rows: Int
    /// Number of columns.
    public let columns: Int
    /// The elements, `rows * columns` of them, row by row.
    public internal(set) var elements: [Double]

    /// A matrix of zeros. Both counts must not be negative.
    public init(rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0, "a matrix has no negative sides")
        self.rows = rows
        self.columns = columns
        elements = [Double](repeating: 0, count: rows * columns)
    }

    /// The identity of side `side`.
    public static func identity(_ side: Int) -> Matrix {
        var result = Matrix(rows: side, columns: side)
        for index in 0..<side { result[index, index] = 1 }
        return result
    }

    /// The element in `row` and `column`, both from 0.
    public subscript(row: Int, column: Int) -> Double {
        get { elements[row * columns + column] }
        set { elements[row * columns + column] = newValue }
    }

    /// Lets `body` read and write the elements in place, row by row.
    public mutating func withElements<Result>(
        _ body: (UnsafeMutableBufferPointer<Double>) throws -> Result
    ) rethrows -> Result {
        try elements.withUnsafeMutableBufferPointer { try body($0) }
    }
}
