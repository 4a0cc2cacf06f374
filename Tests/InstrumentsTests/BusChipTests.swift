import Numerics
import Quantities
import Testing

@testable import Instruments

/// Plays a bus: answers operations from a table of registers, and keeps what was asked.
struct PlayedBus<Chip: BusChip> {
    var chip: Chip
    var now = Instant.zero
    private(set) var asked: [BusOperation] = []

    init(_ chip: Chip) { self.chip = chip }

    /// Does what is next, when it is due, with the bytes that `answer` gives; nil is no
    /// acknowledge.
    mutating func step(_ answer: (BusOperation) -> [UInt8]?) {
        now = max(now, chip.dueAt)
        let operation = chip.operation
        asked.append(operation)
        chip.finish(answer(operation).map { .done($0) } ?? .failed("no acknowledge"), at: now)
    }

    /// Takes the samples.
    mutating func take() -> [SensorSample] {
        defer { chip.samples.removeAll() }
        return chip.samples
    }
}

@Suite struct BusChipTests {
    /// BE EF → 92 is the datasheet's own example; the rest are golden frames of DEVICES 7.1.
    @Test func checksumsAreTheDatasheets() {
        for (bytes, crc) in [
            ([0xBE, 0xEF], 0x92), ([0x01, 0xF4], 0x33), ([0xFE, 0x0C], 0x89), ([0x13, 0x88], 0x01),
            ([0, 0], 0x81), ([0, 1], 0xB0), ([0, 2], 0xE3), ([0, 3], 0xD2),
        ] as [([UInt8], UInt8)] {
            #expect(CRC8.sensirion(bytes) == crc)
        }
    }

    private func slf3s(_ channels: [SLF3S.Channel] = [.flow, .temperature]) -> PlayedBus<SLF3S> {
        var bus = PlayedBus(
            SLF3S(channels: channels, liquid: .water, period: .milliseconds(50)))
        bus.step { _ in nil }  // an idle sensor refuses to stop
        bus.step { _ in [] }
        return bus
    }

    @Test func flowIsReadFromGoldenFrames() {
        var bus = slf3s()
        #expect(bus.asked == [.write([0x3F, 0xF9]), .write([0x36, 0x08])])
        let startedAt = bus.now
        bus.step { _ in [0x01, 0xF4, 0x33, 0x13, 0x88, 0x01, 0x00, 0x00, 0x81] }
        #expect(bus.asked.last == .read(count: 9))
        #expect(bus.now - startedAt >= .milliseconds(60))
        #expect(bus.take().map(\.value) == [1_000, 25])
        bus.step { _ in [0xFE, 0x0C, 0x89, 0x13, 0x88, 0x01, 0x00, 0x00, 0x81] }
        #expect(bus.take().map(\.value) == [-1_000, 25])
        // Air in the line, flow too high, both: the flow is no number, the temperature is one.
        for (flags, fault) in [
            ([0, 1, 0xB0], .airInLine), ([0, 2, 0xE3], .highFlow), ([0, 3, 0xD2], .airInLine),
        ] as [([UInt8], SensorFault)] {
            bus.step { _ in [0x01, 0xF4, 0x33, 0x13, 0x88, 0x01] + flags }
            let samples = bus.take()
            #expect(samples.map(\.value) == [nil, 25])
            #expect(samples[0].fault == fault)
        }
        #expect(bus.asked.dropFirst(2).allSatisfy { $0 == .read(count: 9) })
    }

    @Test func everySingleBitErrorOfAFlowFrameIsFound() {
        let frame: [UInt8] = [0x01, 0xF4, 0x33, 0x13, 0x88, 0x01, 0x00, 0x00, 0x81]
        for bit in 0..<72 {
            var bad = frame
            bad[bit / 8] ^= 1 << UInt8(bit % 8)
            var bus = slf3s()
            bus.step { _ in bad }
            #expect(bus.take().allSatisfy { $0.value == nil && $0.fault == .checksum })
        }
    }

