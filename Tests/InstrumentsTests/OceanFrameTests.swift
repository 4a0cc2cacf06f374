import Quantities
import Testing

@testable import Instruments

/// The decoder against the vendors' printed vectors.
@Suite struct OceanFrameTests {
    static func request(_ count: Int) throws -> OceanScanRequest {
        let plan = AcquisitionPlan(
            isAcquiring: true, lampOn: false, integration: .milliseconds(100), firstPixel: 0,
            lastPixel: count - 1, pixelStep: 1)
        return try #require(OceanScanRequest(plan, pixelCount: 2_048))
    }

    static func decode(
        _ bytes: [UInt8], count: Int, compression: Bool, checksum: Bool = true,
        header: OceanSpectrometer.Header = .flame, escaped: Bool = true
    ) throws -> (OceanFrameDecoder.Outcome, [UInt16], rest: Int) {
        var decoder = OceanFrameDecoder(
            try request(count),
            coding: .init(
                header: header, compression: compression, checksum: checksum,
                firstPixelIsEscaped: escaped))
        for (index, byte) in bytes.enumerated() {
            let outcome = decoder.take(byte)
            if outcome != .incomplete {
                return (outcome, decoder.counts, bytes.count - index - 1)
            }
        }
        return (.incomplete, decoder.counts, 0)
    }

    /// STX, FFFF, WORD pixels, one scan, 100 ms, baseline 12345, mode 3: 0 to 9 step 1.
    static func flameHeader(last: UInt8 = 9) -> [UInt8] {
        [
            0x02, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x01, 0x00, 0x64, 0x00, 0x00, 0x30, 0x39, 0x00,
            0x03, 0x00, 0x00, 0x00, last, 0x00, 0x01,
        ]
    }

    static let printedPixels: [UInt16] = [15, 23, 46, 98, 231, 509, 1023, 2432, 3245, 1984]
    static let printedBytes: [UInt8] = [
        0x00, 0x0F, 0x00, 0x17, 0x00, 0x2E, 0x00, 0x62, 0x00, 0xE7, 0x01, 0xFD, 0x03, 0xFF, 0x09,
        0x80, 0x0C, 0xAD, 0x07, 0xC0,
    ]

    /// SAD500 manual p. 18: these ten pixels have the checksum 0x2586.
    @Test func printedChecksum() throws {
        let bytes = Self.flameHeader() + Self.printedBytes + [0xFF, 0xFD, 0x25, 0x86]
        let result = try Self.decode(bytes, count: 10, compression: false)
        #expect(result.0 == .complete)
        #expect(result.1 == Self.printedPixels)
        let wrong = Self.flameHeader() + Self.printedBytes + [0xFF, 0xFD, 0x25, 0x87]
        guard case .garbled = try Self.decode(wrong, count: 10, compression: false).0 else {
            Issue.record("a wrong checksum passed")
            return
        }
    }

    static let compressed: [UInt8] = [
        0x80, 0x00, 0xB9, 0x80, 0x08, 0x67, 0x80, 0x03, 0x44, 0x80, 0x01, 0xC5, 0x80, 0x00, 0xD2,
        0xA4, 0xE4, 0xFF, 0xFE, 0x02,
    ]

    /// The vendor's compression example. Its increments are 0x0139 for `80 00 B9`, 0x08E7 for
    /// `80 08 67` and 0x00A4 for `A4`; the others follow the same rule: 0x80 + 0x0344,
    /// 0x80 + 0x01C5, 0x80 + 0x00D2, 0xE4, 0xFF, 0xFE, 0x02.
    @Test func printedCompression() throws {
        let sum =
            0x0139 + 0x08E7 + (0x80 + 0x0344) + (0x80 + 0x01C5) + (0x80 + 0x00D2) + 0xA4 + 0xE4
            + 0xFF + 0xFE + 0x02
        let tail: [UInt8] = [0xFF, 0xFD, UInt8(sum / 256), UInt8(sum % 256)]
        let result = try Self.decode(
            Self.flameHeader() + Self.compressed + tail, count: 10, compression: true)
        #expect(result.0 == .complete)
        #expect(result.1 == [185, 2151, 836, 453, 210, 118, 90, 89, 87, 89])
    }

    @Test(
        arguments: [
            ([0x80, 0x00, 0xB9], 0x0139), ([0x80, 0x08, 0x67], 0x08E7),
        ] as [([UInt8], Int)])
    func printedIncrements(pixel: [UInt8], increment: Int) throws {
        let tail: [UInt8] = [0xFF, 0xFD, UInt8(increment / 256), UInt8(increment % 256)]
        let result = try Self.decode(
            Self.flameHeader(last: 0) + pixel + tail, count: 1, compression: true)
        #expect(result.0 == .complete)
    }

