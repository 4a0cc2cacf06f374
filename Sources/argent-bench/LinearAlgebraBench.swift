import Numerics

/// Kernels in double precision: products, factors and solves of the Gaussian process's sizes.
var linearAlgebraBenchmarks: [Benchmark] {
    vectorBenchmarks + [135, 1_000].flatMap { matrixBenchmarks(side: $0) }
}

/// Memory of one benchmark; it lives as long as the work that holds it.
private final class Arena {
    let doubles: UnsafeMutablePointer<Double>
    let scratch: UnsafeMutablePointer<Double>

    init(_ count: Int, fill: (Int) -> Double) {
        doubles = .allocate(capacity: count)
        scratch = .allocate(capacity: MatrixProduct.scratchCount)
        for index in 0..<count { doubles[index] = fill(index) }
        scratch.initialize(repeating: 0, count: MatrixProduct.scratchCount)
    }

    deinit {
        doubles.deallocate()
        scratch.deallocate()
    }
}

/// Numbers from −1 to 1, the same every time.
private func noise(_ seed: UInt64) -> (Int) -> Double {
    var generator = SeededGenerator(seed: seed)
    return { _ in generator.uniform(-1, 1) }
}

private var vectorBenchmarks: [Benchmark] {
    typealias Function = (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int) -> Void
    let functions: [(String, Function)] = [
        ("exp", { VectorMath.exp($0, into: $1, $2) }),
        ("exp-scalar", { ScalarMath.exp($0, into: $1, $2) }),
        ("log", { VectorMath.log($0, into: $1, $2) }),
        ("log-scalar", { ScalarMath.log($0, into: $1, $2) }),
        ("erf", { VectorMath.erf($0, into: $1, $2) }),
        ("erf-scalar", { ScalarMath.erf($0, into: $1, $2) }),
        ("normal-cdf", { VectorMath.normalCumulative($0, into: $1, $2) }),
        ("normal-cdf-scalar", { ScalarMath.normalCumulative($0, into: $1, $2) }),
        ("normal-logcdf", { VectorMath.logNormalCumulative($0, into: $1, $2) }),
        ("normal-logcdf-scalar", { ScalarMath.logNormalCumulative($0, into: $1, $2) }),
        ("log-excess", { VectorMath.logExpectedExcess($0, into: $1, $2) }),
        ("log-excess-scalar", { ScalarMath.logExpectedExcess($0, into: $1, $2) }),
    ]
    let count = 1_024
    return functions.map { name, function in
        Benchmark(name: "vector/\(name)/\(count)", work: Double(count), unit: "values") {
            let arena = Arena(2 * count) { index in 0.01 + 3 * Double(index % count) / Double(count)
            }
            return { function(arena.doubles, arena.doubles + count, count) }
        }
    } + [
        Benchmark(name: "vector/dot/1000", work: 1_000, unit: "madd") {
            let arena = Arena(2_000, fill: noise(1))
            return { keep(VectorKernel.dot(arena.doubles, arena.doubles + 1_000, 1_000)) }
        },
        Benchmark(name: "vector/axpy/1000", work: 1_000, unit: "madd") {
            let arena = Arena(2_000, fill: noise(1))
            return { VectorKernel.add(1e-9, arena.doubles, to: arena.doubles + 1_000, 1_000) }
        },
        Benchmark(name: "vector/gemv/1000", work: 1e6, unit: "madd") {
            let arena = Arena(1_002_000, fill: noise(1))
            let x = arena.doubles + 1_000_000
            return {
                VectorKernel.multiply(
                    arena.doubles, stride: 1_000, rows: 1_000, columns: 1_000, x, into: x + 1_000)
            }
        },
    ]
}

private func matrixBenchmarks(side: Int) -> [Benchmark] {
    let cube = Double(side * side * side)
    let square = side * side
    typealias Work = (Arena) -> Void
    func benchmark(_ name: String, _ work: Double, _ body: @escaping Work) -> Benchmark {
        Benchmark(name: "\(name)/\(side)", work: work, unit: "madd") {
            // The first matrix is random, the second positive definite, the third its factor.
            var generator = SeededGenerator(seed: 1)
            let arena = Arena(5 * square) { index in
                guard index >= square else { return generator.uniform(-1, 1) }
                let (row, column) = ((index % square) / side, index % side)
                return row == column ? 2 : 0.5
            }
            _ = TriangularKernel.factor(
                arena.doubles + 2 * square, stride: side, side: side, scratch: arena.scratch)
            TriangularKernel.invert(
                arena.doubles + 2 * square, stride: side, side: side,
                into: arena.doubles + 3 * square, wStride: side, scratch: arena.scratch)
            return { body(arena) }
        }
    }
    func operand(_ place: UnsafePointer<Double>) -> MatrixProduct.Operand {
        MatrixProduct.Operand(place, rowStride: side)
    }
    return [
        benchmark("gemm", cube) { arena in
            MatrixProduct.multiply(
                .set, arena.doubles + 4 * square, stride: side, rows: side, columns: side,
                depth: side, operand(arena.doubles), operand(arena.doubles + square),
                scratch: arena.scratch)
        },
        benchmark("syrk", cube / 2) { arena in
            MatrixProduct.multiply(
                .set, arena.doubles + 4 * square, stride: side, rows: side, columns: side,
                depth: side, operand(arena.doubles),
                MatrixProduct.Operand(arena.doubles, rowStride: 1, columnStride: side),
                shape: .lowerResult, scratch: arena.scratch)
        },
        benchmark("cholesky/factor", cube / 6) { arena in
            let target = arena.doubles + 4 * square
            target.update(from: arena.doubles + square, count: square)
            keep(
                TriangularKernel.factor(
                    target, stride: side, side: side, scratch: arena.scratch))
        },
        benchmark("cholesky/factor-scalar", cube / 6) { arena in
            let target = arena.doubles + 4 * square
            target.update(from: arena.doubles + square, count: square)
            keep(
                TriangularKernel.factorPlainly(
                    target, stride: side, side: side, scratch: arena.scratch))
        },
        benchmark("cholesky/invert-lower", cube / 6) { arena in
            TriangularKernel.invert(
                arena.doubles + 2 * square, stride: side, side: side,
                into: arena.doubles + 4 * square, wStride: side, scratch: arena.scratch)
        },
        benchmark("cholesky/invert-symmetric", cube / 6) { arena in
            TriangularKernel.invertSymmetric(
                fromInverse: arena.doubles + 3 * square, stride: side, side: side,
                into: arena.doubles + 4 * square, targetStride: side, scratch: arena.scratch)
        },
        benchmark("cholesky/solve-lower", Double(square) / 2) { arena in
            TriangularKernel.solveLower(
                arena.doubles + 2 * square, stride: side, side: side,
                arena.doubles + 4 * square)
        },
        benchmark("cholesky/solve-lower-64", 32 * Double(square)) { arena in
            TriangularKernel.solveLower(
                arena.doubles + 2 * square, stride: side, side: side,
                arena.doubles + 4 * square, bStride: 64, columns: 64, scratch: arena.scratch)
        },
    ]
}
