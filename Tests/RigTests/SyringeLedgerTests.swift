import Configuration
import Quantities
import Rig
import Testing

@Suite struct SyringeLedgerTests {
    private func pumps() -> [PumpSettings] {
        var a = PumpSettings(name: "a")
        a.syringeVolume = Volume(microliters: 1_000)
        var b = PumpSettings(name: "b")
        b.syringeVolume = Volume(microliters: 5_000)
        return [a, b]
    }

    @Test func whatWasCommandedIsGone() {
        var ledger = SyringeLedger(pumps: pumps())
        ledger.spend(
            [FlowRate(microlitersPerMinute: 60), .zero], for: .seconds(30))
        #expect(abs(ledger.remaining[0].microliters - 970) < 1e-9)
        #expect(ledger.remaining[1].microliters == 5_000)
        // Two percent stay in the syringe.
        #expect(abs(ledger.usable(0).microliters - 950) < 1e-9)
    }

    @Test func aShortSyringeIsNamedBeforeItRunsDry() {
        let ledger = SyringeLedger(
            pumps: pumps(), remaining: [Volume(microliters: 120), nil])
        let rates = [
            FlowRate(microlitersPerMinute: 60), FlowRate(microlitersPerMinute: 60),
        ]
        #expect(ledger.firstShort(of: rates, for: .seconds(90)) == nil)
        #expect(ledger.firstShort(of: rates, for: .seconds(101)) == 0)
        // 120 µL less the reserve of 20 are enough for 75 s with a quarter more, not for 85 s.
        #expect(ledger.firstShort(of: rates, for: .seconds(75), slack: 1.25) == nil)
        #expect(ledger.firstShort(of: rates, for: .seconds(85), slack: 1.25) == 0)
    }

    @Test func aRefilledSyringeIsFullAndNoMore() {
        var ledger = SyringeLedger(
            pumps: pumps(), remaining: [Volume(microliters: -3), Volume(microliters: 9_999)])
        #expect(ledger.remaining[0] == .zero)
        #expect(ledger.remaining[1].microliters == 5_000)
        ledger.refill(0)
        #expect(ledger.remaining[0].microliters == 1_000)
    }
}
