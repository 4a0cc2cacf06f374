import Numerics
import Quantities
import Testing

@testable import RunLog

@Suite struct RecordCodecTests {
    @Test(arguments: Samples.records) func everyRecordComesBack(record: Record) throws {
        let bytes = try RecordCodec.encode(record, sequence: 77)
        #expect(try RecordCodec.decode(bytes) == .record(sequence: 77, record))
        #expect(try RecordCodec.encode(record, sequence: 77) == bytes)
    }

    @Test func notANumberComesBackByItsBits() throws {
        let odd = Float(bitPattern: 0x7FC1_2345)
        let body = Record.Body.droplet(
            DropletRecord(
                condition: 1, attempt: 1, index: 1, enteredAt: .zero, leftAt: .zero, plateau: 1,
                loss: Double(bitPattern: 0xFFF8_0000_0000_0001), maximumAbsorbance: .nan,
                absorbance: [odd]))
        let bytes = try RecordCodec.encode(Samples.record(body), sequence: 1)
        guard case .record(_, let back) = try RecordCodec.decode(bytes),
            case .droplet(let droplet) = back.body
        else {
            Issue.record("no droplet came back")
            return
        }
        #expect(droplet.absorbance[0].bitPattern == 0x7FC1_2345)
        #expect(droplet.loss.bitPattern == 0x7FF8_0000_0000_0000)
        #expect(droplet.maximumAbsorbance.isNaN)
        #expect(try RecordCodec.encode(back, sequence: 1) == bytes)
    }

    /// Logs of the first versions say nothing of proposers.
    @Test func aDecisionWithoutProposersIsRead() throws {
        var writer = CBORWriter()
        writer.array(5)
        for number: UInt64 in [9, 3] { writer.unsigned(number) }
        writer.integer(1)
        writer.integer(2)
        writer.map(7)
        writer.unsigned(1)
        writer.integer(4)
        writer.unsigned(2)
        writer.text("gaussian-process")
        for key: UInt64 in [3, 4] {
            writer.unsigned(key)
            writer.doubles([0.5])
        }
        writer.unsigned(5)
        writer.array(1)
        writer.doubles([0.25])
        for key: UInt64 in [6, 7] {
            writer.unsigned(key)
            writer.array(0)
        }
        guard case .record(_, let record) = try RecordCodec.decode(writer.bytes),
            case .decision(let decision) = record.body
        else {
            Issue.record("no decision came back")
            return
        }
        #expect(decision.recipes == [[0.25]])
        #expect(decision.proposers.isEmpty && decision.comparison.isEmpty)
    }

    // Bytes from an independent encoder (cbor2 for Python).
    @Test func dropletHasItsBytes() throws {
        let body = Record.Body.droplet(
            DropletRecord(
                condition: 12, attempt: 1, index: 0, enteredAt: Instant(nanoseconds: 1_000),
                leftAt: Instant(nanoseconds: 70_000), plateau: 23, loss: 0.125,
                maximumAbsorbance: 1.1, absorbance: [0.5, -1.25, .infinity, 0]))
        let record = Record(
            at: Instant(nanoseconds: -5), wall: WallTime(unixNanoseconds: 0), body: body)
        let expected: [UInt8] = [
            0x85, 0x19, 0x01, 0x2C, 0x07, 0x24, 0x00, 0xA9, 0x01, 0x0C, 0x02, 0x01, 0x03, 0x00,
            0x04, 0x19, 0x03, 0xE8, 0x05, 0x1A, 0x00, 0x01, 0x11, 0x70, 0x06, 0x17, 0x07, 0xFB,
            0x3F, 0xC0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0xFB, 0x3F, 0xF1, 0x99, 0x99,
            0x99, 0x99, 0x99, 0x9A, 0x09, 0x50, 0x00, 0x00, 0x00, 0x3F, 0x00, 0x00, 0xA0, 0xBF,
            0x00, 0x00, 0x80, 0x7F, 0x00, 0x00, 0x00, 0x00,
        ]
        #expect(try RecordCodec.encode(record, sequence: 300) == expected)
    }

    @Test func conditionEndHasItsBytes() throws {
        let body = Record.Body.conditionEnd(
            ConditionRecord(
                run: 3, condition: 31, attempt: 2, outcome: "failed", droplets: 0,
                medianLoss: nil, reason: ""))
        let record = Record(
            at: Instant(nanoseconds: 24), wall: WallTime(unixNanoseconds: 256), body: body)
        let expected: [UInt8] = [
            0x85, 0x1B, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x09, 0x18, 0x18, 0x19,
            0x01, 0x00, 0xA7, 0x01, 0x03, 0x02, 0x18, 0x1F, 0x03, 0x02, 0x04, 0x66, 0x66, 0x61,
            0x69, 0x6C, 0x65, 0x64, 0x05, 0x00, 0x06, 0xF6, 0x07, 0x60,
        ]
        #expect(try RecordCodec.encode(record, sequence: 1 << 32) == expected)
    }

