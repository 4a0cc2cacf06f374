import Quantities
import RigSimulator
import Testing

@Suite struct SimulatedNewEraTests {
    /// A pump whose power-up alarm was already told.
    private func ready(
        _ model: SimulatedNewEra.Model = .ne1000, drive: SyringeDrive = syringe(),
        options: SimulatedNewEra.Options = .init()
    ) -> (Bench, SimulatedNewEra) {
        let pump = SimulatedNewEra(drive: drive, model: model, options: options)
        let bench = Bench(pump)
        #expect(bench.ask("") == basic("00A?R"))
        return (bench, pump)
    }

    @Test func firstCommandAfterPowerUpIsNotExecuted() {
        let pump = SimulatedNewEra(drive: syringe())
        let bench = Bench(pump)
        #expect(bench.ask("DIA 20.5") == basic("00A?R"))
        #expect(bench.ask("DIA") == basic("00S14.43"))
        #expect(bench.ask("DIA 20.5") == basic("00S"))
        pump.powerCycle(at: bench.now)
        #expect(bench.ask("DIA") == basic("00A?R"))
        #expect(bench.ask("DIA") == basic("00S20.50"))
    }

    @Test func conversation() {
        let (bench, _) = ready()
        let table = [
            ("d i a\t14.43", "00S"), ("ver", "00SNE1000V3.923"), ("VOL", "00S0.000ML"),
            ("DIA 10", "00S"), ("VOL", "00S0.000UL"), ("DIA 14.0", "00S"), ("VOL", "00S0.000UL"),
            ("DIA 14.01", "00S"), ("VOL", "00S0.000ML"), ("RAT 1500UH", "00S"),
            ("RAT", "00S1500.UH"), ("RAT 12345", "00S?OOR"), ("RAT 1.2345", "00S?OOR"),
            ("RAT 9999 MM", "00S?OOR"), ("RAT 0.001UH", "00S?OOR"), ("FOO", "00S?"),
            ("DIA 50.1", "00S?OOR"), ("DIR", "00SINF"), ("DIR REV", "00S"), ("DIR", "00SWDR"),
            ("DIR INF", "00S"), ("DIS", "00SI0.000W0.000ML"), ("RUN", "00I"), ("DIA 12", "00I?NA"),
            ("RAT 1 MM", "00I?NA"), ("RAT 900", "00I"), ("RAT", "00I900.0UH"), ("RUN", "00I?NA"),
            ("STP", "00P"), ("STP", "00S"), ("RAT", "00S1500.UH"), ("PUR", "00X"), ("STP", "00S"),
            ("PHN 42", "00S?OOR"), ("PHN 2", "00S"), ("FUN", "00SSTP"), ("0", "00S"),
            ("SAF", "00S0"), ("SAF 256", "00S?OOR"), ("*ADR", "00S00"),
        ]
        for (command, answer) in table {
            #expect(bench.ask(command) == basic(answer), "\(command)")
        }
        #expect(bench.ask("5RUN").isEmpty)
    }

    /// The vectors of the manual's example and of an independent computation.
    @Test func safeModeVectors() {
        let (bench, _) = ready()
        #expect(Bench.safePacket("SAF0") == [2, 8, 0x53, 0x41, 0x46, 0x30, 0x55, 0x43, 3])
        let saf5: [UInt8] = [2, 9, 0x30, 0x53, 0x41, 0x46, 0x35, 9, 8, 3]
        let stopped: [UInt8] = [2, 7, 0x30, 0x30, 0x53, 0xAA, 0xA6, 3]
        #expect(bench.ask(saf5) == stopped)
        #expect(bench.ask([2, 5, 0x30, 0x36, 0x53, 3]) == stopped)
        // Damaged, then Basic: refused and ignored.
        #expect(bench.ask([2, 5, 0x30, 0x36, 0x54, 3]) == Bench.safePacket("00S?COM"))
        #expect(bench.ask("VER").isEmpty)
        #expect(bench.ask([2, 8, 0x53, 0x41, 0x46, 0x30, 0x55, 0x43, 3]) == [2, 48, 48, 83, 3])
    }

    @Test func deadManStopsThePumpAfterItsTime() {
        let drive = syringe(lag: .zero)
        let (bench, pump) = ready(drive: drive)
        #expect(bench.ask("RAT 600 UM") == basic("00S"))
        _ = bench.askSafe("SAF5")
        #expect(bench.ask([2, 8, 0x30, 0x52, 0x55, 0x4E, 0x44, 7, 3]) == Bench.safePacket("00I"))
        let started = bench.now - .milliseconds(20)
        _ = bench.wait(.milliseconds(4_979))
        #expect(pump.motion(of: 0) == .infusing)
        let unasked: [UInt8] = [2, 9, 0x30, 0x30, 0x41, 0x3F, 0x54, 5, 0x40, 3]
        #expect(bench.wait(.milliseconds(10)) == unasked)
        #expect(pump.motion(of: 0) == .stopped)
        // 600 µL/min for exactly 5 s.
        _ = bench.wait(.seconds(60))
        #expect(abs(drive.motorVolume(at: bench.now).microliters - 50) < 1e-6)
        #expect(started + .seconds(5) < bench.now)
        // Telling it unasked did not acknowledge it; answering with it does.
        #expect(bench.askSafe("0RUN") == Bench.shown(unasked))
        #expect(pump.motion(of: 0) == .stopped)
        #expect(bench.askSafe("0RUN") == Bench.shown(Bench.safePacket("00I")))
    }

