import Quantities

/// Some scans one after the other, in room made once: pixels, brightness per band, time.
struct ScanStore: Sendable {
    private let capacity: Int
    private let pixels: Int
    private let bandCount: Int
    private var counts: [UInt16]
    private var brightness: [Double]
    private var times: [Instant]
    private var saturated: [Bool]
    /// Scans held.
    private(set) var count = 0

    /// Room for `capacity` scans of so many pixels and bands.
    init(capacity: Int, pixels: Int, bands: Int) {
        self.capacity = capacity
        self.pixels = pixels
        bandCount = bands
        counts = [UInt16](repeating: 0, count: capacity * pixels)
        brightness = [Double](repeating: 0, count: capacity * bands)
        times = [Instant](repeating: .zero, count: capacity)
        saturated = [Bool](repeating: false, count: capacity)
    }

    var isEmpty: Bool { count == 0 }

    /// Appends a scan; nothing happens where there is no room.
    mutating func append(
        _ row: [UInt16], _ bands: [Double], at: Instant, isSaturated: Bool
    ) {
        guard count < capacity, row.count == pixels, bands.count == bandCount else { return }
        let (start, band) = (count * pixels, count * bandCount)
        for pixel in 0..<pixels { counts[start + pixel] = row[pixel] }
        for place in 0..<bandCount { brightness[band + place] = bands[place] }
        times[count] = at
        saturated[count] = isSaturated
        count += 1
    }

    /// Forgets the first `dropped` scans.
    mutating func dropFirst(_ dropped: Int) {
        let gone = min(max(0, dropped), count)
        let kept = count - gone
        for place in 0..<(kept * pixels) { counts[place] = counts[gone * pixels + place] }
        for place in 0..<(kept * bandCount) {
            brightness[place] = brightness[gone * bandCount + place]
        }
        for place in 0..<kept {
            times[place] = times[gone + place]
            saturated[place] = saturated[gone + place]
        }
        count = kept
    }

    mutating func removeAll() { count = 0 }

    /// Count of pixel `pixel` in scan `scan`.
    func count(_ pixel: Int, of scan: Int) -> UInt16 { counts[scan * pixels + pixel] }
    /// Brightness of scan `scan` in one band.
    func band(_ band: Int, of scan: Int) -> Double { brightness[scan * bandCount + band] }
    /// Brightness of scan `scan` in every band.
    func bands(_ scan: Int) -> ArraySlice<Double> {
        brightness[(scan * bandCount)..<((scan + 1) * bandCount)]
    }
    /// When the exposure of scan `scan` began.
    func at(_ scan: Int) -> Instant { times[scan] }
    /// Whether scan `scan` was clipped.
    func isSaturated(_ scan: Int) -> Bool { saturated[scan] }
}

/// Rooms for values of which each is filled once and then held by others for a while: they are
/// used in turn, so that the first is filled again when nobody holds it any more. Whoever holds
/// one for longer costs a new room, and nothing else.
public struct RoomsInTurn<Value: Sendable>: Sendable {
    private var rooms: [[Value]]
    private var place = 0

    /// So many rooms (at least one), each for `capacity` values.
    public init(rooms count: Int, capacity: Int) {
        // A copy of an array has no more room than it needs, so each is made by itself.
        rooms = (0..<max(1, count)).map { _ in
            var room: [Value] = []
            room.reserveCapacity(capacity)
            return room
        }
    }

    /// The next room, empty. `put` it back once it is filled.
    public mutating func take() -> [Value] {
        place = (place + 1) % rooms.count
        var room: [Value] = []
        swap(&room, &rooms[place])
        room.removeAll(keepingCapacity: true)
        return room
    }

    /// Puts the room that was taken last back; others may hold it too.
    public mutating func put(_ room: [Value]) { rooms[place] = room }
}

/// The median of `values`, which are put in order; zero without any. By insertion, as there are
/// few and the library's sort uses the heap.
func medianInPlace(_ values: UnsafeMutableBufferPointer<Double>) -> Double {
    guard !values.isEmpty else { return 0 }
    // Shell's distances (Ciura, 2001): insertion alone would be slow for the longest stretch.
    for gap in Gaps.descending where gap < values.count {
        for place in gap..<values.count {
            let value = values[place]
            var hole = place
            while hole >= gap, values[hole - gap] > value {
                values[hole] = values[hole - gap]
                hole -= gap
            }
            values[hole] = value
        }
    }
    let half = values.count / 2
    return values.count % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2
}

private enum Gaps {
    static let descending = [301, 132, 57, 23, 10, 4, 1]
}
