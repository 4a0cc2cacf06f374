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
        // Stays zero as long as numbers are finite: infinity − infinity is not a number. Bits are
        // gathered, not sums, for an addition would make each round wait for the one before.
        var poison = SIMD8<UInt32>.zero
        let floor = SIMD8<Float>(repeating: rectified ? 0 : -.infinity)
        var at = 0
        while at < count * 4 {
            let sum = SIMD8<Float>(sums.loadUnaligned(fromByteOffset: at, as: SIMD8<Int32>.self))
            let factor = scale.loadUnaligned(fromByteOffset: at, as: SIMD8<Float>.self) * step
            var value = bias.loadUnaligned(fromByteOffset: at, as: SIMD8<Float>.self)
                .addingProduct(sum, factor)
            poison |= unsafeBitCast(value - value, to: SIMD8<UInt32>.self)
            value.replace(with: floor, where: value .< floor)
            largest.replace(with: value, where: value .> largest)
            values.storeBytes(of: value, toByteOffset: at, as: SIMD8<Float>.self)
            at &+= 32
        }
        return Seen(largest: Self.widest(largest), finite: poison == .zero)
    }

    @inline(__always)
    private static func widest(_ values: SIMD8<Float>) -> Float {
        var four = values.lowHalf
        four.replace(with: values.highHalf, where: values.highHalf .> four)
        var two = four.lowHalf
        two.replace(with: four.highHalf, where: four.highHalf .> two)
        return max(two.x, two.y)
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
        var largest = SIMD8<Float>.zero
        var poison = SIMD8<UInt32>.zero
        let floor = SIMD8<Float>(repeating: rectified ? 0 : -.infinity)
        func finish(_ sum: SIMD8<Float>, _ output: Int) {
            var value = sum
            poison |= unsafeBitCast(value - value, to: SIMD8<UInt32>.self)
            value.replace(with: floor, where: value .< floor)
            largest.replace(with: value, where: value .> largest)
            UnsafeMutableRawPointer(values + output).storeBytes(of: value, as: SIMD8<Float>.self)
        }
        var output = 0
        // Four vectors of sums at a time hide the latency of an addition.
        while output + 32 <= width {
            var (a, b) = (eight(bias + output), eight(bias + output + 8))
            var (c, d) = (eight(bias + output + 16), eight(bias + output + 24))
            var row = kernel + output
            for input in 0..<count {
                let value = inputs[input]
                a.addProduct(eight(row), value)
                b.addProduct(eight(row + 8), value)
                c.addProduct(eight(row + 16), value)
                d.addProduct(eight(row + 24), value)
                row += width
            }
            finish(a, output)
            finish(b, output + 8)
            finish(c, output + 16)
            finish(d, output + 24)
            output &+= 32
        }
        while output < width {
            var sum = eight(bias + output)
            var row = kernel + output
            for input in 0..<count {
                sum.addProduct(eight(row), inputs[input])
                row += width
            }
            finish(sum, output)
            output &+= 8
        }
        return Seen(largest: Self.widest(largest), finite: poison == .zero)
    }

    @inline(__always)
    private static func eight(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
        UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
    }
}
