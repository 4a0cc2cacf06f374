import Quantities
import Testing

@Suite struct TimeTests {
    /// 100 years of 365.25 days in nanoseconds.
    static let century: Int64 = 3_155_760_000_000_000_000

    static let seconds: [(Double, Int64)] = [
        (1.5, 1_500_000_000), (-0.25, -250_000_000), (0, 0), (4e-10, 0), (6e-10, 1),
        (.nan, 0), (.infinity, century), (-.infinity, -century), (1e300, century),
        (3_155_760_001, century), (.leastNonzeroMagnitude, 0),
    ]

    @Test(arguments: seconds) func secondsAreRoundedAndClamped(count: Double, expected: Int64) {
        #expect(TimeSpan.seconds(count).nanoseconds == expected)
    }

    @Test func spansAddUp() {
        let span = TimeSpan.milliseconds(1_500) + .microseconds(250) - .seconds(2)
        #expect(span.nanoseconds == -499_750_000)
        #expect(span < .zero && span.seconds == -0.49975 && span.milliseconds == -499.75)
        #expect(TimeSpan.seconds(0.5) * 3 == .milliseconds(1_500))
    }

    @Test func instantsAndSpans() {
        let start = Instant(nanoseconds: 7)
        #expect(start + .seconds(1) == Instant(nanoseconds: 1_000_000_007))
        #expect((start + .seconds(1)) - start == .seconds(1))
        #expect(start - .seconds(1) < .zero)
    }

    @Test func nothingOverflows() {
        let most = TimeSpan(nanoseconds: .max)
        let least = TimeSpan(nanoseconds: .min)
        #expect(most + .seconds(1) == most && least - .seconds(1) == least)
        #expect(least + .seconds(-1) == least && most - .seconds(-1) == most)
        #expect(most * 2 == most && most * -2 == least && least * 2 == least && least * -1 == most)
        #expect(TimeSpan.milliseconds(.max) == most && TimeSpan.microseconds(.min) == least)
        #expect(Instant.distantFuture - Instant(nanoseconds: -5) == most)
        #expect(Instant(nanoseconds: .min) - TimeSpan(nanoseconds: 1) == Instant(nanoseconds: .min))
        #expect(Instant(nanoseconds: .min) + least == Instant(nanoseconds: .min))
    }

    @Test func nothingIsLaterThanNever() {
        #expect(Instant.distantFuture + TimeSpan(nanoseconds: 1) == .distantFuture)
        #expect(Instant(nanoseconds: .max - 1) + .seconds(.infinity) == .distantFuture)
        // Any clock may run 192 years before a century's wait reaches "never".
        #expect(
            Instant(nanoseconds: 6_000_000_000_000_000_000) + .seconds(.infinity) < .distantFuture)
    }
}

@Suite struct FlowTests {
    @Test func volumeAndTimeAgree() {
        let rate = FlowRate(microlitersPerMinute: 600)
        #expect(rate.volume(in: .seconds(30)) == Volume(microliters: 300))
        #expect(rate.time(for: Volume(microliters: 5)) == .milliseconds(500))
        #expect(FlowRate(microlitersPerMinute: -60).volume(in: .seconds(2)).microliters == -2)
    }

    @Test(arguments: [0, -0.0, -5, .nan]) func noFlowTakesVeryLong(rate: Double) {
        let time = FlowRate(microlitersPerMinute: rate).time(for: Volume(microliters: 1))
        #expect(time == .seconds(100 * 365.25 * 86_400))
    }

    @Test func areaOfASyringe() {
        // 4.699 mm: a 1 mL glass syringe; area from an independent calculation.
        #expect(abs(Length(millimeters: 4.699).circleArea - 17.342_063) < 1e-5)
    }
}
