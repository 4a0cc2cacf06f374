/// Boxes of about as many recipes each: every coded variable parted where a half, a quarter and
/// so on of the recipes lie, the widest parted most often.
struct CellBoxes {
    /// Halvings at most.
    private static let mostLevels = 12
    /// Recipes that are looked at.
    private static let sample = 4_096

    let boxes: Int
    /// By variable and code: the first box of its part.
    private let tables: [UInt16]
    private let variables: Int
    /// How many parts each variable has.
    private let parts: [Int]

    /// Boxes for `count` records, with `atMost` of them each on average.
    init(_ records: UnsafePointer<UInt64>, count: Int, stepWeights: [Float], atMost: Int) {
        variables = stepWeights.count
        var reaches = stepWeights
        var parts = [Int](repeating: 1, count: stepWeights.count)
        var boxes = 1
        while boxes * atMost < count, boxes < 1 << Self.mostLevels {
            guard let widest = reaches.indices.max(by: { reaches[$0] < reaches[$1] }),
                reaches[widest] > 0, parts[widest] < 256
            else { break }
            reaches[widest] /= 2
            parts[widest] *= 2
            boxes *= 2
        }
        var tables = [UInt16](repeating: 0, count: 256 * stepWeights.count)
        var unit = 1
        for variable in stepWeights.indices {
            var counts = [Int](repeating: 0, count: 256)
            let step = max(1, count / Self.sample)
            for place in stride(from: 0, to: count, by: step) {
                counts[Int(records[place] >> UInt64(8 * variable) & 0xff)] += 1
            }
            let total = max(1, counts.reduce(0, +))
            var below = 0
            for code in 0..<256 {
                // The part the middle of those with this code lies in.
                let part = (2 * below + counts[code]) * parts[variable] / (2 * total)
                tables[256 * variable + code] = UInt16(
                    truncatingIfNeeded: min(part, parts[variable] - 1) * unit)
                below += counts[code]
            }
            unit *= parts[variable]
        }
        self.boxes = boxes
        self.parts = parts
        self.tables = tables
    }

    /// Writes `count` records box after box to `target`; answers where each box begins, and the
    /// end of the last. `names` has room for the box of each.
    func part(
        _ records: UnsafePointer<UInt64>, _ count: Int, names: UnsafeMutablePointer<UInt16>,
        into target: UnsafeMutablePointer<UInt64>
    ) -> [Int] {
        var starts = [Int](repeating: 0, count: boxes + 1)
        starts.withUnsafeMutableBufferPointer { starts in
            name(records, count, into: names)
            for place in 0..<count { starts[Int(names[place]) &+ 1] &+= 1 }
            for box in 0..<boxes { starts[box + 1] += starts[box] }
        }
        var places = starts
        places.withUnsafeMutableBufferPointer { places in
            guard let places = places.baseAddress else { return }
            for place in 0..<count {
                let box = Int(names[place])
                target[places[box]] = records[place]
                places[box] &+= 1
            }
        }
        return starts
    }

    /// The box of each record.
    private func name(
        _ records: UnsafePointer<UInt64>, _ count: Int,
        into names: UnsafeMutablePointer<UInt16>
    ) {
        names.update(repeating: 0, count: count)
        tables.withUnsafeBufferPointer { tables in
            guard let tables = tables.baseAddress else { return }
            for variable in 0..<variables where parts[variable] > 1 {
                let (table, shift) = (tables + 256 &* variable, UInt64(8 &* variable))
                for place in 0..<count {
                    names[place] &+= table[Int(truncatingIfNeeded: records[place] >> shift & 0xff)]
                }
            }
        }
    }
}
