import Glibc

/// Looks for the gain curve that makes a frame cheapest: at every spacing the knots of least
/// squares, and of these the ones whose bits are worth it. Not part of the format.
struct GainFit {
    /// What was found: gain 1 at level 0.
    private(set) var level = 0
    /// Mean weighted square of what the curve leaves, per pixel.
    private(set) var energy: Float = 0

    /// Bits a knot is taken to cost, and a curve beside its knots.
    private static let knotBits: Float = 4.5
    private static let curveBits: Float = 12
    /// What a knot's own square is raised by, so that intervals of few pixels stay tame.
    private static let ridge: Float = 1.000_1

    /// Memory for one fit.
    struct Workspace {
        /// Moments of all bands, then of all pairs of them, and so on: at most twice the bands.
        let moments: UnsafeMutablePointer<GainMoments>
        /// Offsets of the knots of each level, one level after the other.
        let offsets: UnsafeMutablePointer<Float>
        /// The diagonal of each level's equations, as the offsets.
        let diagonals: UnsafeMutablePointer<Float>
        let scratch: UnsafeMutablePointer<Float>

        static let count = 3 * GainCurve.knotLimit + 16
    }

    /// Where the offsets of the level found begin, and its diagonal.
    private(set) var start = 0

    /// Fits a frame of `pixels` with `bands` moments in `workspace`; `noise` is what the weighted
    /// square of a pixel is from noise alone.
    init(pixels: Int, bands: Int, noise: Float, _ workspace: Workspace) {
        var moments = workspace.moments
        var count = bands
        var total = GainMoments()
        for band in 0..<bands {
            total.square0 += moments[band].square0
            total.product0 += moments[band].product0
            total.energy += moments[band].energy
        }
        // What no fit can remove, so that the gain of removing more is not overrated.
        let floor = max(noise, 1e-9) * Float(pixels) / 4
        var best = Float(pixels) / 2 * log2f(max(total.energy, floor))
        energy = total.energy
        var used = 1
        workspace.offsets[0] = 0
        if total.square0 > 0 {
            workspace.offsets[0] = total.product0 / total.square0
            workspace.diagonals[0] = total.square0
            let left = total.energy - total.product0 * workspace.offsets[0]
            consider(1, 1, left, pixels, floor, at: 0, &best)
        }
        var level = 2
        while level <= GainCurve.levelLimit {
            let knots = count + 1
            let left = Self.solve(
                moments, count, total.energy, workspace.offsets + used,
                workspace.diagonals + used, workspace.scratch)
            consider(level, knots, left, pixels, floor, at: used, &best)
            guard count > 1 else { break }
            used += knots
            let joined = moments + count
            for pair in 0..<(count + 1) / 2 {
                let second = 2 * pair + 1 < count ? moments[2 * pair + 1] : GainMoments()
                joined[pair] = .joined(moments[2 * pair], second)
            }
            moments = joined
            count = (count + 1) / 2
            level += 1
        }
        energy = max(energy, 0) / Float(pixels)
    }

    private mutating func consider(
        _ level: Int, _ knots: Int, _ left: Float, _ pixels: Int, _ floor: Float, at place: Int,
        _ best: inout Float
    ) {
        guard left.isFinite else { return }
        let bits =
            Float(pixels) / 2 * log2f(max(left, floor)) + Self.curveBits
            + Float(knots) * Self.knotBits
        guard bits < best else { return }
        best = bits
        self.level = level
        energy = left
        start = place
    }

    /// Solves for the knots between `count` intervals: a symmetric tridiagonal system (Thomas'
    /// elimination). Returns the weighted square that is left.
    private static func solve(
        _ moments: UnsafePointer<GainMoments>, _ count: Int, _ energy: Float,
        _ offsets: UnsafeMutablePointer<Float>, _ diagonals: UnsafeMutablePointer<Float>,
        _ ratios: UnsafeMutablePointer<Float>
    ) -> Float {
        var before = GainMoments()
        var pivot: Float = 1
        var carried: Float = 0
        var off: Float = 0
        var left = energy
        for knot in 0...count {
            let after = knot < count ? moments[knot] : GainMoments()
            let square = before.square2 + after.square0 - 2 * after.square1 + after.square2
            let side = before.product1 + after.product0 - after.product1
            diagonals[knot] = square
            let ratio = knot > 0 ? off / pivot : 0
            pivot = square * ridge + 1e-6 - ratio * off
            carried = side - ratio * carried
            // LDLᵀ: what each step explains is carried² / pivot.
            left -= carried * carried / pivot
            ratios[knot] = pivot
            offsets[knot] = carried
            off = after.square1 - after.square2
            before = after
        }
        var next: Float = 0
        for knot in stride(from: count, through: 0, by: -1) {
            let m = knot < count ? moments[knot] : GainMoments()
            next = (offsets[knot] - (m.square1 - m.square2) * next) / ratios[knot]
            offsets[knot] = next
        }
        return left
    }
}
