import Numerics

/// Factors and solves of the Gaussian process's size.
var linearAlgebraBenchmarks: [Benchmark] {
    [135, 1_000].map { side in
        Benchmark(
            name: "cholesky/factor/\(side)", work: Double(side * side * side) / 6, unit: "madd"
        ) {
            var matrix = Matrix(rows: side, columns: side)
            for row in 0..<side {
                for column in 0..<side { matrix[row, column] = row == column ? 2 : 0.5 }
            }
            let ready = matrix
            return { keep(try? Cholesky(ready)) }
        }
    }
}
