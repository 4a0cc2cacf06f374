import Testing

@testable import Numerics

/// Products of 8-bit weights against plain arithmetic, and every kernel against its scalar twin.
@Suite struct Int8Tests {
    /// Shapes with whole and ragged quads, blocks and groups of four blocks.
    static let shapes = [(1, 1), (4, 8), (5, 9), (7, 40), (30, 33), (50, 100), (67, 71)]

    /// Random weights; every third row of inputs is silent, as after a rectifier.
    private struct Case {
        var matrix: Int8Matrix
        var weights: [Int8]
        var values: [Float]
        var largest: [Float]
        var stride: Int

        init(_ inputs: Int, _ outputs: Int, rows: Int, extreme: Bool = false) {
            var random = SeededGenerator(seed: UInt64(inputs * 1_000 + outputs))
            weights = (0..<inputs * outputs).map { _ in
                extreme
                    ? (random.next() & 1 == 0 ? 127 : -127)
                    : Int8.random(in: -127...127, using: &random)
            }
            matrix = Int8Matrix(inputs: inputs, outputs: outputs, weights: weights)
            stride = matrix.paddedInputs
            values = [Float](repeating: 0, count: rows * stride)
            largest = []
            for row in 0..<rows {
                for input in 0..<inputs where extreme || (input / 4) % 3 != 0 {
                    values[row * stride + input] =
                        extreme ? 3.5 : Float.random(in: 0...9, using: &random)
                }
                largest.append(values[row * stride..<(row + 1) * stride].max() ?? 0)
            }
        }

        /// The codes by plain arithmetic, as the format's description says.
        func codes(_ row: Int, largestCode: Int) -> [Int] {
            guard largest[row] > 0 else { return [Int](repeating: 0, count: matrix.inputs) }
            return (0..<matrix.inputs).map { input in
                let quotient: Float = Float(largestCode) / largest[row]
                return Int((values[row * stride + input] * quotient).rounded(.toNearestOrEven))
            }
        }

        func sums(kernel: Int8Kernel, rows: Int, fine: Bool, code: Int) -> [Int32] {
            let codes = Int8Codes(width: matrix.inputs)
            codes.encode(
                values, rows: rows, width: stride, stride: stride, largest: largest,
                largestCode: code, fine: fine, kernel: kernel)
            var sums = [Int32](repeating: 77, count: rows * matrix.paddedOutputs)
            sums.withUnsafeMutableBufferPointer { sums in
                guard let start = sums.baseAddress else { return }
                matrix.multiply(codes, kernel: kernel, into: start)
            }
            return sums
        }
    }

    @Test(arguments: shapes, [1, 4])
    func aProductIsTheSumOfProductsOfItsCodes(shape: (Int, Int), rows: Int) {
        let (inputs, outputs) = shape
        let job = Case(inputs, outputs, rows: rows)
        for fine in [true, false] {
            let code = fine ? job.matrix.largestCode : Int8Codes.coarsest
            let sums = job.sums(kernel: .plain, rows: rows, fine: fine, code: code)
            for row in 0..<rows {
                let codes = job.codes(row, largestCode: code)
                for output in 0..<outputs {
                    let expected = (0..<inputs).reduce(0) {
                        $0 + codes[$1] * Int(job.weights[$1 * outputs + output])
                    }
                    // The product value × steps is rounded once here and once, fused with the
                    // addition that rounds it to a whole number, there: a code may differ by one
                    // where it lies within that rounding of a half.
                    let unsure = (0..<inputs).filter { input in
                        let exact =
                            Double(job.values[row * job.stride + input])
                            * Double(code) / Double(max(job.largest[row], .leastNonzeroMagnitude))
                        return abs(abs(exact - exact.rounded(.down)) - 0.5) < exact * 0x1p-22
                    }.count
                    let found = Int(sums[row * job.matrix.paddedOutputs + output])
                    #expect(abs(found - expected) <= unsure * Int8Matrix.largestWeight)
                }
            }
        }
    }

    @Test(arguments: shapes, [1, 4])
    func everyKernelGivesTheBitsOfItsTwin(shape: (Int, Int), rows: Int) {
        for extreme in [false, true] {
            let job = Case(shape.0, shape.1, rows: rows, extreme: extreme)
            for kernel in Int8Kernel.runnable {
                for fine in [true, false] {
                    let code = fine ? job.matrix.largestCode : Int8Codes.coarsest
                    let found = job.sums(kernel: kernel, rows: rows, fine: fine, code: code)
                    let twin = job.sums(kernel: kernel.twin, rows: rows, fine: fine, code: code)
                    let words = job.sums(kernel: .plain, rows: rows, fine: fine, code: code)
                    #expect(found == twin, "\(kernel.name) \(shape) fine \(fine)")
                    #expect(found == words, "\(kernel.name) \(shape) fine \(fine)")
                }
            }
        }
    }

