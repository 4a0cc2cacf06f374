import Numerics
import Testing

/// Vector kernels against sums in double precision and their plain twins.
@Suite struct FloatVectorTests {
    static let lengths = [0, 1, 7, 8, 9, 31, 32, 33, 77, 1_000]

    @Test(arguments: lengths) func sumsAreWithinTheirBounds(_ count: Int) {
        let x = FloatGemmTests.numbers(count, seed: 1)
        let y = FloatGemmTests.numbers(count, seed: 2)
        let terms = zip(x, y).map { Double($0) * Double($1) }
        let size = terms.reduce(0) { $0 + abs($1) }
        let exact = terms.reduce(0, +)
        let bound = FloatGemmTests.gamma((count + 31) / 32 + 9) * size
        #expect(abs(Double(FloatVector.dot(x, y, count: count)) - exact) <= bound)
        let plain = FloatGemmTests.gamma(count + 1) * size
        #expect(abs(Double(FloatVectorScalar.dot(x, y, count: count)) - exact) <= plain)

        let total = x.reduce(0.0) { $0 + Double($1) }
        let absolute = x.reduce(0.0) { $0 + abs(Double($1)) }
        #expect(
            abs(Double(FloatVector.sum(x, count: count)) - total)
                <= FloatGemmTests.gamma((count + 7) / 8 + 3) * absolute)
        #expect(
            abs(Double(FloatVectorScalar.sum(x, count: count)) - total)
                <= FloatGemmTests.gamma(count + 1) * absolute)
    }

    @Test(arguments: lengths) func elementsAreWithinTheirBounds(_ count: Int) {
        let x = FloatGemmTests.numbers(count, seed: 3)
        let y = FloatGemmTests.numbers(count, seed: 4)
        var fast = y
        var plain = y
        FloatVector.addScaled(0.7, x, count: count, to: &fast)
        FloatVectorScalar.addScaled(0.7, x, count: count, to: &plain)
        for index in 0..<count {
            let product = Double(Float(0.7)) * Double(x[index])
            let exact = product + Double(y[index])
            #expect(abs(Double(fast[index]) - exact) <= 0x1p-24 * abs(exact) * 1.000001)
            let bound = FloatGemmTests.gamma(2) * (abs(product) + abs(Double(y[index])))
            #expect(abs(Double(plain[index]) - exact) <= bound)
        }
    }

    /// Selections do not round: equal to the twin, and to what the words say.
    @Test(arguments: lengths) func rectifiersAreExact(_ count: Int) {
        var x = FloatGemmTests.numbers(count, seed: 5)
        if count > 8 {
            x[1] = .nan
            x[2] = 0
            x[8] = -.infinity
        }
        var fast = x
        var plain = x
        FloatVector.rectify(&fast, count: count)
        FloatVectorScalar.rectify(&plain, count: count)
        #expect(fast.map(\.bitPattern) == plain.map(\.bitPattern))
        #expect(fast.map(\.bitPattern) == x.map { $0 < 0 ? 0 : $0.bitPattern })

        let slope = FloatGemmTests.numbers(count, seed: 6)
        var slopes = [slope, slope]
        FloatVector.rectifierGradient(x, count: count, &slopes[0])
        FloatVectorScalar.rectifierGradient(x, count: count, &slopes[1])
        #expect(slopes[0] == slopes[1])
        #expect(slopes[0] == zip(x, slope).map { $0 <= 0 ? 0 : $1 })
    }

    /// Three steps of both twins against the method's formulas in double precision. In each step
    /// m and v pick up at most 3 and 4 roundings (the weights 1 − β round once more), √ halves
    /// v's, then scale, sum, product and quotient: fewer than 16 in all on the size of the move,
    /// and 2 on the parameter; all numbers before the step are those of the kernel itself. m may
    /// cancel, so its roundings count on |β₁m| + |(1 − β₁)g|.
    @Test(arguments: [1, 7, 8, 21], [false, true]) func adamFollowsItsFormula(
        _ count: Int, isTwin: Bool
    ) {
        var w = FloatGemmTests.numbers(count, seed: 7)
        var m = [Float](repeating: 0, count: count)
        var v = [Float](repeating: 0, count: count)
        for number in 1...3 {
            let g = FloatGemmTests.numbers(count, seed: UInt64(10 + number))
            let before = (w: w, m: m, v: v)
            let step = FloatAdam.Step(number: number, rate: 0.01, decay: 0.5)
            if isTwin {
                FloatAdamScalar.update(
                    &w, gradients: g, first: &m, second: &v, count: count, step)
            } else {
                FloatAdam.update(&w, gradients: g, first: &m, second: &v, count: count, step)
            }
            var power1 = 1.0
            var power2 = 1.0
            for _ in 0..<number {
                power1 *= 0.9
                power2 *= 0.999
            }
            // The kernel's β are the singles nearest 0.9 and 0.999.
            let (beta1, beta2) = (Double(Float(0.9)), Double(Float(0.999)))
            for index in 0..<count {
                let slope = Double(g[index])
                let first = beta1 * Double(before.m[index]) + (1 - beta1) * slope
                let second = beta2 * Double(before.v[index]) + (1 - beta2) * slope * slope
                let root = (second / (1 - power2)).squareRoot() + 1e-8
                let move = 0.01 * first / (1 - power1) / root
                let size =
                    0.01 * (abs(beta1 * Double(before.m[index])) + abs((1 - beta1) * slope))
                    / (1 - power1) / root
                let exact = (1 - 0.01 * 0.5) * Double(before.w[index]) - move
                let bound =
                    FloatGemmTests.gamma(16) * size
                    + FloatGemmTests.gamma(3) * abs(Double(before.w[index]))
                #expect(abs(Double(w[index]) - exact) <= bound)
            }
        }
    }
}
