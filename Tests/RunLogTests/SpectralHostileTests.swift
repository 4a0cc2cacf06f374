import Numerics
import Testing

@testable import RunLog

@Suite struct SpectralHostileTests {
    private static let block = try? SpectralSamples.block(SpectralSamples.exampleFrames)

    @Test func everyFlippedBitIsNoticed() throws {
        let block = try #require(Self.block)
        let decoder = SpectralDecoder()
        for bit in 0..<(8 * block.count) {
            var changed = block
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: SpectralError.self) { try decoder.decode(changed) }
        }
        for length in 0..<block.count {
            #expect(throws: SpectralError.self) { try decoder.decode(Array(block[..<length])) }
        }
        #expect(throws: SpectralError.self) { try decoder.decode(block + [0]) }
    }

    /// Bytes that are wrong although their checksum is right give counts or an error.
    @Test func wrongBytesBehindARightChecksum() throws {
        let bound = NearLossless(factor: 1, gain: 0.3, offset: 0, readNoise: 4)
        let samples = SpectralSamples.frames(.droplets, frames: 6, pixels: 75)
        let originals = [
            try #require(Self.block), try SpectralSamples.block(samples),
            try SpectralSamples.block(samples, nearLossless: bound),
        ]
        var random = SeededGenerator(seed: 11)
        let decoder = SpectralDecoder()
        var refused = 0
        var read = 0
        for round in 0..<6_000 {
            var bytes = originals[round % originals.count]
            for _ in 0...random.below(2) {
                bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            do {
                let frames = try decoder.decode(SpectralSamples.mended(bytes))
                #expect(frames.counts.count == frames.frames * frames.pixels)
                read += 1
            } catch { refused += 1 }
        }
        // Both happen, or the changes reach nothing.
        #expect(refused > 1_000 && read > 100)
    }

    @Test func headersAreChecked() throws {
        let block = try #require(Self.block)
        func changed(_ place: Int, _ value: UInt8) -> [UInt8] {
            var bytes = block
            bytes[place] = value
            return SpectralSamples.mended(bytes)
        }
        let decoder = SpectralDecoder()
        #expect(throws: SpectralError.tooShort(bytes: 23)) {
            try decoder.decode(Array(block[..<23]))
        }
        #expect(throws: SpectralError.otherVersion(2)) { try decoder.decode(changed(0, 2)) }
        #expect(throws: SpectralError.damaged("mode")) { try decoder.decode(changed(1, 3)) }
        #expect(throws: SpectralError.sizeOutOfRange(frames: 0, pixels: 40)) {
            try decoder.decode(changed(2, 0))
        }
        #expect(throws: SpectralError.sizeOutOfRange(frames: 4, pixels: 40 + 255 << 8)) {
            try decoder.decode(changed(5, 255))
        }
        #expect(throws: SpectralError.damaged("header")) { try decoder.decode(changed(6, 1)) }
        #expect(throws: SpectralError.damaged("lengths")) { try decoder.decode(changed(12, 255)) }
        #expect(throws: SpectralError.damaged("lengths")) { try decoder.decode(changed(1, 0)) }
        var other = block
        other[20] ^= 1
        #expect(throws: SpectralError.wrongChecksum) { try decoder.decode(other) }
    }

    @Test func tooLittleRoomIsNamed() throws {
        let block = try #require(Self.block)
        var counts = [UInt16](repeating: 0, count: 159)
        let error = counts.withUnsafeMutableBufferPointer { counts in
            block.withUnsafeBufferPointer { block -> SpectralError? in
                do throws(SpectralError) {
                    _ = try SpectralDecoder().decode(block, into: counts)
                    return nil
                } catch { return error }
            }
        }
        #expect(error == .sizeOutOfRange(frames: 4, pixels: 40))
    }
}
