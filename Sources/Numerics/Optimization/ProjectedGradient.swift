/// Minimises a smooth function over a capped box: the spectral projected gradient method
/// (Birgin, Martínez and Raydan, SIAM J. Optim. 10, 1196 (2000)).
///
/// Steps have the Barzilai–Borwein length, which brings in curvature without a matrix, and every
/// trial point is a projection, so bounds and cap hold throughout. The line search compares with
/// the worst of the last few values rather than the last one; the best point seen is returned.
public struct ProjectedGradient: Equatable, Sendable {
    /// Steps at most.
    public var iterationLimit = 60
    /// Stop when a unit projected-gradient step would move no coordinate by more than this.
    public var tolerance = 1e-5
    /// Stop when the best value fell by less than this over the last `memory` steps.
    public var leastGain = 1e-8

    /// The largest and smallest step lengths, times the gradient.
    private static let stepRange = 1e-10...1e6
    /// Values the line search compares with.
    private static let memory = 8
    /// Halvings of one line search at most.
    private static let backtrackLimit = 20

    /// The method with its default limits.
    public init() {}

    /// Where a search ended.
    public struct Minimum: Equatable, Sendable {
        /// The best point seen.
        public var point: [Double]
        /// The function there.
        public var value: Double
        /// How often the function was asked.
        public var evaluations: Int
    }

    /// Searches from the projection of `start`.
    ///
    /// `function` returns its value at a point and writes its gradient, of the same length, to
    /// its second argument. A value that is not finite is taken for a wall: the search steps
    /// back from it; when `start` itself has none, the search ends there.
    public func minimize(
        from start: [Double], over region: CappedBox,
        _ function: ([Double], inout [Double]) -> Double
    ) -> Minimum {
        var point = start
        region.project(&point)
        var gradient = [Double](repeating: 0, count: point.count)
        var value = function(point, &gradient)
        var best = Minimum(point: point, value: value, evaluations: 1)
        guard value.isFinite else { return best }
        var recent = [value]
        var bestBefore = [value]
        var step = 0.0
        for _ in 0..<max(0, iterationLimit) {
            let reach = Self.direction(from: point, against: gradient, step: 1, in: region)
            let size = reach.reduce(0) { max($0, abs($1)) }
            guard size > tolerance else { break }
            if step == 0 { step = min(1, 0.1 / size) }
            let way = Self.direction(from: point, against: gradient, step: step, in: region)
            guard
                let next = search(
                    from: point, value: recent.max() ?? value, along: way, gradient: gradient,
                    in: region, evaluations: &best.evaluations, function)
            else { break }
            step = Self.spectralStep(
                from: point, gradient, to: next.point, next.gradient, fallback: step)
            (point, value, gradient) = (next.point, next.value, next.gradient)
            if value < best.value {
                best.point = point
                best.value = value
            }
            recent.append(value)
            if recent.count > Self.memory { recent.removeFirst() }
            bestBefore.append(best.value)
            if bestBefore.count > Self.memory {
                guard bestBefore.removeFirst() - best.value > leastGain else { break }
            }
        }
        return best
    }

    private static func direction(
        from point: [Double], against gradient: [Double], step: Double, in region: CappedBox
    ) -> [Double] {
        var target = point
        for index in target.indices { target[index] -= step * gradient[index] }
        region.project(&target)
        for index in target.indices { target[index] -= point[index] }
        return target
    }

    private struct Trial {
        var point: [Double]
        var value: Double
        var gradient: [Double]
    }

    /// Goes along `way`, at most all of it, until the value is enough below `value` (Armijo).
    private func search(
        from point: [Double], value: Double, along way: [Double], gradient: [Double],
        in region: CappedBox, evaluations: inout Int,
        _ function: ([Double], inout [Double]) -> Double
    ) -> Trial? {
        var slope = 0.0
        for index in way.indices { slope += way[index] * gradient[index] }
        guard slope < 0 else { return nil }
        var trial = Trial(point: point, value: value, gradient: gradient)
        var share = 1.0
        for _ in 0..<Self.backtrackLimit {
            for index in way.indices { trial.point[index] = point[index] + share * way[index] }
            // Both ends are inside and the region is convex; this only removes rounding.
            region.project(&trial.point)
            trial.value = function(trial.point, &trial.gradient)
            evaluations += 1
            if trial.value.isFinite, trial.value <= value + 1e-4 * share * slope { return trial }
            // The minimum of the parabola through both values and the slope, kept within bounds.
            let bend = 2 * (trial.value - value - share * slope)
            let parabola = -slope * share * share / bend
            share = bend.isFinite ? min(max(parabola, 0.1 * share), 0.5 * share) : 0.25 * share
        }
        return nil
    }

    private static func spectralStep(
        from point: [Double], _ gradient: [Double], to next: [Double], _ nextGradient: [Double],
        fallback: Double
    ) -> Double {
        var moved = 0.0
        var bent = 0.0
        for index in point.indices {
            let move = next[index] - point[index]
            moved += move * move
            bent += move * (nextGradient[index] - gradient[index])
        }
        guard moved > 0 else { return fallback }
        guard bent > 0 else { return min(fallback * 10, stepRange.upperBound) }
        return min(max(moved / bent, stepRange.lowerBound), stepRange.upperBound)
    }
}
