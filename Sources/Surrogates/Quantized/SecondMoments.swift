import Glibc
import Numerics

/// What calibration says about the inputs of a layer: which errors of weights matter.
///
/// Only inputs that were ever active are in it. The others have no say: their weights are rounded
/// to the nearest step.
struct SecondMoments {
    /// Indices of the inputs in it, those with the smallest second moment first: rounding starts
    /// at the end, and the first ones rounded have most others left to make up for them.
    private let active: [Int]
    /// R, upper triangle, with RᵀR = XᵀX / n + λ.
    private var factor: [Double]
    /// Xᵀ(F − X) / n, `[active, active]`.
    private var drift: [Double]
    private var side: Int { active.count }

    /// Moments of `given` (X) and its difference from `wanted` (F); λ is `damping` times the
    /// mean of the diagonal.
    init(_ given: Rows, _ wanted: Rows, damping: Double) {
        let width = given.width
        var squares = [Double](repeating: 0, count: width)
        var seen = [Bool](repeating: false, count: width)
        for index in given.values.indices {
            squares[index % width] += given.values[index] * given.values[index]
            if given.values[index] != 0 { seen[index % width] = true }
        }
        active = (0..<width).filter { seen[$0] }
            .sorted { squares[$0] != squares[$1] ? squares[$0] < squares[$1] : $0 < $1 }
        let x = given.columns(active)
        var difference = wanted.columns(active)
        for index in difference.indices { difference[index] -= x[index] }
        let rows = max(1, given.count)
        factor = Self.gram(x, x, side: active.count, rows: rows)
        drift = Self.gram(x, difference, side: active.count, rows: rows)
        let trace = active.indices.reduce(0) { $0 + factor[$1 * active.count + $1] }
        let jitter = damping * trace / Double(max(1, active.count))
        for index in active.indices { factor[index * active.count + index] += jitter }
        Self.factorize(&factor, side: active.count)
    }

    /// `aᵀ b / rows`, `[side, side]`.
    private static func gram(_ a: [Double], _ b: [Double], side: Int, rows: Int) -> [Double] {
        var result = [Double](repeating: 0, count: side * side)
        guard side > 0 else { return result }
        result.withUnsafeMutableBufferPointer { result in
            a.withUnsafeBufferPointer { a in
                b.withUnsafeBufferPointer { b in
                    let out = result.baseAddress.unsafelyUnwrapped
                    for row in 0..<a.count / side {
                        let right = b.baseAddress.unsafelyUnwrapped + row * side
                        for left in 0..<side where a[row * side + left] != 0 {
                            let share = a[row * side + left] / Double(rows)
                            axpy(side, share, right, out + left * side)
                        }
                    }
                }
            }
        }
        return result
    }

    /// R with RᵀR = the symmetric positive definite `matrix`, in its place; below the diagonal
    /// nothing is to be read. Row by row: every inner loop runs along a row.
    private static func factorize(_ matrix: inout [Double], side: Int) {
        matrix.withUnsafeMutableBufferPointer { matrix in
            guard let start = matrix.baseAddress else { return }
            for pivot in 0..<side {
                let row = start + pivot * side
                // The damping keeps the pivots positive; rounding may take it away from one.
                let root = sqrt(max(row[pivot], Double.leastNormalMagnitude))
                for column in pivot..<side { row[column] /= root }
                for below in pivot + 1..<max(side, pivot + 1) where row[below] != 0 {
                    axpy(
                        side - below, -row[below], row + below, start + below * side + below)
                }
            }
        }
    }

    /// Adds (RᵀR)⁻¹ `drift` W to `weights` W, `[inputs, columns]`.
    mutating func correct(_ weights: inout [Double], columns: Int) {
        guard side > 0 else { return }
        var change = [Double](repeating: 0, count: side * columns)
        let (side, active, factor, drift) = (side, active, factor, drift)
        change.withUnsafeMutableBufferPointer { change in
            let out = change.baseAddress.unsafelyUnwrapped
            weights.withUnsafeBufferPointer { weights in
                let all = weights.baseAddress.unsafelyUnwrapped
                for row in 0..<side {
                    for k in 0..<side where drift[row * side + k] != 0 {
                        axpy(
                            columns, drift[row * side + k], all + active[k] * columns,
                            out + row * columns)
                    }
                }
            }
            // Rᵀ y = drift W from the first row on, then R change = y from the last one on.
            for row in 0..<side {
                Self.scale(columns, 1 / factor[row * side + row], out + row * columns)
                for below in row + 1..<max(side, row + 1) {
                    axpy(
                        columns, -factor[row * side + below], out + row * columns,
                        out + below * columns)
                }
            }
            for row in (0..<side).reversed() {
                Self.scale(columns, 1 / factor[row * side + row], out + row * columns)
                for above in 0..<row {
                    axpy(
                        columns, -factor[above * side + row], out + row * columns,
                        out + above * columns)
                }
            }
        }
        for row in 0..<side {
            for column in 0..<columns {
                weights[active[row] * columns + column] += change[row * columns + column]
            }
        }
    }

    private static func scale(_ count: Int, _ factor: Double, _ y: UnsafeMutablePointer<Double>) {
        for index in 0..<count { y[index] *= factor }
    }

    /// `weights`, `[inputs, columns]`, as whole multiples −127…127 of `steps`, one per column.
    ///
    /// ‖X (W − Q)‖² + λ ‖W − Q‖² is, for each column with error e = w − q, n ‖R e‖². With R
    /// triangular, row i of R e holds e_i and the errors of the inputs after it. So going from
    /// the last input to the first, each is rounded after Σ_{k>i} R_ik / R_ii e_k is added to it,
    /// which makes row i as small as it can be (Babai's nearest plane; in exact arithmetic the
    /// same as optimal brain quantisation in a fixed order, Frantar et al. 2022).
    mutating func round(_ weights: inout [Double], columns: Int, steps: [Float]) -> [Int8] {
        var codes = [Int8](repeating: 0, count: weights.count)
        let largest = Double(Int8Matrix.largestWeight)
        let units = steps.map { $0 > 0 ? 1 / Double($0) : 0 }
        var errors = [Double](repeating: 0, count: side * columns)
        var moved = [Double](repeating: 0, count: columns)
        let place = Dictionary(uniqueKeysWithValues: active.enumerated().map { ($1, $0) })
        let silent = (0..<weights.count / columns).filter { place[$0] == nil }
        for input in silent + active.reversed() {
            let row = place[input]
            for column in 0..<columns { moved[column] = weights[input * columns + column] }
            if let row {
                errors.withUnsafeBufferPointer { errors in
                    moved.withUnsafeMutableBufferPointer { moved in
                        for later in row + 1..<max(side, row + 1) {
                            axpy(
                                columns, factor[row * side + later] / factor[row * side + row],
                                errors.baseAddress.unsafelyUnwrapped + later * columns,
                                moved.baseAddress.unsafelyUnwrapped)
                        }
                    }
                }
            }
            for column in 0..<columns {
                let nearest = (moved[column] * units[column]).rounded(.toNearestOrEven)
                let code = nearest.isNaN ? 0 : max(-largest, min(largest, nearest))
                codes[input * columns + column] = Int8(code)
                if let row {
                    errors[row * columns + column] =
                        weights[input * columns + column] - code * Double(steps[column])
                }
            }
        }
        return codes
    }
}
