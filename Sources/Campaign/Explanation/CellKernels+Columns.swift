/// Ranges of columns and of what is made of them.
extension CellKernels {
    /// What the neurons' inputs reach where every column but the first goes at most `reach` to
    /// either side of zero: `top` and `bottom` of the first `count` neurons, whole vectors.
    public static func ends(
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
    public static func extremes(
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

    /// Adds `factor` times `count` numbers, whole vectors, to those at `target`.
    @inline(__always)
    static func add(
        _ numbers: UnsafePointer<Float>, times factor: Float = 1, count: Int,
        to target: UnsafeMutablePointer<Float>
    ) {
        let factor = SIMD8(repeating: factor)
        var first = 0
        while first < count {
            var sum = SIMD8.load(target + first)
            sum.addProduct(SIMD8.load(numbers + first), factor)
            sum.store(to: target + first)
            first &+= 8
        }
    }

    /// Multiplies `count` numbers, whole vectors, by `factor`.
    @inline(__always)
    static func scale(_ numbers: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
        var first = 0
        while first < count {
            (SIMD8.load(numbers + first) * factor).store(to: numbers + first)
            first &+= 8
        }
    }

    /// The box of the columns behind the first: the middle of what each has for `count` recipes,
    /// whole vectors, and how far it goes from there, by column from 1 on. Works on eight columns
    /// at a time: there is room for as many more to read and to write.
    public static func box(
        _ rows: Rows, count: Int, middles: UnsafeMutablePointer<Float>,
        halves: UnsafeMutablePointer<Float>
    ) {
        let distance = rows.capacity
        var column = 1
        while column < rows.columns {
            let first = rows.values + (column &- 1) &* distance
            // In the order in which `folded` leaves them side by side.
            let (a, b) = (ends(first, count), ends(first + 4 &* distance, count))
            let (c, d) = (ends(first + distance, count), ends(first + 5 &* distance, count))
            let (e, f) = (ends(first + 2 &* distance, count), ends(first + 6 &* distance, count))
            let (g, h) = (ends(first + 3 &* distance, count), ends(first + 7 &* distance, count))
            let low = folded(
                folded(a.low, b.low), folded(c.low, d.low), folded(e.low, f.low),
                folded(g.low, h.low))
            let high = folded(
                folded(a.high, b.high), folded(c.high, d.high), folded(e.high, f.high),
                folded(g.high, h.high))
            // `low` is minus the least.
            let middle = 0.5 * (high - low)
            middle.store(to: middles + column)
            (high - middle).larger(middle + low).store(to: halves + column)
            column &+= 8
        }
    }

    /// Minus the least and the largest of `count` numbers, in each lane of the vectors.
    @inline(__always)
    private static func ends(
        _ numbers: UnsafePointer<Float>, _ count: Int
    ) -> (low: SIMD8<Float>, high: SIMD8<Float>) {
        var high = SIMD8.load(numbers)
        var low = -high
        var point = 8
        while point < count {
            let part = SIMD8.load(numbers + point)
            low = low.larger(-part)
            high = high.larger(part)
            point &+= 8
        }
        return (low, high)
    }

    /// The larger of each vector's lanes four apart: four of the first, then four of the second.
    @inline(__always)
    private static func folded(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        SIMD8(lowHalf: a.lowHalf, highHalf: b.lowHalf)
            .larger(SIMD8(lowHalf: a.highHalf, highHalf: b.highHalf))
    }

    /// The largest lanes of eight vectors, two and two folded: of a, c, e, g, b, d, f and h.
    @inline(__always)
    private static func folded(
        _ ab: SIMD8<Float>, _ cd: SIMD8<Float>, _ ef: SIMD8<Float>, _ gh: SIMD8<Float>
    ) -> SIMD8<Float> {
        let (p, q) = (halved(ab, cd), halved(ef, gh))
        return SIMD8(p[0], p[2], q[0], q[2], p[4], p[6], q[4], q[6])
            .larger(SIMD8(p[1], p[3], q[1], q[3], p[5], p[7], q[5], q[7]))
    }

    @inline(__always)
    private static func halved(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
        SIMD8(a[0], a[1], b[0], b[1], a[4], a[5], b[4], b[5])
            .larger(SIMD8(a[2], a[3], b[2], b[3], a[6], a[7], b[6], b[7]))
    }

    /// The scalar twin of `box`.
    static func boxOneByOne(
        _ rows: Rows, count: Int, middles: UnsafeMutablePointer<Float>,
        halves: UnsafeMutablePointer<Float>
    ) {
        for column in 1..<max(1, rows.columns) {
            let first = rows.values + (column - 1) * rows.capacity
            var (low, high) = (first[0], first[0])
            for point in 0..<count {
                low = min(low, first[point])
                high = max(high, first[point])
            }
            middles[column] = 0.5 * (high + low)
            halves[column] = max(high - middles[column], middles[column] - low)
        }
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

    /// `numbers`, `count` of them in whole vectors, with zero for the negative ones.
    @inline(__always)
    static func rectify(
        _ numbers: UnsafePointer<Float>, count: Int, into target: UnsafeMutablePointer<Float>
    ) {
        var point = 0
        while point < count {
            SIMD8.load(numbers + point).larger(SIMD8<Float>()).store(to: target + point)
            point &+= 8
        }
    }

    /// What the rectifier of each of `count` inputs, whole vectors, is above `share` × input +
    /// `lift`.
    @inline(__always)
    public static func bend(
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
