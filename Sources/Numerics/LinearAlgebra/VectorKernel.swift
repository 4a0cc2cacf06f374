/// Loops over one or two vectors, four doubles a register and four registers at a time where one
/// sum would wait for itself. The order of every sum depends on the length alone, so the same
/// data give the same bits.
public enum VectorKernel {
    /// Σ a[i] b[i] over `count` elements.
    @inlinable
    public static func dot(
        _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
    ) -> Double {
        var sum0 = SIMD4<Double>(repeating: 0)
        var sum1 = sum0
        var sum2 = sum0
        var sum3 = sum0
        var index = 0
        while index &+ 16 <= count {
            let x = a + index
            let y = b + index
            sum0 = sum0.addingProduct(VectorMath.load(x), VectorMath.load(y))
            sum1 = sum1.addingProduct(VectorMath.load(x + 4), VectorMath.load(y + 4))
            sum2 = sum2.addingProduct(VectorMath.load(x + 8), VectorMath.load(y + 8))
            sum3 = sum3.addingProduct(VectorMath.load(x + 12), VectorMath.load(y + 12))
            index &+= 16
        }
        while index &+ 4 <= count {
            sum0 = sum0.addingProduct(VectorMath.load(a + index), VectorMath.load(b + index))
            index &+= 4
        }
        let sums = (sum0 + sum1) + (sum2 + sum3)
        var total = (sums[0] + sums[1]) + (sums[2] + sums[3])
        while index < count {
            total = total.addingProduct(a[index], b[index])
            index &+= 1
        }
        return total
    }

    /// y[i] += factor · x[i] over `count` elements.
    @inlinable
    public static func add(
        _ factor: Double, _ x: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        let factors = SIMD4<Double>(repeating: factor)
        var index = 0
        while index &+ 4 <= count {
            let sum = VectorMath.load(y + index).addingProduct(factors, VectorMath.load(x + index))
            VectorMath.store(sum, to: y + index)
            index &+= 4
        }
        while index < count {
            y[index] = y[index].addingProduct(factor, x[index])
            index &+= 1
        }
    }

    /// y = A x, A of `rows` × `columns` with rows `stride` apart.
    public static func multiply(
        _ a: UnsafePointer<Double>, stride: Int, rows: Int, columns: Int,
        _ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>
    ) {
        for row in 0..<rows { y[row] = dot(a + row * stride, x, columns) }
    }

    /// y = Aᵀ x, A of `rows` × `columns` with rows `stride` apart.
    public static func multiplyTransposed(
        _ a: UnsafePointer<Double>, stride: Int, rows: Int, columns: Int,
        _ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>
    ) {
        for column in 0..<columns { y[column] = 0 }
        for row in 0..<rows { add(x[row], a + row * stride, to: y, columns) }
    }

    /// v = W x and u = Wᵀ v for a lower triangle W, in one pass: four rows are still in the
    /// first cache when they are needed again. Returns |v|².
    ///
    /// With W = L⁻¹ and A = L Lᵀ, u is A⁻¹ x and |v|² is xᵀ A⁻¹ x. W is zero above its diagonal;
    /// `stride`, `x` and `u` have room for `side` rounded up to four, and `x` is zero there.
    public static func solveByInverse(
        _ w: UnsafePointer<Double>, stride: Int, side: Int, _ x: UnsafePointer<Double>,
        into u: UnsafeMutablePointer<Double>
    ) -> Double {
        let zero = SIMD4<Double>(repeating: 0)
        var squares = zero
        var row = 0
        while row < side {
            VectorMath.store(zero, to: u + row)
            let last = side - 1
            let w0 = w + row * stride
            let w1 = w + min(row + 1, last) * stride
            let w2 = w + min(row + 2, last) * stride
            let w3 = w + min(row + 3, last) * stride
            var (sum0, sum1, sum2, sum3) = (zero, zero, zero, zero)
            var index = 0
            while index <= row {
                let here = VectorMath.load(x + index)
                sum0 = sum0.addingProduct(VectorMath.load(w0 + index), here)
                sum1 = sum1.addingProduct(VectorMath.load(w1 + index), here)
                sum2 = sum2.addingProduct(VectorMath.load(w2 + index), here)
                sum3 = sum3.addingProduct(VectorMath.load(w3 + index), here)
                index &+= 4
            }
            // Rows beyond the last one repeat it, and must not count.
            var v = total(sum0, sum1, sum2, sum3)
            for lane in 0..<4 where row + lane > last { v[lane] = 0 }
            squares = squares.addingProduct(v, v)
            let (v0, v1) = (SIMD4(repeating: v[0]), SIMD4(repeating: v[1]))
            let (v2, v3) = (SIMD4(repeating: v[2]), SIMD4(repeating: v[3]))
            index = 0
            while index <= row {
                var value = VectorMath.load(u + index)
                value = value.addingProduct(v0, VectorMath.load(w0 + index))
                value = value.addingProduct(v1, VectorMath.load(w1 + index))
                value = value.addingProduct(v2, VectorMath.load(w2 + index))
                value = value.addingProduct(v3, VectorMath.load(w3 + index))
                VectorMath.store(value, to: u + index)
                index &+= 4
            }
            row &+= 4
        }
        return (squares[0] + squares[1]) + (squares[2] + squares[3])
    }

    /// The sums over the lanes of four registers, as one.
    @inline(__always)
    private static func total(
        _ a: SIMD4<Double>, _ b: SIMD4<Double>, _ c: SIMD4<Double>, _ d: SIMD4<Double>
    ) -> SIMD4<Double> {
        let first = SIMD4(a[0], b[0], c[0], d[0]) + SIMD4(a[1], b[1], c[1], d[1])
        return first + (SIMD4(a[2], b[2], c[2], d[2]) + SIMD4(a[3], b[3], c[3], d[3]))
    }
}

/// The same loops one number at a time: what `VectorKernel` is measured against.
public enum ScalarKernel {
    /// Σ a[i] b[i] over `count` elements.
    public static func dot(
        _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
    ) -> Double {
        var sum = 0.0
        for index in 0..<count { sum += a[index] * b[index] }
        return sum
    }

    /// y[i] += factor · x[i] over `count` elements.
    public static func add(
        _ factor: Double, _ x: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        for index in 0..<count { y[index] += factor * x[index] }
    }

    /// y = A x.
    public static func multiply(
        _ a: UnsafePointer<Double>, stride: Int, rows: Int, columns: Int,
        _ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>
    ) {
        for row in 0..<rows { y[row] = dot(a + row * stride, x, columns) }
    }

    /// y = Aᵀ x.
    public static func multiplyTransposed(
        _ a: UnsafePointer<Double>, stride: Int, rows: Int, columns: Int,
        _ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>
    ) {
        for column in 0..<columns {
            var sum = 0.0
            for row in 0..<rows { sum += a[row * stride + column] * x[row] }
            y[column] = sum
        }
    }

    /// v = W x and u = Wᵀ v for a lower triangle W; returns |v|².
    public static func solveByInverse(
        _ w: UnsafePointer<Double>, stride: Int, side: Int, _ x: UnsafePointer<Double>,
        into u: UnsafeMutablePointer<Double>
    ) -> Double {
        var square = 0.0
        for index in 0..<side { u[index] = 0 }
        for row in 0..<side {
            let value = dot(w + row * stride, x, row + 1)
            square += value * value
            add(value, w + row * stride, to: u, row + 1)
        }
        return square
    }
}
