/// Ranges of columns and of what is made of them.
extension CellKernels {
    /// What the neurons' inputs reach where every column but the first goes at most `reach` to
    /// either side of zero: `top` and `bottom` of the first `count` neurons, whole vectors.
    static func ends(
        _ rows: Rows, count: Int, reach: UnsafePointer<Float>,
        top: UnsafeMutablePointer<Float>, bottom: UnsafeMutablePointer<Float>
    ) {
        var neuron = 0
        while neuron < count {
            var place = rows.coefficients + neuron
            let middle = SIMD8.load(place)
            var sum = SIMD8<Float>()
            for column in 1..<max(1, rows.columns) {
                place += rows.width
                sum.addProduct(SIMD8.load(place).sizes, SIMD8(repeating: reach[column]))
            }
            (middle + sum).store(to: top + neuron)
            (middle - sum).store(to: bottom + neuron)
            neuron &+= 8
        }
    }

    /// The scalar twin of `ends`.
    static func endsOneByOne(
        _ rows: Rows, count: Int, reach: UnsafePointer<Float>,
        top: UnsafeMutablePointer<Float>, bottom: UnsafeMutablePointer<Float>
    ) {
        for neuron in 0..<count {
            var sum: Float = 0
            for column in 1..<max(1, rows.columns) {
                sum += abs(rows.coefficients[column * rows.width + neuron]) * reach[column]
            }
            top[neuron] = rows.coefficients[neuron] + sum
            bottom[neuron] = rows.coefficients[neuron] - sum
        }
    }

    /// What the inputs of the first `count` neurons, whole blocks, reach at most where column k
    /// goes at most `halves[k]` to either side of `middles[k]`.
    public static func tops(
        _ rows: Rows, count: Int, middles: UnsafePointer<Float>, halves: UnsafePointer<Float>,
        into tops: UnsafeMutablePointer<Float>
    ) {
        let (width, columns) = (rows.width, rows.columns)
        var neuron = 0
        while neuron < count {
            var place = rows.coefficients + neuron
            var (a, b) = (SIMD8.load(place), SIMD8.load(place + 8))
            var (c, d) = (SIMD8<Float>(), SIMD8<Float>())
            var column = 1
            while column < columns {
                place += width
                let middle = SIMD8(repeating: middles[column])
                let half = SIMD8(repeating: halves[column])
                let (x, y) = (SIMD8.load(place), SIMD8.load(place + 8))
                a.addProduct(x, middle)
                c.addProduct(x.sizes, half)
                b.addProduct(y, middle)
                d.addProduct(y.sizes, half)
                column &+= 1
            }
            (a + c).store(to: tops + neuron)
            (b + d).store(to: tops + (neuron &+ 8))
            neuron &+= neuronBlock
        }
    }

    /// The scalar twin of `tops`.
    static func topsOneByOne(
        _ rows: Rows, count: Int, middles: UnsafePointer<Float>, halves: UnsafePointer<Float>,
        into tops: UnsafeMutablePointer<Float>
    ) {
        for neuron in 0..<count {
            var sum = rows.coefficients[neuron]
            for column in 1..<max(1, rows.columns) {
                let coefficient = rows.coefficients[column * rows.width + neuron]
                sum += coefficient * middles[column] + abs(coefficient) * halves[column]
            }
            tops[neuron] = sum
        }
    }

    /// The least and the largest of `count` numbers, whole vectors.
    @inline(__always)
    static func extremes(
        _ numbers: UnsafePointer<Float>, count: Int
    ) -> (low: Float, high: Float) {
        var low = SIMD8<Float>(repeating: .infinity)
        var high = SIMD8<Float>(repeating: -.infinity)
        var point = 0
        while point < count {
            let part = SIMD8.load(numbers + point)
            low = low.smaller(part)
            high = high.larger(part)
            point &+= 8
        }
        return (-(-low).largest, high.largest)
    }

    /// Whether one of `count` numbers, whole vectors, is above zero or none at all.
    @inline(__always)
    static func reachesAboveZero(_ numbers: UnsafePointer<Float>, count: Int) -> Bool {
        var are = SIMDMask<SIMD8<Int32>>(repeating: false)
        var point = 0
        while point < count {
            are = are .| .!(SIMD8.load(numbers + point) .<= SIMD8<Float>())
            point &+= 8
        }
        return any(are)
    }

    /// What the rectifier of each of `count` inputs, whole vectors, is above `share` × input +
    /// `lift`.
    @inline(__always)
    static func bend(
        _ inputs: UnsafePointer<Float>, count: Int, share: Float, lift: Float,
        into bends: UnsafeMutablePointer<Float>
    ) {
        let (zero, down) = (SIMD8<Float>(), SIMD8<Float>(repeating: -lift))
        let back = SIMD8<Float>(repeating: -share)
        var point = 0
        while point < count {
            let part = SIMD8.load(inputs + point)
            var bend = part.larger(zero) + down
            bend.addProduct(part, back)
            bend.store(to: bends + point)
            point &+= 8
        }
    }
}
