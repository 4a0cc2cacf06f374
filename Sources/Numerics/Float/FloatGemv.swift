/// Single-precision products of one vector with a matrix, the work of a network on one recipe.
public enum FloatGemv {
    /// y = Aᵀ·x (+ bias, rectified): A is `inputs` × `outputs`, row after row.
    ///
    /// Goes through A in the order it lies, four rows at a time, so that memory is read in one
    /// stream; rows whose x is exactly zero, as a rectifier leaves them, are not read at all.
    /// |error| ≤ γ(inputs + 1)·(Σ|a||x| + |bias|), as in `FloatGemm`. A not finite element in a
    /// row whose x is zero has no effect, in the scalar twin neither.
    public static func multiplyTransposed(
        inputs: Int, outputs: Int, _ a: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, isRectified: Bool, into y: UnsafeMutablePointer<Float>
    ) {
        precondition(inputs >= 0 && outputs >= 0, "sizes are not negative")
        if let bias {
            y.update(from: bias, count: outputs)
        } else {
            y.update(repeating: 0, count: outputs)
        }
        var rows = (a, a, a, a)
        var scales = SIMD4<Float>.zero
        var waiting = 0
        for input in 0..<inputs where x[input] != 0 {
            let row = a + input * outputs
            switch waiting {
            case 0: rows.0 = row
            case 1: rows.1 = row
            case 2: rows.2 = row
            default: rows.3 = row
            }
            scales[waiting] = x[input]
            waiting += 1
            if waiting == 4 {
                addFour(rows, scales, count: outputs, to: y)
                waiting = 0
            }
        }
        if waiting > 0 {
            // The places not filled repeat the first row with nothing to add.
            if waiting < 2 { rows.1 = rows.0 }
            if waiting < 3 { rows.2 = rows.0 }
            rows.3 = rows.0
            for lane in waiting..<4 { scales[lane] = 0 }
            addFour(rows, scales, count: outputs, to: y)
        }
        if isRectified { FloatVector.rectify(y, count: outputs) }
    }

    /// y = A·x (+ bias, rectified): A is `rows` × `columns`, row after row.
    public static func multiply(
        rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, isRectified: Bool, into y: UnsafeMutablePointer<Float>
    ) {
        precondition(rows >= 0 && columns >= 0, "sizes are not negative")
        for row in 0..<rows {
            y[row] = FloatVector.dot(a + row * columns, x, count: columns) + (bias?[row] ?? 0)
        }
        if isRectified { FloatVector.rectify(y, count: rows) }
    }

    @inline(__always)
    private static func addFour(
        _ rows: (
            UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>
        ), _ scales: SIMD4<Float>, count: Int, to y: UnsafeMutablePointer<Float>
    ) {
        let s0 = SIMD8(repeating: scales[0])
        let s1 = SIMD8(repeating: scales[1])
        let s2 = SIMD8(repeating: scales[2])
        let s3 = SIMD8(repeating: scales[3])
        let whole = count & ~7
        var place = 0
        while place < whole {
            var sum = UnsafeRawPointer(y + place).loadUnaligned(as: SIMD8<Float>.self)
            sum.addProduct(s0, UnsafeRawPointer(rows.0 + place).loadUnaligned(as: SIMD8.self))
            sum.addProduct(s1, UnsafeRawPointer(rows.1 + place).loadUnaligned(as: SIMD8.self))
            sum.addProduct(s2, UnsafeRawPointer(rows.2 + place).loadUnaligned(as: SIMD8.self))
            sum.addProduct(s3, UnsafeRawPointer(rows.3 + place).loadUnaligned(as: SIMD8.self))
            UnsafeMutableRawPointer(y + place).storeBytes(of: sum, as: SIMD8<Float>.self)
            place += 8
        }
        while place < count {
            var sum = y[place]
            sum.addProduct(scales[0], rows.0[place])
            sum.addProduct(scales[1], rows.1[place])
            sum.addProduct(scales[2], rows.2[place])
            sum.addProduct(scales[3], rows.3[place])
            y[place] = sum
            place += 1
        }
    }
}

/// The plain twins of `FloatGemv`.
public enum FloatGemvScalar {
    /// What `FloatGemv.multiplyTransposed` does.
    public static func multiplyTransposed(
        inputs: Int, outputs: Int, _ a: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, isRectified: Bool, into y: UnsafeMutablePointer<Float>
    ) {
        for output in 0..<outputs {
            var sum = bias?[output] ?? 0
            for input in 0..<inputs where x[input] != 0 {
                sum += a[input * outputs + output] * x[input]
            }
            y[output] = isRectified && sum < 0 ? 0 : sum
        }
    }

    /// What `FloatGemv.multiply` does.
    public static func multiply(
        rows: Int, columns: Int, _ a: UnsafePointer<Float>, _ x: UnsafePointer<Float>,
        bias: UnsafePointer<Float>?, isRectified: Bool, into y: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<rows {
            var sum: Float = 0
            for column in 0..<columns { sum += a[row * columns + column] * x[column] }
            sum += bias?[row] ?? 0
            y[row] = isRectified && sum < 0 ? 0 : sum
        }
    }
}
