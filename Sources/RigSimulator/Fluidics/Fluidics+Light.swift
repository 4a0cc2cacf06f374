import Glibc
import Quantities

/// What droplets do to light, other than absorb it.
public struct DropletOptics: Equatable, Sendable {
    /// Transmission of the oil between droplets.
    public var oilTransmission = 0.97
    /// Transmission of a tube full of air: its dry walls reflect.
    public var airTransmission = 0.60
    /// A droplet's round ends bend most of the light away: what is left, relative to its body.
    public var capTransmission = 0.45
    /// Length of each end, as a share of the droplet's.
    public var capShare = 0.06
    /// Which wavelength each detector pixel sees.
    public var calibration = WavelengthCalibration.standard

    /// The documented defaults.
    public init() {}
}

/// What is known about the pixels that were asked for last.
struct Beam {
    var pixels: [Int] = []
    var wavelengths: [Wavelength] = []
    /// Counts per second from a warm new lamp.
    var light: [Double] = []
    /// Time share of oil and of air in an exposure, and of each droplet's body and caps.
    var oil = 0.0
    var air = 0.0
    var bodies: [(number: Int, body: Double, caps: Double)] = []
    /// Average transmission per pixel of the exposure at hand.
    var transmission: [Double] = []
    /// Absorbance of the last composition; the next droplet mostly has the same.
    var lastShares: [Double] = []
    var lastFlow = 0.0
    var lastResidence = 0.0
    var lastAbsorbance: [Double] = []
}

extension Fluidics: SimulatedScene, LampWatching {
    /// The lamp warms up from here on, or is dark.
    public func lampSwitched(on: Bool, at now: Instant) { lamp.set(on: on, at: now) }

    /// Light on `pixels` averaged over the exposure, `SimulatedScene`'s counts above dark.
    public func exposure(
        pixels: [Int], from: Instant, until: Instant, lampOn: Bool, into counts: inout [Double]
    ) {
        advance(to: from)
        aim(at: pixels)
        lamp.set(on: lampOn, at: from)
        beam.oil = 0
        beam.air = 0
        beam.bodies.removeAll(keepingCapacity: true)
        var watched = 0.0
        if now >= until {
            watched = 1
            look(from: total - deadVolume, through: total - deadVolume, weight: 1)
        }
        while now < until {
            let next = min(now + Self.shortStep, until)
            let weight = (next - now).seconds
            let begin = total - deadVolume
            step = Self.shortStep
            take(until: next)
            look(from: begin, through: total - deadVolume, weight: weight)
            watched += weight
            develop()
            dropPassed()
        }
        develop()
        let seconds = max((until - from).seconds, 0)
        let middle = from + .seconds(seconds / 2)
        let scale = seconds / watched * lamp.brightness(at: middle)
        counts.reserveCapacity(counts.count + pixels.count)
        for index in pixels.indices {
            let seen =
                beam.transmission[index] + beam.oil * optics.oilTransmission
                + beam.air * optics.airTransmission
            counts.append(beam.light[index] * seen * scale)
        }
    }

    /// Looks up everything that depends on the pixels alone, when they change.
    private func aim(at pixels: [Int]) {
        if beam.pixels != pixels {
            beam.pixels = pixels
            beam.wavelengths = pixels.map { optics.calibration.wavelength(of: $0) }
            beam.light = beam.wavelengths.map { Lamp.countsPerSecond($0.nanometers) }
            beam.lastAbsorbance = []
            for index in 0..<droplets.count { droplets[index].transmissions = [] }
            beam.transmission = [Double](repeating: 0, count: pixels.count)
        } else {
            for index in beam.transmission.indices { beam.transmission[index] = 0 }
        }
    }

    /// Shares `weight` among what lies in the beam while the places from `begin` through `end`
    /// pass it.
    private func look(from begin: Double, through end: Double, weight: Double) {
        let perVolume = end > begin ? weight / (end - begin) : 0
        /// Weight of the stretch of the view between two places.
        func seen(_ low: Double, _ high: Double) -> Double {
            guard perVolume > 0 else { return begin >= low && begin < high ? weight : 0 }
            return max(min(high, end) - max(low, begin), 0) * perVolume
        }
        let air = seen(-.infinity, 0)
        var wet = weight - air
        beam.air += air
        for index in 0..<droplets.count {
            let droplet = droplets[index]
            if droplet.front > end { break }
            let all = seen(droplet.front, droplet.rear)
            guard all > 0 else { continue }
            wet -= all
            let cap = droplet.hasCaps ? optics.capShare * droplet.length : 0
            let body = seen(droplet.front + cap, droplet.rear - cap)
            beam.bodies.append((index, body, all - body))
        }
        beam.oil += max(wet, 0)
    }

    /// Turns the droplets that were in the beam into transmission. Before droplets are dropped,
    /// because it needs them.
    private func develop() {
        for (index, body, caps) in beam.bodies {
            if droplets[index].transmissions.isEmpty { fill(index) }
            let weight = body + caps * optics.capTransmission
            droplets[index].transmissions.withUnsafeBufferPointer { through in
                beam.transmission.withUnsafeMutableBufferPointer { sum in
                    for pixel in 0..<sum.count { sum[pixel] += weight * through[pixel] }
                }
            }
        }
        beam.bodies.removeAll(keepingCapacity: true)
    }

    /// Asks the chemistry what the droplet looks like; once for each droplet, and only when its
    /// composition differs from the last one's by more than a ten-thousandth of it.
    private func fill(_ index: Int) {
        let droplet = droplets[index]
        let residence = self.residence(of: droplet)
        func near(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-4 * max(abs(a), abs(b)) }
        let isKnown =
            !beam.lastAbsorbance.isEmpty && near(droplet.flow, beam.lastFlow)
            && near(residence.seconds, beam.lastResidence)
            && zip(droplet.shares, beam.lastShares).allSatisfy(near)
        if !isKnown {
            beam.lastAbsorbance = chemistry.absorbance(
                shares: droplet.shares, totalFlow: FlowRate(microlitersPerMinute: droplet.flow),
                residence: residence, wavelengths: beam.wavelengths)
            beam.lastShares = droplet.shares
            beam.lastFlow = droplet.flow
            beam.lastResidence = residence.seconds
        }
        let amplitude = droplet.amplitude
        droplets[index].transmissions = beam.lastAbsorbance.map { absorbance in
            // Nothing that a chemistry says may make light from nothing or overflow.
            exp(-log(10) * min(max(absorbance * amplitude, -0.3), 6))
        }
    }
}