    @Test func heartbeatsKeepItRunning() {
        let (bench, pump) = ready()
        _ = bench.ask("RAT 600 UM")
        _ = bench.askSafe("SAF1")
        _ = bench.askSafe("RUN")
        for _ in 0..<20 {
            _ = bench.wait(.milliseconds(900))
            #expect(bench.askSafe("") == Bench.shown(Bench.safePacket("00I")))
        }
        #expect(pump.motion(of: 0) == .infusing)
    }

    @Test func safeModeSurvivesPowerAndTimerWaitsForPacket() {
        let (bench, pump) = ready()
        _ = bench.askSafe("SAF2")
        pump.powerCycle(at: bench.now)
        #expect(bench.wait(.milliseconds(20)) == Bench.safePacket("00A?R"))
        #expect(bench.wait(.seconds(60)).isEmpty)
        #expect(bench.askSafe("SAF") == Bench.shown(Bench.safePacket("00A?R")))
        #expect(bench.askSafe("SAF") == Bench.shown(Bench.safePacket("00S2")))
        #expect(bench.wait(.seconds(3)) == Bench.safePacket("00A?T"))
    }

    @Test(arguments: [true, false])
    func firstSafeCommandUnderResetAlarm(switches: Bool) {
        var options = SimulatedNewEra.Options()
        options.safeModeSwitchesUnderAlarm = switches
        let bench = Bench(SimulatedNewEra(drive: syringe(), options: options))
        let alarm = switches ? Bench.shown(Bench.safePacket("00A?R")) : basic("00A?R")
        #expect(bench.askSafe("SAF5") == alarm)
        #expect(bench.askSafe("SAF5") == Bench.shown(Bench.safePacket("00S")))
    }

    @Test func targetVolumeStopsAndIsCounted() {
        let drive = syringe()
        let (bench, pump) = ready(drive: drive)
        for command in ["VOL UL", "VOL 100", "RAT 600 UM", "RUN"] { _ = bench.ask(command) }
        _ = bench.wait(.milliseconds(9_900))
        #expect(pump.motion(of: 0) == .infusing)
        #expect(bench.ask("DIR WDR") == basic("00I?NA"))
        _ = bench.wait(.milliseconds(200))
        #expect(bench.ask("DIS") == basic("00SI100.0W0.000UL"))
        // What the steps pushed has all left once the lag is over.
        _ = bench.wait(.seconds(5))
        #expect(abs(drive.deliveredVolume(at: bench.now).microliters - 100) < 1e-6)
        #expect(bench.ask("CLD INF") == basic("00S"))
        #expect(bench.ask("DIS") == basic("00SI0.000W0.000UL"))
    }

    @Test func stallIsFeltByOneModelOnly() {
        for (model, answer) in [(SimulatedNewEra.Model.ne1000, "00A?S"), (.ne500, "00I")] {
            let drive = syringe()
            let (bench, _) = ready(model, drive: drive)
            _ = bench.ask("RAT 600 UM")
            _ = bench.ask("RUN")
            drive.setFault(.stalled, at: bench.now)
            _ = bench.wait(.seconds(1))
            #expect(bench.ask("") == basic(answer))
        }
    }

    /// Limits of NE-1000 manual 12.5 for a 14.43 mm bore, computed apart: 8.341 mL/min, 6.877 µL/h.
    @Test func limitsFollowTheKinematics() {
        let (bench, _) = ready()
        for (rate, answer) in [
            ("8.341MM", "00S"), ("8.343MM", "00S?OOR"), ("6.879UH", "00S"), ("6.870UH", "00S?OOR"),
        ] { #expect(bench.ask("RAT" + rate) == basic(answer), "\(rate)") }
    }

    @Test func interByteTimeoutDropsAPacket() {
        let (bench, _) = ready()
        #expect(bench.ask(Array("DIA 2".utf8)).isEmpty)
        _ = bench.wait(.milliseconds(600))
        #expect(bench.ask("VER") == basic("00SNE1000V3.923"))
        #expect(bench.ask([2, 8, 0x30]).isEmpty)
        _ = bench.wait(.milliseconds(600))
        #expect(bench.ask("") == basic("00S"))
    }

    @Test func severalPumpsShareALine() {
        let line = SimulatedNewEra(units: [
            .init(address: 1, drive: syringe()),
            .init(address: 12, drive: syringe()),
        ])
        let bench = Bench(line)
        #expect(bench.ask("1") == basic("01A?R"))
        #expect(bench.ask("12") == basic("12A?R"))
        _ = bench.ask("12 RAT 100 UM")
        #expect(bench.ask("12RUN") == basic("12I"))
        #expect(bench.ask("1") == basic("01S"))
        #expect(line.motion(of: 1) == .infusing)
    }
}
