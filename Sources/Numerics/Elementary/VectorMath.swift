/// Exponential, logarithm and error function of four doubles at once.
///
/// Argument reduction leaves a short interval; there a Taylor series is cut where its first
/// missing term is below the rounding of a double, so that the error can be derived and not only
/// measured. Everything is fused multiply–adds without branches; every lane is computed alike.
public enum VectorMath {
    /// 1.5 · 2⁵²: added to a number below 2⁵¹, it leaves the nearest whole number in the low
    /// bits of the mantissa.
    @usableFromInline static let rounder = 0x1.8p52
    /// ln 2 with the low half of its mantissa zero, so that up to 2¹¹ of it are exact…
    @usableFromInline static let ln2High = 0x1.62e42feep-1
    /// …and what is missing.
    @usableFromInline static let ln2Low = 0x1.a39ef35793c76p-33

    /// e^x. 0 below −708 (where doubles become subnormal), infinite above 709.78. Relative error
    /// below 2.5 · 2⁻⁵³.
    @inlinable @inline(__always)
    public static func exp(_ x: SIMD4<Double>) -> SIMD4<Double> {
        var result = expBetween(x)
        result.replace(with: 0, where: x .< -708)
        result.replace(with: .infinity, where: x .> 0x1.62e42fefa39efp9)
        result.replace(with: x, where: x .!= x)
        return result
    }

    /// e^−x for x ≥ 0, which must not be NaN: what a covariance needs, without the checks.
    /// Beyond 708 it stays at e^−708 = 3 · 10⁻³⁰⁸.
    @inlinable @inline(__always)
    public static func decay(_ x: SIMD4<Double>) -> SIMD4<Double> {
        let limit = SIMD4<Double>(repeating: -708)
        let argument = -x
        return expBetween(argument.replacing(with: limit, where: argument .< limit))
    }