    /// The other reading of the manual: the first pixel as a bare word.
    @Test func bareFirstPixel() throws {
        let bytes = Self.flameHeader(last: 1) + [0x80, 0x05, 0x01, 0xFF, 0xFD]
        let result = try Self.decode(
            bytes, count: 2, compression: true, checksum: false, escaped: false)
        #expect(result.0 == .complete)
        #expect(result.1 == [0x8005, 0x8006])
    }

    @Test func sadHeader() throws {
        let bytes: [UInt8] =
            [
                0x02, 0xFF, 0xFF, 0x00, 0x01, 0x00, 0x07, 0x00, 0x01, 0x00, 0x64, 0x12, 0x34, 0x00,
                0x03, 0x00, 0x00, 0x00, 0x09, 0x00, 0x01,
            ] + Self.printedBytes + [0xFF, 0xFD, 0x25, 0x86]
        let result = try Self.decode(bytes, count: 10, compression: false, header: .sad500)
        #expect(result.0 == .complete)
        #expect(result.1 == Self.printedPixels)
    }

    /// Saturated pixels look like the header's start and the end mark: only counting is safe.
    @Test func marksAmongPixels() throws {
        let pixels: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFD, 0xFF, 0xFD, 0xFF, 0xFF]
        // (0xFFFF + 0xFFFD) * 2 = 0x3FFF8, mod 65536 = 0xFFF8
        let bytes = Self.flameHeader(last: 3) + pixels + [0xFF, 0xFD, 0xFF, 0xF8]
        let result = try Self.decode(bytes, count: 4, compression: false)
        #expect(result.0 == .complete)
        #expect(result.1 == [0xFFFF, 0xFFFD, 0xFFFD, 0xFFFF])
    }

    /// Every header word that can disagree, and what is said of it. Byte offsets from STX.
    @Test(arguments: [
        (4, 1, "garbled"), (6, 2, "scans accumulated 1"), (8, 20, "integration ms 100"),
        (14, 0, "pixel mode 3"), (16, 5, "first pixel 0"), (18, 8, "last pixel 9"),
        (20, 2, "pixel step 1"), (1, 0, "garbled"), (0, 0x41, "garbled"),
    ])
    func headerMustAgree(offset: Int, value: Int, expected: String) throws {
        var bytes = Self.flameHeader() + Self.printedBytes + [0xFF, 0xFD, 0x25, 0x86]
        bytes[offset] = UInt8(value)
        switch try Self.decode(bytes, count: 10, compression: false).0 {
        case .garbled: #expect(expected == "garbled")
        case .disagrees(let text): #expect(text == expected)
        default: Issue.record("a header that disagrees passed")
        }
    }

    @Test func refusalAndOverflow() throws {
        #expect(try Self.decode([0x03], count: 10, compression: true).0 == .refused)
        // 185 - 127 - 127 is below zero.
        let low = Self.flameHeader() + [0x80, 0x00, 0xB9, 0x81, 0x81]
        guard case .garbled = try Self.decode(low, count: 10, compression: true).0 else {
            Issue.record("a pixel below zero passed")
            return
        }
        // A difference with nothing before it.
        guard
            case .garbled = try Self.decode(
                Self.flameHeader() + [0x05], count: 10, compression: true
            ).0
        else {
            Issue.record("a first pixel without a value passed")
            return
        }
    }
}

@Suite struct OceanCalibrationTests {
    @Test(arguments: [
        ("340.5\0\0\0", 340.5), ("-1.25e-05\r", -1.25e-5), ("  3.5 ", 3.5), ("2E2\r\n", 200),
    ])
    func numbers(text: String, value: Double) {
        #expect(OceanCalibration.number(in: Array(text.utf8)) == value)
    }

    @Test(arguments: ["", "\0\0", "nan", "0x10", "1.5.2", "inf", "12a", "\u{FF}"])
    func notNumbers(text: String) {
        #expect(OceanCalibration.number(in: Array(text.utf8)) == nil)
    }

    /// Horner by hand: p = 2: 100 + 2·2 + 0.5·4 + 0.25·8 = 108.
    @Test func polynomial() throws {
        let all = try #require(
            OceanCalibration.wavelengths(coefficients: [100, 2, 0.5, 0.25], pixelCount: 3))
        #expect(all.map(\.nanometers) == [100, 102.75, 108])
    }

    @Test func erasedEEPROM() {
        #expect(OceanCalibration.wavelengths(coefficients: [0, 0, 0, 0], pixelCount: 8) == nil)
        #expect(OceanCalibration.wavelengths(coefficients: [400, -1, 0, 0], pixelCount: 8) == nil)
        #expect(OceanCalibration.wavelengths(coefficients: [400], pixelCount: 8) == nil)
    }
}