    @Test func flowSensorThatLostItsPowerIsStartedAgain() {
        var bus = slf3s([.flow])
        var faults = 0
        for _ in 0..<3 {
            bus.step { _ in nil }
            faults += bus.take().filter { $0.fault == .silent }.count
        }
        #expect(faults == 3)
        bus.step { _ in [] }
        bus.step { _ in [] }
        #expect(Array(bus.asked.suffix(2)) == [.write([0x3F, 0xF9]), .write([0x36, 0x08])])
        bus.step { _ in [0x01, 0xF4, 0x33, 0x13, 0x88, 0x01, 0x00, 0x00, 0x81] }
        #expect(bus.take().map(\.value) == [1_000])
    }

    @Test func isopropanolHasItsOwnStart() {
        let sensor = SLF3S(channels: [.flow], liquid: .isopropanol, period: .seconds(1))
        var bus = PlayedBus(sensor)
        bus.step { _ in [] }
        #expect(bus.chip.operation == .write([0x36, 0x15]))
    }

    @Test func voltagesAreConvertedOneByOne() {
        var bus = PlayedBus(
            ADS1115(
                channels: [
                    .init(input: 0, fullScale: 4.096), .init(input: 3, fullScale: 0.256),
                ], period: .milliseconds(100)))
        bus.step { _ in [] }
        // The golden configuration of DEVICES 7.2.
        #expect(bus.asked == [.writeWord(register: 1, value: 0xC383)])
        let startedAt = bus.now
        bus.step { _ in [0x43, 0x83] }  // busy
        bus.step { _ in [0xC3, 0x83] }
        bus.step { _ in [0x40, 0x00] }
        #expect(bus.asked.last == .readWord(register: 0))
        // 16384 of 32768 of 4.096 V.
        #expect(bus.take() == [SensorSample(channel: 0, value: 2.048, at: startedAt)])
        bus.step { _ in [] }
        // AIN3, 0.256 V: 1 111 101 1 100 00011.
        #expect(bus.asked.last == .writeWord(register: 1, value: 0b1111_1011_1000_0011))
        bus.step { _ in [0xFB, 0x83] }
        bus.step { _ in [0xFF, 0xFF] }
        #expect(bus.take().map(\.value) == [-0.256 / 32_768])
        bus.step { _ in [] }
        #expect(bus.now - startedAt == .milliseconds(100))
        #expect(bus.asked.last == .writeWord(register: 1, value: 0xC383))
    }

    @Test func convertersEndsAndLostSettingsAreNoNumbers() {
        func converter() -> PlayedBus<ADS1115> {
            var bus = PlayedBus(
                ADS1115(
                    channels: [.init(input: 0, fullScale: 4.096)], period: .milliseconds(100)))
            bus.step { _ in [] }
            return bus
        }
        for code in [[0x7F, 0xFF], [0x80, 0x00]] as [[UInt8]] {
            var bus = converter()
            bus.step { _ in [0xC3, 0x83] }
            bus.step { _ in code }
            #expect(bus.take().map(\.fault) == [.saturated])
        }
        // After a power cut it stands at 0x8583: another input, another scale.
        var reset = converter()
        reset.step { _ in [0x85, 0x83] }
        #expect(reset.take().map(\.fault) == [.wrongDevice])
        #expect(reset.chip.operation == .writeWord(register: 1, value: 0xC383))
        var busy = converter()
        for _ in 0..<ADS1115.pollLimit { busy.step { _ in [0x43, 0x83] } }
        #expect(busy.take().map(\.fault) == [.late])
        var gone = converter()
        gone.step { _ in nil }
        #expect(gone.take().map(\.fault) == [.silent])
        #expect(gone.chip.dueAt > gone.now)
    }

    @Test func fourChannelsInAShortPeriodAreConvertedFaster() {
        let channels = (0..<4).map { ADS1115.Channel(input: $0, fullScale: 4.096) }
        #expect(ADS1115(channels: channels, period: .milliseconds(100)).rateCode == 4)
        // 4 conversions and a tenth in 60 % of 20 ms: 367 a second, so 475.
        #expect(ADS1115(channels: channels, period: .milliseconds(20)).rateCode == 6)
    }

