/// The points between `lower` and `upper` whose weighted sum does not exceed a cap: a box with
/// one corner cut off.
public struct CappedBox: Equatable, Sendable {
    /// Least value of every coordinate.
    public let lower: [Double]
    /// Largest value of every coordinate.
    public let upper: [Double]
    /// What every coordinate counts in the sum; never negative.
    public let weights: [Double]
    /// The sum's largest value; infinite when there is no cap.
    public let cap: Double

    /// A box with a cap, or nil when it contains no point: sides of different length, a bound
    /// that is not finite or above its partner, a negative weight, or a cap below the sum at
    /// `lower`.
    public init?(lower: [Double], upper: [Double], weights: [Double], cap: Double) {
        guard lower.count == upper.count, lower.count == weights.count, !cap.isNaN else {
            return nil
        }
        var least = 0.0
        for index in lower.indices {
            guard lower[index].isFinite, upper[index].isFinite, weights[index].isFinite,
                lower[index] <= upper[index], weights[index] >= 0
            else { return nil }
            least += weights[index] * lower[index]
        }
        guard least <= cap else { return nil }
        self.lower = lower
        self.upper = upper
        self.weights = weights
        self.cap = cap
    }

    /// A box without a cap, or nil when it contains no point.
    public init?(lower: [Double], upper: [Double]) {
        self.init(
            lower: lower, upper: upper, weights: [Double](repeating: 0, count: lower.count),
            cap: .infinity)
    }

    /// Number of coordinates.
    public var dimension: Int { lower.count }

    /// The weighted sum at `point`.
    public func weightedSum(_ point: [Double]) -> Double {
        var sum = 0.0
        for index in point.indices { sum += weights[index] * point[index] }
        return sum
    }

    /// Whether `point` is inside, give or take `tolerance` in every coordinate and the sum.
    public func contains(_ point: [Double], tolerance: Double = 0) -> Bool {
        guard point.count == dimension else { return false }
        for index in point.indices {
            guard point[index] >= lower[index] - tolerance,
                point[index] <= upper[index] + tolerance
            else { return false }
        }
        return weightedSum(point) <= cap + tolerance
    }

    /// Moves `point` to the nearest point inside.
    ///
    /// The nearest point is clamp(x − λ w) for the least λ ≥ 0 that meets the cap (the KKT
    /// condition of the projection); the sum falls as λ grows, so λ is found by bisection, and
    /// its upper end is used: the result is inside, never just outside.
    public func project(_ point: inout [Double]) {
        precondition(point.count == dimension, "the point must have the box's dimension")
        let free = point
        clamp(free, less: 0, into: &point)
        guard weightedSum(point) > cap else { return }
        var tooLittle = 0.0
        var enough = 0.0
        for index in free.indices where weights[index] > 0 {
            enough = max(enough, (free[index] - lower[index]) / weights[index])
        }
        for _ in 0..<80 {
            let middle = 0.5 * (tooLittle + enough)
            clamp(free, less: middle, into: &point)
            if weightedSum(point) > cap { tooLittle = middle } else { enough = middle }
        }
        clamp(free, less: enough, into: &point)
        // `enough` times a weight may round to just above a lower bound.
        if weightedSum(point) > cap { point = lower }
    }

    private func clamp(_ free: [Double], less factor: Double, into point: inout [Double]) {
        for index in free.indices {
            let value = free[index] - factor * weights[index]
            // Written so that a value that is not a number lands on the lower bound.
            point[index] = value >= lower[index] ? min(value, upper[index]) : lower[index]
        }
    }

    /// `count` points drawn uniformly from the inside, by a Gibbs walk: each coordinate in turn
    /// is drawn between its bounds as far as the cap and the others leave it room. `sweeps`
    /// rounds lie between two points.
    ///
    /// Unlike drawing from the box and rejecting, the cost does not explode when the cap cuts
    /// nearly everything off.
    public func uniformPoints(
        _ count: Int, sweeps: Int = 6, using generator: inout SeededGenerator
    ) -> [[Double]] {
        var point = lower
        var points: [[Double]] = []
        points.reserveCapacity(count)
        for _ in 0..<max(0, count) {
            for _ in 0..<max(1, sweeps) {
                for index in point.indices {
                    var top = upper[index]
                    if weights[index] > 0, cap.isFinite {
                        point[index] = lower[index]
                        let room = cap - weightedSum(point)
                        top = min(top, lower[index] + max(0, room) / weights[index])
                    }
                    point[index] = generator.uniform(lower[index], max(top, lower[index]))
                }
            }
            points.append(point)
        }
        return points
    }
}
