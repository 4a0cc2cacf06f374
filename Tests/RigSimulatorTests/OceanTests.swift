import Numerics
import Quantities
import Testing

@testable import RigSimulator

/// A scene of even brightness that counts how often it was looked at.
private final class EvenScene: SimulatedScene, LampWatching {
    var brightness = 20_000.0
    var exposures: [(from: Instant, until: Instant, lampOn: Bool)] = []
    var switches: [Bool] = []
    func exposure(
        pixels: [Int], from: Instant, until: Instant, lampOn: Bool, into counts: inout [Double]
    ) {
        if exposures.count < 100 { exposures.append((from, until, lampOn)) }
        for _ in pixels { counts.append(lampOn ? brightness : 0) }
    }
    func lampSwitched(on: Bool, at now: Instant) { switches.append(on) }
}

@Suite struct OceanTests {
    private let scene = EvenScene()
    private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

    private func make(_ change: (inout SimulatedOceanOptions) -> Void = { _ in }) -> SimulatedOcean
    {
        var options = SimulatedOceanOptions()
        change(&options)
        return SimulatedOcean(options: options, scene: scene, seed: 7)
    }

    private func talk(_ ocean: SimulatedOcean, _ bytes: [UInt8], at milliseconds: Int64) -> [UInt8]
    {
        ocean.receive(bytes[...], at: at(milliseconds))
        var answer: [UInt8] = []
        ocean.takeOutput(into: &answer, at: at(milliseconds))
        return answer
    }

    private func wait(_ ocean: SimulatedOcean, until milliseconds: Int64) -> [UInt8] {
        ocean.advance(to: at(milliseconds))
        var answer: [UInt8] = []
        ocean.takeOutput(into: &answer, at: at(milliseconds))
        return answer
    }

    // MARK: Golden vectors of the vendor's SAD500 paper, p. 18

    @Test func vendorChecksum() {
        var bytes: [UInt8] = []
        OceanFrameEncoder(addsChecksum: true).encode(
            [15, 23, 46, 98, 231, 509, 1_023, 2_432, 3_245, 1_984], header: OceanFrameHeader(),
            into: &bytes)
        #expect(Array(bytes.suffix(4)) == [0xFF, 0xFD, 0x25, 0x86])
        #expect(bytes.count == 7 * 2 + 10 * 2 + 2 + 2)
    }

    @Test func vendorCompression() {
        var bytes: [UInt8] = []
        OceanFrameEncoder(compresses: true, addsChecksum: true).encode(
            [185, 2_151, 836, 453, 210, 118, 90, 89, 87, 89], header: OceanFrameHeader(),
            into: &bytes)
        let pixels: [UInt8] = [
            0x80, 0x00, 0xB9, 0x80, 0x08, 0x67, 0x80, 0x03, 0x44, 0x80, 0x01, 0xC5, 0x80, 0x00,
            0xD2, 0xA4, 0xE4, 0xFF, 0xFE, 0x02,
        ]
        #expect(Array(bytes[14..<34]) == pixels)
        // 0139 + 08E7 + (0344+80) + (01C5+80) + (00D2+80) + A4 + E4 + FF + FE + 02, mod 65536.
        let sum = 0x0139 + 0x08E7 + 0x03C4 + 0x0245 + 0x0152 + 0xA4 + 0xE4 + 0xFF + 0xFE + 0x02
        #expect(Array(bytes.suffix(2)) == [UInt8(sum >> 8), UInt8(sum & 0xFF)])
    }

    // MARK: Conversation