    /// 1,100 inputs of weight 127 and code 16383 would sum to 2.29 × 10⁹, beyond 32 bits.
    @Test func theLargestCodeKeepsSumsWithinThirtyTwoBits() {
        let wide = Int8Matrix(
            inputs: 1_100, outputs: 1, weights: [Int8](repeating: 127, count: 1_100))
        #expect(wide.largestCode == 2_147_483_647 / (1_100 * 127))
        let job = [Float](repeating: 2, count: wide.paddedInputs).enumerated()
            .map { $0.offset < 1_100 ? $0.element : 0 }
        for kernel in Int8Kernel.runnable {
            let codes = Int8Codes(width: 1_100)
            codes.encode(
                job, rows: 1, width: wide.paddedInputs, stride: 0, largest: [2],
                largestCode: wide.largestCode, fine: true, kernel: kernel)
            var sums = [Int32](repeating: 0, count: 8)
            sums.withUnsafeMutableBufferPointer { sums in
                guard let start = sums.baseAddress else { return }
                wide.multiply(codes, kernel: kernel, into: start)
            }
            #expect(Int(sums[0]) == 1_100 * 127 * wide.largestCode, "\(kernel.name)")
        }
    }

    @Test func aRowOfZerosOrOfNextToNothingGivesZeroSums() {
        var job = Case(30, 33, rows: 1)
        for value in [Float(0), .leastNonzeroMagnitude, .leastNormalMagnitude] {
            job.values = job.values.indices.map { $0 < 30 ? value : 0 }
            job.largest = [value]
            let sums = job.sums(kernel: .current, rows: 1, fine: true, code: 16_383)
            #expect(sums.allSatisfy { $0 == 0 })
        }
    }

    /// Bound: with u = 2⁻²⁴, the twin rounds sum, factor, product and addition; the vector form
    /// leaves the product unrounded. So they differ by u |product| and by the last rounding of
    /// either, u |value|, each: u (|product| + 2 |value|) and something of second order.
    @Test(arguments: [true, false])
    func sumsBecomeNumbersAsInTheTwin(rectified: Bool) {
        var random = SeededGenerator(seed: 5)
        let count = 48
        let sums = (0..<count).map { _ in
            Int32.random(in: -2_000_000_000...2_000_000_000, using: &random)
        }
        let scale = (0..<count).map { _ in Float.random(in: 1e-9...1e-7, using: &random) }
        let bias = (0..<count).map { _ in Float.random(in: -50...50, using: &random) }
        var found = [Float](repeating: 0, count: count)
        var twin = found
        let seen = Int8Finish.apply(
            sums, count: count, step: 0.7, scale: scale, bias: bias, rectified: rectified,
            into: &found)
        let expected = Int8Finish.applyPlain(
            sums, count: count, step: 0.7, scale: scale, bias: bias, rectified: rectified,
            into: &twin)
        for index in 0..<count {
            let product = abs(Float(sums[index]) * scale[index] * 0.7)
            let bound = 0x1.01p-24 * (product + 2 * abs(twin[index])) * 1.01
            #expect(abs(found[index] - twin[index]) <= bound)
        }
        #expect(seen.finite && expected.finite)
        #expect(seen.largest == max(0, found.max() ?? 0))
    }

    @Test(arguments: [Float.infinity, -.infinity, .nan])
    func numbersThatAreNotFiniteAreSeen(bad: Float) {
        var bias = [Float](repeating: 1, count: 16)
        bias[11] = bad
        let zeros = [Int32](repeating: 0, count: 16)
        var values = [Float](repeating: 0, count: 16)
        let sums = Int8Finish.apply(
            zeros, count: 16, step: 1, scale: bias.map { _ in 1 }, bias: bias, rectified: true,
            into: &values)
        #expect(!sums.finite)
        let layer = Int8Finish.floatLayer(
            [0], count: 1, kernel: bias.map { _ in 1 }, bias: bias, width: 16, rectified: true,
            into: &values)
        #expect(!layer.finite)
    }

    /// Bound: n + 1 roundings of a running sum of magnitude at most Σ |terms|.
    @Test(arguments: [true, false])
    func aFloatLayerIsASumOfProducts(rectified: Bool) {
        var random = SeededGenerator(seed: 6)
        let (count, width) = (5, 56)
        let inputs = (0..<count).map { _ in Float.random(in: -9...900, using: &random) }
        let kernel = (0..<count * width).map { _ in Float.random(in: -1...1, using: &random) }
        let bias = (0..<width).map { _ in Float.random(in: -1...1, using: &random) }
        var values = [Float](repeating: 0, count: width)
        let seen = Int8Finish.floatLayer(
            inputs, count: count, kernel: kernel, bias: bias, width: width, rectified: rectified,
            into: &values)
        for output in 0..<width {
            let terms = (0..<count).map { Double(inputs[$0]) * Double(kernel[$0 * width + output]) }
            let exact = terms.reduce(Double(bias[output]), +)
            let size = terms.reduce(abs(Double(bias[output]))) { $0 + abs($1) }
            let expected = rectified ? max(0, exact) : exact
            #expect(abs(Double(values[output]) - expected) <= Double(count + 1) * 0x1p-24 * size)
        }
        #expect(seen.finite && seen.largest == max(0, values.max() ?? 0))
    }
}
