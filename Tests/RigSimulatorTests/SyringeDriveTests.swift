import Numerics
import Quantities
import RigSimulator
import Testing

@Suite struct SyringeDriveTests {
    /// Closed form against steps of 50 µs of the differential equation, with reversals and an
    /// end of the stroke.
    @Test(arguments: [
        [600.0, 0], [1_000, 300, 0], [800, -600, 200], [40_000, -30_000], [-5_000, 20_000, 0],
    ])
    func integralAgreesWithSmallSteps(rates: [Double]) {
        let drive = syringe(contents: 200)
        var now = Instant.zero
        var rate = 0.0
        var contents = 200.0
        var motor = 0.0
        var delivered = 0.0
        let step = 50e-6
        for wanted in rates {
            drive.drive(at: FlowRate(microlitersPerMinute: wanted), now: now)
            for _ in 0..<10_000 {
                let before = rate
                rate += (wanted - rate) * (step / 0.2) * (1 - step / 0.4)
                let next = min(max(contents - (before + rate) / 2 * step / 60, 0), 10_000)
                if next <= 0, rate > 0 { rate = 0 }
                motor += contents - next
                delivered += max(0, contents - next)
                contents = next
            }
            now = now + .milliseconds(500)
            #expect(abs(drive.remaining(at: now).microliters - contents) < 0.01)
            #expect(abs(drive.motorVolume(at: now).microliters - motor) < 0.01)
            #expect(abs(drive.deliveredVolume(at: now).microliters - delivered) < 0.01)
        }
    }

    @Test func manyQueriesChangeNothing() {
        let often = syringe()
        let once = syringe()
        for drive in [often, once] {
            drive.drive(at: FlowRate(microlitersPerMinute: 500), now: .zero)
        }
        for count in 1...1_000 {
            _ = often.motorVolume(at: .zero + .milliseconds(Int64(count)))
        }
        let end = Instant.zero + .seconds(1)
        #expect(often.motorVolume(at: end) == once.motorVolume(at: end))
        // 500 µL/min · (1 s − 0.2 s·(1 − e⁻⁵)) / 60 by hand.
        #expect(abs(once.motorVolume(at: end).microliters - 6.677896) < 1e-5)
    }

    @Test func endOfStrokeBlocksAndRefillFrees() {
        let drive = syringe(contents: 10)
        drive.drive(at: FlowRate(microlitersPerMinute: 60), now: .zero)
        let late = Instant.zero + .seconds(60)
        #expect(!drive.isBlocked(at: .zero + .seconds(5)))
        #expect(drive.isBlocked(at: late))
        #expect(drive.deliveredVolume(at: late).microliters == 10)
        drive.refill(to: Volume(microliters: 10_000), at: late)
        #expect(!drive.isBlocked(at: late))
        #expect(drive.remaining(at: late).microliters == 10_000)
        drive.drive(at: FlowRate(microlitersPerMinute: -60), now: late)
        #expect(drive.isBlocked(at: late + .seconds(1)))
    }

    @Test func faultsLieAsNamed() {
        let drive = syringe(lag: .zero)
        drive.drive(at: FlowRate(microlitersPerMinute: 60), now: .zero)
        drive.setFault(.silent, at: .zero + .seconds(10))
        let later = Instant.zero + .seconds(20)
        #expect(abs(drive.motorVolume(at: later).microliters - 20) < 1e-9)
        #expect(abs(drive.deliveredVolume(at: later).microliters - 10) < 1e-9)
        #expect(!drive.isBlocked(at: later))
        drive.setFault(.stalled, at: later)
        #expect(drive.isStalled && drive.isBlocked(at: later + .seconds(1)))
        #expect(abs(drive.motorVolume(at: later + .seconds(9)).microliters - 20) < 1e-9)
    }
}
