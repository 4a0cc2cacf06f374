import Quantities
import Testing

@testable import Instruments

private func ms(_ count: Int64) -> Instant { Instant(nanoseconds: count * 1_000_000) }

@Suite struct ExchangeTests {
    private func exchange() -> Exchange {
        var exchange = Exchange(
            timing: ExchangeTiming(replyTimeout: .milliseconds(400), baud: 9600))
        exchange.drain(afterSilence: false, at: ms(0))
        return exchange
    }

    @Test func awaitsUntilTheDeadlineThenDrainsForAWholeReply() {
        var exchange = exchange()
        #expect(!exchange.maySpeak(at: ms(0)) && exchange.endDrain(at: ms(99)) == nil)
        #expect(exchange.endDrain(at: ms(100)) == .quiet && exchange.maySpeak(at: ms(100)))
        exchange.ask(at: ms(100))
        #expect(!exchange.maySpeak(at: ms(200)) && !exchange.isOverdue(at: ms(499)))
        #expect(exchange.isOverdue(at: ms(500)) && exchange.deadline == ms(500))
        exchange.drain(afterSilence: true, at: ms(500))
        exchange.heard(at: ms(600))
        #expect(exchange.endDrain(at: ms(999)) == nil && exchange.deadline == ms(1000))
        #expect(exchange.endDrain(at: ms(1000)) == .quiet)
    }

    @Test func aLineThatIsNeverQuietEndsTheDrainingAtItsLimit() {
        var exchange = exchange()
        for time in 1..<1600 {
            exchange.heard(at: ms(Int64(time)))
            #expect(exchange.endDrain(at: ms(Int64(time))) == nil)
        }
        exchange.heard(at: ms(1600))
        #expect(exchange.endDrain(at: ms(1600)) == .neverQuiet)
    }

    @Test func staysSilentForFourCharactersAfterAReply() {
        var exchange = exchange()
        exchange.settle(at: ms(10))
        // Four characters of ten bits at 9600 bit/s are 4.17 ms.
        #expect(!exchange.maySpeak(at: ms(14)) && exchange.maySpeak(at: ms(15)))
    }

    @Test func aClosedLineWaitsForNothing() {
        var exchange = exchange()
        exchange.close()
        #expect(exchange.deadline == .distantFuture && !exchange.maySpeak(at: ms(9999)))
    }

    @Test func hugeTimeoutsDoNotOverflow() {
        let timing = ExchangeTiming(replyTimeout: TimeSpan(nanoseconds: .max), baud: 0)
        var exchange = Exchange(timing: timing)
        exchange.ask(at: ms(1))
        #expect(exchange.deadline == .distantFuture)
    }

    @Test func countersMayBeClearedByTheInstrument() {
        var counter = VolumeCounter()
        for reading in [7.0, 10, 12, 1, 4] {
            let leap = counter.read(Volume(microliters: reading), during: nil, at: ms(0))
            #expect(leap == 0)
        }
        #expect(counter.total.microliters == 5 + 1 + 3)
    }

    /// At 600 µL/min a second brings 10 µL, two with the slack: 100 µL from nowhere are doubted
    /// until said twice, and even then told apart from what the run can have passed.
    @Test func aRunningPumpsCounterLeapsOnlyWhenSaidTwice() {
        let run = PumpRun(
            target: Volume(microliters: 500), startTotal: .zero,
            fastest: FlowRate(microlitersPerMinute: 600))
        var counter = VolumeCounter()
        var told: [Double?] = []
        for (second, reading) in [200.0, 210, 310, 230, 340, 350, 360, 260, 270].enumerated() {
            told.append(
                counter.read(
                    Volume(microliters: reading), during: run, at: ms(Int64(second) * 1_000)))
        }
        // 310 is a lie; 340 is doubted and confirmed by 350; 260 likewise by 270.
        #expect(told == [0, 0, nil, 0, nil, 120, 0, nil, 0])
        #expect(counter.total.microliters == 270 - 200)
    }

    /// Whoever asks for 1.25 times what is needed gets what is needed, whatever the pump did before.
    @Test func aRunGoesOnOnlyWhereEnoughIsLeftAndNotTooMuch() {
        let run = PumpRun(
            target: Volume(microliters: 500), startTotal: Volume(microliters: 1_000),
            fastest: FlowRate(microlitersPerMinute: 600))
        let bound = Volume(microliters: 400)
        for (passed, serves) in [(0.0, false), (99, false), (100, true), (180, true), (181, false)]
        {
            let total = Volume(microliters: 1_000 + passed)
            #expect(run.serves(bound: bound, total: total) == serves, "\(passed) µL passed")
        }
    }
}
