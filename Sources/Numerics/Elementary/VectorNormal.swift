/// The standard normal distribution of four arguments at once; see `Normal` for what each
/// function is. Both tails keep their relative accuracy as far as the result is a normal double.
extension VectorMath {
    /// Beyond this many sigmas Mills' ratio is replaced by its asymptotic series.
    @usableFromInline static let tail = -25.0

    /// φ(x), to 5 · 2⁻⁵³ for |x| ≤ 37.
    @inlinable @inline(__always)
    public static func normalDensity(_ x: SIMD4<Double>) -> SIMD4<Double> {
        var size = x.replacing(with: -x, where: x .< 0)
        size.replace(with: 50, where: size .> 50)
        var result = expMinus(0.5, squareOf: size) * 0.3989422804014327
        result.replace(with: x, where: x .!= x)
        return result
    }

    /// Φ(x).
    @inlinable @inline(__always)
    public static func normalCumulative(_ x: SIMD4<Double>) -> SIMD4<Double> {
        let size = x.replacing(with: -x, where: x .< 0)
        let capped = size.replacing(with: 50, where: size .> 50)
        let below = 1.2533141373155003 * millsRoot(capped) * normalDensity(capped)
        var result = below.replacing(with: 1 - below, where: x .> 0)
        result.replace(with: x, where: x .!= x)
        return result
    }

    /// erfcx(x / √2), which is Φ(−x) / φ(x) · √(2/π), for x ≥ 0.
    @inlinable @inline(__always)
    static func millsRoot(_ x: SIMD4<Double>) -> SIMD4<Double> { erfcx(x * 0.7071067811865476) }

    /// log Φ(x) and its slope φ(x) / Φ(x).
    @inlinable @inline(__always)
    public static func logNormalCumulative(
        _ x: SIMD4<Double>
    ) -> (value: SIMD4<Double>, slope: SIMD4<Double>) {
        let size = x.replacing(with: -x, where: x .< 0)
        let ratio = millsRoot(size)
        let isLow = x .< 0
        // In the upper half 1 − q is rounded; log(1 − q) is put right by what was lost.
        let density = normalDensity(size)
        let miss = 1.2533141373155003 * ratio * density
        let rest = 1 - miss
        let lost = (1 - rest) - miss
        let logarithm = log(rest.replacing(with: 0.5 * ratio, where: isLow))
        var value = logarithm + lost / rest
        let fall: SIMD4<Double> = size * size * 0.5
        value.replace(with: logarithm - fall, where: isLow)
        var slope = density / rest
        slope.replace(with: 0.7978845608028654 / ratio, where: isLow)
        return (value, slope)
    }

    /// log h(x), h(x) = φ(x) + x Φ(x), and its slope Φ(x) / h(x).
    ///
    /// Below 0 h is φ (1 − |x| m) with Mills' ratio m; what the difference loses, about x² 2⁻⁵³,
    /// is why the asymptotic series takes over at −25.
    @inlinable @inline(__always)
    public static func logExpectedExcess(
        _ x: SIMD4<Double>
    ) -> (value: SIMD4<Double>, slope: SIMD4<Double>) {
        let size = x.replacing(with: -x, where: x .< 0)
        let isLow = x .< 0
        let mills = 1.2533141373155003 * millsRoot(size)
        let density = normalDensity(size)
        var ratio = mills
        var share = 1 - size * mills
        let q = 1 / (size * size)
        let far = x .< tail
        let one = SIMD4<Double>(repeating: 1)
        var series = one.addingProduct(q, SIMD4(repeating: -9))
        series = one.addingProduct(q * -7, series)
        series = one.addingProduct(q * -5, series)
        series = one.addingProduct(q * -3, series)
        share.replace(with: q * series, where: far)
        series = one.addingProduct(q, SIMD4(repeating: -7))
        series = one.addingProduct(q * -5, series)
        series = one.addingProduct(q * -3, series)
        series = one.addingProduct(-q, series)
        ratio.replace(with: series / size, where: far)
        let cumulative = 1 - mills * density
        let upper = density + size * cumulative
        let logarithm = log(upper.replacing(with: share, where: isLow))
        let fall: SIMD4<Double> = size * size * 0.5 + 0.9189385332046728
        let value = logarithm.replacing(with: logarithm - fall, where: isLow)
        let slope = (cumulative / upper).replacing(with: ratio / share, where: isLow)
        return (value, slope)
    }
}
