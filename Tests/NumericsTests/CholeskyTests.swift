import Glibc
import Numerics
import Testing

@Suite struct CholeskyTests {
    func matrix(_ rows: [[Double]]) -> Matrix {
        var result = Matrix(rows: rows.count, columns: rows.first?.count ?? 0)
        for (row, values) in rows.enumerated() {
            for (column, value) in values.enumerated() { result[row, column] = value }
        }
        return result
    }

    /// A = L Lᵀ with L = [[2,0,0],[6,1,0],[-8,5,3]], multiplied by hand.
    let rows: [[Double]] = [[4, 12, -16], [12, 37, -43], [-16, -43, 98]]

    @Test func factorOfAMatrixMultipliedByHand() throws {
        let factor = try Cholesky(matrix(rows))
        #expect(factor.lower == matrix([[2, 0, 0], [6, 1, 0], [-8, 5, 3]]))
        #expect(factor.jitter == 0)
        // det = (2·1·3)².
        #expect(abs(factor.logDeterminant - log(36)) < 1e-14)
    }

    @Test func solvesBothTriangles() throws {
        let factor = try Cholesky(matrix(rows))
        var lower: [Double] = [2, 7, 0]
        factor.solveLower(&lower)
        #expect(lower == [1, 1, 1])
        var upper: [Double] = [0, 6, 3]
        factor.solveUpper(&upper)
        // Lᵀ x = b from the last row up: x₂ = 1, x₁ = 6 − 5, x₀ = (0 − 6 + 8) / 2.
        #expect(upper == [1, 1, 1])
        // A · (1, 2, 3) = (-20, -43, 192).
        for (value, expected) in zip(factor.solve([-20, -43, 192]), [1.0, 2, 3]) {
            #expect(abs(value - expected) < 1e-11)
        }
    }

    @Test func inverseTimesMatrixIsIdentity() throws {
        var generator = SeededGenerator(seed: 4)
        for side in [1, 2, 5, 23] {
            // B Bᵀ + 1 is positive definite whatever B is.
            var root = Matrix(rows: side, columns: side)
            for row in 0..<side {
                for column in 0..<side { root[row, column] = generator.normal() }
            }
            var product = Matrix.identity(side)
            for row in 0..<side {
                for column in 0..<side {
                    for inner in 0..<side {
                        product[row, column] += root[row, inner] * root[column, inner]
                    }
                }
            }
            let inverse = try Cholesky(product).inverse()
            for row in 0..<side {
                for column in 0..<side {
                    var sum = 0.0
                    for inner in 0..<side { sum += product[row, inner] * inverse[inner, column] }
                    #expect(abs(sum - (row == column ? 1 : 0)) < 1e-10)
                }
            }
        }
    }

    @Test func jitterRescuesASingularMatrix() throws {
        let factor = try Cholesky(matrix([[1, 1], [1, 1]]))
        #expect(factor.jitter > 0 && factor.jitter <= 1e-8)
    }

    @Test func failuresAreTyped() {
        #expect(throws: Cholesky.Failure.notSquare(rows: 1, columns: 2)) {
            try Cholesky(matrix([[1, 2]]))
        }
        #expect(throws: Cholesky.Failure.notPositiveDefinite(row: 1)) {
            try Cholesky(matrix([[1, 2], [2, 1]]))
        }
        #expect(throws: Cholesky.Failure.notPositiveDefinite(row: 0)) {
            try Cholesky(matrix([[.nan]]))
        }
    }
}
