import Numerics

/// The penalties of `LocalPenalization` four at a time: many balls at one point, or one ball at
/// many points.
///
/// Places are kept divided by the scales, coordinate by coordinate.
struct PenaltyField {
    private let rates: [Double]
    /// Room for places, a multiple of four.
    private let stride: Int
    private var count: Int
    private var places: [Double]
    private var radii: [Double]
    /// 1 / blur.
    private var slopes: [Double]

    /// No ball yet, room for `capacity`.
    init(capacity: Int, scales: [Double]) {
        rates = scales.map { 1 / $0 }
        stride = max(4, (capacity + 3) & ~3)
        count = 0
        places = [Double](repeating: 0, count: scales.count * stride)
        radii = [Double](repeating: 0, count: stride)
        slopes = radii
    }

    /// Points that balls will be laid over.
    init(points: [[Double]], scales: [Double]) {
        self.init(capacity: points.count, scales: scales)
        for point in points { place(point) }
    }

    private mutating func place(_ point: [Double]) {
        precondition(count < stride, "more places than there is room for")
        for index in rates.indices { places[index * stride + count] = point[index] * rates[index] }
        count += 1
    }

    /// One more ball.
    mutating func append(_ ball: LocalPenalization.Ball) {
        radii[count] = ball.radius
        slopes[count] = 1 / ball.blur
        place(ball.center)
    }

    /// The logarithm of the product of all balls' factors at `point`; its gradient is added to
    /// `gradient`.
    func logFactor(at point: [Double], addingTo gradient: inout [Double]) -> Double {
        var total = 0.0
        var first = 0
        while first < count {
            let squares = squaredDistances(point, rates, first)
            let slope = load(slopes, first)
            let distance = squares.squareRoot()
            let ratio = (distance - load(radii, first)) * slope
            let factor = VectorMath.logNormalCumulative(ratio)
            var pull = factor.slope * slope / distance
            // At the center itself the penalty has no direction.
            pull.replace(with: 0, where: squares .== 0)
            var value = factor.value
            for lane in 0..<4 where first + lane >= count {
                value[lane] = 0
                pull[lane] = 0
            }
            total += sum(value)
            for index in rates.indices {
                let difference = point[index] * rates[index] - load(places, index * stride + first)
                gradient[index] += sum(pull * difference) * rates[index]
            }
            first += 4
        }
        return total
    }

    /// Adds the logarithm of `ball`'s factor at every place to `scores`.
    func add(_ ball: LocalPenalization.Ball, to scores: inout [Double]) {
        let radius = SIMD4(repeating: ball.radius)
        var first = 0
        while first < count {
            let squares = squaredDistances(ball.center, rates, first)
            let ratio = (squares.squareRoot() - radius) * (1 / ball.blur)
            let value = VectorMath.logNormalCumulative(ratio).value
            for lane in 0..<min(4, count - first) { scores[first + lane] += value[lane] }
            first += 4
        }
    }

    @inline(__always)
    private func squaredDistances(
        _ point: [Double], _ rates: [Double], _ first: Int
    ) -> SIMD4<Double> {
        var squares = SIMD4<Double>(repeating: 0)
        for index in rates.indices {
            let difference = point[index] * rates[index] - load(places, index * stride + first)
            squares = squares.addingProduct(difference, difference)
        }
        return squares
    }

    @inline(__always)
    private func load(_ numbers: [Double], _ first: Int) -> SIMD4<Double> {
        SIMD4(numbers[first], numbers[first + 1], numbers[first + 2], numbers[first + 3])
    }

    @inline(__always)
    private func sum(_ lanes: SIMD4<Double>) -> Double {
        (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
    }
}
