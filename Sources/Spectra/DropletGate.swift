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

    private let settings: DropletSettings
    private var bands: SpectralBands
    /// Brightness of oil per band; means nothing until `knowsOil`.
    private var oil: [Double]
    private var knowsOil = false
    private var oilScans = 0.0
    private var isSure = false
    /// The last few scans while oil is not known, oldest first.
    private var recent: ScanStore
    private var stretch: ScanStore
    /// The scan that was just taken.
    private var latest: [Double]
    /// Scans at the end of `stretch` that look like oil.
    private var oilAtEnd = 0
    /// The beginning of `stretch` was not seen.
    private var isTorn = false
    /// What is left of the stretch goes on.
    private var keepsStretch = false
    private var lastAt: Instant?
    private var interval: Double?
    // Room for what is worked out on the way, so that a scan does not use the heap.
    private var level: [Double]
    private var column: [Double]
    /// Rooms for the counts of droplets, used in turn.
    private var droplets: RoomsInTurn<Float>

    /// How far the last scan was from oil; nil while oil is not known.
    public private(set) var departure: Double?
    /// Brightness of oil in the quiet band, counts above dark; nil while it is not known.
    public var oilBrightness: Double? { knowsOil ? oil.first : nil }

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
        let bands = try SpectralBands(
            scale: scale, dark: dark, quietFrom: settings.gateFrom.nanometers,
            quietThrough: settings.gateThrough.nanometers)
        self.bands = bands
        oil = [Double](repeating: 0, count: bands.count)
        latest = oil
        level = oil
        recent = ScanStore(capacity: Self.steadyScans, pixels: 0, bands: bands.count)
        stretch = ScanStore(
            capacity: Self.longestStretch + 1, pixels: bands.pixelCount, bands: bands.count)
        column = [Double](repeating: 0, count: Self.longestStretch + 1)
        droplets = RoomsInTurn(rooms: 4, capacity: bands.pixelCount)
    }

    /// Begins anew with another `dark`: nothing is known of oil. Throws `lengthMismatch` for
    /// another number of pixels. Uses no heap.
    public mutating func restart(dark: [Double]) throws(SpectraError) {
        try bands.replaceDark(dark)
        forgetOil()
        isTorn = false
        interval = nil
        oilScans = 0
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
        bands.measure(counts, into: &latest)
        guard knowsOil else {
            learn(at: at, isSaturated: isSaturated)
            return nil
        }
        let distance = SpectralBands.distance(latest[...], oil[...], oil: oil)
        departure = distance
        if stretch.isEmpty {
            if distance > settings.enterThreshold {
                stretch.append(counts, latest, at: at, isSaturated: isSaturated)
                oilAtEnd = 0
            } else if distance < settings.leaveThreshold {
                isTorn = false
                noteOil(latest[...])
            }
            return nil
        }
        stretch.append(counts, latest, at: at, isSaturated: isSaturated)
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
        knowsOil = false
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

    private mutating func learn(at: Instant, isSaturated: Bool) {
        if recent.count == Self.steadyScans { recent.dropFirst(1) }
        recent.append([], latest, at: at, isSaturated: isSaturated)
        guard recent.count == Self.steadyScans else { return }
        let middle = recent.bands(Self.steadyScans / 2)
        guard middle.contains(where: { $0 > 0 }) else { return }
        for place in 0..<Self.steadyScans {
            let distance = SpectralBands.distance(recent.bands(place), middle, oil: middle)
            guard distance < settings.leaveThreshold else { return }
        }
        oilScans = 0
        for (band, value) in middle.enumerated() { oil[band] = value }
        knowsOil = true
        for place in 0..<Self.steadyScans { noteOil(recent.bands(place)) }
        recent.removeAll()
        isTorn = false
    }

    /// Follows the lamp's drift.
    private mutating func noteOil(_ bands: ArraySlice<Double>) {
        guard knowsOil else { return }
        oilScans = min(oilScans + 1, Self.oilMemory)
        for (band, value) in bands.enumerated() { oil[band] += (value - oil[band]) / oilScans }
    }

    /// Whether a stretch whose brightness is `level` is more likely oil than what we take for it.
    /// Nothing is brighter than oil by more than clear liquid is: then "oil" absorbs, or was a
    /// cap. And until a stretch has shown what it is, one without much absorption that is darker
    /// than "oil" in the quiet band is oil beside clear liquid.
    private func isOil() -> Bool {
        let ratio = SpectralBands.ratios(level, oil: oil)
        if ratio.up > Self.brightestClear { return true }
        return !isSure && ratio.down > Self.plainlyAbsorbing && ratio.quiet < 1
    }

    // MARK: - The end of a stretch

    private mutating func close() -> Droplet? {
        defer { endStretch() }
        let end = stretch.count - oilAtEnd
        guard knowsOil else { return nil }
        let plateau = plateau(upTo: end)
        if let plateau, !isTorn {
            findLevel(of: plateau)
            if isOil() {
                // The other liquid is the oil; we are within a droplet whose start is unclear.
                for band in level.indices { oil[band] = level[band] }
                oilScans = min(Double(plateau.count), Self.oilMemory)
                stretch.dropFirst(end)
                keepsStretch = true
                return nil
            }
            let ratio = SpectralBands.ratios(level, oil: oil)
            let isClear = ratio.down > 1 + settings.leaveThreshold
            if isClear || ratio.down < Self.plainlyAbsorbing { isSure = true }
        }
        // Measured before oil is followed any further.
        let departure = SpectralBands.distance(level[...], oil[...], oil: oil)
        for place in end..<stretch.count { noteOil(stretch.bands(place)) }
        // Noise can hold a stretch of oil open; its middle is oil all the same.
        guard !isTorn, let plateau, end > 0, departure > settings.leaveThreshold else {
            return nil
        }
        return droplet(from: plateau, enteredAt: stretch.at(0), leftAt: stretch.at(end - 1))
    }

    /// After `close`: the stretch is over, or what is left of it begins another whose start was
    /// not seen.
    private mutating func endStretch() {
        if !keepsStretch { stretch.removeAll() }
        isTorn = keepsStretch
        keepsStretch = false
        oilAtEnd = 0
    }

    /// The scans that show the droplet's body, of those before `end`; nil when they are too few.
    private mutating func plateau(upTo end: Int) -> Range<Int>? {
        findLevel(of: 0..<end)
        var low = 0
        var high = end
        while low < high, isCap(low) { low += 1 }
        while high > low, isCap(high - 1) { high -= 1 }
        low += settings.trim
        high -= settings.trim
        return high - low >= settings.minimumPlateau ? low..<high : nil
    }

    /// Whether a scan of the stretch is unlike the middle of it, which is `level`.
    private func isCap(_ place: Int) -> Bool {
        SpectralBands.distance(stretch.bands(place), level[...], oil: oil)
            > settings.enterThreshold
    }

    /// Sets `level` to the median brightness of some scans of the stretch.
    private mutating func findLevel(of scans: Range<Int>) {
        for band in level.indices {
            for (place, scan) in scans.enumerated() { column[place] = stretch.band(band, of: scan) }
            level[band] = column.withUnsafeMutableBufferPointer {
                medianInPlace(UnsafeMutableBufferPointer(rebasing: $0[..<scans.count]))
            }
        }
    }

    private mutating func droplet(
        from plateau: Range<Int>, enteredAt: Instant, leftAt: Instant
    ) -> Droplet {
        var maximum = 0.0
        var counts = droplets.take()
        for pixel in 0..<bands.pixelCount {
            for (place, scan) in plateau.enumerated() {
                column[place] = Double(stretch.count(pixel, of: scan))
            }
            let median = column.withUnsafeMutableBufferPointer {
                medianInPlace(UnsafeMutableBufferPointer(rebasing: $0[..<plateau.count]))
            }
            // In order now: the last is the largest.
            maximum = max(maximum, column[plateau.count - 1])
            counts.append(Float(median))
        }
        droplets.put(counts)
        var isSaturated = false
        for scan in plateau where stretch.isSaturated(scan) { isSaturated = true }
        return Droplet(
            enteredAt: enteredAt, leftAt: leftAt, plateauCount: plateau.count,
            counts: counts, maximumCount: Int(maximum), isSaturated: isSaturated)
    }
}
