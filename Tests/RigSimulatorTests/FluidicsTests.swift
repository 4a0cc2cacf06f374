import Configuration
import Quantities
import Testing

@testable import RigSimulator

/// Absorbs as much as the first reagent's share in percent, divided by 100.
private final class Dye: Chemistry {
    var calls = 0
    func absorbance(
        shares: [Double], totalFlow: FlowRate, residence: TimeSpan, wavelengths: [Wavelength]
    ) -> [Double] {
        calls += 1
        return [Double](repeating: shares[0] / 100, count: wavelengths.count)
    }
}

/// A pump whose rate is set at will, µL/min.
private final class Pump: FlowSource {
    var rate = 0.0
    private var volume = 0.0
    private var since = Instant.zero
    func set(_ rate: Double, at now: Instant) {
        volume = delivered(at: now).microliters
        since = now
        self.rate = rate
    }
    func delivered(at instant: Instant) -> Volume {
        Volume(microliters: volume + rate / 60 * max((instant - since).seconds, 0))
    }
}

@Suite struct FluidicsTests {
    private let dye = Pump()
    private let solvent = Pump()
    private let oil = Pump()
    private let chemistry = Dye()

    private func at(_ seconds: Double) -> Instant { .zero + .seconds(seconds) }

    private func make(scatter: Double = 0, dropletVolume: Double = 1.2) -> Fluidics {
        var settings = Settings()
        settings.variables = [
            VariableSettings(
                name: "Q", kind: .reagentPercent(pump: "dye"), low: 0, high: 90, lowLimit: 0,
                highLimit: 90)
        ]
        settings.simulation.amplitudeScatter = scatter
        settings.simulation.dropletVolume = Volume(microliters: dropletVolume)
        settings.simulation.lampDriftPerHour = 0
        return Fluidics(
            settings: settings, aqueous: [("dye", dye), ("solvent", solvent)], oil: oil,
            chemistry: chemistry)
    }

    @Test func volumeIsConservedAndDropletsCounted() {
        let tube = make()
        dye.set(30, at: .zero)
        solvent.set(70, at: .zero)
        oil.set(100, at: .zero)
        tube.advance(to: at(600))
        // 10 min × 200 µL/min in the tube; 1,000 µL of water make 833 droplets of 1.2 ± 2 %.
        #expect(abs(tube.totalVolume.microliters - 2_000) < 1e-6)
        #expect(abs(tube.tally.dropletsBorn - 833) <= 3)
        let inside = tube.tally.bornVolume.microliters - tube.tally.passedVolume.microliters
        // 60 µL of tube hold 30 µL of water, within the droplet at either end.
        #expect(abs(inside - 30) < 2.6)
        #expect(tube.tally.dropletsBorn - tube.tally.dropletsPassed == tube.dropletsInTube)
        #expect(abs(tube.tally.bornVolume.microliters - 1_000) < 1.4)
    }

    @Test(arguments: [100.0, 400, 2_000])
    func residenceIsDeadVolumeOverFlow(_ flow: Double) {
        let tube = make()
        solvent.set(flow / 2, at: .zero)
        oil.set(flow / 2, at: .zero)
        tube.advance(to: at(60 * 240 / flow))
        #expect(abs(tube.tally.lastResidence.seconds - 60 * 60 / flow) < 1e-3)
    }

    @Test func aNewRecipeArrivesAfterTheDeadVolume() {
        let tube = make()
        solvent.set(100, at: .zero)
        oil.set(100, at: .zero)
        tube.advance(to: at(60))
        solvent.set(40, at: at(60))
        dye.set(60, at: at(60))
        // 60 µL at 200 µL/min take 18 s; the droplet of the change is 0.72 s long.
        tube.advance(to: at(60 + 17.9))
        #expect(tube.tally.lastShares == [0])
        tube.advance(to: at(60 + 18 + 0.8))
        #expect(tube.tally.lastShares[0] > 5 && tube.tally.lastShares[0] < 59)
        tube.advance(to: at(60 + 18 + 10))
        #expect(abs(tube.tally.lastShares[0] - 60) < 0.1)
    }

