import Glibc
import Numerics
import Testing

/// Expected values: Mills' ratio as a continued fraction in 60-digit decimal arithmetic, and
/// scipy.stats.norm 1.17.
@Suite struct NormalTests {
    func near(_ a: Double, _ b: Double, _ share: Double) -> Bool {
        abs(a - b) <= share * max(abs(a), abs(b))
    }

    @Test func cumulativeAndDensityMatchTables() {
        let table: [(x: Double, cumulative: Double, density: Double)] = [
            (-30, 4.906713927147908e-198, 1.4736461348785476e-196),
            (-8, 6.22096057427174e-16, 5.052271083536893e-15),
            (-2, 0.022750131948179195, 0.05399096651318806),
            (0, 0.5, 0.3989422804014327),
            (1.5, 0.9331927987311419, 0.12951759566589174),
            (6, 0.9999999990134123, 6.075882849823286e-09),
        ]
        for row in table {
            #expect(near(Normal.cumulative(row.x), row.cumulative, 1e-13))
            #expect(near(Normal.density(row.x), row.density, 1e-13))
        }
    }

    @Test func logarithmsHoldWhereThePlainFunctionsUnderflow() {
        let table: [(x: Double, logCumulative: Double, slope: Double)] = [
            (-40, -804.6084420137538, 40.02496884720726),
            (-26, -342.17850892992783, 26.03834857949547),
            (-24, -292.0987210032078, 24.041523230735745),
            (-3, -6.607726221510349, 3.2830986549304364),
        ]
        for row in table {
            #expect(near(Normal.logCumulative(row.x), row.logCumulative, 1e-12))
            #expect(near(Normal.logCumulativeSlope(row.x), row.slope, 1e-9))
        }
        #expect(near(Normal.logCumulative(6), -9.86587645524372e-10, 1e-9))
        #expect(Normal.cumulative(-40) == 0)
    }

    @Test func expectedExcessMatchesTheContinuedFraction() {
        let table: [(x: Double, logarithm: Double, slope: Double)] = [
            (-40, -808.29856835662, 40.04990665764852),
            (-26, -345.439546722318, 26.0765851866327),
            (-24, -295.2802232348049, 24.08290449180149),
            (-3, -7.869686059603029, 3.5323375176251606),
            (0.5, -0.359827683745063819, 0.99092271800410996),
        ]
        for row in table {
            #expect(near(Normal.logExpectedExcess(row.x), row.logarithm, 1e-11))
            #expect(near(Normal.logExpectedExcessSlope(row.x), row.slope, 1e-9))
        }
    }

    @Test func expectedExcessIsTheIntegralOfThePositivePart() {
        // E max(0, x + Z) by the midpoint rule over ±12 sigmas.
        for x in [-2.0, -0.5, 0, 1.25] {
            var sum = 0.0
            let step = 1e-3
            for index in 0..<24_000 {
                let z = -12 + (Double(index) + 0.5) * step
                let weight = exp(-0.5 * z * z) / (2 * Double.pi).squareRoot()
                sum += max(0, x + z) * weight * step
            }
            #expect(near(exp(Normal.logExpectedExcess(x)), sum, 1e-6))
        }
    }
}
