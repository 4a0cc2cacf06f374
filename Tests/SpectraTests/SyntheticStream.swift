import Glibc
import Numerics
import Quantities

/// A tube with droplets before a spectrometer, made without any knowledge of the gate: a
/// transmission along the tube that passes the detector, exposed for 20 ms per scan.
struct SyntheticStream {
    /// One droplet of the truth.
    struct Truth {
        var from: Double
        var until: Double
        /// Absorbance scale of its body.
        var strength: Double
    }

    var wavelengths = stride(from: 370.0, through: 810.0, by: 2.2).map { $0 }
    var oilTransmission = 0.97
    var capTransmission = 0.45
    var capShare = 0.06
    var exposure = 0.02
    var dark = 900.0
    var readNoise = 12.0
    /// Relative noise common to a whole scan.
    var flicker = 0.005
    var lampDriftPerSecond = 0.0
    var droplets: [Truth] = []
    private var generator: SeededGenerator
    private var bodies: [Double: [Double]] = [:]
    private var lampCounts: [Double] = []

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// Appends `count` droplets of `duration` seconds with as much oil before each, lengths
    /// scattered by ± 10 %, starting at `start`; returns when the last one has left.
    @discardableResult
    mutating func add(
        _ count: Int, duration: Double, strength: Double, from start: Double = 0.3
    ) -> Double {
        var at = start
        for _ in 0..<count {
            at += duration * generator.uniform(0.9, 1.1)
            let end = at + duration * generator.uniform(0.9, 1.1)
            droplets.append(Truth(from: at, until: end, strength: strength))
            at = end
        }
        return at
    }

    /// A nanoprism-like spectrum with 1 at its peak and hardly anything at 790 nm.
    static func shape(_ wavelength: Double) -> Double {
        exp(-pow((wavelength - 600) / 55, 2)) + 0.3 * exp(-pow((wavelength - 410) / 30, 2)) + 0.01
    }

    func lamp(_ wavelength: Double) -> Double {
        30_000 * exp(-pow((wavelength - 620) / 180, 2)) + 4_000
    }

    /// The counts of the scan that begins at `time`.
    mutating func scan(at time: Double) -> [UInt16] {
        let steps = 8
        // How much of the exposure each state of the tube lasts: oil, or a strength of body.
        var oilShare = 0.0
        var bodyShares: [Double: Double] = [:]
        for step in 0..<steps {
            let moment = time + exposure * (Double(step) + 0.5) / Double(steps)
            let weight = 1 / Double(steps)
            guard let droplet = droplets.first(where: { $0.from <= moment && moment < $0.until })
            else {
                oilShare += weight
                continue
            }
            let place = (moment - droplet.from) / (droplet.until - droplet.from)
            let isCap = place < capShare || place > 1 - capShare
            bodyShares[droplet.strength, default: 0] += weight * (isCap ? capTransmission : 1)
        }
        var light = [Double](repeating: oilShare * oilTransmission, count: wavelengths.count)
        for (strength, share) in bodyShares {
            if bodies[strength] == nil {
                bodies[strength] = wavelengths.map { pow(10, -strength * Self.shape($0)) }
            }
            for (pixel, passed) in (bodies[strength] ?? []).enumerated() {
                light[pixel] += share * passed
            }
        }
        if lampCounts.isEmpty { lampCounts = wavelengths.map(lamp) }
        let common = (1 + flicker * generator.normal()) * (1 + lampDriftPerSecond * time)
        return light.indices.map { pixel in
            let expected = lampCounts[pixel] * light[pixel] * common
            let noise = (readNoise * readNoise + max(0, expected) / 4).squareRoot()
            let counts = dark + expected + noise * generator.normal()
            return UInt16(min(max(counts.rounded(), 0), 65_535))
        }
    }

    /// Moments of the scans until `end`, `rate` a second with a little jitter.
    mutating func moments(until end: Double, rate: Double) -> [Double] {
        var times: [Double] = []
        var at = 0.0
        while at < end {
            times.append(at)
            at += generator.uniform(0.9, 1.1) / rate
        }
        return times
    }
}

extension Instant {
    /// For tests that think in seconds.
    init(seconds: Double) { self = .zero + .seconds(seconds) }
}