    /// e^x for −708 ≤ x ≤ 709.78: x = n ln 2 + r with |r| ≤ ½ ln 2, and e^r by its Taylor
    /// series to r¹³, of which r¹⁴/14! < 5 · 10⁻¹⁸ is missing.
    @inlinable @inline(__always)
    static func expBetween(_ x: SIMD4<Double>) -> SIMD4<Double> {
        let magic = SIMD4<Double>(repeating: rounder)
        let shifted = magic.addingProduct(x, SIMD4(repeating: 0x1.71547652b82fep0))
        let whole = shifted - magic
        var rest = x.addingProduct(whole, SIMD4(repeating: -ln2High))
        rest = rest.addingProduct(whole, SIMD4(repeating: -ln2Low))
        var sum = SIMD4<Double>(repeating: 1.0 / 6_227_020_800)
        sum = SIMD4(repeating: 1.0 / 479_001_600).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 39_916_800).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 3_628_800).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 362_880).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 40_320).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 5_040).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 720).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 120).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 24).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1.0 / 6).addingProduct(sum, rest)
        sum = SIMD4(repeating: 0.5).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1).addingProduct(sum, rest)
        sum = SIMD4(repeating: 1).addingProduct(sum, rest)
        // The low bits of `shifted` are n; moved up they add to the exponent.
        let exponent = unsafeBitCast(shifted, to: SIMD4<Int64>.self) &<< 52
        return unsafeBitCast(
            unsafeBitCast(sum, to: SIMD4<Int64>.self) &+ exponent, to: SIMD4<Double>.self)
    }

    /// log x. −∞ at 0, NaN below, ∞ at ∞. Error below 2 · 2⁻⁵³ of the result plus 2⁻⁵³ times the
    /// size of x − 1, where x is near 1.
    ///
    /// x = 2ᵏ (1 + f) with √½ ≤ 1 + f < √2; with s = f / (2 + f), log(1 + f) is
    /// f − ½ f² + s (½ f² + R), R = 2 Σ s²ʲ / (2 j + 1), which is cut after s²⁰.
    @inlinable @inline(__always)
    public static func log(_ x: SIMD4<Double>) -> SIMD4<Double> {
        let tiny = x .< Double.leastNormalMagnitude
        let normal = x.replacing(with: x * 0x1p54, where: tiny)
        var offset = SIMD4<Double>(repeating: 0)
        offset.replace(with: 54, where: tiny)
        let bits = unsafeBitCast(normal, to: SIMD4<Int64>.self)
        // Counted from √½, the exponent field is k.
        let root = SIMD4<Int64>(repeating: 0x3FE6_A09E_667F_3BCD)
        let power = (bits &- root) &>> 52
        let fraction = unsafeBitCast(bits &- (power &<< 52), to: SIMD4<Double>.self) - 1
        let magic = SIMD4<Double>(repeating: rounder)
        let shifted = power &+ unsafeBitCast(magic, to: SIMD4<Int64>.self)
        let k = unsafeBitCast(shifted, to: SIMD4<Double>.self) - magic - offset
        let s = fraction / (2 + fraction)
        let z = s * s
        var series = SIMD4<Double>(repeating: 2.0 / 21)
        series = SIMD4(repeating: 2.0 / 19).addingProduct(series, z)
        series = SIMD4(repeating: 2.0 / 17).addingProduct(series, z)
        series = SIMD4(repeating: 2.0 / 15).addingProduct(series, z)
        series = SIMD4(repeating: 2.0 / 13).addingProduct(series, z)
        series = SIMD4(repeating: 2.0 / 11).addingProduct(series, z)
        series = SIMD4(repeating: 2.0 / 9).addingProduct(series, z)
        series = SIMD4(repeating: 2.0 / 7).addingProduct(series, z)
        series = SIMD4(repeating: 2.0 / 5).addingProduct(series, z)
        series = SIMD4(repeating: 2.0 / 3).addingProduct(series, z)
        let half = 0.5 * fraction * fraction
        let bend = (k * ln2Low).addingProduct(s, half.addingProduct(series, z))
        var result = (k * ln2High) + (fraction - (half - bend))
        result.replace(with: -.infinity, where: x .== 0)
        result.replace(with: .nan, where: x .< 0)
        result.replace(with: x, where: x .== .infinity)
        result.replace(with: x, where: x .!= x)
        return result
    }

    /// erf x. Relative error below 8 · 2⁻⁵³.
    ///
    /// Its power series, to x²⁹, below 0.65; 1 − e^(−x²) erfcx x above.
    @inlinable @inline(__always)
    public static func erf(_ x: SIMD4<Double>) -> SIMD4<Double> {
        let size = x.replacing(with: -x, where: x .< 0)
        let z = x * x
        var sum = SIMD4<Double>(repeating: 1.0 / (29 * 87_178_291_200))
        sum = SIMD4(repeating: 1.0 / (27 * 6_227_020_800)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (25 * 479_001_600)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (23 * 39_916_800)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (21 * 3_628_800)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (19 * 362_880)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (17 * 40_320)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (15 * 5_040)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (13 * 720)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (11 * 120)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (9 * 24)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (7 * 6)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / (5 * 2)).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1.0 / 3).addingProduct(-sum, z)
        sum = SIMD4(repeating: 1).addingProduct(-sum, z)
        let inner = x * sum * 1.1283791670955126
        let capped = size.replacing(with: 6, where: size .> 6)
        let tail = 1 - erfcx(capped) * expMinus(1, squareOf: capped)
        var result = tail.replacing(with: -tail, where: x .< 0)
        result.replace(with: inner, where: size .< 0.65)
        result.replace(with: x, where: x .!= x)
        return result
    }

    /// e^(−share · x²); `share` is a power of two. The rounding of x², which the exponential
    /// would multiply by x², is put right to first order.
    @inlinable @inline(__always)
    static func expMinus(_ share: Double, squareOf x: SIMD4<Double>) -> SIMD4<Double> {
        let square = x * x
        let lost = (-square).addingProduct(x, x)
        let value = exp(-share * square)
        return value.addingProduct(-value, share * lost)
    }

    /// e^(x²) erfc x for x ≥ 0, to 5 · 2⁻⁵³.
    ///
    /// (1 + 2 x) e^(x²) erfc x is smooth in t = (x − 3) / (x + 3) from −1 to 1 (the idea of
    /// Shepherd and Laframboise, Math. Comp. 36, 249 (1981)); the coefficients are its Chebyshev
    /// series of degree 24, computed to 60 digits and written out in powers of t.
    @inlinable @inline(__always)
    public static func erfcx(_ x: SIMD4<Double>) -> SIMD4<Double> {
        let t = (x - 3) / (x + 3)
        var sum = SIMD4<Double>(repeating: 8.393734858690877e-10)
        sum = SIMD4(repeating: 9.862533510345587e-10).addingProduct(sum, t)
        sum = SIMD4(repeating: -8.217595058711455e-09).addingProduct(sum, t)
        sum = SIMD4(repeating: -1.3312919661038687e-08).addingProduct(sum, t)
        sum = SIMD4(repeating: 4.1064013667940355e-08).addingProduct(sum, t)
        sum = SIMD4(repeating: 1.0183620603842736e-07).addingProduct(sum, t)
        sum = SIMD4(repeating: -1.4047654315428462e-07).addingProduct(sum, t)
        sum = SIMD4(repeating: -6.166011460398726e-07).addingProduct(sum, t)
        sum = SIMD4(repeating: 3.5576086684080595e-07).addingProduct(sum, t)
        sum = SIMD4(repeating: 3.472370944977168e-06).addingProduct(sum, t)
        sum = SIMD4(repeating: -7.308281468783614e-07).addingProduct(sum, t)
        sum = SIMD4(repeating: -2.0100542268525612e-05).addingProduct(sum, t)
        sum = SIMD4(repeating: 4.949196649968345e-06).addingProduct(sum, t)
        sum = SIMD4(repeating: 0.0001250993424583729).addingProduct(sum, t)
        sum = SIMD4(repeating: -0.00010515971958448065).addingProduct(sum, t)
        sum = SIMD4(repeating: -0.0007798322696543306).addingProduct(sum, t)
        sum = SIMD4(repeating: 0.0018886903449991718).addingProduct(sum, t)
        sum = SIMD4(repeating: 0.0025293918156939696).addingProduct(sum, t)
        sum = SIMD4(repeating: -0.02377051491717134).addingProduct(sum, t)
        sum = SIMD4(repeating: 0.0683080273440099).addingProduct(sum, t)
        sum = SIMD4(repeating: -0.11927366341538638).addingProduct(sum, t)
        sum = SIMD4(repeating: 0.1296451587027594).addingProduct(sum, t)
        sum = SIMD4(repeating: -0.0475622943534492).addingProduct(sum, t)
        sum = SIMD4(repeating: -0.13562110612458117).addingProduct(sum, t)
        sum = SIMD4(repeating: 1.2530080582697296).addingProduct(sum, t)
        return sum / SIMD4(repeating: 1).addingProduct(x, SIMD4(repeating: 2))
    }
}
