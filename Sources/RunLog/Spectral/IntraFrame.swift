/// Frames that nothing is known of: every count is foreseen from those left of it.
enum IntraFrame {
    /// The ways to foresee a count.
    static let ways = 6
    /// Counts left of the pixel that are looked at.
    static let reach = 8

    /// The count that way `way` foresees at `counts[0]` from `counts[-1]…counts[-8]`, 0…65535.
    ///
    /// Ways 4 and 5 continue the straight line of least squares through the last four and the
    /// last eight counts (the weights 14, 11, … −7 of 28 brought to 32).
    @inline(__always)
    static func foreseen(_ way: Int, _ counts: UnsafePointer<UInt16>) -> Int32 {
        @inline(__always)
        func left(_ distance: Int) -> Int32 { Int32(counts[-distance]) }
        let value: Int32
        switch way {
        case 0: value = left(1)
        case 1: value = 2 &* left(1) &- left(2)
        case 2: value = (left(1) &+ left(2) &+ 1) >> 1
        case 3: value = (left(1) &+ left(2) &+ left(3) &+ left(4) &+ 2) >> 2
        case 4: value = (2 &* left(1) &+ left(2) &- left(4) &+ 1) >> 1
        default:
            let near = 16 &* left(1) &+ 12 &* left(2) &+ 9 &* left(3) &+ 6 &* left(4)
            let far = 2 &* left(5) &- left(6) &- 4 &* left(7) &- 8 &* left(8)
            value = (near &+ far &+ 16) >> 5
        }
        return min(max(value, 0), 65_535)
    }

    /// Residuals, modulo 2¹⁶, of `pixels` counts that have `reach` more in front of them, and for
    /// each band the sum of their sizes (mod 2¹⁶ they are −32768…32767).
    static func residuals(
        _ way: Int, pixels: Int, counts: UnsafePointer<UInt16>,
        residuals: UnsafeMutablePointer<UInt16>, sums: UnsafeMutablePointer<UInt32>
    ) {
        @inline(__always)
        func run(_ way: Int) {
            for start in stride(from: 0, to: pixels, by: FrameShape.band) {
                var sum: UInt32 = 0
                for pixel in start..<min(start + FrameShape.band, pixels) {
                    let difference = Int32(counts[pixel]) &- foreseen(way, counts + pixel)
                    let wrapped = Int16(truncatingIfNeeded: difference)
                    residuals[pixel] = UInt16(bitPattern: wrapped)
                    sum &+= UInt32(wrapped.magnitude)
                }
                sums[start / FrameShape.band] = sum
            }
        }
        // A loop for each way, so that none asks which way it is.
        switch way {
        case 0: run(0)
        case 1: run(1)
        case 2: run(2)
        case 3: run(3)
        case 4: run(4)
        default: run(5)
        }
    }

    /// The counts again; those in front of them must be there.
    static func counts(
        _ way: Int, pixels: Int, residuals: UnsafePointer<UInt16>,
        counts: UnsafeMutablePointer<UInt16>
    ) {
        for pixel in 0..<pixels {
            let foreseen = foreseen(way, UnsafePointer(counts + pixel))
            counts[pixel] = UInt16(truncatingIfNeeded: foreseen) &+ residuals[pixel]
        }
    }
}
