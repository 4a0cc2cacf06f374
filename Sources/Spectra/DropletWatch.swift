import Configuration
import Glibc

/// Looks at every droplet as it passes: is it far from its neighbours of the same condition, or
/// from what a model expected?
///
/// The neighbours are the droplets just before, at most `neighbours`; they are compared by the
/// running median of their spectra, so that one bad droplet does not spoil it and a slow drift
/// is followed. Two departures are looked at: the amplitude, and the shape of the spectrum's
/// slope over 20 nm, which sees a displaced or clipped band but not a raised baseline. Both may be
/// a few times what the neighbours themselves depart from their median, so that a restless
/// condition does not cry wolf. The first droplets are judged together as soon as there are
/// `needed` of them.
///
/// With the default settings 6 of the 315 published spectra of run 1 are flagged as they were
/// measured, and 9 of 10 or more of those halved, moved by 20 nm, clipped at 70 % or taken from
/// another condition.
///
/// Memory is fixed at `init`, and the work for a droplet is the same for each.
public struct DropletWatch {
    /// With what a droplet was compared.
    public enum Peers: String, Equatable, Sendable {
        /// The droplets before it.
        case neighbours
        /// A model's expectation.
        case network
    }
    /// A droplet that is far from what it was compared with.
    public struct Departure: Equatable, Sendable {
        /// Index of the droplet within the condition, from 0.
        public var index: Int
        /// With what it was compared.
        public var peers: Peers
        /// Its amplitude relative to theirs.
        public var amplitude: Double
        /// How far its shape is from theirs: 0 the same, 1 and more unlike.
        public var shape: Double
        /// The smallest departure that would have been called far: a factor of amplitude.
        public var allowedAmplitude: Double
        /// The same for the shape.
        public var allowedShape: Double
    }

    /// Droplets it is compared with at most.
    public static let neighbours = 8
    /// Droplets of a condition before anything can be said about them.
    public static let needed = 4
    /// Distance over which slopes are taken.
    static let slopeNanometers = 20.0

    private let points: Int
    private let lag: Int
    /// When a droplet is flagged. May change between two droplets.
    public var settings: DropletSettings
    /// The last `neighbours` spectra, one after another; droplet i at `i % neighbours`.
    private var recent: [Double]
    /// The median of those a droplet is compared with.
    private var center: [Double]
    private var column = [Double](repeating: 0, count: DropletWatch.neighbours)
    /// What the others depart by; room for them.
    private var amplitudes: [Double] = []
    private var shapes: [Double] = []
    private var count = 0
    private var expected: [Float] = []
    private var spread = 0.0

    /// A watch over spectra with `points` points, `step` nm apart. Nothing is ever flagged where
    /// there are too few points for a slope.
    public init(points: Int, step: Double, settings: DropletSettings) {
        self.points = max(0, points)
        self.settings = settings
        let steps = step > 0 ? Self.slopeNanometers / step : 1
        lag = max(1, Int(min(steps, Double(self.points) / 4).rounded()))
        recent = [Double](repeating: .nan, count: self.points * Self.neighbours)
        center = [Double](repeating: .nan, count: self.points)
        amplitudes.reserveCapacity(Self.neighbours)
        shapes.reserveCapacity(Self.neighbours)
    }

    /// A condition begins. `expected` is the spectrum that a model foresees, empty for none, and
    /// `spread` how far such expectations usually are from the truth: |A − expected| /
    /// |expected| over all points. Returns false when they cannot be used.
    public mutating func begin(expected: [Float] = [], spread: Double = 0) -> Bool {
        count = 0
        self.expected = []
        self.spread = 0
        guard !expected.isEmpty else { return true }
        guard expected.count == points, expected.allSatisfy(\.isFinite), spread > 0,
            spread.isFinite, expected.contains(where: { $0 != 0 })
        else { return false }
        self.expected = expected
        self.spread = spread
        return true
    }

    /// Judges the next droplet of the condition (and with the `needed`-th those before it); NaN
    /// where its `absorbance` is invalid. Returns those that are far, none for another length.
    public mutating func judge(_ absorbance: [Double]) -> [Departure] {
        var found: [Departure] = []
        judge(absorbance, into: &found)
        return found
    }

    /// The same into `found` instead of what it held, without the heap where there is room.
    public mutating func judge(_ absorbance: [Double], into found: inout [Departure]) {
        found.removeAll(keepingCapacity: true)
        guard absorbance.count == points, points > 2 * lag else { return }
        let index = count
        count += 1
        if let far = unexpected(absorbance, index: index) { found.append(far) }
        if index >= Self.needed {
            let used = min(index, Self.neighbours)
            findCenter(of: used)
            let own = absorbance.withUnsafeBufferPointer { compare($0) }
            if let far = far(own, index: index, except: nil, among: used) {
                found.append(far)
            }
        }
        let place = index % Self.neighbours * points
        for point in 0..<points { recent[place + point] = absorbance[point] }
        if index == Self.needed - 1 {
            findCenter(of: Self.needed)
            for early in 0..<Self.needed {
                let own = compareRecent(early)
                if let far = far(own, index: early, except: early, among: Self.needed) {
                    found.append(far)
                }
            }
        }
    }