    @Test func whatStandsStands() {
        let tube = make()
        solvent.set(100, at: .zero)
        oil.set(100, at: .zero)
        tube.advance(to: at(60))
        solvent.set(0, at: at(60))
        oil.set(0, at: at(60))
        tube.advance(to: at(61))
        var before: [Double] = []
        tube.exposure(pixels: [500], from: at(70), until: at(70.02), lampOn: true, into: &before)
        let passed = tube.tally.dropletsPassed
        tube.advance(to: at(3_600))
        var after: [Double] = []
        tube.exposure(
            pixels: [500], from: at(3_600), until: at(3_600.02), lampOn: true, into: &after)
        // The lamp had just been switched on the first time: 8 % short of its later light.
        #expect(abs(before[0] / after[0] - 0.92) < 0.002)
        #expect(tube.tally.dropletsPassed == passed)
    }

    @Test func lightFollowsWhatIsInTheBeam() {
        let tube = make()
        tube.lampSwitched(on: true, at: .zero)
        let pixel = 700
        let wavelength = WavelengthCalibration.standard.wavelength(of: pixel).nanometers
        let full = Lamp.countsPerSecond(wavelength) * 0.02
        func look(_ seconds: Double) -> Double {
            var counts: [Double] = []
            tube.exposure(
                pixels: [pixel], from: at(seconds), until: at(seconds + 0.02), lampOn: true,
                into: &counts)
            return counts[0] / full
        }
        #expect(abs(look(30) - 0.60) < 1e-6)  // air
        oil.set(200, at: at(31))
        #expect(abs(look(60) - 0.97) < 1e-6)  // oil, after 60 µL in 18 s
        oil.set(0, at: at(61))
        dye.set(100, at: at(61))
        solvent.set(100, at: at(61))
        // Water alone: one body without caps, A = 0.5.
        #expect(abs(look(120) - 0.316_227_766) < 1e-4)
        oil.set(200, at: at(121))
        tube.advance(to: at(160))
        let seen = (0..<200).map { look(160 + Double($0) * 0.02) }
        // A droplet of 1.2 µL in a period of 2.4 µL; its ends, 6 % each, pass 45 %.
        let mean = seen.reduce(0, +) / 200
        let expected = (0.97 + 0.316_228 * (0.88 + 0.12 * 0.45)) / 2
        #expect(abs(mean - expected) < 0.02)
        #expect(seen.contains { abs($0 - 0.97) < 1e-6 })
        #expect(seen.contains { abs($0 - 0.316_228) < 1e-4 })
        #expect(seen.contains { $0 < 0.3 })
        var dark: [Double] = []
        tube.exposure(pixels: [pixel], from: at(170), until: at(170.02), lampOn: false, into: &dark)
        #expect(dark == [0])
    }

    @Test func oneRecipeIsOneQuestionToTheChemistry() {
        let tube = make(scatter: 0.05)
        dye.set(50, at: .zero)
        solvent.set(50, at: .zero)
        oil.set(100, at: .zero)
        tube.advance(to: at(60))
        var counts: [Double] = []
        for scan in 0..<500 {
            counts.removeAll(keepingCapacity: true)
            let from = 60 + Double(scan) * 0.05
            tube.exposure(
                pixels: [300, 400], from: at(from), until: at(from + 0.02), lampOn: true,
                into: &counts)
        }
        #expect(chemistry.calls <= 2)
    }

    @Test func scatterHasTheStatedShape() {
        var scatter = DropletScatter(
            deviation: 0.05, driftShare: 0.43, autocorrelation: 0.25,
            generator: .init(seed: 5))
        let period = 2 * DropletScatter.halfPeriod
        let cycles = 2_000
        let values = (0..<cycles * period).map { _ in scatter.next() - 1 }
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        #expect(abs(mean) < 0.0005)
        #expect(abs(variance.squareRoot() - 0.05) < 0.0005)
        // The drift is what remains when the periods are averaged: 2,000 of them leave 1/2,000
        // of the rest's variance in each place.
        var drift = [Double](repeating: 0, count: period)
        for (index, value) in values.enumerated() {
            drift[index % period] += value / Double(cycles)
        }
        let driftVariance = drift.reduce(0) { $0 + $1 * $1 } / Double(period)
        #expect(abs(driftVariance / variance - 0.43) < 0.01)
        let rest = values.enumerated().map { $1 - drift[$0 % period] }
        let squares = rest.reduce(0) { $0 + $1 * $1 }
        let products = zip(rest, rest.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(products / squares - 0.25) < 0.015)
    }

    @Test func lampIsBrightEverywhereItIsNeeded() {
        let light = (380...800).map { Lamp.countsPerSecond(Double($0)) * 0.02 }
        let peak = light.max() ?? 0
        #expect(abs(peak - 45_000) < 100)
        #expect((light.min() ?? 0) > 0.2 * peak)
    }
}
