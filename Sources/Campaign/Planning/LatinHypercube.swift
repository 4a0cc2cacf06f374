import Numerics

/// Latin hypercube sampling (McKay, Beckman and Conover, Technometrics 21, 239 (1979)) in a
/// capped box.
///
/// Every variable's range is cut into as many strata as there are points, and every stratum is
/// used once. Points beyond the cap are mended by exchanging coordinates between points, which
/// leaves all strata as they are; of several such designs the one whose closest pair is farthest
/// apart is taken. Where the cap leaves no room for that (the strata's mean sum is above it),
/// the strata become those of equal probability under a uniform draw from the capped box: the
/// same when nothing is cut off, denser at the low end where much is. What is still outside
/// after that is projected onto the cap.
struct LatinHypercube: Sendable {
    /// Designs compared.
    var designs = 60
    /// Exchanges tried to mend one design, per point.
    var exchangesPerPoint = 40
    /// Draws from the capped box that estimate its marginal distributions.
    var draws = 2_000

    /// `count` points inside `region`.
    func points(
        _ count: Int, in region: CappedBox, using generator: inout SeededGenerator
    ) -> [[Double]] {
        guard count > 0 else { return [] }
        let even = (0..<region.dimension).map { index in
            (0...count).map { edge in
                let share = Double(edge) / Double(count)
                return region.lower[index] + share * (region.upper[index] - region.lower[index])
            }
        }
        // With every stratum used once the mean sum is that of the box's middle; above the cap no
        // exchange can mend it.
        let middle = region.weightedSum(zip(region.lower, region.upper).map { ($0 + $1) / 2 })
        if middle <= region.cap,
            let found = best(count, in: region, edges: even, mustFit: true, &generator)
        {
            return found
        }
        let edges = marginalEdges(count, region, &generator)
        return best(count, in: region, edges: edges, mustFit: false, &generator) ?? []
    }

    /// The best of `designs` designs with strata between `edges`; nil when `mustFit` and none
    /// is inside.
    private func best(
        _ count: Int, in region: CappedBox, edges: [[Double]], mustFit: Bool,
        _ generator: inout SeededGenerator
    ) -> [[Double]]? {
        var chosen: [[Double]]?
        var widest = -1.0
        for _ in 0..<max(1, designs) {
            var points = draw(count, edges: edges, &generator)
            mend(&points, region, &generator)
            let fits = points.allSatisfy { region.weightedSum($0) <= region.cap }
            if mustFit, !fits { continue }
            if !fits { for index in points.indices { region.project(&points[index]) } }
            let closest = Self.closestPair(points)
            if closest > widest {
                widest = closest
                chosen = points
            }
        }
        return chosen
    }

    private func draw(
        _ count: Int, edges: [[Double]], _ generator: inout SeededGenerator
    ) -> [[Double]] {
        var points = [[Double]](
            repeating: [Double](repeating: 0, count: edges.count), count: count)
        for index in edges.indices {
            var strata = Array(0..<count)
            generator.shuffle(&strata)
            for (row, stratum) in strata.enumerated() {
                points[row][index] = generator.uniform(
                    edges[index][stratum], edges[index][stratum + 1])
            }
        }
        return points
    }

    /// Exchanges coordinates of a point above the cap with those of random others, keeping what
    /// lowers the total excess.
    private func mend(
        _ points: inout [[Double]], _ region: CappedBox, _ generator: inout SeededGenerator
    ) {
        let weighted = region.weights.indices.filter { region.weights[$0] > 0 }
        guard points.count > 1, !weighted.isEmpty, region.cap.isFinite else { return }
        func excess(_ point: [Double]) -> Double { max(0, region.weightedSum(point) - region.cap) }
        var row = 0
        for _ in 0..<(exchangesPerPoint * points.count) {
            guard
                let above = points.indices.first(where: {
                    excess(points[($0 + row) % points.count]) > 0
                })
            else { return }
            row = (above + row) % points.count
            var other = generator.below(points.count - 1)
            if other >= row { other += 1 }
            let index = weighted[generator.below(weighted.count)]
            let before = excess(points[row]) + excess(points[other])
            let mine = points[row][index]
            points[row][index] = points[other][index]
            points[other][index] = mine
            if excess(points[row]) + excess(points[other]) > before {
                points[other][index] = points[row][index]
                points[row][index] = mine
            }
            row = (row + 1) % points.count
        }
    }

    /// Quantiles of every coordinate of a uniform draw from `region`.
    private func marginalEdges(
        _ count: Int, _ region: CappedBox, _ generator: inout SeededGenerator
    ) -> [[Double]] {
        let cloud = region.uniformPoints(max(draws, count), using: &generator)
        return (0..<region.dimension).map { index in
            let sorted = cloud.map { $0[index] }.sorted()
            return (0...count).map { edge in
                sorted[min(sorted.count - 1, edge * sorted.count / count)]
            }
        }
    }

    /// The squared distance of the closest two of `points`; infinite for fewer than two.
    static func closestPair(_ points: [[Double]]) -> Double {
        var least = Double.infinity
        for first in points.indices {
            for second in 0..<first {
                var square = 0.0
                for (a, b) in zip(points[first], points[second]) { square += (a - b) * (a - b) }
                least = min(least, square)
            }
        }
        return least
    }
}
