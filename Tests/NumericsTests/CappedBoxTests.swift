import Numerics
import Testing

@Suite struct CappedBoxTests {
    @Test func projectsOntoTheNearestPoint() throws {
        let box = try #require(
            CappedBox(lower: [0, 0], upper: [1, 1], weights: [1, 1], cap: 1))
        // By hand: the nearest point of x + y ≤ 1 lies along (1, 1).
        var point = [0.9, 0.7]
        box.project(&point)
        #expect(abs(point[0] - 0.6) < 1e-12 && abs(point[1] - 0.4) < 1e-12)
        // The nearest point is a corner.
        point = [3, 0.2]
        box.project(&point)
        #expect(abs(point[0] - 1) < 1e-12 && abs(point[1]) < 1e-12)
        // Inside stays.
        point = [0.25, 0.5]
        box.project(&point)
        #expect(point == [0.25, 0.5])
        point = [.nan, 2]
        box.project(&point)
        #expect(box.contains(point))
    }

    @Test func refusesABoxWithoutPoints() {
        #expect(CappedBox(lower: [1], upper: [0]) == nil)
        #expect(CappedBox(lower: [1, 1], upper: [2, 2], weights: [1, 1], cap: 1.5) == nil)
        #expect(CappedBox(lower: [0], upper: [.infinity]) == nil)
        #expect(CappedBox(lower: [0], upper: [1], weights: [-1], cap: 1) == nil)
    }

    @Test func projectionsStayInsideAndNoPointInsideIsNearer() throws {
        var generator = SeededGenerator(seed: 8)
        let box = try #require(
            CappedBox(
                lower: [0, -1, 0, 0], upper: [1, 2, 1, 0], weights: [3, 1, 0, 2], cap: 1.7))
        let inside = box.uniformPoints(200, using: &generator)
        for point in inside { #expect(box.contains(point, tolerance: 1e-12)) }
        for _ in 0..<50 {
            let free = (0..<4).map { _ in 3 * generator.normal() }
            var projected = free
            box.project(&projected)
            #expect(box.contains(projected))
            func distance(_ point: [Double]) -> Double {
                zip(point, free).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
            for point in inside { #expect(distance(point) >= distance(projected) - 1e-9) }
        }
    }

    @Test func uniformPointsHaveTheMeanOfTheTriangle() throws {
        // Uniform in x, y ≥ 0, x + y ≤ 1: the centroid is (1/3, 1/3).
        let box = try #require(
            CappedBox(lower: [0, 0], upper: [1, 1], weights: [1, 1], cap: 1))
        var generator = SeededGenerator(seed: 5)
        let points = box.uniformPoints(4_000, using: &generator)
        for index in 0..<2 {
            let mean = points.reduce(0) { $0 + $1[index] } / 4_000
            // The standard deviation of one coordinate is 1/√18; this is 4.5 standard errors.
            #expect(abs(mean - 1.0 / 3) < 4.5 * 0.2357 / 63.2)
        }
    }
}

@Suite struct ProjectedGradientTests {
    @Test func findsTheBottomOfRosenbrocksValley() throws {
        let box = try #require(CappedBox(lower: [-2, -2], upper: [2, 2]))
        var method = ProjectedGradient()
        method.iterationLimit = 2_000
        method.leastGain = 0
        let found = method.minimize(from: [-1.2, 1], over: box) { x, gradient in
            let bend = x[1] - x[0] * x[0]
            gradient[0] = -400 * bend * x[0] - 2 * (1 - x[0])
            gradient[1] = 200 * bend
            return 100 * bend * bend + (1 - x[0]) * (1 - x[0])
        }
        #expect(abs(found.point[0] - 1) < 1e-3 && abs(found.point[1] - 1) < 1e-3)
    }

    @Test func stopsAtTheCap() throws {
        // min (x−1)² + 2 (y−1)² with x + y ≤ 1: by Lagrange x = 1/3, y = 2/3.
        let box = try #require(
            CappedBox(lower: [0, 0], upper: [1, 1], weights: [1, 1], cap: 1))
        let found = ProjectedGradient().minimize(from: [0, 0], over: box) { x, gradient in
            gradient = [2 * (x[0] - 1), 4 * (x[1] - 1)]
            return (x[0] - 1) * (x[0] - 1) + 2 * (x[1] - 1) * (x[1] - 1)
        }
        #expect(abs(found.point[0] - 1.0 / 3) < 1e-4 && abs(found.point[1] - 2.0 / 3) < 1e-4)
        #expect(box.contains(found.point))
    }

    @Test func aWallIsNotEntered() throws {
        let box = try #require(CappedBox(lower: [-1], upper: [1]))
        let found = ProjectedGradient().minimize(from: [0.9], over: box) { x, gradient in
            gradient[0] = 1
            return x[0] < 0.3 ? .infinity : x[0]
        }
        #expect(found.point[0] >= 0.3 && found.point[0] < 0.35)
    }
}
