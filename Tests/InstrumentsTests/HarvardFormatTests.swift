import Quantities
import Testing

@testable import Instruments

private func read(_ bytes: [UInt8]) -> HarvardReply? {
    var reader = HarvardReader()
    var last: HarvardReply?
    for byte in bytes {
        if case .reply(let reply)? = reader.push(byte, at: .zero) { last = reply }
    }
    return last
}

/// The golden exchanges of DEVICES 1.5 and the grammar of 1.2 and 1.3.
@Suite struct HarvardFormatTests {
    private func wire(_ ask: HarvardTalk.Ask, address: Int = 0, model: HarvardModel = .elite)
        -> [UInt8]
    {
        let pump = HarvardLine.Pump(
            name: "a", address: address, model: model, syringeDiameter: Length(millimeters: 14.43))
        var bytes: [UInt8] = []
        _ = HarvardTalk(pump, statusEvery: .seconds(1)).write(ask, into: &bytes)
        return bytes
    }

    @Test func saysGoldenCommands() throws {
        let rate = try #require(HarvardUnits.argument(FlowRate(microlitersPerMinute: 100)))
        #expect(
            wire(.setRate(rate)) == [
                0x69, 0x72, 0x61, 0x74, 0x65, 0x20, 0x31, 0x30, 0x30, 0x20, 0x75, 0x2F, 0x6D, 0x0D,
            ])
        #expect(wire(.rate) == [0x69, 0x72, 0x61, 0x74, 0x65, 0x0D])
        #expect(wire(.run) == [0x69, 0x72, 0x75, 0x6E, 0x0D])
        #expect(wire(.run, address: 12) == bytes("12irun\r"))
        #expect(wire(.run, address: 3, model: .legato) == bytes("03irun\r"))
        #expect(wire(.run, address: 12, model: .ultra) == bytes("12:irun\r"))
    }

    @Test func readsGoldenReplies() {
        #expect(read([0x0A, 0x3A, 0x11])?.prompt == .idle)
        let rate = read([
            0x0A, 0x31, 0x30, 0x30, 0x20, 0x75, 0x6C, 0x2F, 0x6D, 0x69, 0x6E, 0x0D, 0x0A, 0x3A,
            0x11,
        ])
        #expect(rate?.text == "100 ul/min" && rate?.prompt == .idle && rate?.address == 0)
        #expect(read([0x0A, 0x3E, 0x11])?.prompt == .infusing)
    }

    @Test func anIdlePromptIsNoLinePrefix() {
        let idle = read(bytes("\n03:\u{11}"))
        #expect(idle?.address == 3 && idle?.prompt == .idle && idle?.lineCount == 0)
        let line = read(bytes("\n03:100 ul/min\r\n03:\u{11}"))
        #expect(line?.address == 3 && line?.text == "100 ul/min")
        // A time from pump 0 is no address.
        #expect(read(bytes("\n12:34:56\r\n:\u{11}"))?.text == "12:34:56")
        // A line of another pump inside a reply belongs to nobody.
        #expect(read(bytes("\n04:100 ul/min\r\n03:\u{11}")) == nil)
    }

    @Test(arguments: [
        (":", HarvardPrompt.idle), (">", .infusing), ("<", .withdrawing), ("*", .stalled),
        ("T*", .targetReached), (">*", .limitInfusing), ("<*", .limitWithdrawing),
    ])
    func readsPrompts(text: String, prompt: HarvardPrompt) {
        #expect(read(bytes("\n\(text)\u{11}"))?.prompt == prompt)
        #expect(read(bytes("\n07\(text)\u{11}"))?.address == 7)
    }

    @Test func errorLinesStandBeforeThePrompt() {
        let unknown = read(bytes("\nCommand error: \r\n   Unknown command\r\n:\u{11}"))
        #expect(unknown?.refusal == "Command error:  Unknown command")
        let range = read(bytes("\n03:Argument error: 999\r\n03:   Out of range\r\n03:\u{11}"))
        #expect(range?.refusal == "Argument error: 999 Out of range")
        #expect(read(bytes("\nRange error: 5\r\n   x\r\n>\u{11}"))?.refusal != nil)
        #expect(read(bytes("\n100 ul/min\r\n:\u{11}"))?.refusal == nil)
    }

    @Test func aPromptThatSlippedInIsNoLine() {
        let reply = read(bytes("T*\n100 ul/min\r\nT*\u{11}"))
        #expect(reply?.text == "100 ul/min" && reply?.prompt == .targetReached)
        #expect(read(bytes("\nT*\n100 ul/min\r\n:\u{11}"))?.text == "100 ul/min")
    }

    @Test(arguments: ["", ":", "\n", "\nx", "x\n:", "\n100 ul/min\n:", "\n\u{7F}\r\n:"])
    func refusesWhatIsNoReply(text: String) { #expect(read(bytes(text + "\u{11}")) == nil) }

    @Test(arguments: [
        (100.0, "100 u/m"), (0.5, "500 n/m"), (12_345.0, "12.345 m/m"), (9999.0, "9999 u/m"),
        (1.23456, "1.2346 u/m"), (0.0001, "100 p/m"), (66.37, "66.37 u/m"),
    ])
    func saysRates(rate: Double, text: String) {
        #expect(HarvardUnits.argument(FlowRate(microlitersPerMinute: rate)) == text)
    }

    @Test(arguments: [0, -1, .nan, .infinity, 1e-12])
    func refusesToSay(rate: Double) {
        #expect(HarvardUnits.argument(FlowRate(microlitersPerMinute: rate)) == nil)
        #expect(HarvardUnits.argument(Volume(microliters: rate)) == nil)
    }

    @Test(arguments: [
        ("100 ul/min", 100.0), ("63.9 nl/min", 0.0639), ("1.5 ml/hr", 25.0), ("1 ul/sec", 60.0),
        ("2 pl/s", 0.00012), ("60 ul/h", 1.0),
    ])
    func readsRates(text: String, rate: Double) throws {
        let read = try #require(HarvardUnits.rate(BriefText(text)))
        #expect(abs(read.microlitersPerMinute - rate) < 1e-12 * max(1, rate))
    }

    @Test(arguments: ["", "100", "100 ul", "ul/min", "x ul/min", "1 xl/min", "1 ul/day", "1 ul/"])
    func refusesOtherRates(text: String) { #expect(HarvardUnits.rate(BriefText(text)) == nil) }

    @Test func readsVolumesLengthsPercents() {
        #expect(HarvardUnits.volume("500 ul")?.microliters == 500)
        #expect(HarvardUnits.volume("1.5 ml")?.microliters == 1500)
        #expect(HarvardUnits.length("14.4300 mm")?.millimeters == 14.43)
        #expect(HarvardUnits.percent("50%") == 50)
        #expect(HarvardUnits.volume("500 mm") == nil && HarvardUnits.length("5 ul") == nil)
    }

    @Test func readsStatusByFamily() throws {
        // 100 µL/min = 1666666667 fL/s; 2 s; 5 µL = 5e9 fL.
        let elite = try #require(
            HarvardStatus("1666666667 112000000 5000000000 I...i.", model: .elite))
        #expect(abs(elite.rate.microlitersPerMinute - 100) < 1e-6)
        #expect(elite.elapsed == .seconds(2) && abs(elite.volume.microliters - 5) < 1e-9)
        #expect(elite.isRunning && elite.isInfusing && !elite.isStalled && !elite.isTargetReached)
        let legato = try #require(HarvardStatus("0 2000 0 w.S..T", model: .legato))
        #expect(legato.elapsed == .seconds(2) && !legato.isRunning && !legato.isInfusing)
        #expect(legato.isStalled && legato.isTargetReached)
        let ultra = try #require(HarvardStatus("0 2 0 iI..T", model: .ultra))
        #expect(ultra.elapsed == .seconds(2) && ultra.isAtLimit && ultra.isTargetReached)
        for text in ["", "1 2 3", "1 2 3 I...", "1 2 3 X...i.", "a 2 3 I...i.", "1 2 3 4 I...i."] {
            #expect(HarvardStatus(BriefText(text), model: .elite) == nil)
        }
    }
}
