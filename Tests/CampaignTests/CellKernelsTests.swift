import Numerics
import Testing

@testable import Campaign

/// With ε = 2⁻²⁴ a sum of n products, in whatever order and fused or not, is off by at most
/// n ε / (1 − n ε) times the sum of its magnitudes; so two ways differ by at most twice that.
@Suite struct CellKernelsTests {
    private static let unit = 0x1p-24

    private func numbers(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
        var numbers: [Float] = []
        for _ in 0..<count { numbers.append(Float(random.normal())) }
        return numbers
    }

    @Test(arguments: [1, 6, 13], [1, 37])
    func combine(columns: Int, count: Int) {
        var random = SeededGenerator(seed: UInt64(columns * 100 + count))
        let width = 48
        let stride = CellKernels.padded(columns, CellKernels.columnBlock)
        let forms = numbers(stride * count, &random)
        let weights = numbers(2 * count * width, &random)
        // Every other row, last first.
        let units = (0..<count).map { Int32(2 * (count - 1 - $0)) }
        var fast = [Float](repeating: .nan, count: stride * width)
        var slow = fast
        forms.withUnsafeBufferPointer { forms in
            units.withUnsafeBufferPointer { units in
                guard let base = forms.baseAddress, let names = units.baseAddress else { return }
                let all = CellKernels.Forms(
                    base: base, stride: stride, columns: columns, units: names, count: count)
                CellKernels.combine(all, weights, width: width, into: &fast)
                CellKernels.combineOneByOne(all, weights, width: width, into: &slow)
            }
        }
        for column in 0..<columns {
            for neuron in 0..<width {
                var size = 0.0
                for index in 0..<count {
                    let weight = weights[Int(units[index]) * width + neuron]
                    size += Double(abs(forms[index * stride + column] * weight))
                }
                let difference = fast[column * width + neuron] - slow[column * width + neuron]
                #expect(abs(Double(difference)) <= 2.01 * Double(count) * Self.unit * size)
            }
        }
    }

    @Test(arguments: [1, 2, 30])
    func evaluateAndEnds(columns: Int) {
        var random = SeededGenerator(seed: UInt64(columns))
        let (width, capacity, count) = (32, 80, 48)
        let coefficients = numbers(width * columns, &random)
        let values = numbers(capacity * columns, &random)
        let reach = numbers(columns, &random).map(abs)
        var (fast, slow) = (numbers(4 * capacity, &random), numbers(4 * capacity, &random))
        var (top, bottom) = (
            [Float](repeating: 0, count: width), [Float](repeating: 0, count: width)
        )
        var (twinTop, twinBottom) = (top, bottom)
        let middles = numbers(columns, &random)
        var (boxTop, twinBoxTop) = (top, top)
        let neurons = (3, 23, 0, 3)
        coefficients.withUnsafeBufferPointer { coefficients in
            values.withUnsafeBufferPointer { values in
                guard let base = coefficients.baseAddress, let points = values.baseAddress else {
                    return
                }
                let rows = CellKernels.Rows(
                    coefficients: base, width: width, columns: columns, values: points,
                    capacity: capacity)
                CellKernels.evaluate(
                    rows, neurons: neurons, count: count, into: &fast, distance: capacity)
                CellKernels.evaluateOneByOne(
                    rows, neurons: neurons, count: count, into: &slow, distance: capacity)
                CellKernels.ends(rows, count: width, reach: reach, top: &top, bottom: &bottom)
                CellKernels.endsOneByOne(
                    rows, count: width, reach: reach, top: &twinTop, bottom: &twinBottom)
                CellKernels.tops(
                    rows, count: width, middles: middles, halves: reach, into: &boxTop)
                CellKernels.topsOneByOne(
                    rows, count: width, middles: middles, halves: reach, into: &twinBoxTop)
            }
        }
        let error = 2.01 * Double(2 * columns + 1) * Self.unit
        for (offset, neuron) in [neurons.0, neurons.1, neurons.2, neurons.3].enumerated() {
            for point in 0..<count {
                var size = Double(abs(coefficients[neuron]))
                for column in 1..<columns {
                    let value = values[(column - 1) * capacity + point]
                    size += Double(abs(coefficients[column * width + neuron] * value))
                }
                let place = offset * capacity + point
                #expect(abs(Double(fast[place] - slow[place])) <= error * size)
            }
        }
        for neuron in 0..<width {
            var size = Double(abs(coefficients[neuron]))
            for column in 1..<columns {
                size += Double(abs(coefficients[column * width + neuron] * reach[column]))
            }
            #expect(abs(Double(top[neuron] - twinTop[neuron])) <= error * size)
            #expect(abs(Double(bottom[neuron] - twinBottom[neuron])) <= error * size)
            for column in 1..<columns {
                size += Double(abs(coefficients[column * width + neuron] * middles[column]))
            }
            #expect(abs(Double(boxTop[neuron] - twinBoxTop[neuron])) <= error * size)
        }
    }

