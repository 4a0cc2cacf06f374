import Quantities
import Testing

@testable import Instruments

@Suite struct StepperTests {
    private func ramp(
        start: Double = 100, fastest: Double = 2_000, milliseconds: Int64 = 500
    ) -> StepRamp {
        StepRamp(
            start: StepRate(perSecond: start), fastest: StepRate(perSecond: fastest),
            time: .milliseconds(milliseconds))
    }

    /// Makes every step at its time; returns the times.
    private func times(_ generator: inout StepGenerator, limit: Int = 2_000_000) -> [Int64] {
        var times: [Int64] = []
        while generator.isRunning, times.count < limit {
            times.append(generator.next.nanoseconds)
            generator.stepped(at: generator.next)
        }
        return times
    }

    @Test func rootsAreExact() {
        for root in [0, 1, 2, 3, 1_000_003, 20_000_000_000, 1 << 40, (1 << 53) + 1] as [UInt64] {
            let square = UInt128(root) * UInt128(root)
            #expect(StepRamp.squareRoot(square) == root)
            #expect(StepRamp.squareRoot(square + UInt128(2 * root)) == root)
            if root > 0 { #expect(StepRamp.squareRoot(square - 1) == root - 1) }
        }
    }

    /// The times of a trapezoid against its own formulas: t(n) = (√(v₀² + 2an) − v₀) / a going
    /// up, n / v evenly, and the same backwards going down.
    @Test func trapezoidKeepsItsFormulas() {
        var generator = StepGenerator(ramp: ramp())
        generator.run(steps: 5_000, rate: StepRate(perSecond: 1_500), at: .zero)
        let times = times(&generator)
        #expect(times.count == 5_000)
        let (v0, v, a) = (100.0, 1_500.0, 4_000.0)
        let up = Int(((v * v - v0 * v0) / (2 * a)).rounded(.down))
        func ideal(_ n: Int) -> Double { ((v0 * v0 + 2 * a * Double(n)).squareRoot() - v0) / a }
        for n in 0...up {
            // Two floors: of the speed to 1e-6 step/s (over a: 0.25 ns) and of the time to 1 ns.
            #expect(abs(Double(times[n]) - ideal(n) * 1e9) < 1.3, "step \(n)")
        }
        let even = 4_999 - 2 * up
        for n in stride(from: up, through: up + even, by: 97) {
            let due = ideal(up) * 1e9 + Double(n - up) * 1e9 / v
            #expect(abs(Double(times[n]) - due) < 2.5, "step \(n)")
        }
        // What was gained is given back: the intervals of both ramps are the same.
        for n in 1...up {
            #expect(times[n] - times[n - 1] == times[5_000 - n] - times[4_999 - n])
        }
    }

    @Test func aMillionStepsAreAMillion() {
        // A rate that no whole number of nanoseconds divides, so that rounding would show.
        var generator = StepGenerator(ramp: ramp(fastest: 7_000))
        let rate = StepRate(perSecond: 6_999.333_333)
        generator.run(steps: 1_000_000, rate: rate, at: .zero)
        var count = 0
        var last: Int64 = -1
        var evenFrom: (count: Int, at: Int64)?
        var evenTo: (count: Int, at: Int64)?
        while generator.isRunning {
            let at = generator.next.nanoseconds
            if at <= last { Issue.record("step \(count) is not after the one before") }
            last = at
            count += 1
            if count == 100_000 { evenFrom = (count, at) }
            if count == 900_000 { evenTo = (count, at) }
            generator.stepped(at: generator.next)
        }
        #expect(count == 1_000_000 && generator.made == 1_000_000 && generator.slips == 0)
        #expect(generator.next == .distantFuture)
        // 800,000 steps at 6999.333333 per second to the nanosecond.
        guard let from = evenFrom, let to = evenTo else { return #expect(Bool(false)) }
        let expected = 800_000.0 / 6_999.333_333 * 1e9
        #expect(abs(Double(to.at - from.at) - expected) <= 1.5)
    }

    @Test func shortRunsAndChangesOfRateMakeExactlyTheirSteps() {
        for steps in [1, 2, 3, 4, 5, 50, 51, 1_000] as [Int64] {
            var generator = StepGenerator(ramp: ramp())
            generator.run(steps: steps, rate: StepRate(perSecond: 2_000), at: .zero)
            let times = times(&generator)
            #expect(times.count == Int(steps))
            // Symmetric: the first interval is the last one.
            if steps > 2 {
                #expect(times[1] - times[0] == times[times.count - 1] - times[times.count - 2])
            }
        }
        // Slower in the middle, then faster, then a stop: never faster than the ramp allows.
        var generator = StepGenerator(ramp: ramp())
        generator.run(steps: 100_000, rate: StepRate(perSecond: 1_800), at: .zero)
        var speeds: [Double] = []
        var last = Instant.zero
        for step in 0..<4_000 {
            if step == 1_000 {
                generator.run(steps: 50_000, rate: StepRate(perSecond: 300), at: last)
            }
            if step == 2_000 {
                generator.run(steps: 50_000, rate: StepRate(perSecond: 1_200), at: last)
            }
            if step == 3_500 { generator.stop() }
            guard generator.isRunning else { break }
            let at = generator.next
            if step > 0 { speeds.append(1 / (at - last).seconds) }
            last = at
            generator.stepped(at: at)
        }
        #expect(!generator.isRunning)
        // The mean speed of an interval lies between two neighbouring levels of the ramp, whose v²
        // are 2a = 8,000 apart; so neighbouring intervals differ by two levels at most (and by
        // the rounding of times to 1 ns: less than 10 at these speeds).
        for (before, after) in zip(speeds, speeds.dropFirst()) {
            #expect(abs(after * after - before * before) < 16_010)
        }
        #expect(abs(speeds[950] - 1_800) < 0.01 && abs(speeds[1_900] - 300) < 0.01)
        #expect(abs(speeds[3_400] - 1_200) < 0.01)
        // From 1,200 to 100 steps a second: (1200² − 100²) / 8000 = 178.75 levels, and the step
        // whose time stood already.
        #expect(generator.made == 3_500 + 179)
        #expect(abs(speeds[speeds.count - 1] - 104) < 40)
    }

    @Test func lateStepsMoveWhatFollows() {
        var generator = StepGenerator(ramp: ramp(start: 1_000, fastest: 1_000))
        generator.run(steps: 4, rate: StepRate(perSecond: 1_000), at: .zero)
        generator.stepped(at: .zero + .microseconds(249))
        #expect(generator.next == .zero + .milliseconds(1) && generator.slips == 0)
        generator.stepped(at: .zero + .microseconds(1_251))
        #expect(generator.next == .zero + .microseconds(2_251) && generator.slips == 1)
    }

    @Test func volumesAreWholeStepsAndTheRestIsCarried() {
        var volume = StepVolume(stepsPerMicroliter: 63.7)
        var total: Int64 = 0
        // A third of a microlitre to the picolitre, thirty thousand times: 9,999.99 µL.
        for _ in 0..<30_000 { total += volume.steps(for: Volume(microliters: 0.333_333)) }
        // 0.333333 × 30000 × 63.7 = 636999.363: never a step off.
        #expect(total == 636_999)
        #expect(volume.carry == 363_000_000_000)
        #expect(volume.volume(of: 637).microliters == 10)
        // 60 µL/min × 63.7 ÷ 60 s.
        let rate = volume.rate(of: FlowRate(microlitersPerMinute: 60))
        #expect(rate == StepRate(perSecond: 63.7))
        for bad in [.nan, -.infinity, -1, 0] as [Double] {
            #expect(volume.steps(for: Volume(microliters: bad)) == 0)
            #expect(volume.rate(of: FlowRate(microlitersPerMinute: bad)) == .zero)
        }
        #expect(volume.steps(for: Volume(microliters: .infinity)) == 0)
        #expect(volume.steps(for: Volume(microliters: 1e300)) > 0)
    }

    @Test func currentComesFirstAndGoesLast() {
        var motor = StepMotor(ramp: ramp(), deadMan: .seconds(1))
        var now = Instant.zero + .seconds(10)
        var done: [(StepMotor.Action, Instant)] = []
        func turn() {
            now = max(now, motor.deadline)
            guard let action = motor.due(at: now) else { return }
            motor.done(action, at: now)
            done.append((action, now))
        }
        motor.run(steps: 3, rate: StepRate(perSecond: 100), at: now)
        for _ in 0..<20 where motor.deadline != .distantFuture { turn() }
        #expect(done.map(\.0) == [.enable, .step, .step, .step, .disable])
        #expect(done[1].1 - done[0].1 == StepMotor.wakeTime)
        #expect(done[4].1 - done[3].1 == StepMotor.holdTime)
        #expect(!motor.isRunning && !motor.isDead)
    }

    @Test func motorThatNobodyFeedsStops() {
        var motor = StepMotor(ramp: ramp(), deadMan: .seconds(1))
        var now = Instant.zero
        motor.run(steps: 1_000_000, rate: StepRate(perSecond: 1_000), at: now)
        var lastStep = Instant.zero
        var wasDisabled = false
        for _ in 0..<3_000 where motor.deadline != .distantFuture {
            now = max(now, motor.deadline)
            if now < .zero + .milliseconds(500) { motor.feed(at: now) }
            guard let action = motor.due(at: now) else { continue }
            motor.done(action, at: now)
            if action == .step { lastStep = now }
            if action == .disable { wasDisabled = true }
        }
        #expect(motor.isDead && wasDisabled)
        // Fed last just before 500 ms.
        #expect(lastStep < .zero + .milliseconds(1_500))
        #expect(lastStep > .zero + .milliseconds(1_490))
        // A new order wakes it.
        motor.run(steps: 1, rate: StepRate(perSecond: 10), at: now)
        #expect(!motor.isDead && motor.due(at: now) == .enable)
    }
}
