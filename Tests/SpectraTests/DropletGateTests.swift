import Configuration
import Glibc
import Quantities
import Testing

@testable import Spectra

@Suite struct DropletGateTests {
    /// Everything the gate said about a stream.
    static func run(
        _ stream: inout SyntheticStream, until end: Double, rate: Double,
        settings: DropletSettings = DropletSettings(), skipping: Range<Double>? = nil
    ) throws -> ([Droplet], DropletGate) {
        let scale = try WavelengthScale(nanometers: stream.wavelengths)
        var gate = try DropletGate(
            scale: scale, dark: stream.wavelengths.map { _ in stream.dark }, settings: settings)
        var droplets: [Droplet] = []
        for moment in stream.moments(until: end, rate: rate) {
            let counts = stream.scan(at: moment)
            if let skipping, skipping.contains(moment) { continue }
            if let droplet = try gate.add(
                counts, at: Instant(seconds: moment), isSaturated: false)
            {
                droplets.append(droplet)
            }
        }
        return (droplets, gate)
    }

    /// The counts a droplet's body must have; independent of any scan.
    static func body(_ stream: SyntheticStream, strength: Double) -> [Double] {
        stream.wavelengths.map {
            stream.dark + stream.lamp($0) * pow(10, -strength * SyntheticStream.shape($0))
        }
    }

    /// Clear (0), faint, published amplitudes, and nearly opaque droplets; 15 to 25 scans a
    /// second; 0.5 to 3 s a droplet. Every droplet is found once, at its time, with its own
    /// spectrum.
    @Test(
        arguments: [0.0, 0.05, 0.3, 0.8, 1.5],
        [(0.5, 20.0), (0.7, 15.0), (1.0, 25.0), (3.0, 15.0)])
    func counts(strength: Double, pace: (duration: Double, rate: Double)) throws {
        for seed: UInt64 in 1...2 {
            var stream = SyntheticStream(seed: seed)
            let end = stream.add(12, duration: pace.duration, strength: strength)
            let (droplets, _) = try Self.run(&stream, until: end + 1, rate: pace.rate)
            #expect(droplets.count == 12)
            let wanted = Self.body(stream, strength: strength)
            for (droplet, truth) in zip(droplets, stream.droplets) {
                #expect(abs((droplet.enteredAt - .zero).seconds - truth.from) < 2.5 / pace.rate)
                #expect(abs((droplet.leftAt - .zero).seconds - truth.until) < 2.5 / pace.rate)
                #expect(droplet.plateauCount >= 3)
                #expect(!droplet.isSaturated)
                // 0.5 % flicker over three scans at least: within 1.5 % in the mean.
                var sum = 0.0
                for (got, want) in zip(droplet.counts, wanted) {
                    sum += (Double(got) - want) / (want - stream.dark + 300)
                }
                #expect(abs(sum / Double(wanted.count)) < 0.015)
            }
        }
    }

    /// Twenty more seeds at the hardest place: clear droplets, few scans each.
    @Test(arguments: 10...29 as ClosedRange<UInt64>)
    func clearDroplets(seed: UInt64) throws {
        var stream = SyntheticStream(seed: seed)
        let end = stream.add(10, duration: 0.6, strength: 0)
        let (droplets, _) = try Self.run(&stream, until: end + 1, rate: 18)
        #expect(droplets.count == 10)
    }

    /// Recipes follow each other without a pause: clear, absorbing, clear.
    @Test func mixedStream() throws {
        var stream = SyntheticStream(seed: 5)
        var end = stream.add(6, duration: 0.8, strength: 0)
        end = stream.add(6, duration: 0.8, strength: 0.9, from: end)
        end = stream.add(6, duration: 0.8, strength: 0.2, from: end)
        end = stream.add(6, duration: 0.8, strength: 0, from: end)
        let (droplets, gate) = try Self.run(&stream, until: end + 1, rate: 20)
        #expect(droplets.count == 24)
        // Oil at 790 nm: 0.97 of the lamp there.
        let oil = 0.97 * stream.lamp(790)
        #expect(try abs(#require(gate.oilBrightness) / oil - 1) < 0.01)
    }

    /// The stream is first seen within a droplet: what was taken for oil is corrected.
    @Test(arguments: [0.0, 0.6])
    func startsInsideDroplet(strength: Double) throws {
        var stream = SyntheticStream(seed: 8)
        let end = stream.add(10, duration: 1, strength: strength, from: -1.4)
        let (droplets, gate) = try Self.run(&stream, until: end + 1, rate: 20)
        #expect((7...9).contains(droplets.count))
        let oil = 0.97 * stream.lamp(790)
        #expect(try abs(#require(gate.oilBrightness) / oil - 1) < 0.01)
        for droplet in droplets {
            let middle =
                ((droplet.enteredAt - .zero).seconds + (droplet.leftAt - .zero).seconds) / 2
            #expect(stream.droplets.contains { $0.from < middle && middle < $0.until })
        }
    }