    @Test func newerProgramsRecordsArePassedOver() throws {
        // [9, 99, 1, 2, {1: [tag 5 ("x"), {1: null}]}, true] and a stop with a field 7.
        let strange: [UInt8] = [
            0x86, 0x09, 0x18, 0x63, 0x01, 0x02, 0xA1, 0x01, 0x82, 0xC5, 0x61, 0x78, 0xA1, 0x01,
            0xF6, 0xF5,
        ]
        #expect(
            try RecordCodec.decode(strange)
                == .unknown(
                    sequence: 9, type: 99, at: Instant(nanoseconds: 1),
                    wall: WallTime(unixNanoseconds: 2)))
        let stop: [UInt8] = [
            0x85, 0x02, 0x0E, 0x01, 0x02, 0xA2, 0x01, 0x61, 0x78, 0x07, 0x82, 0x01, 0xF5,
        ]
        let record = Record(
            at: Instant(nanoseconds: 1), wall: WallTime(unixNanoseconds: 2),
            body: .stop(reason: "x"))
        #expect(try RecordCodec.decode(stop) == .record(sequence: 2, record))
    }

    @Test(
        arguments: [
            ([], RecordError.tooShort(at: 0)),
            ([0x85, 0x01, 0x0E, 0x01, 0x02, 0xA0], .missingField(type: 14, key: 1)),
            ([0x85, 0x01, 0x0E, 0x01, 0x02, 0xA1, 0x01, 0x61, 0xFF], .notUTF8(at: 7)),
            (
                [0x85, 0x01, 0x0E, 0x01, 0x02, 0xA1, 0x01, 0x01],
                .wrongKind(at: 7, expected: "text")
            ),
            (
                [0x85, 0x01, 0x0E, 0x01, 0x02, 0xA2, 0x01, 0x60, 0x01, 0x60],
                .keysOutOfOrder(at: 8)
            ),
            ([0x85, 0x01, 0x0E, 0x01, 0x02, 0xA1, 0x01, 0x60, 0x00], .trailingBytes(at: 8)),
            ([0x9F, 0x01, 0x0E, 0x01, 0x02, 0xA0, 0xFF], .wrongKind(at: 0, expected: "array")),
            // An array that announces 2^62 items; a text that announces 2^63 bytes.
            (
                [0x85, 0x01, 0x04, 0x01, 0x02, 0xA1, 0x04, 0x9B, 0x40, 0, 0, 0, 0, 0, 0, 0],
                .tooShort(at: 7)
            ),
            (
                [0x85, 0x01, 0x0E, 0x01, 0x02, 0xA1, 0x01, 0x7B, 0x80, 0, 0, 0, 0, 0, 0, 0],
                .tooShort(at: 7)
            ),
            // Monotonic time 2^63.
            ([0x85, 0x01, 0x0E, 0x1B, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x02, 0xA0], .outOfRange(at: 3)),
        ] as [([UInt8], RecordError)])
    func wrongBytesAreNamed(bytes: [UInt8], error: RecordError) {
        #expect(throws: error) { try RecordCodec.decode(bytes) }
    }

    @Test func nestingIsBounded() {
        let deep: [UInt8] =
            [0x85, 0x01, 0x18, 0x63, 0x01, 0x02, 0xA1, 0x01]
            + [UInt8](repeating: 0x81, count: 100_000) + [0x00]
        #expect(throws: RecordError.self) { try RecordCodec.decode(deep) }
    }

    @Test func sizeIsBounded() throws {
        let overhead =
            try RecordCodec.encode(
                Samples.record(.stop(reason: String(repeating: "x", count: 70_000))), sequence: 1
            ).count - 70_000
        let fits = RecordCodec.sizeLimit - overhead
        let largest = Samples.record(.stop(reason: String(repeating: "x", count: fits)))
        let bytes = try RecordCodec.encode(largest, sequence: 1)
        #expect(bytes.count == RecordCodec.sizeLimit)
        #expect(try RecordCodec.decode(bytes) == .record(sequence: 1, largest))
        let over = Samples.record(.stop(reason: String(repeating: "x", count: fits + 1)))
        #expect(
            throws: RecordError.tooLarge(
                bytes: RecordCodec.sizeLimit + 1, limit: RecordCodec.sizeLimit)
        ) { try RecordCodec.encode(over, sequence: 1) }
    }

    @Test func anyBytesDecodeOrGiveAnError() throws {
        var random = SeededGenerator(seed: 20_260_101)
        let originals = try Samples.records.map { try RecordCodec.encode($0, sequence: 5) }
        var refused = 0
        var understood = 0
        for round in 0..<120_000 {
            var bytes = originals[round % originals.count]
            for _ in 0...random.below(3) {
                guard !bytes.isEmpty else { break }
                let place = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[place] ^= 1 << UInt8(random.below(8))
                case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
                default: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(4)))
                }
            }
            do {
                _ = try RecordCodec.decode(bytes)
                understood += 1
            } catch {
                refused += 1
            }
        }
        // Both happen, or the mutations reach nothing.
        #expect(refused > 10_000 && understood > 10_000)
    }
}
