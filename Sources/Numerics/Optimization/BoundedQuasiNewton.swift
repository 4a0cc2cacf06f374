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
    /// Stop when a step is expected to gain, and the last one gained, less than this.
    public var leastGain = 1e-5
    /// No coordinate moves further than this in one step.
    public var longestMove = 2.0

    /// Shortenings of one step at most.
    private static let backtrackLimit = 12

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
        let dimension = start.count
        var point = start
        for index in 0..<dimension {
            point[index] = min(max(start[index], lower[index]), upper[index])
        }
        var found = Minimum(
            point: point, value: value(point), values: 1, gradients: 0,
            curvature: curvature ?? .identity(dimension))
        guard found.value.isFinite else { return found }
        var slope = [Double](repeating: 0, count: dimension)
        gradient(&slope)
        found.gradients = 1
        var isScaled = curvature != nil
        var next = point
        var nextSlope = slope
        for _ in 0..<max(0, iterationLimit) {
            let free = (0..<dimension).filter { index in
                !(point[index] <= lower[index] && slope[index] > 0)
                    && !(point[index] >= upper[index] && slope[index] < 0)
            }
            let reach = free.reduce(0) { most, index in
                let target = min(max(point[index] - slope[index], lower[index]), upper[index])
                return max(most, abs(target - point[index]))
            }
            guard reach > tolerance else { break }
            var step = Self.step(found.curvature, slope, free)
            var descent = free.reduce(0) { $0 + step[$1] * slope[$1] }
            if !(descent < 0) {
                for index in free { step[index] = -slope[index] }
                descent = free.reduce(0) { $0 + step[$1] * slope[$1] }
            }
            let longest = step.reduce(0) { max($0, abs($1)) }
            let limit = isScaled ? longestMove : min(longestMove, 0.5)
            var share = longest > limit ? limit / longest : 1
            var accepted = false
            var nextValue = found.value
            for _ in 0..<Self.backtrackLimit {
                var expected = 0.0
                for index in 0..<dimension {
                    next[index] = min(
                        max(point[index] + share * step[index], lower[index]), upper[index])
                    expected += (next[index] - point[index]) * slope[index]
                }
                // Too little to be told from rounding.
                if -expected < 0.5 * leastGain { break }
                nextValue = value(next)
                found.values += 1
                if nextValue.isFinite, nextValue <= found.value + 1e-4 * expected {
                    accepted = true
                    break
                }
                let bend = 2 * (nextValue - found.value - share * descent)
                let parabola = -descent * share * share / bend
                share = bend.isFinite ? min(max(parabola, 0.1 * share), 0.5 * share) : 0.2 * share
            }
            guard accepted else { break }
            gradient(&nextSlope)
            found.gradients += 1
            Self.update(
                &found.curvature, from: point, slope, to: next, nextSlope, rescale: !isScaled)
            isScaled = true
            let gain = found.value - nextValue
            swap(&point, &next)
            swap(&slope, &nextSlope)
            found.point = point
            found.value = nextValue
            if gain < leastGain { break }
        }
        return found
    }

    /// −B⁻¹ g over the `free` coordinates; zero elsewhere.
    private static func step(_ curvature: Matrix, _ slope: [Double], _ free: [Int]) -> [Double] {
        var block = Matrix(rows: free.count, columns: free.count)
        for (row, from) in free.enumerated() {
            for (column, to) in free.enumerated() { block[row, column] = curvature[from, to] }
        }
        var step = [Double](repeating: 0, count: slope.count)
        guard let factor = try? Cholesky(block) else { return step }
        let solved = factor.solve(free.map { -slope[$0] })
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
