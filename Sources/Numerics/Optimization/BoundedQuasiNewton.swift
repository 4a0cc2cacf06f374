/// Minimises a smooth function within bounds when asking it is dear: a quasi-Newton method with
/// the whole curvature matrix (BFGS), projected onto the bounds.
///
/// Coordinates that sit on a bound the function pulls them against stay; the others take the
/// quasi-Newton step of their block of the matrix (Bertsekas, SIAM J. Control Optim. 20, 221
/// (1982)). The step is shortened until the value falls enough (Armijo); only then is the
/// gradient asked for. For a few dozen coordinates at most: the matrix is dense.
public struct BoundedQuasiNewton: Equatable, Sendable {
    /// Steps at most.
    public var iterationLimit = 40
    /// Stop when a unit projected-gradient step would move no coordinate by more than this.
    public var tolerance = 1e-3
    /// Stop when a step gained less than this, or promises less than half of it.
    public var leastGain = 1e-5
    /// No coordinate moves further than this in one step.
    public var longestMove = 2.0

    /// Shortenings of one step at most.
    private static let backtrackLimit = 12
    /// The first step is no longer than this, unless the curvature is known.
    private static let firstMove = 0.5

    /// The method with its default limits.
    public init() {}

    /// Where a search ended.
    public struct Minimum: Equatable, Sendable {
        /// The best point seen.
        public var point: [Double]
        /// The function there.
        public var value: Double
        /// How often the value was asked for.
        public var values: Int
        /// How often the gradient was asked for.
        public var gradients: Int
        /// The last estimate of the curvature: a start for a similar function.
        public var curvature: Matrix
    }

    /// Searches from `start`, moved within `lower` and `upper`.
    ///
    /// `value` is the function; `gradient` writes its gradient at the point where `value` was
    /// asked last. A value that is not finite is stepped back from. `curvature`, where given, is
    /// the first estimate of the Hessian; it must be symmetric and positive definite.
    public func minimize(
        from start: [Double], lower: [Double], upper: [Double], curvature: Matrix? = nil,
        value: ([Double]) -> Double, gradient: (inout [Double]) -> Void
    ) -> Minimum {
        var point = start
        for index in point.indices {
            point[index] = min(max(start[index], lower[index]), upper[index])
        }
        var found = Minimum(
            point: point, value: value(point), values: 1, gradients: 0,
            curvature: curvature ?? .identity(start.count))
        guard found.value.isFinite else { return found }
        var slope = [Double](repeating: 0, count: start.count)
        gradient(&slope)
        found.gradients = 1
        var isScaled = curvature != nil
        var nextSlope = slope
        for _ in 0..<max(0, iterationLimit) {
            let free = Self.free(point, slope, lower, upper)
            let reach = free.reduce(0) { most, index in
                let target = min(max(point[index] - slope[index], lower[index]), upper[index])
                return max(most, abs(target - point[index]))
            }
            guard reach > tolerance else { break }
            let step = Self.step(found.curvature, slope, free)
            let longest = step.reduce(0) { max($0, abs($1)) }
            let limit = isScaled ? longestMove : min(longestMove, Self.firstMove)
            guard
                let next = shorten(
                    step, from: longest > limit ? limit / longest : 1, at: point, found.value,
                    slope, lower, upper, asked: &found.values, value)
            else { break }
            let gain = found.value - next.value
            found.point = next.point
            found.value = next.value
            // The gradient there would serve a further step only.
            if gain < leastGain { break }
            gradient(&nextSlope)
            found.gradients += 1
            Self.update(
                &found.curvature, from: point, slope, to: next.point, nextSlope,
                rescale: !isScaled)
            isScaled = true
            point = next.point
            swap(&slope, &nextSlope)
        }
        return found
    }

    /// Coordinates that are not held by a bound.
    private static func free(
        _ point: [Double], _ slope: [Double], _ lower: [Double], _ upper: [Double]
    ) -> [Int] {
        point.indices.filter { index in
            !(point[index] <= lower[index] && slope[index] > 0)
                && !(point[index] >= upper[index] && slope[index] < 0)
        }
    }

    /// Goes `share` of `step`, and less until the value fell enough; nil when it never did, or
    /// when too little is expected to be told from rounding.
    private func shorten(
        _ step: [Double], from first: Double, at point: [Double], _ here: Double,
        _ slope: [Double], _ lower: [Double], _ upper: [Double], asked: inout Int,
        _ value: ([Double]) -> Double
    ) -> (point: [Double], value: Double)? {
        var share = first
        var next = point
        for _ in 0..<Self.backtrackLimit {
            var expected = 0.0
            for index in point.indices {
                next[index] = min(
                    max(point[index] + share * step[index], lower[index]), upper[index])
                expected += (next[index] - point[index]) * slope[index]
            }
            guard -expected >= 0.5 * leastGain else { return nil }
            let there = value(next)
            asked += 1
            if there.isFinite, there <= here + 1e-4 * expected { return (next, there) }
            // The minimum of the parabola through both values and the slope, within limits.
            let bend = 2 * (there - here - expected)
            let parabola = -expected * share / bend
            share = bend.isFinite ? min(max(parabola, 0.1 * share), 0.5 * share) : 0.2 * share
        }
        return nil
    }

    /// −B⁻¹ g over the `free` coordinates, or −g where that is not downhill; zero elsewhere.
    private static func step(_ curvature: Matrix, _ slope: [Double], _ free: [Int]) -> [Double] {
        var block = Matrix(rows: free.count, columns: free.count)
        for (row, from) in free.enumerated() {
            for (column, to) in free.enumerated() { block[row, column] = curvature[from, to] }
        }
        let down = free.map { -slope[$0] }
        var solved = down
        if let factor = try? Cholesky(block) { solved = factor.solve(down) }
        let descent = zip(solved, down).reduce(0) { $0 + $1.0 * $1.1 }
        if !(descent > 0) { solved = down }
        var step = [Double](repeating: 0, count: slope.count)
        for (index, coordinate) in free.enumerated() { step[coordinate] = solved[index] }
        return step
    }

    /// The BFGS update, damped so that the matrix stays positive definite (Powell, 1978): where
    /// the slope bent less than a fifth of what the matrix expects, part of that is mixed in.
    private static func update(
        _ curvature: inout Matrix, from point: [Double], _ slope: [Double], to next: [Double],
        _ nextSlope: [Double], rescale: Bool
    ) {
        let all = point.indices
        let move = all.map { next[$0] - point[$0] }
        var bend = all.map { nextSlope[$0] - slope[$0] }
        let moved = all.reduce(0) { $0 + move[$1] * move[$1] }
        var product = all.reduce(0) { $0 + move[$1] * bend[$1] }
        guard moved > 0 else { return }
        if rescale, product > 0 {
            // The first step tells the size of the curvature, the identity does not.
            let size = all.reduce(0) { $0 + bend[$1] * bend[$1] } / product
            for index in all { curvature[index, index] = size }
        }
        let expected = all.map { row in all.reduce(0) { $0 + curvature[row, $1] * move[$1] } }
        let square = all.reduce(0) { $0 + move[$1] * expected[$1] }
        guard square > 0 else { return }
        if product < 0.2 * square {
            let share = 0.8 * square / (square - product)
            for index in all { bend[index] = share * bend[index] + (1 - share) * expected[index] }
            product = 0.2 * square
        }
        for row in all {
            for column in all {
                curvature[row, column] +=
                    bend[row] * bend[column] / product - expected[row] * expected[column] / square
            }
        }
    }
}