    @Test func thermometersAreReadAndChecked() {
        var bus = PlayedBus(TMP117(period: .seconds(1)))
        bus.step { _ in [0x01, 0x17] }
        #expect(bus.asked == [.readWord(register: 0x0F)])
        // 25 °C is 0x0C80, −25 °C 0xF380 (datasheet table 7-1); 0x8000 is no conversion yet.
        for (bytes, value) in [
            ([0x0C, 0x80], 25), ([0xF3, 0x80], -25), ([0x00, 0x01], 0.007_812_5),
        ] as [([UInt8], Double)] {
            bus.step { _ in bytes }
            #expect(bus.take().map(\.value) == [value])
        }
        bus.step { _ in [0x80, 0x00] }
        #expect(bus.take().map(\.fault) == [.late])
        bus.step { _ in [0x4B, 0x01] }  // above 150 °C
        #expect(bus.take().map(\.fault) == [.implausible])
        bus.step { _ in nil }
        #expect(bus.take().map(\.fault) == [.silent])
        // Whatever answers next must say who it is.
        bus.step { _ in [0x00, 0x75] }
        #expect(bus.asked.last == .readWord(register: 0x0F))
        #expect(bus.take().map(\.fault) == [.wrongDevice])
    }

    @Test func judgesScaleAndRefuse() {
        var rules = ReadingJudge.Rules()
        // A transducer of 0.5 … 4.5 V for 0 … 1000 kPa; below 0.3 V its wire is cut.
        rules.scale = 250
        rules.offset = -125
        rules.range = -50...1_050
        rules.stuckAfter = .milliseconds(300)
        var judge = ReadingJudge(rules)
        func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }
        #expect(judge.judge(SensorSample(channel: 0, value: 2.5, at: at(0))) == .value(500))
        #expect(judge.judge(SensorSample(channel: 0, value: 0, at: at(1))) == .none(.implausible))
        #expect(
            judge.judge(SensorSample(channel: 0, value: .nan, at: at(2))) == .none(.implausible))
        #expect(judge.judge(SensorSample(channel: 0, fault: .late, at: at(3))) == .none(.late))
        #expect(judge.judge(SensorSample(channel: 0, value: 1, at: at(10))) == .value(125))
        #expect(judge.judge(SensorSample(channel: 0, value: 1, at: at(309))) == .value(125))
        #expect(judge.judge(SensorSample(channel: 0, value: 1, at: at(310))) == .none(.stuck))
        #expect(
            judge.judge(SensorSample(channel: 0, fault: .silent, at: at(400))) == .none(.silent))
        #expect(judge.judge(SensorSample(channel: 0, value: 1, at: at(500))) == .none(.stuck))
        #expect(judge.judge(SensorSample(channel: 0, value: 1.01, at: at(501))) == .value(127.5))
    }

    /// Whatever a bus answers, every chip goes on, holds no more than its limit, and never tells
    /// a number together with a fault.
    @Test func nonsenseIsSurvived() {
        var random = SeededGenerator(seed: 5)
        func chips() -> [any BusChip] {
            [
                TMP117(period: .milliseconds(10)),
                ADS1115(channels: [.init(input: 1, fullScale: 1.024)], period: .milliseconds(10)),
                SLF3S(channels: [.flow, .temperature], liquid: .water, period: .milliseconds(10)),
                AS7341(
                    channels: ["F1", "F8", "nir"], gain: 4, integration: .milliseconds(2),
                    period: .milliseconds(10)),
                MCP23017(outputs: 0xF00F, safeLevels: 0x1001, period: .milliseconds(10)),
            ]
        }
        for var chip in chips() {
            var now = Instant.zero
            for turn in 0..<2_000 {
                now = max(now, chip.dueAt) + .microseconds(Int64(random.below(500)))
                var result = BusResult.failed("")
                if random.below(4) > 0 {
                    result = .done((0..<random.below(14)).map { _ in UInt8(random.below(256)) })
                }
                chip.finish(result, at: now)
                #expect(chip.samples.count <= SensorSample.heldLimit)
                #expect(chip.samples.allSatisfy { ($0.value == nil) != ($0.fault == nil) })
                if turn % 500 == 0 { chip.samples.removeAll() }
            }
        }
    }
}
