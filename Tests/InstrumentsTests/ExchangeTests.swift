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
        for reading in [7.0, 10, 12, 1, 4] { counter.read(Volume(microliters: reading)) }
        #expect(counter.total.microliters == 5 + 1 + 3)
    }
}
