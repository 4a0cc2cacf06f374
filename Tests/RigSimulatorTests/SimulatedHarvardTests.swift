import Quantities
import RigSimulator
import Testing

@Suite struct SimulatedHarvardTests {
    private func polled(
        _ model: SimulatedHarvard.Model = .elite, address: Int = 0, drive: SyringeDrive = syringe()
    ) -> (Bench, SimulatedHarvard) {
        let pump = SimulatedHarvard(drive: drive, model: model, address: address)
        let bench = Bench(pump)
        _ = bench.ask("poll on")
        return (bench, pump)
    }

    @Test func goldenExchanges() {
        let (bench, _) = polled()
        #expect(bench.ask(Array("irate 100 u/m\r".utf8)) == [0x0A, 0x3A, 0x11])
        #expect(
            bench.ask(Array("irate\r".utf8)) == [
                0x0A, 0x31, 0x30, 0x30, 0x20, 0x75, 0x6C, 0x2F, 0x6D, 0x69, 0x6E, 0x0D, 0x0A, 0x3A,
                0x11,
            ])
        #expect(bench.ask(Array("irun\r".utf8)) == [0x0A, 0x3E, 0x11])
    }

    @Test func conversation() {
        let (bench, _) = polled()
        let table = [
            ("", ":"), ("diameter 14.43", ":"), ("diam", "14.4300 mm|:"), ("@DIAM", "14.4300 mm|:"),
            ("irate lim", "25.04 nl/min to 26 ml/min|:"), ("svolume 10 ml", ":"),
            ("svolume", "10.0000 ml|:"), ("tvolume", "Target volume not set|:"),
            ("tvolume 50 ul", ":"), ("tvol", "50 ul|:"), ("ctvolume", ":"),
            ("ttime", "Target time not set|:"), ("ttime 00:01:30", ":"), ("ttime", "90 seconds|:"),
            ("cttime", ":"), ("iramp", "Ramp not set up.|:"), ("poll", "Polling mode is ON|:"),
            ("address", "Pump address is 0|:"), ("force 50", ":"), ("force", "50%|:"),
            ("baud", "115200 baud|:"), ("crate", "Command error:|   Pump not running|:"),
            ("bogus", "Command error:|   Unknown command|:"),
            ("irate 99 m/m", "Argument error: 99|   Out of range|:"),
            ("force 101", "Argument error: 101|   Out of range|:"),
            ("irate 600 ul/min", ":"), ("irun", ">"), ("crate", "Infusing at 600 ul/min|>"),
            ("diameter 10", "Command error:|   Pump is running|>"), ("stp", ":"),
            ("wrate 1 m/m", ":"), ("wrun", "<"), ("crate", "Withdrawing at 1 ml/min|<"),
            ("stop", ":"), ("ver", "11 ELITE I/W Single 3.0.4|:"),
        ]
        for (command, answer) in table {
            let lines = answer.split(separator: "|")
            let wanted = "<LF>" + lines.joined(separator: "<CR><LF>") + "<XON>"
            #expect(bench.ask(command) == wanted, "\(command)")
        }
    }

    /// The table of the Elite manual, appendix A: bore, lowest and highest rate in µL/min.
    @Test(arguments: [
        (1.030, 127.6e-6, 132.5), (8.585, 8.863e-3, 9_204), (14.43, 25.03e-3, 25_990),
        (26.59, 85.05e-3, 88_320),
    ])
    func limitsFollowTheManual(row: (Double, Double, Double)) throws {
        let (bench, _) = polled()
        _ = bench.ask("diameter \(row.0)")
        let words = bench.ask("irate lim").dropFirst(4).split(separator: "<")[0].split(
            separator: " ")
        func microliters(_ number: Substring, _ unit: Substring) throws -> Double {
            let value = try #require(Double(number))
            return value * (["m": 1e3, "u": 1, "n": 1e-3, "p": 1e-6][unit.first ?? " "] ?? 0)
        }
        let low = try microliters(words[0], words[1])
        let high = try microliters(words[3], words[4])
        #expect(abs(low / row.1 - 1) < 2e-3)
        #expect(abs(high / row.2 - 1) < 2e-3)
    }

    @Test func targetReachedIsToldUnaskedWithPollingOff() {
        let (bench, pump) = polled()
        for command in ["poll off", "tvolume 50 ul", "irate 600 ul/min"] { _ = bench.ask(command) }
        #expect(bench.ask("irun") == "<LF>>")
        _ = bench.wait(.milliseconds(4_900))
        #expect(pump.motion(of: 0) == .infusing)
        #expect(Bench.shown(bench.wait(.milliseconds(200))) == "<LF>T*")
        #expect(bench.ask("ivolume") == "<LF>50 ul<CR><LF>T*")
        #expect(bench.ask("irun") == "<LF>T*")
        _ = bench.ask("civolume")
        #expect(bench.ask("ctvolume") == "<LF>:")
    }

    @Test func stallShowsUntilStopped() {
        let drive = syringe()
        let (bench, _) = polled(drive: drive)
        _ = bench.ask("irun")
        drive.setFault(.stalled, at: bench.now)
        #expect(bench.wait(.seconds(1)).isEmpty)
        #expect(bench.ask("irun") == "<LF>Command error:<CR><LF>   Pump stalled<CR><LF>*<XON>")
        #expect(bench.ask("stop") == "<LF>:<XON>")
    }

    /// 600 µL/min is 1e10 fL/s; after 30 s 3e11 fL are out.
    @Test func statusUnitsDependOnTheFamily() {
        for (model, time, flags) in [
            (SimulatedHarvard.Model.elite, "1680000000", "I...i."),
            (.legato, "30000", "I...i."), (.ultra, "30", "I...."),
        ] {
            let (bench, _) = polled(model)
            _ = bench.ask("irate 600 u/m")
            bench.peer.receive(Array("irun\r".utf8)[...], at: bench.now)
            _ = bench.wait(.seconds(30))
            let answer = bench.ask("status")
            #expect(answer == "<LF>10000000000 \(time) 300000000000 \(flags)<CR><LF>><XON>")
        }
    }

    @Test func chainsAnswerWithTheirAddress() {
        let chain = SimulatedHarvard(units: [
            .init(drive: syringe()), .init(address: 3, drive: syringe()),
        ])
        let bench = Bench(chain)
        #expect(bench.ask("3") == "<LF>03:")
        #expect(bench.ask("03irate 5 u/m\n") == "<LF>03:")
        #expect(bench.ask("3irat") == "<LF>03:5 ul/min<CR><LF>03:")
        #expect(bench.ask("irate") == "<LF>1 ml/min<CR><LF>:")
        #expect(bench.ask("3irun") == "<LF>03>")
        #expect(bench.ask("") == "<LF>:")
        #expect(bench.ask("7irun").isEmpty)
        let ultra = Bench(SimulatedHarvard(drive: syringe(), model: .ultra, address: 12))
        #expect(ultra.ask("12:irat 3.2 ul/min") == "<LF>12:")
    }

    @Test func powerCutKeepsOnlyWhatWasWritten() {
        let (bench, pump) = polled()
        for command in ["irate 7 u/m", "nvram off", "irate 9 u/m", "irun"] {
            _ = bench.ask(command)
        }
        pump.powerCycle(at: bench.now)
        #expect(bench.ask("irate") == "<LF>7 ul/min<CR><LF>:")
    }
}