    @Test(
        arguments: [
            ([0x76], [6, 0x03, 0xFC]),  // v: 1020
            ([0x49, 0, 20, 0x3F, 0x49], [6, 6, 0, 20]),  // I 20, ?I
            ([0x49, 0, 0], [0x15]),  // I 0
            ([0x41, 0, 16], [0x15]),  // A 16
            ([0x42, 0, 3, 0x3F, 0x42], [6, 6, 0, 3]),  // B
            ([0x47, 0, 2], [0x15]),  // G 2
            ([0x4B, 0, 9], [0x15]),  // K 9
            ([0x3F, 0x4B], [6, 0, 2]),  // ?K: 9600
            ([0x3F, 0x7A], [0x15]),  // ?z
            ([0x7A], [0x15]),  // unknown letter
            ([0x50, 0, 3, 0, 100, 0, 50, 0, 1], [0x15]),  // P3 backwards
            ([0x50, 0, 3, 0, 100, 0, 200, 0, 3], [6]),
            ([0x50, 0, 2], [0x15]),  // P2: not a mode
            ([0x50, 0, 1, 0, 0], [0x15]),  // every 0th
            ([0x50, 0, 4, 0, 2, 0, 9, 0, 7], [6]),
            ([0x50, 0, 4, 0, 11], [0x15]),
            ([0x4E, 0, 2, 0x53], [6, 3]),  // N 2 with M 0: S gives ETX
            ([0x71], [6, 0, 0]), ([0x47, 0, 9, 0x71, 0x71], [0x15, 6, 0, 1, 6, 0, 0]),
            ([0x51], [6]), ([0x5A, 0, 1], [3]), ([0x3F, 0x78, 0, 40], [0x15]),
            ([0x61, 0x41, 0x76], [6] + Array("v1020\r\n".utf8)),  // aA v
            (
                [0x61, 0x41] + Array("I 20\r?I".utf8),
                [6] + Array("I 20\r".utf8) + [6] + Array("?I20\r\n".utf8)
            ),
            ([0x61, 0x41, 0x62, 0x42, 0x76], [6, 0x62, 0x42, 6, 6, 0x03, 0xFC]),  // back with bB
        ] as [([UInt8], [UInt8])])
    func conversation(_ sent: [UInt8], _ answered: [UInt8]) {
        #expect(talk(make(), sent, at: 1) == answered)
    }

