/// What follows a product with 8-bit weights: sums back to real numbers, bias, rectifier.
public enum Int8Finish {
    /// What was seen on the way.
    public struct Seen: Equatable, Sendable {
        /// The largest number written, 0 at least.
        public var largest: Float
        /// Whether all numbers written are finite.
        public var finite: Bool
    }

    /// `values[i] = step × scale[i] × sums[i] + bias[i]`, negative ones as 0 if `rectified`;
    /// `count` is a multiple of eight. Source and target of numbers may not overlap.
    public static func apply(
        _ sums: UnsafePointer<Int32>, count: Int, step: Float, scale: UnsafePointer<Float>,
        bias: UnsafePointer<Float>, rectified: Bool, into values: UnsafeMutablePointer<Float>
    ) -> Seen {
        let sums = UnsafeRawPointer(sums)
        let scale = UnsafeRawPointer(scale)
        let bias = UnsafeRawPointer(bias)
        let values = UnsafeMutableRawPointer(values)
        var largest = SIMD8<Float>.zero
        // Stays zero as long as numbers are finite: infinity × 0 is not a number.
        var poison = SIMD8<Float>.zero
        let floor = SIMD8<Float>(repeating: rectified ? 0 : -.infinity)
        var at = 0
        while at < count * 4 {
            let sum = SIMD8<Float>(sums.loadUnaligned(fromByteOffset: at, as: SIMD8<Int32>.self))
            let factor = scale.loadUnaligned(fromByteOffset: at, as: SIMD8<Float>.self) * step
            var value = bias.loadUnaligned(fromByteOffset: at, as: SIMD8<Float>.self)
                .addingProduct(sum, factor)
            poison.addProduct(value, 0)
            value.replace(with: floor, where: value .< floor)
            largest.replace(with: value, where: value .> largest)
            values.storeBytes(of: value, toByteOffset: at, as: SIMD8<Float>.self)
            at &+= 32
        }
        return Seen(largest: largest.max(), finite: poison.sum() == 0)
    }

    /// The scalar twin of `apply`. It rounds product and sum separately, so the two differ by the
    /// rounding of one product.
    static func applyPlain(
        _ sums: UnsafePointer<Int32>, count: Int, step: Float, scale: UnsafePointer<Float>,
        bias: UnsafePointer<Float>, rectified: Bool, into values: UnsafeMutablePointer<Float>
    ) -> Seen {
        var seen = Seen(largest: 0, finite: true)
        for index in 0..<count {
            let product: Float = Float(sums[index]) * (scale[index] * step)
            let value = product + bias[index]
            seen.finite = seen.finite && value.isFinite
            values[index] = rectified && value < 0 ? 0 : value
            seen.largest = max(seen.largest, values[index])
        }
        return seen
    }

    /// A layer kept in single precision: `values[o] = bias[o] + Σ inputs[i] × kernel[i][o]`,
    /// negative ones as 0 if `rectified`. `width` is a multiple of eight, `kernel` is
    /// `[inputs][width]`, filled up with zeros.
    public static func floatLayer(
        _ inputs: UnsafePointer<Float>, count: Int, kernel: UnsafePointer<Float>,
        bias: UnsafePointer<Float>, width: Int, rectified: Bool,
        into values: UnsafeMutablePointer<Float>
    ) -> Seen {
        let kernel = UnsafeRawPointer(kernel)
        let bias = UnsafeRawPointer(bias)
        let values = UnsafeMutableRawPointer(values)
        var largest = SIMD8<Float>.zero
        var poison = SIMD8<Float>.zero
        let floor = SIMD8<Float>(repeating: rectified ? 0 : -.infinity)
        var at = 0
        while at < width * 4 {
            var value = bias.loadUnaligned(fromByteOffset: at, as: SIMD8<Float>.self)
            var row = at
            for input in 0..<count {
                let weights = kernel.loadUnaligned(fromByteOffset: row, as: SIMD8<Float>.self)
                value.addProduct(weights, inputs[input])
                row &+= width * 4
            }
            poison.addProduct(value, 0)
            value.replace(with: floor, where: value .< floor)
            largest.replace(with: value, where: value .> largest)
            values.storeBytes(of: value, toByteOffset: at, as: SIMD8<Float>.self)
            at &+= 32
        }
        return Seen(largest: largest.max(), finite: poison.sum() == 0)
    }
}
