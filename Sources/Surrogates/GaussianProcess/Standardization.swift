/// Shifts and scales losses to mean 0 and standard deviation 1, and back. A Gaussian process with
/// mean zero, and a margin given in standard deviations, need both.
public struct Standardization: Equatable, Sendable {
    /// What becomes 0.
    public let mean: Double
    /// What becomes 1; 1 itself when the values are all alike.
    public let scale: Double

    /// The transform that standardises `values` (population standard deviation). Values may have
    /// any sign and size; no value gives the identity.
    public init(of values: [Double]) {
        let largest = values.reduce(0) { max($0, abs($1)) }
        guard largest > 0, largest.isFinite else {
            mean = 0
            scale = 1
            return
        }
        // Dividing by the largest first keeps squares from overflowing.
        let count = Double(values.count)
        let center = values.reduce(0) { $0 + $1 / largest } / count
        let square = values.reduce(0) { sum, value in
            let difference = value / largest - center
            return sum + difference * difference
        }
        let deviation = (square / count).squareRoot()
        mean = center * largest
        // Below this, the spread is rounding.
        let scale = deviation * largest
        self.scale = deviation > 1e-12 && scale > .leastNormalMagnitude ? scale : 1
    }

    /// `value` in standard deviations from the mean.
    public func standardized(_ value: Double) -> Double { (value - mean) / scale }

    /// What `standardized` would turn into `value`.
    public func restored(_ value: Double) -> Double { value * scale + mean }
}
