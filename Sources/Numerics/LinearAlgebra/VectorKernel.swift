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

    /// v = W x and u = Wᵀ v for a lower triangle W, in one pass: a row is still in the first
    /// cache when it is needed again. Returns |v|².
    ///
    /// With W = L⁻¹ and A = L Lᵀ, u is A⁻¹ x and |v|² is xᵀ A⁻¹ x.
    public static func solveByInverse(
        _ w: UnsafePointer<Double>, stride: Int, side: Int, _ x: UnsafePointer<Double>,
        into u: UnsafeMutablePointer<Double>
    ) -> Double {
        for index in 0..<side { u[index] = 0 }
        var square = 0.0
        for row in 0..<side {
            let source = w + row * stride
            let value = dot(source, x, row + 1)
            square += value * value
            add(value, source, to: u, row + 1)
        }
        return square
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
}
