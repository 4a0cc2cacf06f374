import Numerics
import Testing

/// Factors and inverses by what they must satisfy, with componentwise bounds from Higham,
/// Accuracy and Stability of Numerical Algorithms (2002); one is added to each count of roundings
/// for every multiplication by a reciprocal instead of a division.
@Suite struct TriangularKernelTests {
    let scratch = Space(forScratch: ())
    static let sides = [1, 2, 5, 23, 24, 25, 48, 61, 100]
    /// Large enough for several groups of rows.
    static let largeSide = 215

    /// B Bᵀ + 0.1, rows `stride` apart: positive definite, moderately conditioned.
    func definite(_ side: Int, stride: Int) -> Space {
        let root = Space(side * side, seed: 7)
        let a = Space(side * stride)
        for row in 0..<side {
            for column in 0..<stride { a.base[row * stride + column] = .nan }
            for column in 0...row {
                let sum = ScalarKernel.dot(root.base + row * side, root.base + column * side, side)
                a.base[row * stride + column] = sum + (row == column ? 0.1 : 0)
            }
        }
        return a
    }

    func factored(_ side: Int, stride: Int) -> Space {
        let a = definite(side, stride: stride)
        let failed = TriangularKernel.factor(
            a.base, stride: stride, side: side, scratch: scratch.base)
        #expect(failed == nil)
        for row in 0..<side {
            for column in (row + 1)..<max(row + 1, stride) { a.base[row * stride + column] = 0 }
        }
        return a
    }

    @Test(arguments: sides + [largeSide]) func factorTimesItsTransposeIsTheMatrix(side: Int) {
        let stride = side + 2
        let a = definite(side, stride: stride)
        let l = factored(side, stride: stride)
        let plain = a.copy()
        let failed = TriangularKernel.factorPlainly(
            plain.base, stride: stride, side: side, scratch: scratch.base)
        #expect(failed == nil)
        for factor in [l, plain] {
            for row in 0..<side {
                for column in 0...row {
                    var sum = 0.0
                    var sizes = 0.0
                    for index in 0...column {
                        let product =
                            factor.base[row * stride + index] * factor.base[column * stride + index]
                        sum += product
                        sizes += abs(product)
                    }
                    // Theorem 10.3: (side + 1) u, and as much for the sum of this test.
                    let bound = 2 * Double(side + 2) * Space.u * sizes
                    #expect(abs(sum - a.base[row * stride + column]) <= bound, "\(row) \(column)")
                }
            }
        }
    }

    @Test func theFailingRowIsNamed() {
        for bad in [0, 7, 30, 59] {
            let a = definite(60, stride: 60)
            a.base[bad * 60 + bad] = -1
            let failed = TriangularKernel.factor(
                a.base, stride: 60, side: 60, scratch: scratch.base)
            #expect(failed == bad)
            let b = definite(60, stride: 60)
            b.base[bad * 60 + bad] = .infinity
            let other = TriangularKernel.factor(
                b.base, stride: 60, side: 60, scratch: scratch.base)
            #expect(other == bad)
        }
    }

    @Test(arguments: sides) func inverseTimesFactorIsTheIdentity(side: Int) {
        let stride = side + 1
        let l = factored(side, stride: stride)
        let w = Space(side * stride)
        TriangularKernel.invert(
            l.base, stride: stride, side: side, into: w.base, wStride: stride,
            scratch: scratch.base)
        // The block −C (L₂₁ A) is a product of three: with E its rounding, the residual of W L is
        // C L₂₁ (A L₁₁ − 1) + E L₁₁, so it grows to no more than 3 side u (|W| |L|)².
        var sizes = Matrix(rows: side, columns: side)
        var residual = sizes
        for row in 0..<side {
            for column in 0..<side {
                for index in 0..<side {
                    let product =
                        w.base[row * stride + index] * l.base[index * stride + column]
                    residual[row, column] += product
                    sizes[row, column] += abs(product)
                }
                if row == column { residual[row, column] -= 1 }
                if column > row { #expect(w.base[row * stride + column] == 0) }
            }
        }
        for row in 0..<side {
            for column in 0..<side {
                var square = 0.0
                for index in 0..<side { square += sizes[row, index] * sizes[index, column] }
                let bound = 3 * Double(side + 2) * Space.u * square
                #expect(abs(residual[row, column]) <= bound, "\(row) \(column)")
            }
        }
    }

    @Test(arguments: [1, 7, 25, 60]) func symmetricInverseIsTheProductOfItsHalves(side: Int) {
        let stride = side
        let l = factored(side, stride: stride)
        let w = Space(side * stride)
        TriangularKernel.invert(
            l.base, stride: stride, side: side, into: w.base, wStride: stride,
            scratch: scratch.base)
        let inverse = Space(side * stride)
        TriangularKernel.invertSymmetric(
            fromInverse: w.base, stride: stride, side: side, into: inverse.base,
            targetStride: stride, scratch: scratch.base)
        for row in 0..<side {
            for column in 0...row {
                var sum = 0.0
                var sizes = 0.0
                for index in 0..<side {
                    let product = w.base[index * stride + row] * w.base[index * stride + column]
                    sum += product
                    sizes += abs(product)
                }
                let bound = 2 * Double(side + 2) * Space.u * sizes
                #expect(abs(inverse.base[row * stride + column] - sum) <= bound)
            }
        }
    }

    @Test(arguments: sides) func severalRightHandSidesAtOnce(side: Int) {
        let l = factored(side, stride: side)
        let columns = 13
        let b = Space(side * columns, seed: 9)
        let x = b.copy()
        TriangularKernel.solveLower(
            l.base, stride: side, side: side, x.base, bStride: columns, columns: columns,
            scratch: scratch.base)
        for column in 0..<columns {
            let single = Space(side)
            for row in 0..<side { single.base[row] = b.base[row * columns + column] }
            TriangularKernel.solveLower(l.base, stride: side, side: side, single.base)
            for row in 0..<side {
                for solution in [
                    (0..<side).map { x.base[$0 * columns + column] },
                    (0..<side).map { single.base[$0] },
                ] {
                    var sum = 0.0
                    var sizes = 0.0
                    for index in 0...row {
                        let product = l.base[row * side + index] * solution[index]
                        sum += product
                        sizes += abs(product)
                    }
                    // Theorem 8.5: side u, and as much for the sum of this test.
                    let bound = 2 * Double(side + 2) * Space.u * sizes
                    #expect(abs(sum - b.base[row * columns + column]) <= bound)
                }
            }
        }
    }

    @Test func appendedRowsAreThoseOfTheWholeFactor() throws {
        let side = 40
        let a = definite(side, stride: side)
        var matrix = Matrix(rows: side - 1, columns: side - 1)
        for row in 0..<side - 1 {
            for column in 0...row { matrix[row, column] = a.base[row * side + column] }
        }
        let last = (0..<side - 1).map { a.base[(side - 1) * side + $0] }
        let own = a.base[side * side - 1]
        let factor = try Cholesky(matrix)
        let grown = try #require(factor.appending(covariances: last, variance: own))
        for column in 0..<side {
            var sum = 0.0
            var sizes = 0.0
            for index in 0...column {
                let product = grown.lower[side - 1, index] * grown.lower[column, index]
                sum += product
                sizes += abs(product)
            }
            let bound = 2 * Double(side + 2) * Space.u * sizes
            #expect(abs(sum - a.base[(side - 1) * side + column]) <= bound)
        }
        let hopeless = try Cholesky(matrix).appending(covariances: last, variance: -1)
        #expect(hopeless == nil)
    }
}
