/// Small matrix products of a cell's network, for vectors of eight, and their scalar twins.
public enum CellKernels {
    /// Columns worked out together; a row of forms has room for whole blocks.
    public static let columnBlock = 6
    /// Neurons worked out together; rows of weights and sums are whole blocks.
    static let neuronBlock = 16
    /// Rows of `evaluate`.
    static let rowBlock = 4
    /// Recipes worked out together.
    static let pointBlock = 16

    /// `count` rounded up to whole blocks.
    static func padded(_ count: Int, _ block: Int) -> Int { (count + block - 1) / block * block }

    /// Linear functions of the columns, and what they are combined to.
    public struct Forms {
        /// One row of `stride` per function, one number per column.
        var base: UnsafePointer<Float>
        var stride: Int
        var columns: Int
        /// Which row of the weights belongs to each function.
        var units: UnsafePointer<Int32>
        var count: Int

        /// `count` functions of `columns` columns, rows of `stride` numbers, whole blocks.
        public init(
            base: UnsafePointer<Float>, stride: Int, columns: Int,
            units: UnsafePointer<Int32>, count: Int
        ) {
            self.base = base
            self.stride = stride
            self.columns = columns
            self.units = units
            self.count = count
        }
    }

    /// sums[k][j] = Σᵤ forms[u][k] weights[units[u]][j] for every column k and neuron j. Rows of
    /// `weights` and `sums` are `width` long, whole blocks of neurons; `sums` has room for whole
    /// blocks of columns.
    public static func combine(
        _ forms: Forms, _ weights: UnsafePointer<Float>, width: Int,
        into sums: UnsafeMutablePointer<Float>
    ) {
        var neuron = 0
        while neuron < width {
            var column = 0
            while column < forms.columns {
                let zero = SIMD8<Float>()
                var (a, b, c, d, e, f) = (zero, zero, zero, zero, zero, zero)
                var (g, h, i, j, k, l) = (zero, zero, zero, zero, zero, zero)
                var form = forms.base + column
                var index = 0
                while index < forms.count {
                    let row = weights + (Int(forms.units[index]) &* width &+ neuron)
                    let (x, y) = (SIMD8.load(row), SIMD8.load(row + 8))
                    let (p, q) = (SIMD8(repeating: form[0]), SIMD8(repeating: form[1]))
                    a.addProduct(x, p)
                    g.addProduct(y, p)
                    b.addProduct(x, q)
                    h.addProduct(y, q)
                    let (r, s) = (SIMD8(repeating: form[2]), SIMD8(repeating: form[3]))
                    c.addProduct(x, r)
                    i.addProduct(y, r)
                    d.addProduct(x, s)
                    j.addProduct(y, s)
                    let (t, u) = (SIMD8(repeating: form[4]), SIMD8(repeating: form[5]))
                    e.addProduct(x, t)
                    k.addProduct(y, t)
                    f.addProduct(x, u)
                    l.addProduct(y, u)
                    form += forms.stride
                    index &+= 1
                }
                let place = sums + (column &* width &+ neuron)
                store(a, g, place)
                store(b, h, place + width)
                store(c, i, place + 2 &* width)
                store(d, j, place + 3 &* width)
                store(e, k, place + 4 &* width)
                store(f, l, place + 5 &* width)
                column &+= columnBlock
            }
            neuron &+= neuronBlock
        }
    }

    /// The scalar twin of `combine`.
    static func combineOneByOne(
        _ forms: Forms, _ weights: UnsafePointer<Float>, width: Int,
        into sums: UnsafeMutablePointer<Float>
    ) {
        for neuron in 0..<width {
            for column in 0..<forms.columns {
                var sum: Float = 0
                for index in 0..<forms.count {
                    sum +=
                        forms.base[index * forms.stride + column]
                        * weights[Int(forms.units[index]) * width + neuron]
                }
                sums[column * width + neuron] = sum
            }
        }
    }

    /// Neurons' inputs as linear functions of the columns, and the columns' values.
    public struct Rows {
        /// `coefficients[k * width + neuron]`; column 0 is 1.
        var coefficients: UnsafePointer<Float>
        var width: Int
        var columns: Int
        /// `values[(k - 1) * capacity + point]` of the columns behind the first.
        var values: UnsafePointer<Float>
        var capacity: Int

        /// Rows of `width` neurons' coefficients, one per column; columns of `capacity` values.
        public init(
            coefficients: UnsafePointer<Float>, width: Int, columns: Int,
            values: UnsafePointer<Float>, capacity: Int
        ) {
            self.coefficients = coefficients
            self.width = width
            self.columns = columns
            self.values = values
            self.capacity = capacity
        }
    }

    /// The inputs of four neurons for `count` recipes, whole blocks, into four rows of `target`
    /// that lie `distance` apart.
    @inline(__always)
    public static func evaluate(
        _ rows: Rows, neurons: (Int, Int, Int, Int), count: Int,
        into target: UnsafeMutablePointer<Float>, distance: Int
    ) {
        let first = rows.coefficients
        let (p, q) = (first + neurons.0, first + neurons.1)
        let (r, s) = (first + neurons.2, first + neurons.3)
        var point = 0
        while point < count {
            var (a, b) = (SIMD8(repeating: p[0]), SIMD8(repeating: q[0]))
            var (c, d) = (SIMD8(repeating: r[0]), SIMD8(repeating: s[0]))
            var (e, f, g, h) = (a, b, c, d)
            var source = rows.values + point
            var place = rows.width
            var column = 1
            while column < rows.columns {
                let (x, y) = (SIMD8.load(source), SIMD8.load(source + 8))
                let (i, j) = (SIMD8(repeating: p[place]), SIMD8(repeating: q[place]))
                let (k, l) = (SIMD8(repeating: r[place]), SIMD8(repeating: s[place]))
                a.addProduct(x, i)
                e.addProduct(y, i)
                b.addProduct(x, j)
                f.addProduct(y, j)
                c.addProduct(x, k)
                g.addProduct(y, k)
                d.addProduct(x, l)
                h.addProduct(y, l)
                source += rows.capacity
                place &+= rows.width
                column &+= 1
            }
            let end = target + point
            store(a, e, end)
            store(b, f, end + distance)
            store(c, g, end + 2 &* distance)
            store(d, h, end + 3 &* distance)
            point &+= pointBlock
        }
    }

    /// The scalar twin of `evaluate`.
    static func evaluateOneByOne(
        _ rows: Rows, neurons: (Int, Int, Int, Int), count: Int,
        into target: UnsafeMutablePointer<Float>, distance: Int
    ) {
        let all = [neurons.0, neurons.1, neurons.2, neurons.3]
        for (offset, neuron) in all.enumerated() {
            for point in 0..<count {
                var sum = rows.coefficients[neuron]
                for column in 1..<rows.columns {
                    sum +=
                        rows.coefficients[column * rows.width + neuron]
                        * rows.values[(column - 1) * rows.capacity + point]
                }
                target[offset * distance + point] = sum
            }
        }
    }

    @inline(__always)
    private static func store(
        _ a: SIMD8<Float>, _ b: SIMD8<Float>, _ place: UnsafeMutablePointer<Float>
    ) {
        a.store(to: place)
        b.store(to: place + 8)
    }
}
