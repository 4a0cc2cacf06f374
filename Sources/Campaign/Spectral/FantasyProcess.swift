import Numerics
import Surrogates

/// A Gaussian process whose joint samples are drawn point by point: the posterior of the data,
/// plus *fantasies*, points where every one of a fixed number of samples has decided on a value.
///
/// With L the factor of the covariance of data (with their noise) and fantasies (without), and
/// v = L⁻¹ k(z), the mean at z is the data's part Σ vᵢ βᵢ, β = L⁻¹ y, and in sample s
/// additionally Σ vⱼ εⱼₛ over the fantasies, where εⱼₛ is the normal number that sample s drew
/// at the j-th; the variance is k(z,z) − ‖v‖². A further fantasy costs one number per point
/// that is kept.
struct FantasyProcess: Sendable {
    /// What the covariance is tuned by.
    let parameters: MaternParameters
    /// What standardised the targets.
    let scale: Standardization
    /// Fantasies have this share of the signal's variance as noise, so that two at one place
    /// still have a factor.
    private static let fantasyNoise = 1e-9

    private let dimension: Int
    private let dataCount: Int
    private let capacity: Int
    private(set) var count: Int
    /// Points divided by the length scales, `dimension` each.
    private var points: [Double]
    /// Rows of L, `capacity` apart.
    private var factor: [Double]
    /// L⁻¹ y.
    private var beta: [Double]

    /// The process that `model` learnt from `targets` at `inputs`, with room for `fantasies`.
    init?(
        parameters: MaternParameters, inputs: [[Double]], targets: [Double],
        scale: Standardization, fantasies: Int
    ) {
        self.parameters = parameters
        self.scale = scale
        dimension = parameters.lengthScales.count
        dataCount = inputs.count
        capacity = inputs.count + fantasies
        count = 0
        points = []
        points.reserveCapacity(capacity * dimension)
        factor = [Double](repeating: 0, count: capacity * capacity)
        beta = []
        for (input, target) in zip(inputs, targets) {
            var row = [Double](repeating: 0, count: capacity)
            let rest = relate(input, into: &row) + parameters.noiseVariance
            guard rest > 0, rest.isFinite else { return nil }
            append(input, row, root: rest.squareRoot())
            var sum = scale.standardized(target)
            for index in 0..<(count - 1) { sum -= row[index] * beta[index] }
            beta.append(sum / rest.squareRoot())
        }
    }

    /// A point and what the process says there.
    struct Place: Sendable {
        /// In the process's own inputs.
        var point: [Double]
        /// L⁻¹ k.
        var row: [Double]
        /// The data's mean, standardised.
        var mean: Double
        /// Variance given data and fantasies, standardised.
        var variance: Double
        /// What the fantasies add to the mean, per sample, standardised.
        var shifts: [Double]
    }

    /// What is known at `point`, given that the samples drew `draws` (fantasy by fantasy, one
    /// number per sample) so far.
    func place(_ point: [Double], draws: [[Double]], samples: Int) -> Place {
        var row = [Double](repeating: 0, count: capacity)
        let variance = relate(point, into: &row)
        var mean = 0.0
        for index in 0..<dataCount { mean += row[index] * beta[index] }
        var shifts = [Double](repeating: 0, count: samples)
        for (index, draw) in draws.enumerated() {
            let weight = row[dataCount + index]
            for sample in 0..<samples { shifts[sample] += weight * draw[sample] }
        }
        return Place(point: point, row: row, mean: mean, variance: variance, shifts: shifts)
    }

    /// Takes `place` for a fantasy.
    mutating func imagine(at place: Place) {
        let noise = Self.fantasyNoise * parameters.signalVariance
        append(place.point, place.row, root: (max(place.variance, 0) + noise).squareRoot())
    }

    /// Brings `place` up to date with the fantasy taken last, where the samples drew `draw`.
    func update(_ place: inout Place, draw: [Double]) {
        let last = count - 1
        let start = last * capacity
        var rest = covariance(place.point, with: last)
        for index in 0..<last { rest -= factor[start + index] * place.row[index] }
        let weight = rest / factor[start + last]
        place.row[last] = weight
        place.variance = max(0, place.variance - weight * weight)
        for sample in place.shifts.indices { place.shifts[sample] += weight * draw[sample] }
    }

    /// Writes L⁻¹ k(point) to `row` and returns the variance left.
    private func relate(_ point: [Double], into row: inout [Double]) -> Double {
        var variance = parameters.signalVariance
        row.withUnsafeMutableBufferPointer { row in
            factor.withUnsafeBufferPointer { factor in
                for index in 0..<count {
                    var rest = covariance(point, with: index)
                    let start = index * capacity
                    var even = 0.0
                    var odd = 0.0
                    var column = 0
                    while column &+ 1 < index {
                        even += factor[start &+ column] * row[column]
                        odd += factor[start &+ column &+ 1] * row[column &+ 1]
                        column &+= 2
                    }
                    if column < index { even += factor[start &+ column] * row[column] }
                    rest -= even + odd
                    let weight = rest / factor[start &+ index]
                    row[index] = weight
                    variance -= weight * weight
                }
            }
        }
        return max(0, variance)
    }

    private func covariance(_ point: [Double], with index: Int) -> Double {
        var square = 0.0
        for axis in 0..<dimension {
            let difference =
                point[axis] / parameters.lengthScales[axis] - points[index * dimension + axis]
            square += difference * difference
        }
        return parameters.signalVariance * Matern.value(squaredDistance: square).covariance
    }

    private mutating func append(_ point: [Double], _ row: [Double], root: Double) {
        for axis in 0..<dimension { points.append(point[axis] / parameters.lengthScales[axis]) }
        let start = count * capacity
        for index in 0..<count { factor[start + index] = row[index] }
        factor[start + count] = root
        count += 1
    }
}
