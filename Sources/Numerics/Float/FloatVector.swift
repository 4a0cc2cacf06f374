/// Single-precision vectors: what training needs beside matrix products.
public enum FloatVector {
    /// Σ x·y, in four streams of eight; |error| ≤ γ(⌈count/32⌉ + 6)·Σ|x||y|, since no element
    /// passes more roundings than that.
    public static func dot(
        _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int
    ) -> Float {
        let a = UnsafeRawPointer(x)
        let b = UnsafeRawPointer(y)
        var s0 = SIMD8<Float>.zero
        var s1 = SIMD8<Float>.zero
        var s2 = SIMD8<Float>.zero
        var s3 = SIMD8<Float>.zero
        var place = 0
        while place + 32 <= count {
            s0.addProduct(load(a, place), load(b, place))
            s1.addProduct(load(a, place + 8), load(b, place + 8))
            s2.addProduct(load(a, place + 16), load(b, place + 16))
            s3.addProduct(load(a, place + 24), load(b, place + 24))
            place += 32
        }
        var tail = SIMD8<Float>.zero
        while place + 8 <= count {
            tail.addProduct(load(a, place), load(b, place))
            place += 8
        }
        for lane in 0..<(count - place) { tail[lane].addProduct(x[place + lane], y[place + lane]) }
        let eight = ((s0 + s1) + (s2 + s3)) + tail
        let four = eight.lowHalf + eight.highHalf
        return (four[0] + four[2]) + (four[1] + four[3])
    }

    /// Σ x; |error| ≤ γ(⌈count/8⌉ + 3)·Σ|x|.
    public static func sum(_ x: UnsafePointer<Float>, count: Int) -> Float {
        var eight = SIMD8<Float>.zero
        var place = 0
        while place + 8 <= count {
            eight += load(UnsafeRawPointer(x), place)
            place += 8
        }
        for lane in 0..<(count - place) { eight[lane] += x[place + lane] }
        let four = eight.lowHalf + eight.highHalf
        return (four[0] + four[2]) + (four[1] + four[3])
    }

    /// y += scale·x, one rounding each.
    public static func addScaled(
        _ scale: Float, _ x: UnsafePointer<Float>, count: Int, to y: UnsafeMutablePointer<Float>
    ) {
        let factor = SIMD8(repeating: scale)
        var place = 0
        while place + 8 <= count {
            var sum = load(UnsafeRawPointer(y), place)
            sum.addProduct(factor, load(UnsafeRawPointer(x), place))
            UnsafeMutableRawPointer(y + place).storeBytes(of: sum, as: SIMD8<Float>.self)
            place += 8
        }
        while place < count {
            y[place].addProduct(scale, x[place])
            place += 1
        }
    }

    /// Negative elements become zero; a NaN stays.
    public static func rectify(_ y: UnsafeMutablePointer<Float>, count: Int) {
        var place = 0
        while place + 8 <= count {
            var values = load(UnsafeRawPointer(y), place)
            values.replace(with: 0, where: values .< 0)
            UnsafeMutableRawPointer(y + place).storeBytes(of: values, as: SIMD8<Float>.self)
            place += 8
        }
        while place < count {
            if y[place] < 0 { y[place] = 0 }
            place += 1
        }
    }

    /// Sets `gradient` to zero where the rectified `output` is not above zero: the derivative of
    /// the rectifier.
    public static func rectifierGradient(
        _ output: UnsafePointer<Float>, count: Int, _ gradient: UnsafeMutablePointer<Float>
    ) {
        var place = 0
        while place + 8 <= count {
            var values = load(UnsafeRawPointer(gradient), place)
            values.replace(with: 0, where: load(UnsafeRawPointer(output), place) .<= 0)
            UnsafeMutableRawPointer(gradient + place).storeBytes(
                of: values, as: SIMD8<Float>.self)
            place += 8
        }
        while place < count {
            if output[place] <= 0 { gradient[place] = 0 }
            place += 1
        }
    }

    @inline(__always)
    static func load(_ base: UnsafeRawPointer, _ place: Int) -> SIMD8<Float> {
        base.loadUnaligned(fromByteOffset: place * 4, as: SIMD8<Float>.self)
    }
}

/// The plain twins of `FloatVector`.
public enum FloatVectorScalar {
    /// What `FloatVector.dot` does.
    public static func dot(
        _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int
    ) -> Float {
        var sum: Float = 0
        for place in 0..<count { sum += x[place] * y[place] }
        return sum
    }

    /// What `FloatVector.sum` does.
    public static func sum(_ x: UnsafePointer<Float>, count: Int) -> Float {
        var sum: Float = 0
        for place in 0..<count { sum += x[place] }
        return sum
    }

    /// What `FloatVector.addScaled` does.
    public static func addScaled(
        _ scale: Float, _ x: UnsafePointer<Float>, count: Int, to y: UnsafeMutablePointer<Float>
    ) {
        for place in 0..<count { y[place] += scale * x[place] }
    }

    /// What `FloatVector.rectify` does.
    public static func rectify(_ y: UnsafeMutablePointer<Float>, count: Int) {
        for place in 0..<count where y[place] < 0 { y[place] = 0 }
    }

    /// What `FloatVector.rectifierGradient` does.
    public static func rectifierGradient(
        _ output: UnsafePointer<Float>, count: Int, _ gradient: UnsafeMutablePointer<Float>
    ) {
        for place in 0..<count where output[place] <= 0 { gradient[place] = 0 }
    }
}
