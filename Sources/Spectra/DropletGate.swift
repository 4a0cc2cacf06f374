import Configuration
import Numerics
import Quantities

/// Tells droplets from oil, one scan at a time, and reduces each droplet to one spectrum.
///
/// The gate signal, `departure`, is the distance of a scan from a running estimate of oil: the
/// root mean square, over eight parts of the spectrum and the quiet band, of the difference in
/// brightness relative to oil. It sees strongly absorbing droplets (far below oil somewhere),
/// clear ones (a few percent brighter everywhere), and the refraction dips at the caps when they
/// fall on a scan, which then open the droplet early; none of the three is needed by itself.
///
/// A droplet starts when the departure exceeds the enter threshold and ends when two scans in a
/// row are within the leave threshold. Scans at its ends that do not look like its middle (caps)
/// are dropped, then `trim` more at each end; the rest is the plateau.
///
/// Which of two alternating liquids is oil is not known at first: the first steady level is
/// taken for it, and corrected when a stretch turns out to be more like oil (see `isOil`).
///
/// Limits. A droplet whose spectrum equals oil's within the leave threshold in all bands (with
/// 3 % more light than oil: a featureless absorbance of 0.013 ± 0.005) is not seen; its loss
/// would be near 1. Droplets or oil gaps of less than two whole scans merge or vanish. Noise
/// common to all bands should stay below a third of the enter threshold, and the lamp should not
/// drift by more than a twentieth of it per second.
public struct DropletGate: Sendable {
    /// Scans of a stretch at most (20 s and more at usual rates): a longer one is no droplet, and
    /// what was taken for oil is learned anew.
    public static let longestStretch = 512
    /// Aqueous droplets are brighter than oil by at most this share (less reflection).
    static let brightestClear = 1.06
    /// Below this share of oil's brightness a band shows absorption beyond doubt.
    static let plainlyAbsorbing = 0.9
    /// Scans in a row that must agree to be taken for oil at first.
    static let steadyScans = 3
    /// Scans over which the estimate of oil forgets.
    static let oilMemory = 16.0
    /// A pause of this many usual intervals tears the stream.
    static let tornAfter = 5.0

    private struct Scan {
        var counts: [UInt16]
        var bands: [Double]
        var at: Instant
        var isSaturated: Bool
    }

    private let settings: DropletSettings
    private let bands: SpectralBands
    private var oil: [Double]?
    private var oilScans = 0.0
    private var isSure = false
    private var recent: [Scan] = []
    private var stretch: [Scan] = []
    /// Scans at the end of `stretch` that look like oil.
    private var oilAtEnd = 0
    /// The beginning of `stretch` was not seen.
    private var isTorn = false
    private var lastAt: Instant?
    private var interval: Double?

    /// How far the last scan was from oil; nil while oil is not known.
    public private(set) var departure: Double?
    /// Brightness of oil in the quiet band, counts above dark; nil while it is not known.
    public var oilBrightness: Double? { oil?.first }

    /// A gate for scans whose pixels have the wavelengths of `scale` and, without light, the
    /// counts of `dark`. Throws when no pixel lies in the quiet band or the lengths differ.
    public init(
        scale: WavelengthScale, dark: [Double], settings: DropletSettings
    ) throws(SpectraError) {
        guard settings.leaveThreshold > 0, settings.enterThreshold >= settings.leaveThreshold else {
            throw .badSetting(name: "droplet thresholds", why: "need 0 < leave ≤ enter")
        }
        guard settings.trim >= 0, settings.minimumPlateau >= 1 else {
            throw .badSetting(name: "droplet trim and plateau", why: "need trim ≥ 0, plateau ≥ 1")
        }
        self.settings = settings
        bands = try SpectralBands(
            scale: scale, dark: dark, quietFrom: settings.gateFrom.nanometers,
            quietThrough: settings.gateThrough.nanometers)
    }

    /// Takes the next scan, whose exposure began at `at`; returns the droplet that it proves to
    /// have ended, if that one counts. Throws `lengthMismatch` for another number of pixels.
    public mutating func add(
        _ counts: [UInt16], at: Instant, isSaturated: Bool
    ) throws(SpectraError) -> Droplet? {
        guard counts.count == bands.pixelCount else {
            throw .lengthMismatch(expected: bands.pixelCount, got: counts.count)
        }
        noteTime(at)
        let scan = Scan(
            counts: counts, bands: bands.brightness(of: counts), at: at, isSaturated: isSaturated)
        guard let oil else {
            learn(scan)
            return nil
        }
        let distance = SpectralBands.distance(scan.bands, oil, oil: oil)
        departure = distance
        if stretch.isEmpty {
            if distance > settings.enterThreshold {
                stretch = [scan]
                oilAtEnd = 0
            } else if distance < settings.leaveThreshold {
                isTorn = false
                noteOil(scan.bands)
            }
            return nil
        }
        stretch.append(scan)
        oilAtEnd = distance < settings.leaveThreshold ? oilAtEnd + 1 : 0
        if oilAtEnd >= 2 { return close() }
        if stretch.count > Self.longestStretch { forgetOil() }
        return nil
    }

    /// The stream was torn (a scan was missed, the lamp changed): the droplet under way does not
    /// count, nor does one whose beginning is not seen.
    public mutating func interrupt() {
        stretch.removeAll()
        recent.removeAll()
        oilAtEnd = 0
        isTorn = true
        lastAt = nil
    }

