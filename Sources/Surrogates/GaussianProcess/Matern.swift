import Glibc
import Numerics

/// What a Matérn 5/2 Gaussian process with one length scale per input is tuned by.
public struct MaternParameters: Equatable, Sendable {
    /// One per input, in the input's unit: how far one must go for the function to change.
    public var lengthScales: [Double]
    /// Prior variance of the function.
    public var signalVariance: Double
    /// Variance of an observation around the function.
    public var noiseVariance: Double

    /// Parameters; all must be positive and finite to be of use.
    public init(lengthScales: [Double], signalVariance: Double, noiseVariance: Double) {
        self.lengthScales = lengthScales
        self.signalVariance = signalVariance
        self.noiseVariance = noiseVariance
    }

    /// Whether every parameter is positive and finite.
    public var areUsable: Bool {
        for scale in lengthScales where !(scale > 0 && scale.isFinite) { return false }
        return signalVariance > 0 && signalVariance.isFinite && noiseVariance > 0
            && noiseVariance.isFinite
    }

    /// The logarithms in the order of search: length scales, signal, noise.
    var logarithms: [Double] {
        lengthScales.map { log($0) } + [log(signalVariance), log(noiseVariance)]
    }

    /// From logarithms in that order.
    init(logarithms: [Double]) {
        lengthScales = logarithms.dropLast(2).map { exp($0) }
        signalVariance = exp(logarithms[logarithms.count - 2])
        noiseVariance = exp(logarithms[logarithms.count - 1])
    }
}

/// The Matérn covariance with smoothness 5/2 as a function of the scaled distance r (Rasmussen
/// and Williams, Gaussian Processes for Machine Learning (2006), eq. 4.17), signal variance 1:
///
///     k(r) = (1 + √5 r + 5/3 r²) exp(−√5 r)
///
/// Every derivative needs only `bend`, −k'(r)/r = 5/3 (1 + √5 r) exp(−√5 r), which has no pole
/// at r = 0: ∂k/∂xᵢ = −bend (xᵢ−yᵢ)/ℓᵢ², ∂k/∂log ℓᵢ = bend (xᵢ−yᵢ)²/ℓᵢ².
///
/// Inputs divided by their length scales lie coordinate by coordinate, `stride` apart, so that
/// four of them fill a register; `stride` is a multiple of four, and what lies between the last
/// input and the stride is zero.
public enum Matern {
    /// `count` rounded up to whole registers, and away from strides that would put every row of
    /// a matrix into the same few places of the cache.
    static func stride(_ count: Int) -> Int {
        let whole = (count + 3) & ~3
        return whole % 128 == 0 ? whole + 8 : whole
    }

    /// k and bend of one squared distance, one number at a time.
    public static func value(squaredDistance: Double) -> (covariance: Double, bend: Double) {
        let distance = (5 * squaredDistance).squareRoot()
        let decay = exp(-distance)
        return (
            (1 + distance + distance * distance / 3) * decay, (5.0 / 3) * (1 + distance) * decay
        )
    }

    /// k and bend of four squared distances, times `signal`.
    @inline(__always)
    static func values(
        squaredDistances: SIMD4<Double>, signal: Double
    ) -> (covariance: SIMD4<Double>, bend: SIMD4<Double>) {
        // Beyond 708 nothing is left; a distance without end would make 0 · ∞.
        let far = SIMD4<Double>(repeating: 708)
        let free = (squaredDistances * 5).squareRoot()
        let distance = free.replacing(with: far, where: free .> far)
        let decay = VectorMath.decay(distance) * signal
        let linear = decay.addingProduct(distance, decay)
        let third = distance * distance * (1.0 / 3)
        return (linear.addingProduct(third, decay), linear * (5.0 / 3))
    }

    /// Squared distances of the input `point` (its coordinates `pointStride` apart) to the four
    /// inputs from `index` on.
    @inline(__always)
    static func squaredDistances(
        _ inputs: UnsafePointer<Double>, stride: Int, dimension: Int, from index: Int,
        to point: UnsafePointer<Double>, pointStride: Int
    ) -> SIMD4<Double> {
        var sum = SIMD4<Double>(repeating: 0)
        var others = inputs + index
        var own = point
        for _ in 0..<dimension {
            let difference = own[0] - VectorMath.load(others)
            sum = sum.addingProduct(difference, difference)
            others += stride
            own += pointStride
        }
        return sum
    }

    /// Covariances and bends of `point` with the first `count` inputs, and zeros up to a whole
    /// register. `covariances` and `bends` have room for them.
    static func row(
        _ inputs: UnsafePointer<Double>, stride: Int, dimension: Int, count: Int, signal: Double,
        at point: UnsafePointer<Double>, pointStride: Int,
        covariances: UnsafeMutablePointer<Double>, bends: UnsafeMutablePointer<Double>
    ) {
        var index = 0
        while index < count {
            let squares = squaredDistances(
                inputs, stride: stride, dimension: dimension, from: index, to: point,
                pointStride: pointStride)
            let (covariance, bend) = values(squaredDistances: squares, signal: signal)
            VectorMath.store(covariance, to: covariances + index)
            VectorMath.store(bend, to: bends + index)
            index &+= 4
        }
        for rest in count..<((count + 3) & ~3) {
            covariances[rest] = 0
            bends[rest] = 0
        }
    }

    /// Adds Σ pulls[i] (xᵢ − pointᵢ)² over the first `count` inputs to `sums`, one per
    /// coordinate. `pulls` is zero up to a whole register.
    static func addSquares(
        _ inputs: UnsafePointer<Double>, stride: Int, dimension: Int, count: Int,
        at point: UnsafePointer<Double>, pointStride: Int, pulls: UnsafePointer<Double>,
        to sums: UnsafeMutablePointer<Double>
    ) {
        for coordinate in 0..<dimension {
            let others = inputs + coordinate * stride
            let own = point[coordinate * pointStride]
            var sum = SIMD4<Double>(repeating: 0)
            var index = 0
            while index < count {
                let difference = own - VectorMath.load(others + index)
                let pulled = difference * VectorMath.load(pulls + index)
                sum = sum.addingProduct(pulled, difference)
                index &+= 4
            }
            sums[coordinate] += (sum[0] + sum[1]) + (sum[2] + sum[3])
        }
    }

    /// The scalar twin of `row`.
    static func rowPlainly(
        _ inputs: UnsafePointer<Double>, stride: Int, dimension: Int, count: Int, signal: Double,
        at point: UnsafePointer<Double>, pointStride: Int,
        covariances: UnsafeMutablePointer<Double>, bends: UnsafeMutablePointer<Double>
    ) {
        for index in 0..<count {
            var square = 0.0
            for coordinate in 0..<dimension {
                let difference =
                    point[coordinate * pointStride] - inputs[coordinate * stride + index]
                square += difference * difference
            }
            let (covariance, bend) = value(squaredDistance: square)
            covariances[index] = signal * covariance
            bends[index] = signal * bend
        }
    }
}
