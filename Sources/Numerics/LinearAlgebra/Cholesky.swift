import Glibc

/// The factor L of a symmetric positive definite matrix A = L Lᵀ, and what it is good for.
///
/// The convenient form of `TriangularKernel`, which does the work; fits that factor the same
/// size over and over call that directly and allocate nothing.
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
        let scratch = UnsafeMutablePointer<Double>.allocate(
            capacity: MatrixProduct.scratchCount)
        defer { scratch.deallocate() }
        for step in 0...max(0, jitterSteps) {
            var factor = matrix
            if let row = Self.factor(&factor, addingToDiagonal: added, scratch) {
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
    private static func factor(
        _ matrix: inout Matrix, addingToDiagonal jitter: Double,
        _ scratch: UnsafeMutablePointer<Double>
    ) -> Int? {
        let side = matrix.rows
        return matrix.withElements { buffer -> Int? in
            guard let base = buffer.baseAddress else { return nil }
            let failed = TriangularKernel.factor(
                base, stride: side, side: side, jitter: jitter, scratch: scratch)
            for row in 0..<side {
                (base + row * side + row + 1).update(repeating: 0, count: side - row - 1)
            }
            return failed
        }
    }

    /// The factor of A with one more row and column, in O(n²): `covariances` with the elements so
    /// far and the new element's own `variance`; nil when the result is not positive definite.
    /// The jitter of the old factor is added to the new diagonal element too.
    public func appending(covariances: [Double], variance: Double) -> Cholesky? {
        precondition(covariances.count == side, "one covariance per row is needed")
        let wide = side + 1
        var grown = Matrix(rows: wide, columns: wide)
        let done = grown.withElements { target -> Bool in
            guard let to = target.baseAddress else { return false }
            lower.elements.withUnsafeBufferPointer { source in
                guard let from = source.baseAddress else { return }
                for row in 0..<side {
                    (to + row * wide).update(from: from + row * side, count: row + 1)
                }
            }
            for index in 0..<side { to[side * wide + index] = covariances[index] }
            to[side * wide + side] = variance
            return TriangularKernel.append(to, stride: wide, side: side, jitter: jitter)
        }
        return done ? Cholesky(lower: grown, jitter: jitter) : nil
    }

    private init(lower: Matrix, jitter: Double) {
        self.lower = lower
        self.jitter = jitter
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
                TriangularKernel.solveLower(factor, stride: side, side: side, b)
            }
        }
    }

    /// Replaces b by L⁻ᵀ b. `vector` must have `side` elements.
    public func solveUpper(_ vector: inout [Double]) {
        precondition(vector.count == side, "the vector must be as long as the matrix is wide")
        lower.elements.withUnsafeBufferPointer { factor in
            vector.withUnsafeMutableBufferPointer { b in
                guard let factor = factor.baseAddress, let b = b.baseAddress else { return }
                TriangularKernel.solveUpper(factor, stride: side, side: side, b)
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

    /// L⁻¹, zeros above its diagonal.
    public func lowerInverse() -> Matrix {
        var result = Matrix(rows: side, columns: side)
        let scratch = UnsafeMutablePointer<Double>.allocate(
            capacity: MatrixProduct.scratchCount)
        defer { scratch.deallocate() }
        lower.elements.withUnsafeBufferPointer { factor in
            result.withElements { target in
                guard let factor = factor.baseAddress, let target = target.baseAddress else {
                    return
                }
                TriangularKernel.invert(
                    factor, stride: side, side: side, into: target, wStride: side,
                    scratch: scratch)
            }
        }
        return result
    }

    /// A⁻¹, both triangles.
    public func inverse() -> Matrix {
        let root = lowerInverse()
        var result = Matrix(rows: side, columns: side)
        let scratch = UnsafeMutablePointer<Double>.allocate(
            capacity: MatrixProduct.scratchCount)
        defer { scratch.deallocate() }
        root.elements.withUnsafeBufferPointer { root in
            result.withElements { target in
                guard let root = root.baseAddress, let target = target.baseAddress else { return }
                TriangularKernel.invertSymmetric(
                    fromInverse: root, stride: side, side: side, into: target,
                    targetStride: side, scratch: scratch)
                for row in 0..<side {
                    for column in 0..<row {
                        target[column * side + row] = target[row * side + column]
                    }
                }
            }
        }
        return result
    }
}