    /// Oil is not what it was: learn it anew from the next steady scans.
    public mutating func forgetOil() {
        interrupt()
        oil = nil
        isSure = false
        departure = nil
    }

    // MARK: - Oil

    private mutating func noteTime(_ at: Instant) {
        defer { lastAt = at }
        guard let lastAt else { return }
        let span = (at - lastAt).seconds
        if let usual = interval, span > Self.tornAfter * usual {
            interrupt()
            return
        }
        guard span > 0 else { return }
        interval = interval.map { $0 + (span - $0) / 8 } ?? span
    }

    private mutating func learn(_ scan: Scan) {
        recent.append(scan)
        if recent.count > Self.steadyScans { recent.removeFirst() }
        guard recent.count == Self.steadyScans else { return }
        let middle = recent[Self.steadyScans / 2].bands
        guard middle.contains(where: { $0 > 0 }) else { return }
        let isSteady = recent.allSatisfy {
            SpectralBands.distance($0.bands, middle, oil: middle) < settings.leaveThreshold
        }
        guard isSteady else { return }
        oilScans = 0
        oil = middle
        for one in recent { noteOil(one.bands) }
        recent.removeAll()
        isTorn = false
    }

    /// Follows the lamp's drift.
    private mutating func noteOil(_ bands: [Double]) {
        guard var level = oil else { return }
        oilScans = min(oilScans + 1, Self.oilMemory)
        for band in level.indices { level[band] += (bands[band] - level[band]) / oilScans }
        oil = level
    }

    /// Whether a stretch with brightness `plateau` is more likely oil than what we take for it.
    /// Nothing is brighter than oil by more than clear liquid is: then "oil" absorbs, or was a
    /// cap. And until a stretch has shown what it is, one without much absorption that is darker
    /// than "oil" in the quiet band is oil beside clear liquid.
    private func isOil(_ plateau: [Double], besides oil: [Double]) -> Bool {
        let ratio = SpectralBands.ratios(plateau, oil: oil)
        if ratio.up > Self.brightestClear { return true }
        return !isSure && ratio.down > Self.plainlyAbsorbing && ratio.quiet < 1
    }

    // MARK: - The end of a stretch

    private mutating func close() -> Droplet? {
        let body = Array(stretch.dropLast(oilAtEnd))
        let tail = stretch.suffix(oilAtEnd)
        let wasTorn = isTorn
        stretch.removeAll()
        oilAtEnd = 0
        isTorn = false
        guard let oil else { return nil }
        let plateau = plateau(of: body, oil: oil)
        if let plateau, !wasTorn {
            let level = medianBands(body[plateau])
            if isOil(level, besides: oil) {
                // The other liquid is the oil; we are within a droplet whose start is unclear.
                self.oil = level
                oilScans = min(Double(plateau.count), Self.oilMemory)
                stretch = Array(tail)
                isTorn = true
                return nil
            }
            let ratio = SpectralBands.ratios(level, oil: oil)
            let isClear = ratio.down > 1 + settings.leaveThreshold
            if isClear || ratio.down < Self.plainlyAbsorbing { isSure = true }
        }
        for scan in tail { noteOil(scan.bands) }
        guard !wasTorn, let plateau, let first = body.first, let last = body.last else {
            return nil
        }
        // Noise can hold a stretch of oil open; its middle is oil all the same.
        let departure = SpectralBands.distance(medianBands(body[plateau]), oil, oil: oil)
        guard departure > settings.leaveThreshold else { return nil }
        return droplet(from: body[plateau], enteredAt: first.at, leftAt: last.at)
    }

    /// The scans that show the droplet's body; nil when they are too few.
    private func plateau(of body: [Scan], oil: [Double]) -> Range<Int>? {
        let middle = medianBands(body[...])
        var low = 0
        var high = body.count
        while low < high,
            SpectralBands.distance(body[low].bands, middle, oil: oil) > settings.enterThreshold
        { low += 1 }
        while high > low,
            SpectralBands.distance(body[high - 1].bands, middle, oil: oil)
                > settings.enterThreshold
        { high -= 1 }
        low += settings.trim
        high -= settings.trim
        return high - low >= settings.minimumPlateau ? low..<high : nil
    }

    private func medianBands(_ scans: ArraySlice<Scan>) -> [Double] {
        guard let first = scans.first else { return [] }
        return first.bands.indices.map { band in
            median(of: scans.map { $0.bands[band] }) ?? 0
        }
    }

    private func droplet(
        from plateau: ArraySlice<Scan>, enteredAt: Instant, leftAt: Instant
    ) -> Droplet {
        let middle = plateau.count / 2
        var column = [UInt16](repeating: 0, count: plateau.count)
        var counts: [Float] = []
        counts.reserveCapacity(bands.pixelCount)
        var maximum = 0
        for pixel in 0..<bands.pixelCount {
            for (place, scan) in plateau.enumerated() { column[place] = scan.counts[pixel] }
            column.sort()
            maximum = max(maximum, Int(column[column.count - 1]))
            if column.count % 2 == 1 {
                counts.append(Float(column[middle]))
            } else {
                counts.append((Float(column[middle - 1]) + Float(column[middle])) / 2)
            }
        }
        return Droplet(
            enteredAt: enteredAt, leftAt: leftAt, plateauCount: plateau.count, counts: counts,
            maximumCount: maximum, isSaturated: plateau.contains { $0.isSaturated })
    }
}