    @Test func calibrationIsReadPaddedAndWritten() {
        let ocean = make()
        let text = Array("340.0".utf8)
        #expect(
            talk(ocean, [0x3F, 0x78, 0, 1], at: 1)
                == [6] + text + [UInt8](repeating: 0, count: 10))
        #expect(talk(ocean, [0x78, 0, 1] + Array("341.5".utf8) + [13], at: 2) == [6])
        ocean.powerCycle(at: at(3))
        #expect(talk(ocean, [0x3F, 0x78, 0, 1], at: 4).starts(with: [6] + Array("341.5".utf8)))
        let other = make { $0.padsCalibration = false }
        #expect(talk(other, [0x3F, 0x78, 0, 1], at: 1) == [6] + text + [13])
    }

    @Test func baudHandshake() {
        let ocean = make()
        #expect(talk(ocean, [0x4B, 0, 6], at: 0) == [6])
        #expect(ocean.baud == 9_600)
        ocean.advance(to: at(40))
        #expect(ocean.baud == 115_200)
        #expect(talk(ocean, [0x4B, 0, 6], at: 60) == [6])
        ocean.advance(to: at(10_000))
        #expect(ocean.baud == 115_200)
        ocean.powerCycle(at: at(10_001))
        #expect(ocean.baud == 9_600)
    }

    @Test(
        arguments: [
            ([0x4B, 0, 6], 45), ([0x4B, 0, 5], 60), ([0x76], 60), ([0x4B, 0], 60), ([], 60),
        ] as [([UInt8], Int64)])
    func baudHandshakeThatDeviatesFallsBack(_ second: [UInt8], _ time: Int64) {
        let ocean = make()
        _ = talk(ocean, [0x4B, 0, 6], at: 0)
        #expect(talk(ocean, second, at: time) == [])
        #expect(wait(ocean, until: 2_001) == [])
        #expect(ocean.baud == 9_600)
        #expect(talk(ocean, [0x76], at: 2_100) == [6, 0x03, 0xFC])
    }

    @Test func frameComesAfterTheExposure() {
        let ocean = make {
            $0.readNoise = 0; $0.shotVariance = 0; $0.darkLevel = 500
        }
        #expect(
            talk(
                ocean,
                [0x4A, 0, 1, 0x49, 0, 20, 0x50, 0, 3, 0, 100, 0, 108, 0, 4, 0x6B, 0, 1, 0x53],
                at: 0) == [6, 6, 6, 6])
        #expect(scene.switches == [true])
        #expect(ocean.deadline == at(20))
        #expect(wait(ocean, until: 19) == [])
        let frame = wait(ocean, until: 20)
        // 20,500 counts are 0x5014; three of them sum to 61,500 = 0xF03C.
        #expect(
            frame == [
                2, 0xFF, 0xFF, 0, 0, 0, 1, 0, 20, 0, 0, 0, 0, 0, 3, 0, 100, 0, 108, 0, 4, 0x50,
                0x14, 0x50, 0x14, 0x50, 0x14, 0xFF, 0xFD, 0xF0, 0x3C,
            ])
        #expect(scene.exposures.count == 1)
        #expect(scene.exposures[0].from == at(0) && scene.exposures[0].until == at(20))
        #expect(talk(ocean, [0x74, 0x6C], at: 21) == [6, 0, 1, 6, 0x50, 0x14])
    }

    @Test func scansAddUpAndClip() {
        let ocean = make {
            $0.readNoise = 0; $0.shotVariance = 0
        }
        scene.brightness = 90_000
        _ = talk(ocean, [0x4A, 0, 1, 0x49, 0, 10, 0x50, 0, 4, 0, 1, 0, 5, 0x41, 0, 2, 0x53], at: 0)
        let frame = wait(ocean, until: 20)
        // Each scan clips at 65,535; two of them are 131,070 = 0x0001FFFE in a double word.
        #expect(Array(frame[3..<7]) == [0, 1, 0, 2])
        #expect(Array(frame.suffix(6)) == [0, 1, 0xFF, 0xFE, 0xFF, 0xFD])
        #expect(scene.exposures.map(\.until) == [at(10), at(20)])
    }

    @Test func bytesDuringAnExposureWait() {
        let ocean = make()
        #expect(talk(ocean, [0x49, 0, 20, 0x50, 0, 4, 0, 1, 0, 5, 0x53, 0x76], at: 0) == [6, 6])
        let answer = wait(ocean, until: 20)
        #expect(answer[0] == 2 && Array(answer.suffix(3)) == [6, 0x03, 0xFC])
    }

    @Test func wholeFramesHaveTheManualsLength() {
        let ocean = make()
        _ = talk(ocean, [0x53], at: 0)
        // STX, seven words of header, 2,048 pixels, the end.
        #expect(wait(ocean, until: 100).count == 1 + 14 + 4_096 + 2)
    }

    /// Variance against the stated law: read noise² + 1.05 × light, mean dark + light.
    @Test(arguments: [0.0, 2_000, 40_000])
    func noiseFollowsItsLaw(_ light: Double) {
        var generator = SeededGenerator(seed: 3)
        var counts: [UInt32] = []
        let number = 200_000
        NormalTable.expose(
            [Double](repeating: light, count: number), dark: 900, readVariance: 144,
            shotVariance: 1.05, averaged: 1, with: &generator, into: &counts)
        let mean = counts.reduce(0) { $0 + Double($1) } / Double(number)
        let variance =
            counts.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
            / Double(number - 1)
        // Rounding to whole counts adds 1/12. Four standard errors of mean and variance.
        let law = 144 + 1.05 * light + 1.0 / 12
        #expect(abs(mean - 900 - light) < 4 * (law / Double(number)).squareRoot())
        #expect(abs(variance / law - 1) < 4 * (2 / Double(number)).squareRoot())
    }

    @Test func anythingFromTheHostIsSurvived() {
        var generator = SeededGenerator(seed: 11)
        let letters = Array("ABGIJKLMNPQSTWZklqtvOx?abi\r\n 0123".utf8)
        for variant in [SimulatedOceanOptions.Variant.flame, .sad500] {
            let ocean = make {
                $0.variant = variant
                $0.pixelCount = 8
            }
            var time: Int64 = 0
            var answer: [UInt8] = []
            for _ in 0..<60_000 {
                var bytes: [UInt8] = []
                for _ in 0..<generator.below(8) {
                    switch generator.below(3) {
                    case 0: bytes.append(letters[generator.below(letters.count)])
                    case 1: bytes.append(UInt8(generator.below(4)))
                    default: bytes.append(UInt8(generator.below(256)))
                    }
                }
                ocean.receive(bytes[...], at: at(time))
                answer.removeAll(keepingCapacity: true)
                ocean.takeOutput(into: &answer, at: at(time))
                time += Int64(generator.below(3_000))
                if generator.below(200) == 0 { ocean.powerCycle(at: at(time)) }
                #expect(SimulatedOcean.speeds.contains(ocean.baud))
                #expect(ocean.command.count <= 170 && ocean.waiting.count <= 256)
            }
            ocean.powerCycle(at: at(time))
            #expect(talk(ocean, [0x76], at: time + 1) == [6, 0x03, 0xFC])
        }
    }
}
