import Glibc
import Numerics
import Testing

/// Vector functions against the C library, one number at a time.
///
/// Bounds are in units of u = 2⁻⁵³, half the spacing of doubles at 1, relative to the result.
/// The C library's own functions are good to 2 u (glibc manual, "Known Maximum Errors"), which
/// each bound contains.
@Suite struct VectorMathTests {
    typealias Function = (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int) -> Void
    static let u = 0x1p-53

    /// Both results at `arguments`, in a buffer whose length is no multiple of four.
    func both(
        _ vector: Function, _ scalar: Function, _ arguments: [Double]
    ) -> [(x: Double, vector: Double, scalar: Double)] {
        var fast = [Double](repeating: 0, count: arguments.count)
        var plain = fast
        vector(arguments, &fast, arguments.count)
        scalar(arguments, &plain, arguments.count)
        return arguments.indices.map { (arguments[$0], fast[$0], plain[$0]) }
    }

    func even(_ low: Double, _ high: Double, _ count: Int = 4_001) -> [Double] {
        (0..<count).map { low + (high - low) * Double($0) / Double(count - 1) }
    }

    @Test func exponentialIsWithinItsBound() {
        // The last addition rounds by u, r is off by u/2 · ln 2, the product before it by u · 0.21
        // of the result; the series misses less than u / 20: 2.5 u, and 2 u of the library.
        for row in both(
            { VectorMath.exp($0, into: $1, $2) }, { ScalarMath.exp($0, into: $1, $2) },
            even(-707.9, 709.7))
        {
            #expect(abs(row.vector - row.scalar) <= 4.5 * Self.u * row.scalar, "\(row)")
        }
        let special = both(
            { VectorMath.exp($0, into: $1, $2) }, { ScalarMath.exp($0, into: $1, $2) },
            [0, -0.0, 710, -800, .infinity, -.infinity, .nan])
        #expect(special.map(\.vector).prefix(6) == [1, 1, .infinity, 0, .infinity, 0])
        #expect(special[6].vector.isNaN)
        for x in [0.0, 1e-9, 1, 30, 700] {
            let decay = VectorMath.decay(SIMD4(repeating: x))[2]
            #expect(abs(decay - Glibc.exp(-x)) <= 4.5 * Self.u * decay)
        }
        #expect(VectorMath.decay(SIMD4(repeating: 1e300))[0] < 1e-300)
    }

    @Test func logarithmIsWithinItsBound() {
        // log x = k ln 2 + log(1 + f): where k is not 0 the sum is at least ½ ln 2, and four
        // roundings of at most its size make 4 u; where k is 0, ½ f² ≤ 0.21 |log| is rounded
        // three times, f² / (2 + f) twice: 3 u. And 2 u of the library.
        let arguments =
            even(-740, 709).map { Glibc.exp($0) } + even(0.5, 2) + [
                Double.leastNonzeroMagnitude, Double(bitPattern: 1 << 45),
            ]
        for row in both(
            { VectorMath.log($0, into: $1, $2) }, { ScalarMath.log($0, into: $1, $2) },
            arguments)
        {
            #expect(abs(row.vector - row.scalar) <= 6 * Self.u * abs(row.scalar), "\(row)")
        }
        let special = both(
            { VectorMath.log($0, into: $1, $2) }, { ScalarMath.log($0, into: $1, $2) },
            [0, 1, .infinity, -1, .nan])
        #expect(special.map(\.vector).prefix(3) == [-.infinity, 0, .infinity])
        #expect(special[3].vector.isNaN && special[4].vector.isNaN)
    }

    @Test func errorFunctionIsWithinItsBound() {
        // Series: u for the last sum, the product and the constant each, doubled by the twin's
        // 2 u. Above 0.65 the complement, at most 0.36 / 0.64 of the result, carries 5 u (erfcx),
        // 2.5 u (exp) and 2 u (product): 5.4 u.
        for row in both(
            { VectorMath.erf($0, into: $1, $2) }, { ScalarMath.erf($0, into: $1, $2) },
            even(-7, 7) + [1e-300, .infinity, -.infinity])
        {
            #expect(abs(row.vector - row.scalar) <= 8 * Self.u * abs(row.scalar), "\(row)")
        }
    }

    /// Scaled complementary error function from a continued fraction in 40-digit arithmetic.
    @Test(
        arguments: [
            (0, 1.0), (0.25, 0.7703465477309968), (1, 0.427583576155807),
            (3, 0.17900115118138998), (10, 0.05614099274382259), (1e3, 5.641893014533876e-4),
        ] as [(Double, Double)])
    func scaledComplementMatchesTables(x: Double, expected: Double) {
        let value = VectorMath.erfcx(SIMD4(repeating: x))[1]
        #expect(abs(value - expected) <= 6 * Self.u * expected)
    }

    @Test func normalFunctionsAgreeWithTheirTwins() {
        // The twin's exponent is −x²/2 − log √(2π), of which the square and the difference are
        // rounded: x² u besides its own 6 u. The vector form puts that right.
        for row in both(
            { VectorMath.normalDensity($0, into: $1, $2) },
            { ScalarMath.normalDensity($0, into: $1, $2) }, even(-37, 37))
        {
            let bound = (10 + row.x * row.x) * Self.u * row.scalar
            #expect(abs(row.vector - row.scalar) <= bound, "\(row)")
        }
        // The twin's erfc takes x √½, of which the root is off by 0.62 u and the product rounded:
        // far out that makes x² (1 + 0.62) u of the result.
        for row in both(
            { VectorMath.normalCumulative($0, into: $1, $2) },
            { ScalarMath.normalCumulative($0, into: $1, $2) }, even(-37, 37))
        {
            let bound = (20 + 1.7 * row.x * row.x) * Self.u * row.scalar
            #expect(abs(row.vector - row.scalar) <= bound, "\(row)")
        }
        let special = both(
            { VectorMath.normalCumulative($0, into: $1, $2) },
            { ScalarMath.normalCumulative($0, into: $1, $2) }, [-100, 100, .nan])
        #expect(special[0].vector == 0 && special[1].vector == 1 && special[2].vector.isNaN)
    }

