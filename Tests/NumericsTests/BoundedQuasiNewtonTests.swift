import Numerics
import Testing

@Suite struct BoundedQuasiNewtonTests {
    /// Minimises `function`, which gives value and gradient together.
    func minimize(
        _ method: BoundedQuasiNewton, from start: [Double], _ lower: [Double], _ upper: [Double],
        _ function: @escaping ([Double]) -> (Double, [Double])
    ) -> BoundedQuasiNewton.Minimum {
        var last = start
        return method.minimize(
            from: start, lower: lower, upper: upper,
            value: { point in
                last = point
                return function(point).0
            },
            gradient: { $0 = function(last).1 })
    }

    func valley(_ x: [Double]) -> (Double, [Double]) {
        let bend = x[1] - x[0] * x[0]
        return (
            100 * bend * bend + (1 - x[0]) * (1 - x[0]),
            [-400 * bend * x[0] - 2 * (1 - x[0]), 200 * bend]
        )
    }

    @Test func findsTheBottomOfRosenbrocksValley() {
        var method = BoundedQuasiNewton()
        method.iterationLimit = 200
        method.tolerance = 1e-8
        method.leastGain = 1e-14
        let found = minimize(method, from: [-1.2, 1], [-2, -2], [2, 2], valley)
        #expect(abs(found.point[0] - 1) < 1e-5 && abs(found.point[1] - 1) < 1e-5)
        #expect(found.gradients <= found.values && found.values < 120)
    }

    @Test func stopsAtABound() {
        var method = BoundedQuasiNewton()
        method.tolerance = 1e-8
        method.leastGain = 1e-14
        method.iterationLimit = 200
        // With x ≤ 0.5 the valley's lowest point is (0.5, 0.25), of value 0.25.
        let found = minimize(method, from: [-1.2, 1], [-2, -2], [0.5, 2], valley)
        #expect(found.point[0] == 0.5 && abs(found.point[1] - 0.25) < 1e-6)
        #expect(abs(found.value - 0.25) < 1e-10)
    }

    @Test func aWallIsNotEnteredAndABadStartEndsThere() {
        let found = minimize(BoundedQuasiNewton(), from: [0.9], [-1], [1]) { x in
            (x[0] < 0.3 ? .infinity : x[0], [1])
        }
        #expect(found.point[0] >= 0.3 && found.point[0] < 0.9)
        let stuck = minimize(BoundedQuasiNewton(), from: [0.9], [-1], [1]) { _ in (.nan, [1]) }
        #expect(stuck.point == [0.9] && stuck.gradients == 0)
    }
}