    /// The departure `own` of a droplet from `center` when it is large, measured by that of the
    /// first `used` spectra in `recent` (but `except`).
    private mutating func far(
        _ own: (amplitude: Double, shape: Double)?, index: Int, except: Int?, among used: Int
    ) -> Departure? {
        amplitudes.removeAll(keepingCapacity: true)
        shapes.removeAll(keepingCapacity: true)
        for other in 0..<used where other != except {
            guard let seen = compareRecent(other) else { continue }
            amplitudes.append(abs(log(seen.amplitude)))
            shapes.append(seen.shape)
        }
        guard let own, let usualAmplitude = Self.middle(&amplitudes),
            let usualShape = Self.middle(&shapes)
        else { return nil }
        let allowed = max(
            log(1 + settings.flagAmplitude), settings.flagMultiple * usualAmplitude)
        let shape = max(settings.flagShape, settings.flagMultiple * usualShape)
        guard abs(log(own.amplitude)) > allowed || own.shape > shape else { return nil }
        return Departure(
            index: index, peers: .neighbours, amplitude: own.amplitude, shape: own.shape,
            allowedAmplitude: exp(allowed), allowedShape: shape)
    }

    /// The same of the spectrum at place `index` of `recent`.
    private func compareRecent(_ index: Int) -> (amplitude: Double, shape: Double)? {
        recent.withUnsafeBufferPointer { recent in
            compare(UnsafeBufferPointer(rebasing: recent[index * points..<(index + 1) * points]))
        }
    }

    /// Amplitude of `spectrum` relative to `center`, by least squares, and the tangent of the
    /// angle between their slopes; nil where one of them has no size. An amplitude below zero
    /// counts as 0, slopes that are opposed as infinitely unlike.
    private func compare(
        _ spectrum: UnsafeBufferPointer<Double>
    ) -> (amplitude: Double, shape: Double)? {
        center.withUnsafeBufferPointer { center in
            var cross = 0.0
            var square = 0.0
            for point in 0..<points {
                let (a, m) = (spectrum[point], center[point])
                guard a.isFinite, m.isFinite else { continue }
                cross += a * m
                square += m * m
            }
            var slopes = 0.0
            var ownSlopes = 0.0
            var centerSlopes = 0.0
            for point in lag..<points {
                let a = spectrum[point] - spectrum[point - lag]
                let m = center[point] - center[point - lag]
                guard a.isFinite, m.isFinite else { continue }
                slopes += a * m
                ownSlopes += a * a
                centerSlopes += m * m
            }
            guard square > 0, square.isFinite, cross.isFinite, centerSlopes > 0,
                ownSlopes.isFinite
            else { return nil }
            let ratio = ownSlopes * centerSlopes / (slopes * slopes)
            return (
                max(0, cross / square),
                slopes > 0 ? max(0, ratio - 1).squareRoot() : .infinity
            )
        }
    }

    /// The droplet's departure from the expectation, when there is one and it is large.
    private func unexpected(_ absorbance: [Double], index: Int) -> Departure? {
        guard !expected.isEmpty else { return nil }
        var cross = 0.0
        var square = 0.0
        var miss = 0.0
        for point in 0..<points where absorbance[point].isFinite {
            let (a, e) = (absorbance[point], Double(expected[point]))
            cross += a * e
            square += e * e
            miss += (a - e) * (a - e)
        }
        let allowed = settings.flagNetwork * spread
        guard square > 0, miss.isFinite else { return nil }
        let distance = (miss / square).squareRoot()
        guard distance > allowed else { return nil }
        return Departure(
            index: index, peers: .network, amplitude: max(0, cross / square), shape: distance,
            allowedAmplitude: .infinity, allowedShape: allowed)
    }

    /// Sets `center` to the point by point median of the first `used` spectra in `recent`.
    private mutating func findCenter(of used: Int) {
        for point in 0..<points {
            var finite = 0
            for other in 0..<used {
                let value = recent[other * points + point]
                guard value.isFinite else { continue }
                // Sorted in as it comes: there are at most eight.
                var place = finite
                while place > 0, column[place - 1] > value {
                    column[place] = column[place - 1]
                    place -= 1
                }
                column[place] = value
                finite += 1
            }
            let half = finite / 2
            center[point] =
                finite * 2 < used
                ? .nan : finite % 2 == 1 ? column[half] : (column[half - 1] + column[half]) / 2
        }
    }

    /// The middle of a few values; nil for none.
    private static func middle(_ values: inout [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        return values.withUnsafeMutableBufferPointer { medianInPlace($0) }
    }
}
