import Configuration
import Glibc
import Numerics
import Quantities
import Testing

@testable import Spectra

@Suite struct AbsorbanceTests {
    static let exposure = TimeSpan.milliseconds(20)

    static func average(_ scans: [[UInt16]]) throws -> ScanAverage {
        var accumulator = ScanAccumulator(pixelCount: scans[0].count, integration: exposure)
        for scan in scans {
            try accumulator.add(scan, integration: exposure, isSaturated: false)
        }
        return try accumulator.average()
    }

    /// Mean and scatter by hand: 2, 4, 9 have mean 5 and variance (9 + 1 + 16) / 2 = 13.
    @Test func accumulates() throws {
        let average = try Self.average([[2, 100], [4, 100], [9, 100]])
        #expect(average.mean[0] == 5)
        #expect(abs(average.sigma[0] - 13.0.squareRoot()) < 1e-12)
        #expect(average.sigma[1] == 0)
        #expect(average.maximumCount == 100)
        #expect(average.scans == 3)
    }

    @Test func accumulatorRefuses() throws {
        var accumulator = ScanAccumulator(pixelCount: 2, integration: Self.exposure)
        #expect(throws: SpectraError.saturated(maximumCount: 65_535)) {
            try accumulator.add(
                [1, 65_535] as [UInt16], integration: Self.exposure, isSaturated: true)
        }
        #expect(throws: SpectraError.lengthMismatch(expected: 2, got: 1)) {
            try accumulator.add([1] as [UInt16], integration: Self.exposure, isSaturated: false)
        }
        #expect(throws: SpectraError.integrationMismatch(expectedSeconds: 0.02, gotSeconds: 1)) {
            try accumulator.add([1, 2] as [UInt16], integration: .seconds(1), isSaturated: false)
        }
        #expect(accumulator.scans == 0)
        try accumulator.add([1, 2] as [UInt16], integration: Self.exposure, isSaturated: false)
        #expect(throws: SpectraError.tooFewScans(got: 1, needed: 2)) {
            try accumulator.average()
        }
    }

    /// R − D = 10 000, so S − D of 10 000, 1 000, 100 and 20 000 are A = 0, 1, 2, −log₁₀ 2.
    @Test func decades() throws {
        let dark = try Self.average([[900, 900, 900, 900], [900, 900, 900, 900]])
        let reference = try Self.average([
            [10_900, 10_900, 10_900, 10_900], [10_900, 10_900, 10_900, 10_900],
        ])
        let scale = try AbsorbanceScale(dark: dark, reference: reference, validitySigmas: 10)
        let values = try scale.absorbance(
            of: [10_900, 1_900, 1_000, 20_900], integration: Self.exposure, isSaturated: false)
        for (got, want) in zip(values, [0, 1, 2, -0.301_029_995_663_981_2]) {
            #expect(abs(got - want) < 1e-12)
        }
    }

    /// Dark 900 ± √2·10 (two scans, 890 and 910): the reference must exceed 900 + 10·14.14.
    @Test func validity() throws {
        let dark = try Self.average([[890, 890, 890, 890], [910, 910, 910, 910]])
        let reference = try Self.average([
            [1_041, 1_042, 900, 5_000], [1_041, 1_042, 900, 5_000],
        ])
        let scale = try AbsorbanceScale(dark: dark, reference: reference, validitySigmas: 10)
        #expect(scale.validShare == 0.5)
        let values = try scale.absorbance(
            of: [1_000, 1_000, 1_000, 900], integration: Self.exposure, isSaturated: false)
        #expect(values[0].isNaN)
        #expect(values[1].isFinite)
        #expect(values[2].isNaN)
        #expect(values[3].isNaN, "a sample at dark has no absorbance, not an infinite one")
        let below = try scale.absorbance(
            of: [0, 0, 0, .nan], integration: Self.exposure, isSaturated: false)
        #expect(below.filter(\.isNaN).count == 4)
    }

    @Test func mismatches() throws {
        let dark = try Self.average([[1, 2], [1, 2]])
        let other = try Self.average([[100], [100]])
        #expect(throws: SpectraError.lengthMismatch(expected: 2, got: 1)) {
            try AbsorbanceScale(dark: dark, reference: other, validitySigmas: 10)
        }
        var slow = ScanAccumulator(pixelCount: 2, integration: .seconds(1))
        for _ in 0..<2 {
            try slow.add([100, 200] as [UInt16], integration: .seconds(1), isSaturated: false)
        }
        #expect(throws: SpectraError.integrationMismatch(expectedSeconds: 0.02, gotSeconds: 1)) {
            try AbsorbanceScale(dark: dark, reference: slow.average(), validitySigmas: 10)
        }
        let reference = try Self.average([[100, 200], [100, 200]])
        let scale = try AbsorbanceScale(dark: dark, reference: reference, validitySigmas: 10)
        #expect(throws: SpectraError.integrationMismatch(expectedSeconds: 0.02, gotSeconds: 1)) {
            try scale.absorbance(of: [50, 50], integration: .seconds(1), isSaturated: false)
        }
        #expect(throws: SpectraError.saturated(maximumCount: 50)) {
            try scale.absorbance(of: [50, 50], integration: Self.exposure, isSaturated: true)
        }
        #expect(throws: SpectraError.saturated(maximumCount: 50)) {
            try scale.absorbance(of: [50, .nan], integration: Self.exposure, isSaturated: true)
        }
    }
}

@Suite struct ResamplingTests {
    static func settings(_ from: Double, _ through: Double, _ step: Double) -> LossSettings {
        var settings = LossSettings()
        settings.from = Wavelength(nanometers: from)
        settings.through = Wavelength(nanometers: through)
        settings.step = Wavelength(nanometers: step)
        return settings
    }

