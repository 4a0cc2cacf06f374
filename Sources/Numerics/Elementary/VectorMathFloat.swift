/// Exponential and logarithm of eight floats at once, made as the double ones are.
extension VectorMath {
    /// e^x. 0 below −87 (where floats become subnormal), infinite above 88.72. Relative error
    /// below 3 · 2⁻²⁴.
    @inlinable @inline(__always)
    public static func exp(_ x: SIMD8<Float>) -> SIMD8<Float> {
        // 1.5 · 2²³ leaves the nearest whole number in the low bits.
        let magic = SIMD8<Float>(repeating: 0x1.8p23)
        let shifted = magic.addingProduct(x, SIMD8(repeating: 0x1.715476p0))
        let whole = shifted - magic
        var rest = x.addingProduct(whole, SIMD8(repeating: -0x1.62e4p-1))
        rest = rest.addingProduct(whole, SIMD8(repeating: -0x1.7f7d1cp-20))
        var sum = SIMD8<Float>(repeating: 1.0 / 5_040)
        sum = SIMD8(repeating: 1.0 / 720).addingProduct(sum, rest)
        sum = SIMD8(repeating: 1.0 / 120).addingProduct(sum, rest)
        sum = SIMD8(repeating: 1.0 / 24).addingProduct(sum, rest)
        sum = SIMD8(repeating: 1.0 / 6).addingProduct(sum, rest)
        sum = SIMD8(repeating: 0.5).addingProduct(sum, rest)
        sum = SIMD8(repeating: 1).addingProduct(sum, rest)
        sum = SIMD8(repeating: 1).addingProduct(sum, rest)
        let exponent = unsafeBitCast(shifted, to: SIMD8<Int32>.self) &<< 23
        var result = unsafeBitCast(
            unsafeBitCast(sum, to: SIMD8<Int32>.self) &+ exponent, to: SIMD8<Float>.self)
        result.replace(with: 0, where: x .< -87)
        result.replace(with: .infinity, where: x .> 0x1.62e42ep6)
        result.replace(with: x, where: x .!= x)
        return result
    }

    /// log x. −∞ at 0, NaN below, ∞ at ∞; error as of the double one, with 2⁻²⁴.
    @inlinable @inline(__always)
    public static func log(_ x: SIMD8<Float>) -> SIMD8<Float> {
        let tiny = x .< Float.leastNormalMagnitude
        let normal = x.replacing(with: x * 0x1p24, where: tiny)
        var offset = SIMD8<Float>(repeating: 0)
        offset.replace(with: 24, where: tiny)
        let bits = unsafeBitCast(normal, to: SIMD8<Int32>.self)
        let power = (bits &- SIMD8<Int32>(repeating: 0x3F35_04F3)) &>> 23
        let fraction = unsafeBitCast(bits &- (power &<< 23), to: SIMD8<Float>.self) - 1
        let k = SIMD8<Float>(power) - offset
        let s = fraction / (2 + fraction)
        let z = s * s
        var series = SIMD8<Float>(repeating: 2.0 / 9)
        series = SIMD8(repeating: 2.0 / 7).addingProduct(series, z)
        series = SIMD8(repeating: 2.0 / 5).addingProduct(series, z)
        series = SIMD8(repeating: 2.0 / 3).addingProduct(series, z)
        let half = 0.5 * fraction * fraction
        let bend = (k * 0x1.7f7d1cp-20).addingProduct(s, half.addingProduct(series, z))
        var result = (k * 0x1.62e4p-1) + (fraction - (half - bend))
        result.replace(with: -.infinity, where: x .== 0)
        result.replace(with: .nan, where: x .< 0)
        result.replace(with: x, where: x .== .infinity)
        result.replace(with: x, where: x .!= x)
        return result
    }
}
