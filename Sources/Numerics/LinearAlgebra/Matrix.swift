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

/// The two loops everything dense is made of. Sums run in four independent lanes: their order is
/// fixed, so the same data give the same bits, and the lanes do not wait for one another.
enum Kernel {
    /// Σ a[i] b[i] over `count` elements.
    static func dot(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double
    {
        var lane0 = 0.0
        var lane1 = 0.0
        var lane2 = 0.0
        var lane3 = 0.0
        var index = 0
        while index &+ 4 <= count {
            lane0 += a[index] * b[index]
            lane1 += a[index &+ 1] * b[index &+ 1]
            lane2 += a[index &+ 2] * b[index &+ 2]
            lane3 += a[index &+ 3] * b[index &+ 3]
            index &+= 4
        }
        while index < count {
            lane0 += a[index] * b[index]
            index &+= 1
        }
        return (lane0 + lane1) + (lane2 + lane3)
    }

    /// y[i] += factor * x[i] over `count` elements.
    static func add(
        _ factor: Double, _ x: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        var index = 0
        while index < count {
            y[index] += factor * x[index]
            index &+= 1
        }
    }
}