    @Test func logarithmsOfTheNormalAgreeWithTheirTwins() {
        // Absolute: what is lost in the argument of the logarithm, (20 + 1.7 x²) u as above, and
        // 4 u of the logarithm. Above 0 that is times the upper tail; but up to 5 the twin takes
        // the logarithm of a Φ rounded next to 1, and loses 2 u of that.
        for row in both(
            { VectorMath.logNormalCumulative($0, into: $1, $2) },
            { ScalarMath.logNormalCumulative($0, into: $1, $2) }, even(-24.9, 8) + even(-60, -25.1))
        {
            let tail = row.x > 0 ? Normal.cumulative(-row.x) : 1
            let next = row.x > 0 && row.x <= 5 ? 2.0 : 0
            let bound =
                ((20 + 1.7 * row.x * row.x) * tail + 4 * abs(row.scalar) + next) * Self.u
            // The twin's series is cut at 1e-10 of its correction.
            let cut = row.x <= -25 ? 1e-10 : 0
            #expect(abs(row.vector - row.scalar) <= bound + cut, "\(row)")
        }
        // The vector form is 1 − |x| m, which loses 10 x² u below zero. The twin subtracts |x| Φ
        // from φ, each rounded by (6 + 1.5 x²) u of itself, and h is only φ / x²: it loses
        // (12 + 3 x²) x² u. The next test holds the vector form to its own bound.
        for row in both(
            { VectorMath.logExpectedExcess($0, into: $1, $2) },
            { ScalarMath.logExpectedExcess($0, into: $1, $2) }, even(-60, 20))
        {
            let square = row.x * row.x
            let lost = row.x < 0 && row.x >= -25 ? (22 + 3 * square) * square : 0
            let bound = (30 + lost + 6 * abs(row.scalar)) * Self.u
            #expect(abs(row.vector - row.scalar) <= bound + (row.x <= -25 ? 1e-10 : 0), "\(row)")
        }
    }

    /// Expected: Mills' ratio as a continued fraction in 60-digit decimal arithmetic.
    @Test(
        arguments: [
            (-26, -345.439546722318, 26.0765851866327),
            (-24, -295.2802232348049, 24.08290449180149),
            (-3, -7.869686059603029, 3.5323375176251606),
            (0.5, -0.359827683745063819, 0.99092271800410996),
        ] as [(Double, Double, Double)])
    func expectedExcessMatchesTheContinuedFraction(x: Double, value: Double, slope: Double) {
        let found = VectorMath.logExpectedExcess(SIMD4(repeating: x))
        // 10 x² u of h and as much of Φ, the table's last digit, and the cut of the series.
        let lost = (30 + 20 * x * x) * Self.u + (x < -25 ? 1e-10 : 0)
        #expect(abs(found.value[2] - value) <= lost + 1e-12)
        #expect(abs(found.slope[2] - slope) <= slope * (lost + 1e-13))
    }

    @Test(arguments: [-40.0, -24, -3, -0.5, 0, 0.75, 4])
    func slopesAgreeWithTheirTwins(x: Double) {
        let cumulative = VectorMath.logNormalCumulative(SIMD4(repeating: x)).slope[0]
        let excess = VectorMath.logExpectedExcess(SIMD4(repeating: x)).slope[3]
        // Twice what the values lose, numerator and denominator; see above for the twin's share.
        let bound = (40 + (24 + 6 * x * x) * x * x) * Self.u + (x < -25 ? 1e-9 : 0)
        #expect(abs(cumulative - Normal.logCumulativeSlope(x)) <= bound * cumulative)
        #expect(abs(excess - Normal.logExpectedExcessSlope(x)) <= bound * excess)
    }

    @Test func floatsAreWithinTheirBounds() {
        let u = Float(0x1p-24)
        for x in even(-86.9, 88.7, 1_001) {
            let value = VectorMath.exp(SIMD8(repeating: Float(x)))[5]
            let exact = Glibc.exp(Double(Float(x)))
            // As for doubles, and the series misses r⁸/8! < 0.1 u.
            #expect(abs(Double(value) - exact) <= 3 * Double(u) * exact)
        }
        for x in even(0.01, 4, 1_001) + [1e-40, 1e-30, 1e30] {
            let value = VectorMath.log(SIMD8(repeating: Float(x)))[6]
            let exact = Glibc.log(Double(Float(x)))
            #expect(abs(Double(value) - exact) <= 5 * Double(u) * abs(exact), "\(x)")
        }
        let special = SIMD8<Float>(0, -1, .infinity, .nan, 1, 100, -200, .infinity)
        #expect(VectorMath.log(special)[0] == -.infinity && VectorMath.log(special)[1].isNaN)
        #expect(VectorMath.log(special)[2] == .infinity && VectorMath.log(special)[4] == 0)
        #expect(VectorMath.exp(special)[3].isNaN && VectorMath.exp(special)[5] == .infinity)
        #expect(VectorMath.exp(special)[6] == 0)
    }
}
