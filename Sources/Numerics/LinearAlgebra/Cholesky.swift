import Glibc

/// The factor L of a symmetric positive definite matrix A = L Lᵀ, and what it is good for.
///
/// Row-oriented (Cholesky–Banachiewicz): every inner loop is a dot product of two contiguous
/// rows.
public struct Cholesky: Equatable, Sendable {
    /// The lower triangle L; zeros above the diagonal.
    public let lower: Matrix
    /// What was added to the diagonal of A to make it factorable; 0 in good cases.
    public let jitter: Double

    /// Why a matrix has no factor.
    public enum Failure: Error, Equatable, CustomStringConvertible {
        /// Rows and columns differ in number.
        case notSquare(rows: Int, columns: Int)
        /// Not positive definite (or not finite): the pivot of this row failed even with the
        /// largest jitter tried.
        case notPositiveDefinite(row: Int)

        /// What is wrong, and what to do about it.
        public var description: String {
            switch self {
            case .notSquare(let rows, let columns):
                "a \(rows) x \(columns) matrix has no Cholesky factor; it must be square"
            case .notPositiveDefinite(let row):
                "the matrix is not positive definite at row \(row); "
                    + "look for values that are not finite, or raise the noise"
            }
        }
    }

    /// Factors `matrix`, of which only the lower triangle is read.
    ///
    /// When a pivot fails, up to `jitterSteps` times a jitter is added to the diagonal: first
    /// 1e-10 of its mean, then ten times as much each time. Throws `Failure` when none helped.
    public init(_ matrix: Matrix, jitterSteps: Int = 8) throws(Failure) {
        guard matrix.rows == matrix.columns else {
            throw .notSquare(rows: matrix.rows, columns: matrix.columns)
        }
        var trace = 0.0
        for index in 0..<matrix.rows { trace += matrix[index, index] }
        var added = 0.0
        var failedRow = 0
        for step in 0...max(0, jitterSteps) {
            var factor = matrix
            if let row = Self.factor(&factor, addingToDiagonal: added) {
                failedRow = row
                let scale = trace / Double(max(1, matrix.rows))
                added = scale * 1e-10 * pow(10, Double(step))
                guard added.isFinite, added > 0 else { break }
            } else {
                lower = factor
                jitter = added
                return
            }
        }
        throw .notPositiveDefinite(row: failedRow)
    }

    /// Number of rows and columns.
    public var side: Int { lower.rows }

    /// Overwrites `matrix` by its factor; returns the row whose pivot failed, if one did.
    private static func factor(_ matrix: inout Matrix, addingToDiagonal jitter: Double) -> Int? {
        let side = matrix.rows
        return matrix.withElements { buffer -> Int? in
            guard let base = buffer.baseAddress else { return nil }
            for row in 0..<side {
                let rowBase = base + row * side
                for column in 0..<row {
                    let columnBase = base + column * side
                    let rest = rowBase[column] - Kernel.dot(rowBase, columnBase, column)
                    rowBase[column] = rest / columnBase[column]
                }
                let pivot = rowBase[row] + jitter - Kernel.dot(rowBase, rowBase, row)
                guard pivot.isFinite, pivot > 0 else { return row }
                rowBase[row] = pivot.squareRoot()
                for column in (row + 1)..<max(row + 1, side) { rowBase[column] = 0 }
            }
            return nil
        }
    }

    /// log det A.
    public var logDeterminant: Double {
        var sum = 0.0
        for index in 0..<side { sum += log(lower[index, index]) }
        return 2 * sum
    }

    /// Replaces b by L⁻¹ b. `vector` must have `side` elements.
    public func solveLower(_ vector: inout [Double]) {
        precondition(vector.count == side, "the vector must be as long as the matrix is wide")
        lower.elements.withUnsafeBufferPointer { factor in
            vector.withUnsafeMutableBufferPointer { b in
                guard let factor = factor.baseAddress, let b = b.baseAddress else { return }
                for row in 0..<side {
                    let rowBase = factor + row * side
                    b[row] = (b[row] - Kernel.dot(rowBase, b, row)) / rowBase[row]
                }
            }
        }
    }

    /// Replaces b by L⁻ᵀ b. `vector` must have `side` elements.
    public func solveUpper(_ vector: inout [Double]) {
        precondition(vector.count == side, "the vector must be as long as the matrix is wide")
        lower.elements.withUnsafeBufferPointer { factor in
            vector.withUnsafeMutableBufferPointer { b in
                guard let factor = factor.baseAddress, let b = b.baseAddress else { return }
                for row in stride(from: side - 1, through: 0, by: -1) {
                    let rowBase = factor + row * side
                    b[row] /= rowBase[row]
                    Kernel.add(-b[row], rowBase, to: b, row)
                }
            }
        }
    }

    /// A⁻¹ b. `vector` must have `side` elements.
    public func solve(_ vector: [Double]) -> [Double] {
        var result = vector
        solveLower(&result)
        solveUpper(&result)
        return result
    }

    /// A⁻¹, both triangles.
    public func inverse() -> Matrix {
        let side = side
        // Row j of `columns` is column j of L⁻¹, so that all loops below run along rows.
        var columns = Matrix(rows: side, columns: side)
        var result = Matrix(rows: side, columns: side)
        lower.elements.withUnsafeBufferPointer { factor in
            columns.withElements { inverse in
                guard let factor = factor.baseAddress, let inverse = inverse.baseAddress else {
                    return
                }
                for column in 0..<side {
                    let target = inverse + column * side
                    target[column] = 1 / factor[column * side + column]
                    for row in (column + 1)..<max(column + 1, side) {
                        let known = row - column
                        let source = factor + row * side
                        target[row] =
                            -Kernel.dot(source + column, target + column, known) / source[row]
                    }
                }
                result.withElements { product in
                    for row in 0..<side {
                        for column in 0...row {
                            let value = Kernel.dot(
                                inverse + row * side + row, inverse + column * side + row,
                                side - row)
                            product[row * side + column] = value
                            product[column * side + row] = value
                        }
                    }
                }
            }
        }
        return result
    }
}
