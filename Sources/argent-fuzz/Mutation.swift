import Numerics

/// Changes to bytes that break parsers: flipped bits, numbers at the edge of their range, pieces
/// lost, doubled, swapped with another original's.
enum Mutation {
    /// Most bytes a mutated input has more than its original.
    static let growthLimit = 4_096

    /// Numbers at which lengths and counts go wrong.
    private static let edges: [UInt64] = [
        0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x40_0000,
        0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, UInt64(Int64.max), .max,
    ]

    /// One of `originals` with one to eight changes.
    static func mutated(
        _ originals: [[UInt8]], _ random: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = originals[random.below(originals.count)]
        // Most often few: many changes rarely get past the first check.
        let changes = 1 + random.below(1 + random.below(8))
        for _ in 0..<changes { change(&bytes, others: originals, &random) }
        return bytes
    }

    /// Makes one change; `others` lend pieces.
    static func change(
        _ bytes: inout [UInt8], others: [[UInt8]] = [], _ random: inout SeededGenerator
    ) {
        guard !bytes.isEmpty else {
            bytes = (0..<random.below(32)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            return
        }
        let place = random.below(bytes.count)
        let length = min(bytes.count - place, 1 + random.below(1 << random.below(9)))
        switch random.below(10) {
        case 0, 1: bytes[place] ^= 1 << UInt8(random.below(8))
        case 2: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 3, 4: write(edges[random.below(edges.count)], into: &bytes, at: place, &random)
        case 5: bytes.removeSubrange(place..<(place + length))
        case 6: bytes.removeSubrange(place...)
        case 7:
            let fill = (0..<length).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            bytes.insert(contentsOf: fill, at: place)
        case 8: bytes.insert(contentsOf: bytes[place..<(place + length)], at: place)
        default: splice(&bytes, at: place, others, &random)
        }
    }

    /// Writes a number of one, two, four or eight bytes, either end first.
    private static func write(
        _ value: UInt64, into bytes: inout [UInt8], at place: Int,
        _ random: inout SeededGenerator
    ) {
        let size = min(1 << random.below(4), bytes.count - place)
        let bigEndian = random.below(2) == 0
        for index in 0..<size {
            let shift = UInt64(8 * (bigEndian ? size - 1 - index : index))
            bytes[place + index] = UInt8(truncatingIfNeeded: value >> shift)
        }
    }

    /// Overwrites from `place` on with a piece of another original.
    private static func splice(
        _ bytes: inout [UInt8], at place: Int, _ others: [[UInt8]],
        _ random: inout SeededGenerator
    ) {
        guard !others.isEmpty else { return }
        let other = others[random.below(others.count)]
        guard !other.isEmpty else { return }
        let start = random.below(other.count)
        let piece = other[start..<(start + 1 + random.below(other.count - start))]
        bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
    }
}