    @Test func defaultGrid() throws {
        let grid = try GridResampler.grid(LossSettings())
        #expect(grid.count == 421)
        #expect(grid.first == 380)
        #expect(grid.last == 800)
    }

    /// A straight spectrum comes out straight, whether pixels are coarse, fine, or uneven.
    @Test(arguments: [0.1, 0.37, 0.99, 1.0, 1.3, 4.0])
    func straightLines(spacing: Double) throws {
        let pixels = stride(from: 399.0, through: 422, by: spacing).enumerated().map { item in
            item.element + (item.offset % 3 == 0 ? spacing * 0.2 : 0)
        }
        let resampler = try GridResampler(
            from: WavelengthScale(nanometers: pixels), onto: Self.settings(400, 415, 1))
        let result = try resampler.resample(pixels.map { 0.25 * $0 - 90 })
        for (point, value) in zip(resampler.grid, result) {
            #expect(abs(value - (0.25 * point - 90)) < 1e-9)
        }
    }

    /// Coarse pixels: the line between the neighbours, by hand.
    @Test func interpolates() throws {
        let scale = try WavelengthScale(nanometers: [400, 404, 408])
        let resampler = try GridResampler(from: scale, onto: Self.settings(400, 408, 2))
        #expect(try resampler.resample([1, 3, 11]) == [1, 2, 3, 7, 11])
        // NaN reaches exactly the points it contributes to.
        let holes = try resampler.resample([1, .nan, 11])
        let invalid = holes.map(\.isNaN)
        #expect(invalid == [false, true, true, true, false])
    }

    /// Fine pixels: light in a bin is averaged; a spike of one pixel among ten in a bin of 1 nm
    /// weighs a tenth, and noise falls by about the root of ten.
    @Test func averages() throws {
        let pixels = (0..<201).map { 400 + Double($0) * 0.1 }
        let resampler = try GridResampler(
            from: WavelengthScale(nanometers: pixels), onto: Self.settings(401, 419, 1))
        var spike = [Double](repeating: 0, count: 201)
        spike[52] = 1
        let result = try resampler.resample(spike)
        #expect(abs(result[4] - 0.1) < 1e-9)
        #expect(abs(result.reduce(0, +) - 0.1) < 1e-9)
        var generator = SeededGenerator(seed: 12)
        var squares = 0.0
        for _ in 0..<50 {
            let noise = (0..<201).map { _ in generator.normal() }
            for value in try resampler.resample(noise) { squares += value * value }
        }
        let scatter = (squares / (50 * 19)).squareRoot()
        #expect(abs(scatter - 0.1.squareRoot()) < 0.03)
    }

    @Test func refuses() throws {
        let scale = try WavelengthScale(nanometers: [400, 401, 402])
        #expect(throws: SpectraError.outOfRange(wavelength: 399, from: 400, through: 402)) {
            try GridResampler(from: scale, onto: Self.settings(399, 401, 1))
        }
        #expect(throws: SpectraError.outOfRange(wavelength: 403, from: 400, through: 402)) {
            try GridResampler(from: scale, onto: Self.settings(400, 403, 1))
        }
        for (from, through, step) in [
            (400.0, 402.0, 0.0), (402, 400, 1), (0, 1e9, 1), (1, 2, .nan),
        ] {
            #expect(throws: SpectraError.self) {
                try GridResampler(from: scale, onto: Self.settings(from, through, step))
            }
        }
        let resampler = try GridResampler(from: scale, onto: Self.settings(400, 402, 1))
        #expect(throws: SpectraError.lengthMismatch(expected: 3, got: 2)) {
            try resampler.resample([1, 2])
        }
    }

    @Test func scales() throws {
        #expect(throws: SpectraError.wavelengthsNotRising(pixel: 2)) {
            try WavelengthScale(nanometers: [1, 2, 2])
        }
        #expect(throws: SpectraError.wavelengthsNotRising(pixel: 0)) {
            try WavelengthScale(nanometers: [.nan])
        }
        // λ(p) = 300 + 2p - 0.1p²: 300, 301.9, 303.6, … turns at p = 10.
        let scale = try WavelengthScale(coefficients: [300, 2, -0.1], pixelCount: 10)
        #expect(abs(scale.nanometers[2] - 303.6) < 1e-12)
        #expect(throws: SpectraError.wavelengthsNotRising(pixel: 11)) {
            try WavelengthScale(coefficients: [300, 2, -0.1], pixelCount: 30)
        }
        let even = try WavelengthScale(coefficients: [340, 0.5], pixelCount: 1_000)
        let range = try even.pixels(
            covering: Wavelength(nanometers: 380.2), through: Wavelength(nanometers: 800), by: 3)
        // 380.2 nm lies after pixel 80; 80 + 3·280 = 920 is 800 nm.
        #expect(range == (80, 920))
        let near = try even.pixels(
            covering: Wavelength(nanometers: 380), through: Wavelength(nanometers: 839), by: 7)
        #expect(near.last <= 999 && near.first <= 80 && (near.last - near.first) % 7 == 0)
        #expect(even.nanometers[near.last] >= 839)
        #expect(throws: SpectraError.self) {
            try even.pixels(
                covering: Wavelength(nanometers: 339), through: Wavelength(nanometers: 800), by: 1)
        }
        #expect(
            try even.picking(from: 80, through: 89, by: 3).nanometers == [380, 381.5, 383, 384.5])
        #expect(throws: SpectraError.self) { try even.picking(from: 5, through: 1_000, by: 1) }
    }
}
