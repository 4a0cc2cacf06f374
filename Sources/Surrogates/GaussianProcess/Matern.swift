import Glibc

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
public enum Matern {
    /// k and bend at the square of the scaled distance.
    public static func value(squaredDistance: Double) -> (covariance: Double, bend: Double) {
        let distance = (5 * squaredDistance).squareRoot()
        let decay = exp(-distance)
        return (
            (1 + distance + distance * distance / 3) * decay, (5.0 / 3) * (1 + distance) * decay
        )
    }
}