    @Test func columns() {
        var random = SeededGenerator(seed: 3)
        let inputs = numbers(64, &random)
        let (low, high) = CellKernels.extremes(inputs, count: 64)
        #expect(low == inputs.min() && high == inputs.max())
        #expect(CellKernels.reachesAboveZero(inputs, count: 64))
        #expect(!CellKernels.reachesAboveZero(inputs.map { -abs($0) }, count: 64))
        var odd = inputs.map { -abs($0) }
        odd[37] = .nan
        #expect(CellKernels.reachesAboveZero(odd, count: 64))
        // λ and c as a cell chooses them: the bend goes as far below zero as above.
        let share = high / (high - low)
        let lift = -0.5 * share * low
        var bends = [Float](repeating: .nan, count: 64)
        CellKernels.bend(inputs, count: 64, share: share, lift: lift, into: &bends)
        for (input, bend) in zip(inputs, bends) {
            let wanted =
                Double(max(input, 0)) - Double(share) * Double(input) - Double(lift)
            let size = 2 * abs(Double(input)) + Double(lift)
            #expect(abs(Double(bend) - wanted) <= 3 * Self.unit * size)
            #expect(abs(Double(bend)) <= Double(lift) + 3 * Self.unit * size)
        }
    }

    /// Each recipe once; along one variable, leaf follows leaf.
    @Test(arguments: [1, 31, 33, 100, 1_500], [1, 5, 12])
    func order(count: Int, dimension: Int) {
        var random = SeededGenerator(seed: UInt64(count + dimension))
        var points: [Float] = []
        for _ in 0..<(count * dimension) { points.append(Float(random.uniform(-3, 900))) }
        let weights = [Float](repeating: 1, count: dimension)
        let sorter = CellOrder(weights: weights, cell: 256, leaf: 32)
        var order = [Int32](repeating: -1, count: count)
        sorter.sort(points, count: count, into: &order)
        #expect(order.sorted() == (0..<count).map { Int32($0) })
        guard dimension == 1 else { return }
        let step: Float = 903.0 / 255
        for first in stride(from: 32, to: count, by: 32) {
            let before = order[(first - 32)..<first].map { points[Int($0)] }
            let after = order[first..<min(first + 32, count)].map { points[Int($0)] }
            let (most, least) = (before.max() ?? 0, after.min() ?? 0)
            #expect(most <= least + step)
        }
    }

    /// Equal recipes, and values that leave no room for steps, are no trouble.
    @Test func flatOrder() {
        let points = [Float](repeating: 7, count: 200)
        let sorter = CellOrder(weights: [1, 0], cell: 64, leaf: 32)
        var order = [Int32](repeating: -1, count: 100)
        sorter.sort(points, count: 100, into: &order)
        #expect(order.sorted() == (0..<100).map { Int32($0) })
    }
}
