import Quantities
import Testing

@testable import RunLog

@Suite struct SpectraBlockRecordTests {
    private func built(frames: Int, nearLossless: NearLossless? = nil) throws -> (
        record: SpectraBlockRecord, samples: [[UInt16]], times: [Instant]
    ) {
        let builder = try SpectraBlockBuilder(
            kind: "droplet", integration: .milliseconds(8), firstPixel: 20, pixelStep: 1,
            pixels: 64, frames: 8, nearLossless: nearLossless)
        let samples = SpectralSamples.frames(.lamp, frames: frames, pixels: 64)
        let times = (0..<frames).map {
            Instant(nanoseconds: Int64($0) * 10_000_000 + Int64($0 * $0 % 5) * 1_000)
        }
        for (frame, time) in zip(samples, times) { try builder.append(frame, at: time) }
        #expect(builder.count == frames && builder.isFull == (frames == 8))
        let record = try builder.takeRecord()
        #expect(builder.count == 0)
        return (record, samples, times)
    }

    @Test(arguments: [1, 2, 3, 8]) func timesAndCountsComeBack(frames: Int) throws {
        let (record, samples, times) = try built(frames: frames)
        #expect(record.frames == frames && record.pixels == 64 && record.errorFactor == nil)
        #expect(record.times == times)
        let decoded = try record.decoded(by: SpectralDecoder())
        #expect(decoded.counts.elementsEqual(samples.joined()))
        let logged = Samples.record(.spectraBlock(record))
        let bytes = try RecordCodec.encode(logged, sequence: 3)
        #expect(try RecordCodec.decode(bytes) == .record(sequence: 3, logged))
    }

    @Test func nearLosslessIsMarked() throws {
        let bound = NearLossless(factor: 2, gain: 0.3, offset: 0, readNoise: 4)
        let (record, _, _) = try built(frames: 8, nearLossless: bound)
        #expect(record.errorFactor == 2)
        #expect(try record.decoded(by: SpectralDecoder()).nearLossless == bound)
        let bytes = try RecordCodec.encode(Samples.record(.spectraBlock(record)), sequence: 1)
        #expect(
            try RecordCodec.decode(bytes)
                == .record(sequence: 1, Samples.record(.spectraBlock(record))))
    }

    /// A stored block has exact counts, and its record says so.
    @Test func storedIsExactWhateverIsAllowed() throws {
        let bound = NearLossless(factor: 2, gain: 0.3, offset: 0, readNoise: 4)
        let builder = try SpectraBlockBuilder(
            kind: "stream", integration: .milliseconds(8), firstPixel: 0, pixelStep: 1,
            pixels: 40, nearLossless: bound)
        let samples = SpectralSamples.frames(.random, frames: 2, pixels: 40)
        for frame in samples { try builder.append(frame, at: .zero) }
        let record = try builder.takeRecord()
        #expect(record.errorFactor == nil)
        let decoded = try record.decoded(by: SpectralDecoder())
        #expect(decoded.counts.elementsEqual(samples.joined()))
    }

    @Test func contradictionsAreNamed() throws {
        let (record, _, _) = try built(frames: 3)
        let decoder = SpectralDecoder()
        for change in [
            { $0.frames = 2 }, { $0.pixels = 63 }, { $0.deviations = [] },
            { $0.errorFactor = 1 },
        ] as [(inout SpectraBlockRecord) -> Void] {
            var changed = record
            change(&changed)
            #expect(throws: SpectralError.damaged("record around it")) {
                try changed.decoded(by: decoder)
            }
        }
        var extreme = record
        extreme.interval = TimeSpan(nanoseconds: .max)
        extreme.deviations = [.max, .max]
        #expect(extreme.times.count == 3)
    }

    // Bytes from an independent encoder (cbor2 for Python).
    @Test func recordHasItsBytes() throws {
        let body = Record.Body.spectraBlock(
            SpectraBlockRecord(
                kind: "oil", firstAt: Instant(nanoseconds: 1_000),
                interval: TimeSpan(nanoseconds: 10_000_000), deviations: [-3, 500],
                integration: TimeSpan(nanoseconds: 8_000_000), firstPixel: 5, pixelStep: 2,
                frames: 3, pixels: 421, coded: [1, 2, 255], errorFactor: 0.5))
        let record = Record(
            at: Instant(nanoseconds: -5), wall: WallTime(unixNanoseconds: 0), body: body)
        let expected: [UInt8] = [
            0x85, 0x19, 0x01, 0x2C, 0x0F, 0x24, 0x00, 0xAB, 0x01, 0x63, 0x6F, 0x69, 0x6C, 0x02,
            0x19, 0x03, 0xE8, 0x03, 0x1A, 0x00, 0x98, 0x96, 0x80, 0x04, 0x82, 0x22, 0x19, 0x01,
            0xF4, 0x05, 0x1A, 0x00, 0x7A, 0x12, 0x00, 0x06, 0x05, 0x07, 0x02, 0x08, 0x03, 0x09,
            0x19, 0x01, 0xA5, 0x0A, 0x43, 0x01, 0x02, 0xFF, 0x0B, 0xFB, 0x3F, 0xE0, 0x00, 0x00,
            0x00, 0x00, 0x00, 0x00,
        ]
        #expect(try RecordCodec.encode(record, sequence: 300) == expected)
    }
}