    /// A lamp that fades by 5 % within the stream, more than a clear droplet differs, is followed.
    @Test func drift() throws {
        var stream = SyntheticStream(seed: 9)
        stream.lampDriftPerSecond = -0.001
        let end = stream.add(25, duration: 1, strength: 0)
        let (droplets, _) = try Self.run(&stream, until: end + 1, rate: 20)
        #expect(end > 45)
        #expect(droplets.count == 25)
    }

    /// Only oil, only noise: nothing.
    @Test(arguments: 1...5 as ClosedRange<UInt64>)
    func onlyOil(seed: UInt64) throws {
        var stream = SyntheticStream(seed: seed)
        let (droplets, gate) = try Self.run(&stream, until: 60, rate: 25)
        #expect(droplets.isEmpty)
        #expect(gate.oilBrightness != nil)
    }

    /// Scans missing in the middle of a droplet: that droplet does not count, its neighbours do.
    @Test func tornStream() throws {
        var stream = SyntheticStream(seed: 4)
        let end = stream.add(6, duration: 1, strength: 0.5)
        let third = stream.droplets[2]
        let hole = (third.from + 0.3)..<(third.from + 0.75)
        let (droplets, _) = try Self.run(&stream, until: end + 1, rate: 20, skipping: hole)
        #expect(droplets.count == 5)
        #expect(!droplets.contains { abs(($0.leftAt - .zero).seconds - third.until) < 0.2 })
    }

    /// Droplets of fewer scans than the plateau needs are none.
    @Test func tooShort() throws {
        var stream = SyntheticStream(seed: 4)
        let end = stream.add(10, duration: 0.2, strength: 0.5)
        let (droplets, _) = try Self.run(&stream, until: end + 1, rate: 20)
        #expect(droplets.isEmpty)
    }

    @Test func saturationIsKept() throws {
        var stream = SyntheticStream(seed: 4)
        let end = stream.add(1, duration: 1, strength: 0)
        let scale = try WavelengthScale(nanometers: stream.wavelengths)
        var gate = try DropletGate(
            scale: scale, dark: stream.wavelengths.map { _ in 900 }, settings: DropletSettings())
        var found: [Droplet] = []
        let middle = (stream.droplets[0].from + stream.droplets[0].until) / 2
        for moment in stream.moments(until: end + 1, rate: 20) {
            let clipped = abs(moment - middle) < 0.1
            let droplet = try gate.add(
                stream.scan(at: moment), at: Instant(seconds: moment), isSaturated: clipped)
            if let droplet { found.append(droplet) }
        }
        #expect(found.map(\.isSaturated) == [true])
    }

    /// A level that stays is oil, however it was taken at first: the gate does not wait forever.
    @Test func relearns() throws {
        var stream = SyntheticStream(seed: 3)
        let half = 40.0
        stream.droplets = [.init(from: 2, until: 2 + half, strength: 0.4)]
        let end = stream.add(5, duration: 1, strength: 0.4, from: 2 + half)
        let (droplets, gate) = try Self.run(&stream, until: end + 1, rate: 20)
        #expect((3...5).contains(droplets.count))
        let oil = 0.97 * stream.lamp(790)
        #expect(try abs(#require(gate.oilBrightness) / oil - 1) < 0.01)
    }

    @Test func refusals() throws {
        let scale = try WavelengthScale(nanometers: [500, 600, 700, 790])
        let dark = [1.0, 1, 1, 1]
        var settings = DropletSettings()
        settings.enterThreshold = 0.001
        #expect(throws: SpectraError.self) {
            try DropletGate(scale: scale, dark: dark, settings: settings)
        }
        settings = DropletSettings()
        settings.gateFrom = Wavelength(nanometers: 791)
        #expect(throws: SpectraError.emptyBand(from: 791, through: 800)) {
            try DropletGate(scale: scale, dark: dark, settings: settings)
        }
        var gate = try DropletGate(scale: scale, dark: dark, settings: DropletSettings())
        #expect(throws: SpectraError.lengthMismatch(expected: 4, got: 3)) {
            try gate.add([1, 2, 3], at: .zero, isSaturated: false)
        }
        // Without light nothing is learned and nothing traps.
        for step in 0..<20 {
            let at = Instant(seconds: Double(step))
            #expect(try gate.add([0, 0, 0, 0], at: at, isSaturated: false) == nil)
        }
    }
}
