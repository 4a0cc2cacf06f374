import Glibc

/// Bends every coordinate of the unit box by a logarithm, so that equal steps become more like
/// equal ratios: what a reagent does depends on its share in proportion, and the interesting
/// ends of shares are the small ones.
///
/// u ↦ (log(u + offset) − log offset) / (log(1 + offset) − log offset); 0 stays 0 and 1 stays 1.
/// A large offset bends little.
struct BentBox: Equatable, Sendable {
    /// Added before the logarithm, as a share of the range. Positive.
    let offset: Double

    private var span: Double { log(1 + 1 / offset) }

    /// The bent point. Coordinates below the box are held at its edge plus the straight
    /// continuation of the slope there, so that observations outside today's bounds stay apart.
    func bent(_ unit: [Double]) -> [Double] {
        unit.map { value in
            value >= 0 ? log(1 + value / offset) / span : value / (offset * span)
        }
    }

    /// The point of the unit box that `bent` turns into `point`, for coordinates 0…1. Never
    /// above `point` in any coordinate: what met a cap still does.
    func straight(_ point: [Double]) -> [Double] {
        point.map { min($0, offset * expm1($0 * span)) }
    }
}
